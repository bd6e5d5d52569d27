import { randomText, sha256 } from "../crypto-text.ts";

/** Browsers keep no larger cookie (rfc6265bis section 5.6), so a longer value is none of ours. In characters. */
const VALUE_LIMIT = 4_096;

/**
 * All values a Cookie header carries under exactly this name, in the order sent.
 *
 * Stricter than a general cookie parser on purpose (RFC 6265 section 5.4): only space and tab are trimmed, so a
 * name padded with other white space stays another name, and duplicates are all returned so that the caller can
 * decide which of them is authentic instead of trusting the first or the last.
 *
 * Looks for the name and at what stands around it, so that the cookies of other software, however large, are read
 * past in one pass.
 */
export function cookieValues(header: string | null | undefined, name: string): string[] {
  const values: string[] = [];
  if (!header) return values;
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + name.length)) {
    const before = skipBlanks(header, at - 1, -1);
    if (before >= 0 && header[before] !== ";") continue;
    const equals = skipBlanks(header, at + name.length, 1);
    if (header[equals] !== "=") continue;
    const semicolon = header.indexOf(";", equals);
    const end = semicolon < 0 ? header.length : semicolon;
    const first = skipBlanks(header, equals + 1, 1);
    const last = skipBlanks(header, end - 1, -1);
    const length = last + 1 - first;
    if (length <= VALUE_LIMIT) values.push(length > 0 ? header.slice(first, last + 1) : "");
    at = end - name.length;
  }
  return values;
}

/** The next place that holds no space or tab, in one direction. */
function skipBlanks(text: string, from: number, step: 1 | -1): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += step;
  return at;
}

/**
 * A Cookie header without the cookies of this worker, however their names are spelled: an origin has no use for
 * them, and what it does not get it cannot lose.
 * @returns `null` where nothing is left.
 */
export function withoutOwnCookies(header: string | null): string | null {
  if (header === null || !/-vipps-/i.test(header)) return header;
  const others = header.replace(/(?:^|;)\s*__(?:host|secure)-vipps-[^;]*/gi, "");
  return others.replace(/^;/, "").trim() || null;
}

/**
 * Whether a `name=value` pair, or the beginning of a Set-Cookie header, names a cookie of this worker. One without a
 * name comes back as its value alone, so `=__Host-…` is as good as the name (CVE-2022-2860).
 */
export function isOwnCookie(pair: string): boolean {
  return /^[\s=]*__(?:host|secure)-vipps-/i.test(pair);
}

/**
 * A `Set-Cookie` value of ours: for the whole site, and for no script.
 * @param value as base64url and JWS write it, which needs no escaping.
 * @param maxAge seconds the browser keeps it.
 * @param domain for the hosts below it as well.
 */
export function ownCookie(name: string, value: string, maxAge: number, domain?: string): string {
  const where = domain === undefined ? "" : `; Domain=${domain}`;
  return `${name}=${value}; Max-Age=${maxAge}${where}; Path=/; HttpOnly; Secure; SameSite=Lax`;
}

/**
 * Ties a login to the browser that began it. One cookie for all tabs: logins in parallel share it, and nothing
 * piles up until the server answers 431.
 */
const NAME = "__Host-vipps-browser";
const SHAPE = /^[\w-]{43}$/;
/** Longer than any login, short enough to be forgotten. In seconds. */
const MAX_AGE = 24 * 3600;

/** In the address of a login: the browser got the cookie with the answer that led there, and has to bring it. */
export const COOKIES_PARAMETER = "cookies";

/** A browser as the login knows it. */
export interface KnownBrowser {
  /** SHA-256 of its cookie. */
  readonly browser: string;
  /** Whether it came without any cookie of this name, as every browser does once, and one that keeps none always. */
  readonly hasNone: boolean;
  /** Whether it came without a cookie of ours, or with two that differ: then nobody has ever met it. */
  readonly isNew: boolean;
  /** When it logged out, in milliseconds since the epoch, if it has begun no login since. */
  readonly loggedOutAt: number | undefined;
  /** The `Set-Cookie` that makes it known, or known for another while. */
  readonly setCookie: string;
}

/** What was found by the headers of a request: a login asks before its answer, and behind it. */
const recognised = new WeakMap<Headers, Promise<KnownBrowser>>();

/** Recognises the browser of a request, or gives a new one its name. */
export function recogniseBrowser(headers: Headers): Promise<KnownBrowser> {
  const known = recognised.get(headers) ?? recognise(headers);
  recognised.set(headers, known);
  return known;
}

async function recognise(headers: Headers): Promise<KnownBrowser> {
  const brought = cookieValues(headers.get("cookie"), NAME);
  const known = knownValue(brought);
  const value = known ?? randomText(32);
  return {
    browser: await sha256(value),
    hasNone: brought.length === 0,
    isNew: known === undefined,
    loggedOutAt: known === undefined ? logoutIn(brought) : undefined,
    setCookie: ownCookie(NAME, value, MAX_AGE),
  };
}

/**
 * Makes the browser a stranger to the logins it began: after logging out, the back button must not log in. What it
 * keeps names nobody; without it, it would pass for a browser that keeps no cookies.
 */
export function forgetBrowser(): string {
  return ownCookie(NAME, `out-${Date.now()}`, MAX_AGE);
}

function logoutIn(brought: readonly string[]): number | undefined {
  const at = /^out-(\d{13})$/m.exec(brought.join("\n"))?.[1];
  return at === undefined ? undefined : Number(at);
}

function knownValue(brought: readonly string[]): string | undefined {
  const values = new Set(brought.filter((value) => SHAPE.test(value)));
  const [value] = values;
  return values.size === 1 ? value : undefined;
}
