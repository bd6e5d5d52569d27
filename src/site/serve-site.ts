import type { AppContext } from "../http/request-context.ts";

/** Everything that is not a login route: the static assets, else the origin behind the worker. */
export function serveSite(c: AppContext): Promise<Response> {
  const { site, storage } = c.env.settings;
  const request = c.req.raw;
  if (storage.assets !== undefined) return storage.assets.fetch(request);
  if (site.originUrl === undefined) return fetch(request);
  const url = new URL(request.url);
  return fetch(new Request(new URL(url.pathname + url.search, site.originUrl), request));
}
