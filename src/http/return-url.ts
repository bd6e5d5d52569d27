import type { Settings } from "../settings.ts";

/** Longer addresses are refused, not cut. In characters. */
const LENGTH_LIMIT = 2_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE_CHARACTERS = /[\u0000-\u001f\u007f\\]/;

/**
 * Where a login may end: a path of the site, or an address on an allowed origin. Anything doubtful is `/`.
 *
 * Browsers and servers disagree about `\`, `//`, tabs and encoded slashes at the start of a path, and an open
 * redirect behind a login is a phishing tool (RFC 9700 section 4.11), so doubt is enough to refuse.
 * @param wanted what the visitor asked for, decoded once by the query parser.
 * @returns a path beginning with one `/`, or an absolute URL on one of RETURN_TO_ORIGINS.
 */
export function safeReturnUrl({ site, login }: Settings, wanted: string | undefined): string {
  if (!wanted || wanted.length > LENGTH_LIMIT || UNSAFE_CHARACTERS.test(wanted)) return "/";
  const isPath = wanted.startsWith("/");
  const url = URL.parse(wanted, isPath ? site.origin : undefined);
  // `blob:https://site.example/1` has the origin of the site and leads elsewhere.
  if (url === null || !/^https?:$/.test(url.protocol)) return "/";
  if (url.username !== "" || url.password !== "" || !isSafePath(url.pathname)) return "/";
  if (url.origin === site.origin) {
    const path = url.pathname + url.search + url.hash;
    return isLoginStep(url.pathname, site.authPath) ? "/" : path;
  }
  return !isPath && login.returnToOrigins.has(url.origin) ? url.href : "/";
}

/** However often it is decoded, the path must not turn into another host's. */
function isSafePath(path: string): boolean {
  let decoded = path;
  for (let round = 0; round < 4; round += 1) {
    if (/^\/[/@]/.test(decoded) || UNSAFE_CHARACTERS.test(decoded)) return false;
    const next = decodePercents(decoded);
    if (next === decoded) return true;
    decoded = next;
  }
  return false;
}

/** Decodes what can be decoded and leaves a stray `%` alone, as servers do. */
function decodePercents(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded
        .replace(/%5c/gi, "\\")
        .replace(/%2f/gi, "/")
        .replace(/%(0[0-9a-f]|1[0-9a-f]|7f)/gi, "\u0000");
    }
  });
}

/** Ending a login at a step of the login would go round in circles or end on an error page. */
function isLoginStep(pathname: string, authPath: string): boolean {
  return ["/login", "/callback", "/continue", "/proof", "/logout"].some(
    (step) => pathname === authPath + step,
  );
}
