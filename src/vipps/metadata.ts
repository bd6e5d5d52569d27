import { Failure } from "../failure.ts";
import { logEvent } from "../log.ts";
import { createSingleFlight } from "../single-flight.ts";
import type { StepTimes } from "../step-times.ts";
import { withinTime } from "../time-limit.ts";
import { checkedDiscovery, type Discovery, fetchDiscovery } from "./discovery.ts";
import { fetchKeys } from "./jwks.ts";
import { takesClientAuthentication } from "./provider-requirements.ts";
import type { RelyingParty } from "./relying-party.ts";
import { type SigningKey, usableKeys } from "./usable-keys.ts";

/** What the provider says about itself: its discovery document and its signing keys, kept as one value. */
export interface Metadata {
  readonly discovery: Discovery;
  /** Missing only while the provider's JWKS could not be fetched even once. */
  readonly keys: readonly SigningKey[] | undefined;
  /** When the provider was last asked for its discovery document, in milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/** What talking to the provider needs from the request at hand. */
export interface ProviderAccess {
  readonly relyingParty: RelyingParty;
  readonly store: KVNamespace;
  /** When everything the provider has to do with this request must be over, in milliseconds since the epoch. */
  readonly answerBy: number;
  /** How long the provider and its stored copies were waited for, step by step. */
  readonly stepTimes: StepTimes;
  /** Keeps work alive after the answer is sent (`waitUntil`). */
  readonly background: (work: Promise<unknown>) => void;
}

/** Vipps sends its discovery document with `max-age=3600`. In milliseconds. */
const FRESH_FOR = 3_600_000;
/** How long a stale copy may stand in for a provider that is down. In seconds. */
const KEPT_FOR = 7 * 24 * 3600;
/** After a refresh failed, wait this long before the next one. In milliseconds. */
const RETRY_AFTER = 30_000;
/** KV has no time limit of its own; beyond this the provider itself is the faster source. In milliseconds. */
const STORE_TIME_LIMIT = 1_000;

/** Keyed by all that a copy depends on: the issuer, where its endpoints may lie, and whether without TLS. */
const memory = new Map<string, Metadata>();
const MEMORY_LIMIT = 50;
const failedRefreshes = new Map<string, number>();
const refreshes = createSingleFlight<Metadata>();
const keyRefreshes = createSingleFlight<readonly SigningKey[] | undefined>();

/**
 * The provider's metadata, {@link knownMetadata}, where it fits this relying party.
 * @throws {Failure} `metadata_unavailable` or `metadata_invalid`.
 */
export async function providerMetadata(access: ProviderAccess): Promise<Metadata> {
  const metadata = await knownMetadata(access);
  // Sites that share the copy may prove who they are in different ways.
  if (!takesClientAuthentication(access.relyingParty, metadata.discovery)) {
    const reason = "the provider does not take the client authentication of VIPPS_TOKEN_AUTH";
    throw new Failure("metadata_invalid", { stage: "start", reason });
  }
  return metadata;
}

/**
 * The provider's metadata: from memory, else from KV, else from the provider. A stale copy is served while one
 * refresh runs behind it, so a warm login never waits for discovery; a cold one waits for discovery alone, and
 * the keys come in behind it.
 * @throws {Failure} `metadata_unavailable` or `metadata_invalid` when there is no copy at all and the provider
 *   gives none within its time limit.
 */
async function knownMetadata(access: ProviderAccess): Promise<Metadata> {
  const key = metadataKey(access);
  const known = memory.get(key) ?? (await fromStore(access));
  if (known === undefined) {
    const tooLate = new Failure("metadata_unavailable", { stage: "start", reason: "no answer in time" });
    return inTime(access, refreshMetadata(access), tooLate);
  }
  const now = Date.now();
  const rested = now - (failedRefreshes.get(key) ?? 0) > RETRY_AFTER;
  if (now - known.fetchedAt > FRESH_FOR && rested) {
    access.background(refreshMetadata(access).catch(() => undefined));
  }
  return known;
}

/** The age of the copy in memory in seconds, for the health check; fetches one where there is none. */
export async function metadataAge(access: ProviderAccess): Promise<number> {
  const { fetchedAt } = await providerMetadata(access);
  return Math.max(0, Math.round((Date.now() - fetchedAt) / 1000));
}

/** Asks the provider for its discovery document anew, once however many requests wait for it. */
function refreshMetadata(access: ProviderAccess): Promise<Metadata> {
  const key = metadataKey(access);
  return refreshes.run(key, access.background, async () => {
    try {
      const discovery = await fetchDiscovery(access.relyingParty);
      const metadata = { discovery, keys: memory.get(key)?.keys, fetchedAt: Date.now() };
      remember(key, metadata);
      failedRefreshes.delete(key);
      access.background(keysRefresh(access, metadata));
      return metadata;
    } catch (error) {
      failedRefreshes.set(key, Date.now());
      const { code, facts } = error instanceof Failure ? error : { code: "internal_error", facts: undefined };
      logEvent("warn", "metadata_refresh_failed", { code, reason: facts?.reason });
      throw error;
    }
  });
}

/**
 * Asks the provider for its keys anew, once however many requests wait for it.
 * @returns the keys as they now are; where the provider gives none, those that were known before.
 * @throws {Failure} `keys_unavailable` when this request can wait no longer.
 */
export function refreshKeys(
  access: ProviderAccess,
  metadata: Metadata,
): Promise<readonly SigningKey[] | undefined> {
  const tooLate = new Failure("keys_unavailable", { stage: "id_token", reason: "no answer in time" });
  return inTime(access, keysRefresh(access, metadata), tooLate);
}

function keysRefresh(
  access: ProviderAccess,
  { discovery }: Metadata,
): Promise<readonly SigningKey[] | undefined> {
  const key = metadataKey(access);
  return keyRefreshes.run(`${key} ${discovery.jwks_uri}`, access.background, async () => {
    const fetched = await fetchKeys(access.relyingParty, discovery.jwks_uri);
    if (fetched === undefined) logEvent("warn", "keys_refresh_failed");
    const known = memory.get(key);
    const metadata: Metadata = {
      discovery: known?.discovery ?? discovery,
      // A JWKS that is down for a moment must not cost the keys that are already known.
      keys: fetched ?? known?.keys,
      fetchedAt: known?.fetchedAt ?? 0,
    };
    remember(key, metadata);
    access.background(toStore(access, metadata));
    return metadata.keys;
  });
}

/** Whether a refresh of the keys is under way, which a further request joins instead of beginning another. */
export function isRefreshingKeys(access: ProviderAccess, { discovery }: Metadata): boolean {
  return keyRefreshes.isRunning(`${metadataKey(access)} ${discovery.jwks_uri}`);
}

/** Waits for shared work no longer than this request may take: the work itself may belong to another request. */
function inTime<Value>(access: ProviderAccess, work: Promise<Value>, tooLate: Failure): Promise<Value> {
  return withinTime(Math.max(0, access.answerBy - Date.now()), work, () => {
    throw tooLate;
  });
}

/** Forgets everything in memory: what a new isolate starts with. */
export function forgetMetadata(): void {
  memory.clear();
  failedRefreshes.clear();
  refreshes.forget();
  keyRefreshes.forget();
}

/** What a copy of the metadata depends on. */
export function metadataKey({ relyingParty }: ProviderAccess): string {
  const { allowHttp, issuer, endpointOrigins } = relyingParty;
  return [allowHttp ? "http" : "https", issuer, ...endpointOrigins.toSorted()].join(" ");
}

function remember(key: string, metadata: Metadata): void {
  if (memory.size >= MEMORY_LIMIT && !memory.has(key)) memory.clear();
  memory.set(key, metadata);
}

async function fromStore(access: ProviderAccess): Promise<Metadata | undefined> {
  const key = metadataKey(access);
  try {
    const stored = await withinTime(STORE_TIME_LIMIT, access.store.get<Metadata>(key, "json"), () => null);
    if (stored === null) return undefined;
    // Another version of this worker, or another hand, may have written it: it is checked like a fresh one.
    const metadata: Metadata = {
      discovery: checkedDiscovery(access.relyingParty, stored.discovery),
      keys: usableKeys({ keys: stored.keys }),
      fetchedAt: Math.min(Number(stored.fetchedAt) || 0, Date.now()),
    };
    remember(key, metadata);
    return metadata;
  } catch {
    logEvent("warn", "metadata_store_failed", { operation: "get" });
    return undefined;
  }
}

async function toStore(access: ProviderAccess, metadata: Metadata): Promise<void> {
  try {
    const copy = JSON.stringify(metadata);
    const stored = access.store.put(metadataKey(access), copy, { expirationTtl: KEPT_FOR });
    await withinTime(STORE_TIME_LIMIT, stored, () => {
      throw new Error("too slow");
    });
  } catch {
    logEvent("warn", "metadata_store_failed", { operation: "put" });
  }
}
