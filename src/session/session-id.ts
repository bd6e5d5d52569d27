/**
 * A new session id: a UUID of version 7 (RFC 9562 section 5.7), random but for the time it begins with.
 * The id is no secret; the token around it is signed.
 */
export function newSessionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  const milliseconds = Date.now();
  view.setUint16(0, Math.floor(milliseconds / 2 ** 32));
  view.setUint32(2, milliseconds % 2 ** 32);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** When the session with this id began, in seconds since the epoch; NaN if it is no id of ours. */
export function sessionStart(sid: string): number {
  return Math.floor(sessionBegin(sid) / 1000);
}

/** The same in milliseconds. */
export function sessionBegin(sid: string): number {
  return Number.parseInt(sid.slice(0, 8) + sid.slice(9, 13), 16);
}
