import { base64url } from "jose";

/** Letters and digits that are not mistaken for each other on the phone: Crockford's base 32. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Forty random bits: `K7QF-3M2P`. Names one failure to the customer, to customer service and in the log. */
export function newReference(): string {
  return referenceOf(crypto.getRandomValues(new Uint8Array(8)));
}

/** The reference that always stands for the same thing. @param digest of it, in base64url. */
export function referenceFrom(digest: string): string {
  return referenceOf(base64url.decode(digest).subarray(0, 8));
}

function referenceOf(bytes: Uint8Array): string {
  const letters = Array.from(bytes, (byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}
