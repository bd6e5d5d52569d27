// One site is flooded; what do the others notice?

import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { newKeySet } from "../../cli/session-key-set.ts";
import { readMasterKeys } from "../../src/sites/master-keys.ts";
import { siteKey, writeSiteDocument } from "../../src/sites/site-document.ts";
import { startDeployment } from "../../test/releases/deployment.ts";
import { buildRelease } from "../../test/releases/release.ts";
import { type Connection, openConnection, type Received } from "../load/connection.ts";
import { createProvider, type Provider } from "../load/provider.ts";
import { SALES_UNIT } from "../load/sales-unit.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { buildServices } from "../running-design.ts";
import { quantile } from "../statistics.ts";
import { chooseCores, pinGenerator } from "../workerd/cores.ts";

/** Sites beside the flooded one. */
const OTHERS = 10;
/** Visits to the flooded site a second: each begins a login and comes back with a code that Vipps never gave. */
const FLOOD = 60;
/**
 * What a site may finish in a minute here (LOGIN_SITE_LIMITER): the flood is thirty times as much. One process plays a
 * whole Cloudflare location, so both are a twenty-fifth of what they are there: 3,000 a minute, and 1,500 visits a second.
 */
const SHARE = 120;
/** Requests to the others' session route, and logins there, a second. */
const SESSIONS = 20;
const LOGINS = 2;
/** How long each span is, in seconds. */
const SPAN = 25;
/** Spans beside the flood, between one alone before and one after: in the last, the site has had its share of a minute. */
const FLOODED_SPANS = 3;
/** What the others may have to wait, beside what they wait alone. */
const BEARABLE = 1.5;

const hostOf = (number: number) => `site-${number}.example`;
const FLOODED = hostOf(0);

interface Times {
  readonly sessions: number[];
  readonly logins: number[];
}

/** A deployment of many sites under way, and the person who plays everybody at Vipps. */
interface Running {
  readonly provider: Provider;
  /** A browser at a site, on a connection that nobody else uses meanwhile. */
  readonly as: <Value>(
    host: string,
    work: (visitor: Visitor) => Promise<Value>,
    cookies?: Cookies,
  ) => Promise<Value>;
}

type Cookies = Map<string, string>;

/** @returns whether the others were served nearly as fast as alone */
export async function measureFlood(folder: string): Promise<boolean> {
  const cores = chooseCores();
  if (cores !== undefined) pinGenerator(cores);
  const provider = await createProvider();
  const release = await buildRelease(resolve("."), join(folder, "release"));
  await buildServices(folder);
  const SITES_KEYS = JSON.stringify({
    keys: [{ kty: "oct", k: randomBytes(32).toString("base64url"), kid: "master" }],
  });
  const hosts = Array.from({ length: OTHERS + 1 }, (_, number) => hostOf(number));
  const kv = Object.fromEntries(
    await Promise.all(hosts.map((host) => documentOf(host, SITES_KEYS, provider))),
  );
  const { migrations } = release;
  const stored = { kv, sql: "SELECT 1" };
  const server = await startDeployment({
    ...{ edge: release, migrations, folder, provider, vars: { SITES_KEYS }, stored, share: SHARE, cores },
  });
  const idle: Connection[] = [];
  const running: Running = {
    provider,
    async as(host, work, cookies) {
      const connection = idle.pop() ?? openConnection(server.port);
      const visitor = newVisitor(connection, cookies);
      const send: Visitor["send"] = (sent) => visitor.send({ ...sent, headers: { ...sent.headers, host } });
      const value = await work({ ...visitor, send });
      idle.push(connection);
      return value;
    },
  };
  try {
    return await compare(running, hosts.slice(1));
  } finally {
    await Promise.all(idle.map((connection) => connection.close()));
    await server.stop();
  }
}

async function documentOf(host: string, keys: string, { issuer }: Provider): Promise<[string, string]> {
  const master = readMasterKeys(keys);
  if (master === undefined) throw new Error("the master keys cannot be read");
  const values = {
    SITE_URL: `https://${host}`,
    VIPPS_ISSUER: issuer,
    VIPPS_CLIENT_ID: SALES_UNIT.clientId,
    VIPPS_CLIENT_SECRET: SALES_UNIT.clientSecret,
    VIPPS_MSN: SALES_UNIT.msn,
    SESSION_KEYS: JSON.stringify(newKeySet()),
  };
  return [siteKey(host), JSON.stringify(await writeSiteDocument(master, host, values, Date.now()))];
}

async function compare(running: Running, others: readonly string[]): Promise<boolean> {
  const visit = async (): Promise<Times> => visitOthers(running, others);
  // What is slow only once is over before anything counts.
  await visit();
  const [alone, flooded]: [Times, Times] = [
    { sessions: [], logins: [] },
    { sessions: [], logins: [] },
  ];
  const answers = new Map<number, number>();
  append(alone, await visit());
  const flood = startFlood(running, answers);
  for (let span = 0; span < FLOODED_SPANS; span += 1) append(flooded, await visit());
  await flood.stop();
  append(alone, await visit());
  const sent = [...answers.values()].reduce((sum, count) => sum + count, 0);
  const by = [...answers].toSorted().map(([status, count]) => `${count} answered ${status}`);
  console.log(
    `flood: ${FLOOD} visits a second for ${FLOODED_SPANS * SPAN} s, ${sent} requests (${by.join(", ")}), of which a site may finish ${SHARE} a minute; others: ${SESSIONS} session requests and ${LOGINS} logins a second at ${OTHERS} sites`,
  );
  const parts = [
    ["session route", alone.sessions, flooded.sessions],
    ["logins", alone.logins, flooded.logins],
  ] as const;
  const factors = parts.map(([what, one, other]) => {
    const [before, beside] = [quantile(one, 0.95), quantile(other, 0.95)];
    const factor = beside / before;
    console.log(
      `others' ${what}: p95 ${before.toFixed(1)} ms alone (${one.length}), ${beside.toFixed(1)} ms beside the flood (${other.length}): ${factor.toFixed(2)} times; medians ${quantile(one, 0.5).toFixed(1)} and ${quantile(other, 0.5).toFixed(1)} ms`,
    );
    return factor;
  });
  return factors.every((factor) => factor <= BEARABLE);
}

function append(to: Times, { sessions, logins }: Times): void {
  to.sessions.push(...sessions);
  to.logins.push(...logins);
}

/** Asks the others at their pace, whether or not the answers keep up. @throws {Error} where one is not served */
async function visitOthers(running: Running, hosts: readonly string[]): Promise<Times> {
  const times: Times = { sessions: [], logins: [] };
  const hostOfTurn = (turn: number) => hosts[turn % hosts.length] ?? "";
  const cookies = new Map<string, Cookies>();
  for (const [index, host] of hosts.entries()) {
    const jar: Cookies = new Map();
    await running.as(host, (visitor) => logIn(running.provider, visitor, index), jar);
    cookies.set(host, jar);
  }
  await Promise.all([
    atPace(SESSIONS, async (turn) => {
      const host = hostOfTurn(turn);
      const since = performance.now();
      const { status, body } = await running.as(
        host,
        (visitor) => visitor.send({ path: "/auth/session" }),
        cookies.get(host),
      );
      times.sessions.push(performance.now() - since);
      if (status !== 200 || !body.includes('"authenticated":true'))
        throw new Error(`${host} answered ${status}: ${body}`);
    }),
    atPace(LOGINS, async (turn) => {
      const host = hostOfTurn(turn);
      times.logins.push(
        await running.as(host, (visitor) => logIn(running.provider, visitor, hosts.length + turn)),
      );
    }),
  ]);
  return times;
}

/** @returns what the site took for it, in milliseconds. @throws {Error} where nobody is logged in after it */
async function logIn(provider: Provider, visitor: Visitor, person: number): Promise<number> {
  const timed = async (path: string): Promise<[Received, number]> => {
    const since = performance.now();
    return [await visitor.send({ path }), performance.now() - since];
  };
  const [begun, toBegin] = await timed("/auth/login");
  const back = await provider.confirm(String(begun.headers.location), person);
  const [finished, toFinish] = await timed(back);
  if (finished.status === 302 || finished.status === 303) return toBegin + toFinish;
  throw new Error(`a login ended with ${finished.status}: ${finished.body.slice(0, 400)}`);
}

/** Does something so often a second, for a span. */
async function atPace(perSecond: number, deed: (turn: number) => Promise<void>): Promise<void> {
  const begun = performance.now();
  const deeds: Promise<void>[] = [];
  for (let turn = 0; turn < perSecond * SPAN; turn += 1) {
    await pause(Math.max(0, begun + (turn * 1000) / perSecond - performance.now()));
    deeds.push(deed(turn));
  }
  await Promise.all(deeds);
}

/** Begins logins at the flooded site and ends each with an invented code, at its pace until it is stopped. */
function startFlood({ as }: Running, answers: Map<number, number>): { stop(): Promise<void> } {
  let isOver = false;
  const count = (status: number) => answers.set(status, (answers.get(status) ?? 0) + 1);
  const visit = async (visitor: Visitor) => {
    const begun = await visitor.send({ path: "/auth/login" });
    count(begun.status);
    const state = URL.parse(String(begun.headers.location))?.searchParams.get("state");
    if (!state) return;
    const path = `/auth/callback?code=made-up&state=${encodeURIComponent(state)}`;
    count((await visitor.send({ path })).status);
  };
  const visits: Promise<void>[] = [];
  const work = (async () => {
    const begun = performance.now();
    for (let turn = 0; !isOver; turn += 1) {
      visits.push(as(FLOODED, visit).catch(() => void count(0)));
      await pause(Math.max(0, begun + ((turn + 1) * 1000) / FLOOD - performance.now()));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await work;
      await Promise.all(visits);
    },
  };
}
