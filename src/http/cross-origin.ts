import type { Settings } from "../settings.ts";

/** How long a browser may remember what a preflight allowed, in seconds. */
const PREFLIGHT_MAX_AGE = "600";

/** Which of RETURN_TO_ORIGINS a script asks from, if any: only these may read answers of this site (CORS). */
export function listedOrigin({ login }: Settings, headers: Headers): string | undefined {
  const origin = headers.get("origin");
  return origin !== null && login.returnToOrigins.has(origin) ? origin : undefined;
}

/** Whether a browser asks, on behalf of a script, which requests it may send (Fetch standard, section 3.2.2). */
export function isPreflight(method: string, headers: Headers): boolean {
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/**
 * Answers a preflight of a listed origin. A preflight carries no cookies, so whether the request behind it has a
 * session can't be known yet; and it is not passed on, because applications that run for any method would answer
 * it with what is behind the login.
 * @returns `undefined` for every other request.
 */
export function preflightAnswer(settings: Settings, { method, headers }: Request): Response | undefined {
  const origin = listedOrigin(settings, headers);
  if (origin === undefined || !isPreflight(method, headers)) return undefined;
  const answer = new Headers({
    ...readableBy(origin),
    "access-control-allow-methods": headers.get("access-control-request-method") ?? "",
    "access-control-max-age": PREFLIGHT_MAX_AGE,
    "cache-control": "no-store",
  });
  const wanted = headers.get("access-control-request-headers");
  if (wanted !== null) answer.set("access-control-allow-headers", wanted);
  return new Response(null, { status: 204, headers: answer });
}

/** Headers with which a script of that origin may read an answer to a request that carried cookies. */
export function readableBy(origin: string): Readonly<Record<string, string>> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
  };
}
