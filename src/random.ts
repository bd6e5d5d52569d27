import { base64url } from "jose";

/** Cryptographically random bytes as base64url text: 32 bytes give 43 characters. */
export function randomText(bytes: number): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(bytes)));
}
