import type { Next } from "hono";
import { isSubresource } from "./page-or-script.ts";
import type { AppContext } from "./request-context.ts";

/**
 * Headers in which browsers, routers and apps say that they only look ahead, and the words with which they say it.
 * Which of them sends what: docs/site.md.
 */
const HINTS: Readonly<Record<string, RegExp>> = {
  "sec-purpose": /prefetch|prerender|preview/i,
  purpose: /prefetch|prerender|preview/i,
  "x-purpose": /prefetch|prerender|preview/i,
  "x-sec-purpose": /prefetch|prerender|preview/i,
  "x-moz": /prefetch/i,
  "next-router-prefetch": /./,
  "next-router-segment-prefetch": /./,
  "x-middleware-prefetch": /./,
  "hx-preloaded": /./,
};

/** Programs that make a small picture or a summary of an address that somebody has sent, by the name they give. */
const PREVIEWS =
  /^(?:WhatsApp|TelegramBot|Twitterbot|Viber|Slackbot|facebookexternalhit|LinkedInBot)\b|\b(?:facebookexternalhit\/|Discordbot\/|BingPreview\/|SkypeUriPreview\b)/i;

/**
 * Whether a request only looks ahead, at what a person may want to see later: a prefetch, a prerender, a preview, or a
 * request for headers alone. It may be shown what can be read, but begins, uses up, renews and ends nothing.
 */
export function isLookAhead({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  if (method === "HEAD") return true;
  if (PREVIEWS.test((headers.get("user-agent") ?? "").slice(0, 500))) return true;
  return Object.entries(HINTS).some(([name, words]) => words.test(headers.get(name) ?? ""));
}

/**
 * The answer to who looks ahead where something would be done: an error that nobody may keep, so that a browser asks
 * anew when the person really goes there. Any 2xx would be shown in place of the step (WICG nav-speculation,
 * 'prefetch and redirects').
 */
export function notAhead(): Response {
  return new Response(null, { status: 503, headers: { "cache-control": "no-store", "retry-after": "0" } });
}

/** Middleware for what does more than answer: looking ahead does none of it. */
export async function refuseLookAhead(c: AppContext, next: Next): Promise<Response | undefined> {
  if (isLookAhead(c.req.raw)) return notAhead();
  await next();
  return undefined;
}

/** Middleware for the steps of a login: nobody goes where the answer to a picture's or a script's request leads. */
export async function refuseSubresource(c: AppContext, next: Next): Promise<Response | undefined> {
  if (isSubresource(c.req.raw.headers)) return notAhead();
  await next();
  return undefined;
}
