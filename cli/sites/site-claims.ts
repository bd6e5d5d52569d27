// Hosts that a command holds while it writes their documents. KV takes whatever is written last, so two commands at
// once would both say that they have done it; the database lets one of them have a host and tells the other.

import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";

/** A host, and what is done with it. The same command begun again does the same, and goes on. */
export interface Claim {
  readonly host: string;
  readonly deed: string;
}

/** How long a claim counts that a command left behind which was cut off, and so long more for each host, in milliseconds. */
const KEPT_FOR = 5 * 60_000;
const FOR_EACH = 200;

/** What the database says that has no table for claims: no database, or a migration is not applied. */
const NO_TABLE = /no such table|has no D1 database/i;

/**
 * Does something with hosts that no other command is changing in the meantime.
 * @throws {CommandError} before anything is done, where another command has one of them; and what `work` throws.
 */
export async function withClaims<Result>(
  session: D1Session,
  claims: readonly Claim[],
  work: () => Promise<Result>,
): Promise<Result> {
  const params = [JSON.stringify(claims)];
  const isHeld = claims.length > 0 && (await take(session, claims, params));
  if (!isHeld) return work();
  try {
    return await work();
  } finally {
    await release(session, params).catch(() => undefined);
  }
}

async function take(
  session: D1Session,
  claims: readonly Claim[],
  params: readonly string[],
): Promise<boolean> {
  const now = Date.now();
  const until = now + KEPT_FOR + claims.length * FOR_EACH;
  try {
    const [, held] = await session.batch([
      {
        sql: `INSERT INTO site_claims (host, deed, until)
              SELECT value ->> 'host', value ->> 'deed', ?2 FROM json_each(?1) WHERE true
              ON CONFLICT (host) DO UPDATE SET deed = excluded.deed, until = excluded.until
              WHERE until < ?3 OR deed = excluded.deed`,
        params: [...params, until, now],
      },
      {
        sql: `SELECT c.host AS host FROM json_each(?1) one JOIN site_claims c ON c.host = one.value ->> 'host'
              WHERE c.deed <> one.value ->> 'deed'`,
        params: [...params],
      },
    ]);
    const taken = (held?.rows ?? []).map(({ host }) => String(host));
    if (taken.length === 0) return true;
    await release(session, params);
    throw new CommandError(
      `Another command is changing ${taken.join(", ")} at this moment, or was cut off in the last minutes. Nothing was changed; see "site list", and run the same again.`,
    );
  } catch (error) {
    if (error instanceof CommandError && error.code === "database" && NO_TABLE.test(error.message))
      return false;
    throw error;
  }
}

const release = (session: D1Session, params: readonly string[]) =>
  session.batch([
    {
      sql: `DELETE FROM site_claims WHERE (host, deed) IN
              (SELECT value ->> 'host', value ->> 'deed' FROM json_each(?1))`,
      params: [...params],
    },
  ]);
