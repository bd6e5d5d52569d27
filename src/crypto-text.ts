import * as base64url from "jose/base64url";

/** Texts that cryptography makes: random ones, and digests. */

/** So many random bytes are drawn at a time: to ask for a few takes as long. */
const DRAWN_AT_ONCE = 1024;
let drawn = new Uint8Array(0);

/** Cryptographically random bytes, given to nobody else. @param count no more than {@link DRAWN_AT_ONCE} */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  if (drawn.byteLength < count) drawn = crypto.getRandomValues(new Uint8Array(DRAWN_AT_ONCE));
  const bytes = drawn.subarray(0, count);
  drawn = drawn.subarray(count);
  return bytes;
}

/** Cryptographically random bytes as base64url text: 32 bytes give 43 characters. */
export function randomText(bytes: number): string {
  return base64url.encode(randomBytes(bytes));
}

/** Letters and digits that are not mistaken for each other on the phone: Crockford's base 32. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Forty random bits: `K7QF-3M2P`. Names one failure to the customer, to customer service and in the log. */
export function newReference(): string {
  const letters = Array.from(randomBytes(8), (byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

const ENCODER = new TextEncoder();
const passing = new Uint8Array(1024);

/**
 * A text in UTF-8 for what copies it at once, as all of `crypto.subtle` does (Web Cryptography API, section 14.3): the
 * next text takes its place.
 */
export function passingBytes(text: string): Uint8Array<ArrayBuffer> {
  // A character of UTF-16 takes three bytes at most.
  if (text.length * 3 > passing.byteLength) return new Uint8Array(ENCODER.encode(text));
  return passing.subarray(0, ENCODER.encodeInto(text, passing).written);
}

/** SHA-256 of a text as base64url. */
export async function sha256(text: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", passingBytes(text))));
}
