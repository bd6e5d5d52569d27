import { version } from "../../package.json";
import { utf8 } from "../crypto-text.ts";
import type { EventReceiver } from "../settings.ts";
import { boundedText, withinTime } from "../waiting.ts";
import type { VippsLoginEvent } from "./event.ts";

/** Milliseconds that a receiver may take, its answer included. */
const TIME_LIMIT = 10_000;
/** An answer says nothing but that it is one. In bytes. */
const SIZE_LIMIT = 64 * 1024;

/**
 * Sends an event to its receiver, signed. A redirect is never followed: the event is for that address and no other.
 * Any status from 200 to 299 says that it was received.
 * @returns why it was not received, as a fixed phrase of ours; `undefined` where it was.
 */
export async function postEvent(
  { url, key }: EventReceiver,
  { id, type, timestamp, data, site }: VippsLoginEvent,
): Promise<string | undefined> {
  const abort = new AbortController();
  const exchange = async (): Promise<string | undefined> => {
    const body = JSON.stringify({ type, timestamp, data, site });
    const signature = await signEvent(key, id, body, Date.now());
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": `vipps-login-worker/${version}`,
        ...signature,
      },
      body,
      redirect: "manual",
      signal: abort.signal,
    });
    if (response.status >= 300 && response.status < 400) return "answered with a redirect";
    if (!response.ok) return `answered with ${response.status}`;
    return (await boundedText(response, SIZE_LIMIT)) === undefined ? "answer is too large" : undefined;
  };
  try {
    return await withinTime(TIME_LIMIT, exchange(), () => "no answer in 10 seconds");
  } catch {
    return "no connection";
  } finally {
    abort.abort();
  }
}

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
async function signEvent(
  key: Uint8Array<ArrayBuffer>,
  id: string,
  body: string,
  at: number,
): Promise<EventHeaders> {
  const timestamp = String(Math.floor(at / 1000));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const signing = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const signed = utf8(`${id}.${timestamp}.${body}`);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", signing, signed));
  const signature = btoa(String.fromCharCode(...bytes));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}
