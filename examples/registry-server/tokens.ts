// The two small signed tokens (JWT, HS256) with which the worker and the registry talk about a proof.

import { base64url, bytes, fromBase64, hmacKey } from "./encoding.ts";

/**
 * @param type the `typ` header: what the token is for
 * @param secret REGISTRY_SECRET
 */
export async function signToken(
  claims: Readonly<Record<string, unknown>>,
  type: string,
  secret: string,
): Promise<string> {
  const head = base64url(bytes(JSON.stringify({ alg: "HS256", typ: type })));
  const signed = `${head}.${base64url(bytes(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign("HMAC", await hmacKey(secret, "sign"), bytes(signed));
  return `${signed}.${base64url(signature)}`;
}

/**
 * @param type the `typ` it must have
 * @param secret REGISTRY_SECRET
 * @returns the claims; `undefined` unless authentic and in time
 */
export async function readToken(
  token: string,
  type: string,
  secret: string,
): Promise<Record<string, unknown> | undefined> {
  const [head = "", claims = "", signature = "", ...more] = token.split(".");
  const header = parsed(head);
  if (more.length > 0 || header?.alg !== "HS256" || header.typ !== type) return undefined;
  const given = fromBase64(signature);
  const key = await hmacKey(secret, "verify");
  if (given === undefined || !(await crypto.subtle.verify("HMAC", key, given, bytes(`${head}.${claims}`))))
    return undefined;
  const read = parsed(claims);
  return typeof read?.exp === "number" && read.exp > Date.now() / 1000 ? read : undefined;
}

function parsed(part: string): Record<string, unknown> | undefined {
  const data = fromBase64(part);
  try {
    const value = data && JSON.parse(new TextDecoder().decode(data));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
