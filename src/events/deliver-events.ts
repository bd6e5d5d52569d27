import { Failure } from "../failure.ts";
import { logEvent } from "../log.ts";
import { ownEvents, type Settings, settingsOfAddress } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import { withinTime } from "../waiting.ts";
import { eventTime, type VippsLoginEvent } from "./event.ts";
import { isNotice } from "./notice.ts";
import { claimEvent, type DueEvent, type Outbox, type Settled, settleEvent } from "./outbox.ts";
import { postEvent } from "./post-event.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * How long after each try the next one comes, in milliseconds: as the Standard Webhooks specification proposes, as far
 * as a queue can wait (12 hours). Together 65 hours and a half, after which an event is given up until somebody has it
 * sent again.
 */
export const DELAYS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
];

/** Cloudflare lets six requests of one Worker wait at a time; one is left for the database. */
const AT_ONCE = 5;
/** Code of the project's own has as long as a receiver, in milliseconds. */
const TIME_LIMIT = 10_000;

/**
 * Takes a batch of the queue: each message says that there are events about somebody. These are sent in the order in
 * which they came about, until one is not received; then the message comes back when it is due again. Never throws.
 */
export async function deliverEvents(
  batch: MessageBatch,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
): Promise<void> {
  const waiting = [...batch.messages];
  const next = async (): Promise<void> => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const delay = await delivered(message.body, env, ctx);
      if (delay === undefined) message.ack();
      else message.retry({ delaySeconds: Math.ceil(delay / SECOND) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** @returns when to look again, in milliseconds from now; `undefined` where there is nothing left to do. */
async function delivered(
  notice: unknown,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
): Promise<number | undefined> {
  // Of another release, or of nobody: the events themselves are in the database, and are found there.
  if (!isNotice(notice)) return undefined;
  try {
    const settings = await settingsOfAddress(env, notice.address, (work) => ctx.waitUntil(work));
    const { accounts: database } = settings.storage;
    if (database === undefined) return undefined;
    const outbox = { database, site: settings.site.partition };
    return await deliverAbout({ settings, outbox, env, ctx }, notice.about);
  } catch (error) {
    logEvent("warn", "events_not_delivered", notice.address, faultFields(error));
    return MINUTE;
  }
}

interface Delivery {
  readonly settings: Settings;
  readonly outbox: Outbox;
  readonly env: Cloudflare.Env;
  readonly ctx: ExecutionContext;
}

async function deliverAbout(delivery: Delivery, about: string): Promise<number | undefined> {
  const { settings, outbox } = delivery;
  for (;;) {
    const due = await claimEvent(outbox, about);
    if (due === undefined) return undefined;
    const fault = await send(delivery, eventOf(settings, due));
    const settled = settlement(due, fault);
    await settleEvent(outbox, about, due, settled);
    const { state } = settled;
    const facts = { id: due.id, type: due.type, tries: due.tries, reason: fault };
    if (state === "given_up") logEvent("error", "event_given_up", settings.site.origin, facts);
    else if (state === "waiting") logEvent("warn", "event_not_received", settings.site.origin, facts);
    if (state === "waiting") return settled.delay;
  }
}

function settlement({ tries }: DueEvent, fault: string | undefined): Settled {
  if (fault === undefined) return { state: "delivered" };
  const delay = DELAYS[tries - 1];
  return delay === undefined ? { state: "given_up", fault } : { state: "waiting", fault, delay };
}

/** What was written down is of its type: nobody but {@link eventStatement} writes there. */
const eventOf = ({ site }: Settings, { id, type, data }: DueEvent): VippsLoginEvent =>
  ({
    id,
    type,
    timestamp: new Date(eventTime(id)).toISOString(),
    data: JSON.parse(data),
    site: site.origin,
  }) as VippsLoginEvent;

/** @returns why it was not received; `undefined` where it was. */
async function send({ settings, env, ctx }: Delivery, event: VippsLoginEvent): Promise<string | undefined> {
  const take = ownEvents();
  const { receiver } = settings.events;
  if (take === undefined)
    return receiver === undefined ? "there is no EVENTS_URL" : postEvent(receiver, event);
  try {
    const taking = (async () => take(event, env, ctx))();
    return await withinTime(
      TIME_LIMIT,
      taking.then(() => undefined),
      () => "not taken in 10 seconds",
    );
  } catch (error) {
    // What it says may name somebody.
    return error instanceof Failure
      ? `the project's own code failed: ${error.code}`
      : "the project's own code failed";
  }
}
