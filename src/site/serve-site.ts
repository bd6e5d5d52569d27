import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { readPath } from "../http/request-path.ts";
import { currentSession } from "../session/current-session.ts";
import { askForLogin } from "../session/session-required.ts";
import { needsSession } from "./path-rules.ts";

/** Everything that is not a login route: the static assets, else the origin behind the worker. */
export async function serveSite(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const request = c.req.raw;
  const url = new URL(request.url);
  const requestPath = readPath(url.pathname);
  if (requestPath === undefined) throw new Failure("path_ambiguous", { stage: "site" });
  url.pathname = requestPath.path;
  if (needsSession(settings.site, requestPath)) {
    const { session, setCookie } = await currentSession(settings, request.headers);
    if (session === undefined) return askForLogin(settings, request, url.pathname + url.search, setCookie);
  }
  const { site, storage } = settings;
  if (storage.assets !== undefined) return storage.assets.fetch(new Request(url, request));
  if (site.originUrl === undefined) return fetch(new Request(url, request));
  return fetch(new Request(new URL(url.pathname + url.search, site.originUrl), request));
}
