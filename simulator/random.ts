/** A source of random bytes; injected so that tests can make every identifier predictable. */
export type Random = (bytes: number) => Uint8Array<ArrayBuffer>;

/** The platform's cryptographic random source. */
export const cryptoRandom: Random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes));

/** Bytes as unpadded base64url (RFC 4648 section 5). */
export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** An unguessable handle: 32 random bytes as base64url. */
export function randomHandle(random: Random): string {
  return base64url(random(32));
}

/** An opaque code or access token, two parts joined by a dot as the real service forms them. */
export function randomToken(random: Random): string {
  return `${randomHandle(random)}.${randomHandle(random)}`;
}

/** A random UUID, version 4 (RFC 9562 section 5.4). */
export function randomUuid(random: Random): string {
  return uuidFrom(random(16));
}

/**
 * Forms a UUID of version 4 from 16 bytes.
 * @param bytes at least 16 bytes; further ones are ignored
 */
export function uuidFrom(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, 16), (byte, index) => {
    if (index === 6) return (byte & 0x0f) | 0x40;
    return index === 8 ? (byte & 0x3f) | 0x80 : byte;
  })
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
