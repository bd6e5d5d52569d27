// Checks that a request is the worker's own, whole and new: HTTP Message Signatures (RFC 9421, HMAC-SHA-256)
// over the method, the path and the digest of the body (RFC 9530).

import { base64, bytes, fromBase64, hmacKey } from "./encoding.ts";

/** How far the clocks may be apart, in seconds. */
const TOLERANCE = 300;

/**
 * @param body the request's body, already read
 * @param secret REGISTRY_SECRET, as the worker has it
 * @param nonces those seen before, each with the second after which it may be forgotten; kept by this function.
 *   Several servers must share it.
 * @returns what is wrong; `undefined` for a request that is the worker's own
 */
export async function signatureFault(
  request: Request,
  body: string,
  secret: string,
  nonces: Map<string, number>,
): Promise<string | undefined> {
  const input = request.headers.get("signature-input") ?? "";
  const parameters = /^sig=(\("@method" "@path" "content-digest"\);.+)$/.exec(input)?.[1];
  if (parameters === undefined) return "no signature over method, path and body";
  const created = Number(/;created=(\d+)/.exec(parameters)?.[1]);
  const nonce = /;nonce="([\w-]{16,64})"/.exec(parameters)?.[1];
  if (nonce === undefined || !parameters.endsWith(';alg="hmac-sha256"'))
    return "no nonce, or another algorithm";

  const contentDigest = `sha-256=:${base64(await crypto.subtle.digest("SHA-256", bytes(body)))}:`;
  if (request.headers.get("content-digest") !== contentDigest)
    return "the body is not the one that was signed";

  const base = [
    `"@method": ${request.method}`,
    `"@path": ${new URL(request.url).pathname}`,
    `"content-digest": ${contentDigest}`,
    `"@signature-params": ${parameters}`,
  ].join("\n");
  const signature = fromBase64(/^sig=:(.+):$/.exec(request.headers.get("signature") ?? "")?.[1] ?? "");
  const key = await hmacKey(secret, "verify");
  // verify() compares in constant time.
  if (signature === undefined || !(await crypto.subtle.verify("HMAC", key, signature, bytes(base))))
    return "the signature does not fit";

  const now = Math.floor(Date.now() / 1000);
  if (!(Math.abs(now - created) <= TOLERANCE)) return "the request is too old, or the clocks differ";
  for (const [seen, until] of nonces) if (until < now) nonces.delete(seen);
  if (nonces.has(nonce)) return "the request came before";
  nonces.set(nonce, now + 2 * TOLERANCE);
  return undefined;
}
