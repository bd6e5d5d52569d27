import { outboxOf } from "../events/notice.ts";
import type { Outbox } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import type { Settings } from "../settings.ts";

/** The database in which the worker keeps its own records of people, and the key of this site's rows. */
export interface Records {
  readonly database: D1Database;
  readonly site: string;
  /**
   * When the login that writes began, in milliseconds since the epoch: nothing is kept about an account that has
   * been erased since.
   */
  readonly begunAt?: number | undefined;
  /** Where what happens to people is told to the site's other systems; `undefined` where nobody is told. */
  readonly outbox?: Outbox | undefined;
}

/** The records of a site, or `undefined` for one that keeps none (`ACCOUNTS=none` without a database). */
export function siteRecords(settings: Settings): Records | undefined {
  const { site, storage } = settings;
  return (
    storage.accounts && {
      database: storage.accounts,
      site: site.partition,
      outbox: outboxOf(settings),
    }
  );
}

/**
 * The records of a site, for what cannot be without them.
 * @throws {Failure} `settings_invalid` where there is no database.
 */
export function requiredRecords(settings: Settings): Records {
  const records = siteRecords(settings);
  if (records !== undefined) return records;
  const details = ["ACCOUNTS_DB is not bound"];
  throw new Failure("settings_invalid", { stage: "settings", details });
}

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);
