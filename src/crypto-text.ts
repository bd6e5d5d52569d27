/**
 * Texts that cryptography makes: bytes in base64url (RFC 4648 section 5, without padding), random ones, and digests.
 * `jose` has the first too, but what every isolate needs when it starts must not bring `jose` along (see jose.ts).
 */

/** What workerd has to write and read base64 (ES2026), and Node up to version 24 has not. */
interface EngineBase64 {
  readonly prototype: Uint8Array & { readonly toBase64?: (options: object) => string };
  readonly fromBase64?: (text: string, options: object) => Uint8Array<ArrayBuffer>;
}

const engine: EngineBase64 = Uint8Array;

export function toBase64url(bytes: Uint8Array): string {
  const options = { alphabet: "base64url", omitPadding: true };
  const written = engine.prototype.toBase64?.call(bytes, options);
  if (written !== undefined) return written;
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws {TypeError} for what is no base64url. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  try {
    const read = engine.fromBase64?.(text, { alphabet: "base64url" });
    if (read !== undefined) return read;
    if (/[+/]/.test(text)) throw new TypeError("base64, not base64url");
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
      letter.charCodeAt(0),
    );
  } catch (cause) {
    throw new TypeError("not base64url", { cause });
  }
}

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
  return toBase64url(randomBytes(bytes));
}

/** Letters and digits that are not mistaken for each other on the phone: Crockford's base 32. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Forty random bits: `K7QF-3M2P`. Names one failure to the customer, to customer service and in the log. */
export function newReference(): string {
  const letters = Array.from(randomBytes(8), (byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

const ENCODER = new TextEncoder();

/** A text in UTF-8, in bytes of its own. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(ENCODER.encode(text));

const passing = new Uint8Array(1024);

/**
 * A text in UTF-8 for what copies it at once, as all of `crypto.subtle` does (Web Cryptography API, section 14.3): the
 * next text takes its place.
 */
export function passingBytes(text: string): Uint8Array<ArrayBuffer> {
  // A character of UTF-16 takes three bytes at most.
  if (text.length * 3 > passing.byteLength) return utf8(text);
  return passing.subarray(0, ENCODER.encodeInto(text, passing).written);
}

/** SHA-256 of a text as base64url. */
export async function sha256(text: string): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", passingBytes(text))));
}
