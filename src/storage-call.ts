import { Failure, type FailureCode, type Stage } from "./failure.ts";
import { logEvent, siteNamed } from "./log.ts";
import { type FaultClass, isPassing, type StorageFault, type Store, storageFault } from "./storage-fault.ts";
import { withinTime } from "./waiting.ts";

/**
 * The one place where our own storage is asked: within a time limit, once more where the failure is a passing one, and
 * with a failure that says why.
 */

/** The failure that a failing store makes of a request. */
export function storageFailure(stage: Stage, fault: StorageFault): Failure {
  return new Failure("storage_unavailable", { stage, reason: REASONS[fault.class], storage: fault });
}

/** Fixed phrases for the log and for customer service. */
const REASONS: Readonly<Record<FaultClass, string>> = {
  timed_out: "too slow",
  connection_lost: "connection lost",
  reset: "reset",
  code_updated: "code updated",
  overloaded: "overloaded",
  missing_table: "missing table",
  quota: "quota used up",
  cannot_open: "cannot be opened",
  full: "full",
  exceeded: "limits exceeded",
  damaged: "damaged",
  unknown: "call failed",
};

/** How long storage may take before the request gives up, in milliseconds. */
const TIME_LIMIT = 5_000;
/** A call is made once more after a pause of this length at least, and at most; in milliseconds. */
const PAUSE = { least: 20, most: 120 };
/** With less left of the time limit it is not made once more. In milliseconds. */
const WORTHWHILE = 200;

/** Where a call to storage belongs. */
export interface StorageCall {
  /** Whose call it is, for the log: an origin. */
  readonly site: string;
  readonly store: Store;
  readonly stage: Stage;
  /** Milliseconds for all of it. */
  readonly timeLimit?: number | undefined;
  /**
   * After which failures it is made once more: those that pass, as is the rule; any that is not hopeless, for what only
   * reads; none, for what somebody else's server may not do twice.
   */
  readonly repeats?: "passing" | "any" | "none" | undefined;
}

/**
 * Asks our own storage, once more after a failure that passes: a lost connection, a restart, a deployment. What is
 * hopeless, or takes too long, is not asked again.
 * @param call makes the call, each time through a new stub or statement; it may run twice, the second time although
 *   the first was done and only its answer got lost. It is told whether it runs `again`, for what has to look whether
 *   the first was done. A promise will not do: promises of Durable Objects can be called like functions.
 * @returns what the call gives.
 * @throws {Failure} `storage_unavailable`, which says why; what the call throws as a {@link Failure} stays as it is.
 */
export async function fromStorage<Value>(
  { site, store, stage, timeLimit = TIME_LIMIT, repeats = "passing" }: StorageCall,
  call: (again: boolean) => PromiseLike<Value>,
): Promise<Value> {
  const giveUpAt = Date.now() + timeLimit;
  const attempt = async (again: boolean): Promise<Value> => {
    try {
      return await call(again);
    } catch (error) {
      if (error instanceof Failure) throw error;
      const fault = storageFault(store, error);
      const pause = PAUSE.least + Math.random() * (PAUSE.most - PAUSE.least);
      const mayPass = isPassing(error, fault) || (repeats === "any" && fault.class === "unknown");
      if (again || repeats === "none" || !mayPass || Date.now() + pause + WORTHWHILE > giveUpAt)
        throw storageFailure(stage, fault);
      logEvent("warn", "storage_repeated", site, { ...fault, stage });
      await new Promise((wake) => setTimeout(wake, pause));
      return attempt(true);
    }
  };
  return withinTime(timeLimit, attempt(false), () => {
    throw storageFailure(stage, { store, class: "timed_out", cause: `no answer in ${timeLimit} ms` });
  });
}

/**
 * The same for the database of accounts, which is asked most.
 * @param partition the key of the rows that are asked for, of which the log names the site.
 */
export function fromDatabase<Value>(
  partition: string,
  call: (again: boolean) => PromiseLike<Value>,
): Promise<Value> {
  return fromStorage({ site: siteNamed(partition), store: "accounts_db", stage: "account" }, call);
}

/** What a log line says of an error that ended something nobody waits for. */
export function faultFields(error: unknown): {
  readonly code: FailureCode;
  readonly reason?: string | undefined;
  readonly store?: Store | undefined;
  readonly class?: FaultClass | undefined;
  readonly cause?: string | undefined;
} {
  if (!(error instanceof Failure)) return { code: "internal_error" };
  return { code: error.code, reason: error.facts.reason, ...error.facts.storage };
}
