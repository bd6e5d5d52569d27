import type { AppContext } from "../http/request-context.ts";
import { isMobilePayRenamed } from "../pages/brand.ts";
import { elementScript } from "./element-script.ts";
import script from "./vipps-login.client.js";

/** How long browsers keep the script, and then use it a while longer, in seconds. */
const MAX_AGE = 3600;
const STALE = 24 * 3600;

/** `GET /auth/vipps-login.js`: the `<vipps-login>` custom element for static pages. */
export function serveElement(c: AppContext): Response {
  const { settings } = c.env;
  const now = Date.now();
  const isRenamed = isMobilePayRenamed(settings, undefined, now);
  const isSoonRenamed = !isRenamed && isMobilePayRenamed(settings, undefined, now + (MAX_AGE + STALE) * 1000);
  const caching = isSoonRenamed ? "max-age=60" : `max-age=${MAX_AGE}, stale-while-revalidate=${STALE}`;
  return new Response(servedScript(isRenamed), {
    headers: {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": `public, ${caching}`,
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Both forms, each made when it is first asked for. */
const made: Partial<Record<"plain" | "renamed", string>> = {};

function servedScript(isRenamed: boolean): string {
  const form = isRenamed ? "renamed" : "plain";
  made[form] ??= elementScript(script, isRenamed);
  return made[form];
}
