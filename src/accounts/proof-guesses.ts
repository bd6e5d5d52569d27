import { randomText } from "../crypto-text.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { now, type Records } from "./records.ts";
import { accountSubject, personSubject, type VippsPerson } from "./vipps-person.ts";

/** Facts that one person may try within {@link PERSON_WINDOW}, whatever accounts they make or erase meanwhile. */
export const PERSON_GUESSES = 5;
/** In seconds. */
export const PERSON_WINDOW = 24 * 3600;
/** Facts that may be tried at one account within {@link ACCOUNT_WINDOW}, by however many people. */
export const ACCOUNT_GUESSES = 10;
/** In seconds. */
export const ACCOUNT_WINDOW = 7 * 24 * 3600;

/**
 * Counts one fact that is about to be compared, before it is looked at, so that parallel guesses are all counted.
 * First by the person, and only where they may go on by each account, so that one person alone locks nobody out.
 * Nothing but time takes a guess back: no new account, link or erasure.
 *
 * Somebody whose account has been guessed at too often still logs in with the Vipps user linked to it; a further
 * one is linked by customer service.
 * @param candidates the accounts that the fact may prove.
 * @returns those it may be compared with; none when the person, or others, have tried too often.
 * @throws {Failure} `storage_unavailable`; then nothing may be compared.
 */
export async function countProofGuess(
  { database, site }: Records,
  person: Pick<VippsPerson, "msn" | "sub">,
  candidates: readonly AccountId[],
): Promise<readonly AccountId[]> {
  const at = now();
  // A count that is made again, because the answer to it got lost, counts the same guess once.
  const guess = randomText(8);
  const count = (subject: string, limit: number, window: number) =>
    database
      .prepare(
        `INSERT INTO proof_guesses (site, subject, count, until, last_guess) VALUES (?1, ?2, 1, ?3, ?6)
         ON CONFLICT DO UPDATE SET count = iif(last_guess IS ?6, count, iif(until <= ?4, 1, count + 1)),
             until = iif(until <= ?4, ?3, until), last_guess = ?6
           WHERE until <= ?4 OR count < ?5 OR last_guess IS ?6
         RETURNING count`,
      )
      .bind(site, subject, at + window, at, limit, guess);
  const byPerson = count(await personSubject(site, person), PERSON_GUESSES, PERSON_WINDOW);
  if ((await fromDatabase(site, () => byPerson.first())) === null || candidates.length === 0) return [];
  const subjects = await Promise.all(candidates.map((id) => accountSubject(site, id)));
  const byAccount = subjects.map((subject) => count(subject, ACCOUNT_GUESSES, ACCOUNT_WINDOW));
  const counted = await fromDatabase(site, () => database.batch(byAccount));
  return candidates.filter((_, index) => (counted[index]?.results.length ?? 0) > 0);
}

/** Facts that were tried lately to prove an account. */
export interface ProofGuesses {
  readonly count: number;
  /** Whether no more may be tried. */
  readonly isExhausted: boolean;
  /** When they no longer count, in seconds since the epoch. */
  readonly until: number;
}

/**
 * What customer service sees of guesses at an account.
 * @returns `undefined` where there were none lately.
 * @throws {Failure} `storage_unavailable`.
 */
export async function proofGuessesAt(
  { database, site }: Records,
  accountId: AccountId,
): Promise<ProofGuesses | undefined> {
  const statement = database
    .prepare("SELECT count, until FROM proof_guesses WHERE site = ?1 AND subject = ?2 AND until > ?3")
    .bind(site, await accountSubject(site, accountId), now());
  const row = await fromDatabase(site, () => statement.first<{ count: number; until: number }>());
  return row === null ? undefined : { ...row, isExhausted: row.count >= ACCOUNT_GUESSES };
}
