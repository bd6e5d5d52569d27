// Text, bytes and their two base64 spellings.

export const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new TextEncoder().encode(text));

export const base64 = (data: ArrayBuffer | Uint8Array<ArrayBuffer>): string =>
  btoa(String.fromCharCode(...new Uint8Array(data)));

export const base64url = (data: ArrayBuffer | Uint8Array<ArrayBuffer>): string =>
  base64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** @returns the bytes of base64 or base64url text; `undefined` where it is neither */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The key for HMAC-SHA-256. */
export const hmacKey = (secret: string, use: "sign" | "verify") =>
  crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, [use]);
