/** What is told of each kind of event: ids of the site's own, never who somebody is. */
export interface EventData {
  /** Somebody new has an account. */
  readonly "account.created": { readonly account: string };
  /** A Vipps user was linked to an account that was there: by the rules, by a proof of theirs, or by staff. */
  readonly "account.linked": { readonly account: string; readonly by: "matched" | "proven" | "staff" };
  /** What is known of a person has changed; `fields` are the names of what has, such as `email` or `groups`. */
  readonly "account.changed": { readonly account: string; readonly fields: readonly string[] };
  readonly "account.erased": { readonly account: string };
  /** Somebody says yes to a consent they had not given. Vipps' own are called `vipps:` and Vipps' id. */
  readonly "consent.given": ConsentData;
  /** Somebody takes a yes back; `vipps` alone is the consent to share anything with the site. */
  readonly "consent.withdrawn": ConsentData;
  /** Somebody could not be linked by the rules and waits for customer service, who finds them by the reference. */
  readonly "link.waiting": { readonly reference: string; readonly reason: string };
  readonly "session.ended": {
    readonly account: string;
    readonly session: string;
    readonly reason: SessionEnd;
  };
}

interface ConsentData {
  readonly account: string;
  readonly consent: string;
  readonly source: "login" | "my_page" | "vipps" | "webhook" | "staff";
}

/**
 * Why a session ended: the person logged out, or ended it from another one; staff did; another login in the same
 * client took its place; it was the hundred and first; its time was over; the account was erased, or is gone; the
 * person withdrew the consent at Vipps, or the Vipps user was taken off the account.
 */
export type SessionEnd =
  | "logged_out"
  | "ended_elsewhere"
  | "staff"
  | "replaced"
  | "too_many"
  | "expired"
  | "erased"
  | "consent_revoked"
  | "unlinked";

export type EventType = keyof EventData;

/** Something that happened, as the site's other systems are told of it. */
export type VippsLoginEvent = {
  readonly [Type in EventType]: {
    /** The same at every try: what has been seen before is the same event. */
    readonly id: string;
    /** The origin of the site it happened at. */
    readonly site: string;
    readonly type: Type;
    /** When it happened, as `2026-11-30T07:15:00.000Z`. */
    readonly timestamp: string;
    readonly data: EventData[Type];
  };
}[EventType];

/** The last id made here: its millisecond, and how many were made in it. */
let last = { at: 0, count: 0 };

/**
 * A new id, `evt_` and 32 hexadecimal digits: the millisecond, how many were made here in it before, and chance. Ids
 * made one after the other are in this order.
 */
export function newEventId(): string {
  const now = Date.now();
  // A clock that was put back by more than a little counts anew.
  const isNext = now > last.at || now < last.at - 1000;
  last = isNext ? { at: now, count: 0 } : { at: last.at, count: last.count + 1 };
  const random = crypto.getRandomValues(new Uint8Array(8));
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `evt_${hex(last.at, 12)}${hex(last.count % 0x10000, 4)}${Array.from(random, (byte) => hex(byte, 2)).join("")}`;
}

/** The least id of an event of a moment. @param at in milliseconds since the epoch. */
export const firstEventId = (at: number): string => `evt_${at.toString(16).padStart(12, "0")}`;

/** When the event with this id came about, in milliseconds since the epoch. */
export const eventTime = (id: string): number => Number.parseInt(id.slice(4, 16), 16);
