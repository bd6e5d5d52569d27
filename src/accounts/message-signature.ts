import { randomText } from "../random.ts";

/** What a registry needs to know to be sure that a request is the worker's own, whole and new. */
export interface SignatureHeaders {
  readonly "content-digest": string;
  readonly "signature-input": string;
  readonly signature: string;
}

/**
 * Signs a request as HTTP Message Signatures say (RFC 9421, HMAC-SHA-256 of section 3.3.3): method, path and
 * the digest of the body (RFC 9530), with the time and a nonce, so that a copy of it is of no use later.
 * @param secret REGISTRY_SECRET, known to the worker and the registry alone.
 * @param path of the request, as the registry's server sees it.
 */
export async function signMessage(
  secret: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
): Promise<SignatureHeaders> {
  const bytes = new TextEncoder();
  const digest = await crypto.subtle.digest("SHA-256", bytes.encode(body));
  const contentDigest = `sha-256=:${base64(digest)}:`;
  const created = Math.floor(Date.now() / 1000);
  const parameters = `("@method" "@path" "content-digest");created=${created};nonce="${randomText(16)}";keyid="vipps-login-worker";alg="hmac-sha256"`;
  // The signature base of section 2.5, its lines in the order the parameters name them.
  const base = [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"content-digest": ${contentDigest}`,
    `"@signature-params": ${parameters}`,
  ].join("\n");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, bytes.encode(base));
  return {
    "content-digest": contentDigest,
    "signature-input": `sig=${parameters}`,
    signature: `sig=:${base64(signature)}:`,
  };
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
