import { type Flights, joinFlight, putBounded } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import { faultFields, fromStorage } from "../storage-call.ts";
import { originOfHost } from "./site-host.ts";

/** For this long what is in memory is believed without asking. In milliseconds. */
const FRESH_FOR = 15_000;
/**
 * For this long it is used once more while it is asked for behind the answer. In milliseconds. With what KV itself
 * may keep an old copy for, a change bites within a minute.
 */
const STALE_FOR = 30_000;
/** What KV caches a copy for, in seconds: the least it allows. */
export const STORE_CACHE_TTL = 30;
/** For this long a copy stands in for a KV that does not answer. In milliseconds. */
const STAND_IN_FOR = 10 * 60_000;
/** After KV failed, wait this long before asking it again. In milliseconds. */
const REST_FOR = 5_000;
/** How long KV may take, in milliseconds. */
const TIME_LIMIT = 1_500;
const READING = { store: "sites", stage: "settings", timeLimit: TIME_LIMIT, repeats: "any" } as const;
/** Hosts kept in memory, a few kilobytes each. */
const LIMIT = 2_000;
/** Hosts known to be nobody's: anybody can make up more of them. */
const UNKNOWN_LIMIT = 1_000;

/** Times in milliseconds since the epoch. */
interface Known<Value> {
  readonly text: string | null;
  readonly value: Value | undefined;
  readonly checkedAt: number;
  /** From then on the same text is judged anew. */
  readonly judgedUntil: number;
}

/** What became of a text. */
export interface Parsed<Value> {
  readonly value: Value;
  /** When to judge the same text anew, in milliseconds since the epoch; never where it is left out. */
  readonly judgedUntil?: number;
}

/** What stands in KV for a host, read once and remembered. */
export interface ValueByHost<Value> {
  /**
   * @param background keeps work alive after the answer is sent (`waitUntil`).
   * @returns `undefined` for a host that KV has nothing for.
   * @throws {Failure} `storage_unavailable` when KV does not answer and there is no copy either.
   */
  get(host: string, background: (work: Promise<unknown>) => void): Promise<Value | undefined>;
}

/**
 * @param read what stands in KV for a host, or `null`.
 * @param parse what becomes of the text; done once as long as the text stays the same. It may give back what was
 *   there before, where a text is not to be believed.
 */
export function createValueByHost<Value>(
  read: (host: string) => Promise<string | null>,
  parse: (text: string, host: string, before: Value | undefined) => Promise<Parsed<Value>>,
): ValueByHost<Value> {
  const known = new Map<string, Known<Value>>();
  const unknown = new Map<string, Known<Value>>();
  const refreshes: Flights<Known<Value>> = new Map();
  let restUntil = 0;

  const remembered = (host: string) => known.get(host) ?? unknown.get(host);

  async function refreshed(host: string): Promise<Known<Value>> {
    const before = remembered(host);
    const text = await fromStorage({ ...READING, site: originOfHost(host) }, () => read(host));
    const { value, judgedUntil } = await judged(text, host, before);
    const entry = { text, value, judgedUntil, checkedAt: Date.now() };
    if (text === null) {
      known.delete(host);
      putBounded(unknown, host, entry, UNKNOWN_LIMIT);
    } else {
      unknown.delete(host);
      putBounded(known, host, entry, LIMIT);
    }
    return entry;
  }

  async function judged(
    text: string | null,
    host: string,
    before: Known<Value> | undefined,
  ): Promise<Pick<Known<Value>, "value" | "judgedUntil">> {
    if (before?.text === text && Date.now() < before.judgedUntil) return before;
    if (text === null) return { value: undefined, judgedUntil: Number.POSITIVE_INFINITY };
    const { value, judgedUntil = Number.POSITIVE_INFINITY } = await parse(text, host, before?.value);
    return { value, judgedUntil };
  }

  function refresh(host: string, background: (work: Promise<unknown>) => void): Promise<Known<Value>> {
    return joinFlight(refreshes, host, background, () => refreshed(host));
  }

  function failed(host: string, error: unknown): void {
    restUntil = Date.now() + REST_FOR;
    logEvent("warn", "sites_store_failed", originOfHost(host), faultFields(error));
  }

  return {
    async get(host, background) {
      const copy = remembered(host);
      const age = copy === undefined ? Number.POSITIVE_INFINITY : Date.now() - copy.checkedAt;
      if (copy !== undefined && age < FRESH_FOR) return copy.value;
      const canWait = copy !== undefined && age < STAND_IN_FOR && Date.now() < restUntil;
      if (copy !== undefined && canWait) return copy.value;
      if (copy !== undefined && age < STALE_FOR) {
        background(refresh(host, background).catch((error: unknown) => failed(host, error)));
        return copy.value;
      }
      try {
        return (await refresh(host, background)).value;
      } catch (error) {
        failed(host, error);
        if (copy !== undefined && age < STAND_IN_FOR) return copy.value;
        throw error;
      }
    },
  };
}
