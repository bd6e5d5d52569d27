import { setTimeout as pause } from "node:timers/promises";
import { decodeJwt } from "jose";
import { openConnection } from "../../bench/load/connection.ts";
import { withHangingCode } from "../../bench/load/hanging-code.ts";
import type { Provider } from "../../bench/load/provider.ts";
import { newVisitor, type Visitor } from "../../bench/load/visitor.ts";

export const SESSION = "__Host-vipps-session";

/** A browser that somebody logs in with, and what it has. */
export interface Browser {
  readonly person: number;
  readonly cookies: Map<string, string>;
  /** Tokens of sessions whose place another one took in this browser. */
  readonly replaced: string[];
  /** Whether its last login failed: then whoever sits there tries again. */
  hasFailed: boolean;
}

/** What it cost people. */
export interface Figures {
  logins: number;
  failed: number;
  /** Sent through the login once more by the page they got, without doing anything, and then in. */
  again: number;
  /** The slowest answer, in milliseconds. */
  slowest: number;
  /** The first failures, for the reader. */
  readonly reasons: Map<string, number>;
}

export const noFigures = (): Figures => ({ logins: 0, failed: 0, again: 0, slowest: 0, reasons: new Map() });

/** Everybody of one storage. Browsers that nobody uses at the moment are in `idle`. */
export interface People {
  readonly all: Browser[];
  readonly idle: Browser[];
}

/** As many people as there are: so many have several sessions each. */
const PERSONS = 400;
/** One login in so many is in a browser in which somebody is logged in. */
const SECOND = 4;

let next = 0;

/** Somebody who goes to a browser: at times to one in which they are logged in. */
export function takeBrowser({ all, idle }: People): Browser {
  next += 1;
  const known = next % SECOND === 0 ? idle.shift() : undefined;
  if (known !== undefined) return known;
  const fresh: Browser = {
    person: (next * 7919) % PERSONS,
    cookies: new Map(),
    replaced: [],
    hasFailed: false,
  };
  all.push(fresh);
  return fresh;
}

/** Where logins go. */
export interface Place {
  readonly provider: Provider;
  readonly port: () => number;
  /** Whether Vipps takes the codes and says nothing. */
  readonly hangs?: boolean;
}

const isSentOnAgain = (status: number, body: string): boolean =>
  status === 400 && /http-equiv="refresh"/.test(body);

/** A whole login, and one more where the page that came does it by itself. */
export async function logIn(
  { provider, port, hangs = false }: Place,
  browser: Browser,
  figures: Figures,
): Promise<void> {
  const before = browser.cookies.get(SESSION);
  const connection = openConnection(port());
  const visitor = timed(newVisitor(connection, browser.cookies), figures);
  const once = async (): Promise<string> => {
    const start = await visitor({ path: "/auth/login?prompt=login&return_to=/members/" });
    if (start.status !== 302) return `start ${start.status} ${codeIn(start.body)}`;
    const back = await provider.confirm(String(start.headers.location), browser.person);
    const { status, headers, body } = await visitor({ path: hangs ? withHangingCode(back) : back });
    if (status === 303) {
      // What happens to the page is no part of the login, but using the session is.
      await visitor({ path: String(headers.location) }).catch(() => undefined);
      return "in";
    }
    return isSentOnAgain(status, body) ? "again" : `callback ${status} ${codeIn(body)}`;
  };
  let came: string;
  try {
    came = await once();
    if (came === "again") {
      figures.again += 1;
      came = await once();
    }
  } catch (error) {
    came = `no answer: ${error instanceof Error ? error.message.replace(/ \S+:\d+$/, "").slice(0, 40) : ""}`;
    // While nobody answers at all, people do not try a thousand times a second.
    await pause(50);
  } finally {
    await connection.close();
  }
  figures.logins += 1;
  browser.hasFailed = came !== "in";
  if (browser.hasFailed) {
    figures.failed += 1;
    figures.reasons.set(came, (figures.reasons.get(came) ?? 0) + 1);
  }
  const token = browser.cookies.get(SESSION);
  if (before !== undefined && token !== undefined && sidOf(token) !== sidOf(before))
    browser.replaced.push(before);
}

export const sidOf = (token: string): string => String(decodeJwt(token).sid);
export const accountOf = (token: string): string => String(decodeJwt(token).sub);

/** The reference's line of an error page says nothing here; its title does. */
const codeIn = (body: string): string => /<h1[^>]*>([^<]{1,60})/.exec(body)?.[1] ?? body.slice(0, 60);

function timed(visitor: Visitor, figures: Figures): Visitor["send"] {
  return async (request) => {
    const startedAt = performance.now();
    try {
      return await visitor.send(request);
    } finally {
      figures.slowest = Math.max(figures.slowest, performance.now() - startedAt);
    }
  };
}

/** Does something with each, a few at a time. */
export async function eachOf<Item>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}
