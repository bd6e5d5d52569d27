/** The headers that prove an event to be the worker's own, whole and new. */
export interface EventHeaders {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/**
 * Signs an event as the Standard Webhooks specification says (1.0, symmetric signatures): HMAC-SHA-256 over id, time
 * and body.
 * @param key the bytes of EVENTS_SECRET.
 * @param at the time of this try, in milliseconds since the epoch; receivers refuse one that is minutes away.
 */
export async function signEvent(
  key: Uint8Array<ArrayBuffer>,
  id: string,
  body: string,
  at: number,
): Promise<EventHeaders> {
  const timestamp = String(Math.floor(at / 1000));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const signing = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", signing, signed));
  const signature = btoa(String.fromCharCode(...bytes));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}
