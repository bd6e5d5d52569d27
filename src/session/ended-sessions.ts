import type { SessionEnd } from "../events/event.ts";
import { sendNotices } from "../events/notice.ts";
import { eventStatement } from "../events/outbox.ts";
import { outboxOf, settingsOfAddress } from "../settings.ts";
import { fromDatabase } from "../storage-call.ts";

/** Whose sessions an object holds: an object does not know its own name. */
export interface ToldOwner {
  /** An address of the site, under which its settings are found. */
  readonly address: string;
  readonly account: string;
}

/** How sessions end whose ends are told. */
export interface ToldEnd {
  readonly owner: ToldOwner;
  readonly reason: SessionEnd;
}

/** The end of a session, as its object has noted it. */
export type EndedSession = {
  /** The id of the event that tells of it. */
  readonly event: string;
  readonly sid: string;
  readonly reason: SessionEnd;
  /** A {@link ToldOwner} as JSON. */
  readonly told: string;
};

/**
 * Tells of sessions of one person that have ended. Told twice it is the same event.
 * @throws {Failure} `storage_unavailable`, `settings_invalid`, or what the queue throws; then it is to be done again.
 */
export async function tellEndedSessions(
  env: Cloudflare.Env,
  ended: readonly EndedSession[],
  background: (work: Promise<unknown>) => void,
): Promise<void> {
  for (const [told, sessions] of Map.groupBy(ended, (session) => session.told)) {
    const { address, account } = JSON.parse(told) as ToldOwner;
    const settings = await settingsOfAddress(env, address, background);
    const outbox = outboxOf(settings);
    const { events: queue } = settings.storage;
    if (outbox === undefined || queue === undefined) continue;
    await fromDatabase(outbox.site, () =>
      outbox.database.batch(
        sessions.map(({ event, sid, reason }) =>
          eventStatement(
            outbox,
            account,
            "session.ended",
            { account, session: sid, reason },
            undefined,
            event,
          ),
        ),
      ),
    );
    await sendNotices(queue, [{ address: settings.site.origin, about: account }]);
  }
}
