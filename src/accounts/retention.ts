import { fromStorage } from "../failure.ts";
import { now } from "./records.ts";
import { WAITING_DAYS } from "./vipps-consents.ts";

/** Days after which somebody who waits for customer service has to ask again. */
const LINK_REQUEST_DAYS = 30;
/** One statement must not hold the database for long. In rows. */
const PORTION = 5_000;
const DAY = 24 * 3600;

/** Sites whose login events are kept for the same time. */
export interface RetentionGroup {
  /** Under which keys their rows stand. */
  readonly sites: readonly string[];
  readonly loginEventsDays: number;
}

/**
 * Deletes what has been kept long enough: login events after `loginEventsDays`, link requests after 30 days, and
 * consents from Vipps whose person never came back after 90, whichever site they are of.
 * @returns how many of each were deleted.
 * @throws {Failure} `storage_unavailable`; what is left goes the next time.
 */
export async function deleteExpired(
  database: D1Database,
  { sites, loginEventsDays }: RetentionGroup,
): Promise<{
  readonly loginEvents: number;
  readonly linkRequests: number;
  readonly waitingConsents: number;
}> {
  // One list however many sites: a statement for each would be more calls than a Worker may make.
  const list = JSON.stringify(sites);
  const eventsBefore = now() - loginEventsDays * DAY;
  const deletePortion = database
    .prepare(
      `DELETE FROM login_events WHERE id IN
         (SELECT id FROM login_events
          WHERE site IN (SELECT value FROM json_each(?1)) AND at < ?2 LIMIT ${PORTION})`,
    )
    .bind(list, eventsBefore);
  let loginEvents = 0;
  let deleted: number;
  do {
    deleted = (await fromStorage("account", deletePortion.run())).meta.changes;
    loginEvents += deleted;
  } while (deleted === PORTION);
  const deleteRequests = database
    .prepare(
      "DELETE FROM link_requests WHERE site IN (SELECT value FROM json_each(?1)) AND requested_at < ?2",
    )
    .bind(list, now() - LINK_REQUEST_DAYS * DAY);
  const linkRequests = (await fromStorage("account", deleteRequests.run())).meta.changes;
  const deleteConsents = database
    .prepare(
      `DELETE FROM vipps_consents INDEXED BY vipps_consents_waiting_by_time
       WHERE account_id IS NULL AND received_at < ?1`,
    )
    .bind(now() - WAITING_DAYS * DAY);
  const waitingConsents = (await fromStorage("account", deleteConsents.run())).meta.changes;
  return { loginEvents, linkRequests, waitingConsents };
}
