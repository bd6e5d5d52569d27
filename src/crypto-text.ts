import * as base64url from "jose/base64url";

/** Texts that cryptography makes: random ones, and digests. */

/** Cryptographically random bytes as base64url text: 32 bytes give 43 characters. */
export function randomText(bytes: number): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** Letters and digits that are not mistaken for each other on the phone: Crockford's base 32. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Forty random bits: `K7QF-3M2P`. Names one failure to the customer, to customer service and in the log. */
export function newReference(): string {
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

/** SHA-256 of a text as base64url. */
export async function sha256(text: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
  );
}
