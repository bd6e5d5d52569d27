import { serialize } from "hono/utils/cookie";
import { sha256 } from "../digest.ts";
import { randomText } from "../random.ts";
import { cookieValues } from "./cookie.ts";

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
  /** The `Set-Cookie` that makes it known, or known for another while. */
  readonly setCookie: string;
}

/** Recognises the browser of a request, or gives a new one its name. */
export async function recogniseBrowser(headers: Headers): Promise<KnownBrowser> {
  const brought = cookieValues(headers.get("cookie"), NAME);
  const known = knownValue(brought);
  const value = known ?? randomText(32);
  return {
    browser: await sha256(value),
    hasNone: brought.length === 0,
    isNew: known === undefined,
    setCookie: cookie(value, MAX_AGE),
  };
}

/** Makes the browser a stranger to the logins it began: after logging out, the back button must not log in. */
export function forgetBrowser(): string {
  return cookie("", 0);
}

function knownValue(brought: readonly string[]): string | undefined {
  const values = new Set(brought.filter((value) => SHAPE.test(value)));
  const [value] = values;
  return values.size === 1 ? value : undefined;
}

function cookie(value: string, maxAge: number): string {
  return serialize(NAME, value, { path: "/", secure: true, httpOnly: true, sameSite: "Lax", maxAge });
}
