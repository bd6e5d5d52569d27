/** Headers that tell caches other than the browser's how long to keep a response, each in its own language. */
const SHARED_CACHES = /^(?:.*cdn-cache-control|surrogate-control|x-accel-expires|expires|pragma)$/;

/**
 * The same response, for this visitor alone: no cache keeps it, whatever the assets or the origin said.
 * @param setCookie a `Set-Cookie` value to send along.
 */
export function forThisVisitorAlone(response: Response, setCookie: string | undefined): Response {
  const own = new Response(response.body, response);
  const { headers } = own;
  for (const name of [...headers.keys()]) if (SHARED_CACHES.test(name)) headers.delete(name);
  headers.set("cache-control", "private, no-store");
  const vary = headers.get("vary") ?? "";
  if (!/(?:^|[\s,])(?:cookie|\*)(?:$|[\s,])/i.test(vary)) headers.append("vary", "Cookie");
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return own;
}
