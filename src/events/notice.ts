import { ALL_SITES, logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { outboxOf } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import { freshEvents, type Outbox, overdueEvents } from "./outbox.ts";

/** A message of the queue: there are events about somebody. The events themselves stay in the database. */
interface Notice {
  /** The shape of this message (another release may send another one). */
  readonly version: 1;
  /** An address of the site, under which its settings are found. */
  readonly address: string;
  /** As in {@link Outbox}. */
  readonly about: string;
}

export function isNotice(body: unknown): body is Notice {
  if (typeof body !== "object" || body === null) return false;
  const { version, address, about } = body as Partial<Record<keyof Notice, unknown>>;
  return version === 1 && typeof address === "string" && typeof about === "string";
}

/** Messages of one call to the queue, by Cloudflare's limit. */
const BATCH = 100;

/** Tells the queue about whom there are events. @throws what the queue throws. */
export async function sendNotices(
  queue: Queue,
  concerned: readonly { readonly address: string; readonly about: string }[],
): Promise<void> {
  for (let start = 0; start < concerned.length; start += BATCH)
    await queue.sendBatch(
      concerned
        .slice(start, start + BATCH)
        .map(({ address, about }) => ({ body: { version: 1, address, about } satisfies Notice })),
    );
}

/** Events that a request has just written are this old at most, in milliseconds. */
const JUST_NOW = 60_000;

/**
 * Has the events delivered that a request has just written, behind its answer. Never throws: what it leaves is found
 * by {@link sweepEvents}.
 */
export async function announceEvents(settings: Settings): Promise<void> {
  const outbox = outboxOf(settings);
  const { events: queue } = settings.storage;
  if (outbox === undefined || queue === undefined) return;
  try {
    const due = await freshEvents(outbox, JUST_NOW);
    await sendNotices(
      queue,
      due.map(({ about }) => ({ address: settings.site.origin, about })),
    );
  } catch (error) {
    logEvent("warn", "events_not_announced", settings.site.origin, faultFields(error));
  }
}

/** What is due for longer is in nobody's hands, in milliseconds: a message of the queue is quicker. */
const OVERDUE = 120_000;

/**
 * Finds events that nobody has in hand: whoever wrote them died before the queue knew, the queue lost them, or they
 * are to be sent again.
 * @param addressesOf the addresses of sites, by the keys of their rows.
 * @throws {Failure} `storage_unavailable`, or what the queue throws; the next sweep finds them.
 */
export async function sweepEvents(
  database: D1Database,
  queue: Queue,
  addressesOf: (sites: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<void> {
  const overdue = await overdueEvents(database, OVERDUE);
  if (overdue.length === 0) return;
  const addresses = await addressesOf([...new Set(overdue.map(({ site }) => site))]);
  const reachable = overdue.flatMap(({ site, about }) => {
    const address = addresses.get(site);
    return address === undefined ? [] : [{ address, about }];
  });
  await sendNotices(queue, reachable);
  logEvent("info", "events_found_overdue", ALL_SITES, { people: reachable.length, sites: addresses.size });
}
