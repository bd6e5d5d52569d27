/** Headers that tell caches other than the browser's how long to keep a response, each in its own language. */
const SHARED_CACHES = /^(?:.*cdn-cache-control|surrogate-control|x-accel-expires|expires|pragma)$/;

const PRIVATE = "private, no-store";

/** `Cookie` or `*` in a `Vary` header. */
const VARIES = /(?:^|[\s,])(?:cookie|\*)(?:$|[\s,])/i;

/**
 * The same response, for this visitor alone: no cache keeps it, whatever the assets or the origin said. One that says
 * so itself (a `_headers` file can make assets do it) is passed on as it is, because a copy of an answer costs more
 * than all else that is done for it.
 * @param setCookie a `Set-Cookie` value to send along.
 */
export function forThisVisitorAlone(response: Response, setCookie: string | undefined): Response {
  if (setCookie === undefined && isPrivate(response.headers)) return response;
  const own = new Response(response.body, response);
  const { headers } = own;
  for (const name of [...headers.keys()]) if (SHARED_CACHES.test(name)) headers.delete(name);
  headers.set("cache-control", PRIVATE);
  if (!VARIES.test(headers.get("vary") ?? "")) headers.append("vary", "Cookie");
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return own;
}

function isPrivate(headers: Headers): boolean {
  if (headers.get("cache-control") !== PRIVATE || !VARIES.test(headers.get("vary") ?? "")) return false;
  for (const name of headers.keys()) if (SHARED_CACHES.test(name)) return false;
  return true;
}
