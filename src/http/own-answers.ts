import { Failure } from "../failure.ts";
import { withinTime } from "../waiting.ts";
import type { AppContext, Handler } from "./request-context.ts";

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
  async (c) =>
    withinTime(TIME_LIMIT, Promise.resolve(handle(c)), () => {
      throw new Failure("too_slow", { stage: "site" });
    });

/** Whether the visitor has been told by now that it took too long: what is made from here on, nobody gets. */
export function isTooLate(c: AppContext): boolean {
  return Date.now() - c.env.receivedAt >= TIME_LIMIT;
}
