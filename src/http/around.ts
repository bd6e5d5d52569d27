import { Failure, type Stage } from "../failure.ts";
import { onFirstUse } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { settlesAtOnce, withinTime } from "../waiting.ts";
import type { AppContext, Around, Handler } from "./request-context.ts";

/**
 * What stands around the handlers of routes: the headers of every answer of ours, how long it may take, and how many
 * of them a network may ask for.
 */

/**
 * What every answer of ours says to browsers, pages, JSON, redirects and failures alike. A route that needs other
 * words says them itself. Answers of the site behind carry none of these: its headers are its own.
 *
 * A window that opened one of these addresses loses sight of it, redirects included (HTML standard, cross-origin
 * opener policies): nobody can send a page of ours elsewhere, or our window to another page, from outside.
 */
const OWN_HEADERS = {
  // A fetch with CORS is not held to it, so that RETURN_TO_ORIGINS may read what is theirs to read.
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  // Not `no-referrer`: browsers would then send `Origin: null` with the forms of our pages.
  "referrer-policy": "strict-origin",
  "x-content-type-options": "nosniff",
  // For answers that are no pages and should never be one; a page has a policy of its own.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
} as const;

/** Answers that say all of it from the start. */
const whole = new WeakSet<Response>();

/** Headers of an answer of ours, all of them: to be made once, for {@link ownAnswer}. */
export function wholeHeaders(headers: Readonly<Record<string, string>>): Headers {
  return new Headers({ ...OWN_HEADERS, ...headers });
}

/**
 * An answer of ours that is given very often: putting one header after another on it takes longer than all else that
 * is done for it.
 * @param headers from {@link wholeHeaders}
 */
export function ownAnswer(body: string | null, headers: Headers, status = 200): Response {
  const response = new Response(body, { headers, status });
  whole.add(response);
  return response;
}

/**
 * A redirect of ours that nobody keeps, for one visitor alone. Its headers are filled in where they are, and copied with
 * the answer: an answer that headers are put on has to be given an object for them.
 */
export function ownRedirect(location: string, setCookies: readonly (string | undefined)[]): Response {
  const headers = redirectHeaders();
  headers.set("location", location);
  headers.delete("set-cookie");
  for (const setCookie of setCookies) if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return ownAnswer(null, headers, 302);
}

const redirectHeaders = onFirstUse(() => wholeHeaders({ "cache-control": "no-store", vary: "cookie" }));

/** The same answer with what it does not say itself of {@link OWN_HEADERS}. */
export function asOwnAnswer(response: Response): Response {
  if (whole.has(response)) return response;
  const { headers } = response;
  for (const [name, value] of Object.entries(OWN_HEADERS)) if (!headers.has(name)) headers.set(name, value);
  // The older header knows no way to say that everybody may.
  if (headers.get("content-security-policy")?.includes("frame-ancestors *"))
    headers.delete("x-frame-options");
  return response;
}

/** For the routes that are ours alone. */
export const ownAnswers =
  (handle: Handler): Handler =>
  async (c) =>
    asOwnAnswer(await handle(c));

/**
 * Shows a developer's browser how long the steps of a login took: `Server-Timing` (W3C Server
 * Timing, durations in milliseconds). Only ever on localhost; elsewhere the log has them, and a visitor learns
 * nothing of what is slow here.
 */
export const showStepTimes =
  (handle: Handler): Handler =>
  (c) =>
    c.env.settings.site.isLocal ? withStepTimes(c, handle) : handle(c);

async function withStepTimes(c: AppContext, handle: Handler): Promise<Response> {
  const answer = await handle(c);
  const { stepTimes, receivedAt } = c.env;
  const times = Object.entries({ ...stepTimes, total: Date.now() - receivedAt });
  answer.headers.set("server-timing", times.map(([step, duration]) => `${step};dur=${duration}`).join(", "));
  return answer;
}

/** Milliseconds after which a visitor has an answer, whatever is slow: the provider, storage, or all of it. */
const TIME_LIMIT = 9_500;

/**
 * The last line behind the time limits of each single call, which could add up to more than anybody waits.
 * @throws {Failure} `too_slow`. What was begun goes on where it must not be left half done (`waitUntil`).
 */
export const answerInTime =
  (handle: Handler): Handler =>
  async (c) => {
    const answer = Promise.resolve(handle(c));
    if (await settlesAtOnce(answer)) return answer;
    return withinTime(TIME_LIMIT, answer, () => {
      throw new Failure("too_slow", { stage: "site" });
    });
  };

/** Whether the visitor has been told by now that it took too long: what is made from here on, nobody gets. */
export function isTooLate(c: AppContext): boolean {
  return Date.now() - c.env.receivedAt >= TIME_LIMIT;
}

/** The longest period a rate limiter of Cloudflare's counts over, in seconds: after it, one may try again. */
const RATE_PERIOD = 60;

/**
 * Lets one network start or finish only so many logins a minute, as wrangler.toml says, and an IPv6
 * network of many such networks only so many more. Without the bindings, and for visitors on this machine, there is
 * no limit; neither when the limiter itself fails.
 * @param step which of the two limiters counts.
 * @param what is counted apart from logins, if it is no login.
 * @throws {Failure} `rate_limited`, with `Retry-After`.
 */
export function limitPerNetwork(step: "start" | "finish", stage: Stage, what = ""): Around {
  const admitsAll = async ({ limiters, site }: Settings, headers: Headers): Promise<boolean> => {
    const admitted = await Promise.all([
      admits(limiters[step], site.origin, clientNetwork(headers), what),
      admits(limiters.wide, site.origin, widerNetwork(headers), what || step),
    ]);
    return !admitted.includes(false);
  };
  return (handle) => {
    const limited: Handler = async (c) => {
      if (!(await admitsAll(c.env.settings, c.req.raw.headers))) throw tooMany(stage);
      return handle(c);
    };
    return (c) => {
      const { limiters } = c.env.settings;
      return limiters[step] === undefined && limiters.wide === undefined ? handle(c) : limited(c);
    };
  };
}

/**
 * Lets one of many sites finish only so many logins a minute, from whatever networks they come: the objects that
 * finish logins are all sites'. Ask once a login is known to have begun here, so that nobody uses a site's share up
 * with what costs them nothing.
 * @throws {Failure} `rate_limited`, with `Retry-After`; nothing of the login is used up.
 */
export async function limitPerSite({ limiters, site }: Settings, stage: Stage): Promise<void> {
  if (!(await admits(limiters.site, site.origin, "all networks", ""))) throw tooMany(stage);
}

const tooMany = (stage: Stage) => new Failure("rate_limited", { stage, retryAfter: RATE_PERIOD });

async function admits(
  limiter: RateLimit | undefined,
  origin: string,
  network: string | undefined,
  what: string,
): Promise<boolean> {
  if (limiter === undefined || network === undefined) return true;
  try {
    return (await limiter.limit({ key: `${origin} ${network} ${what}`.trim() })).success;
  } catch {
    logEvent("warn", "rate_limiter_failed", origin);
    return true;
  }
}

/** Addresses that never reach Cloudflare from outside: the visitor is on this very machine. */
const isLoopback = (address: string): boolean => /^(127\.|::1$)/.test(address);

/** The longest spelling of an address, an IPv4 one within an IPv6 one. In characters. */
const LONGEST_ADDRESS = 45;

/**
 * The network a request comes from, as far as one visitor can be told from another: the IPv4 address, or the /64
 * of an IPv6 address, within which one household or phone can take any address it likes (RFC 6177).
 *
 * Cloudflare sets `CF-Connecting-IP` on every request and removes what a client sends under that name.
 * @returns `undefined` without an address, or for one of this machine: local development and tests.
 */
export function clientNetwork(headers: Headers): string | undefined {
  return networkOf(headers, 4);
}

/**
 * The network around that one: the /48 of an IPv6 address, which is what one customer of a provider may hold (RFC
 * 6177) and so the least that costs anything to change.
 * @returns `undefined` for an IPv4 address, too.
 */
export function widerNetwork(headers: Headers): string | undefined {
  const network = networkOf(headers, 3);
  return network?.endsWith("::/48") ? network : undefined;
}

/** @param groups how many groups of an IPv6 address name the network. */
function networkOf(headers: Headers, groups: 3 | 4): string | undefined {
  const address = headers.get("cf-connecting-ip");
  if (address === null || isLoopback(address)) return undefined;
  if (address.length > LONGEST_ADDRESS) return "unreadable";
  if (!address.includes(":")) return address.slice(0, 15);
  const canonical = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (canonical === undefined) return "unreadable";
  // IPv4 written as IPv6 (RFC 4291 section 2.5.5.2): its /64 would be everybody's.
  if (canonical.startsWith("::ffff:")) return canonical;
  return `${groupsOf(canonical).slice(0, groups).join(":")}::/${groups * 16}`;
}

/** The eight groups of an address in the canonical form of RFC 5952. */
function groupsOf(canonical: string): readonly string[] {
  const [head = "", tail] = canonical.split("::").map((part) => (part === "" ? [] : part.split(":")));
  if (tail === undefined) return [...head];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
}
