import type { Outbox } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import type { Settings } from "../settings.ts";
import { outboxOf } from "../settings.ts";

/** What every store of accounts has in common: where its rows are, and in which form. */

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

/** The rows of one statement of a batch, in the shape the statement selects. */
export function rows<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}

/** A truth value as SQLite keeps it. */
export const flag = (value: boolean): number => (value ? 1 : 0);

/** Whether D1 refused a write because something must be unique. */
export function isConstraintError(error: unknown): boolean {
  return error instanceof Error && error.message.includes("UNIQUE constraint failed");
}
