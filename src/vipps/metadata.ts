import * as oauth from "oauth4webapi";
import { Failure } from "../failure.ts";
import { logEvent } from "../log.ts";
import { withinTime } from "../time-limit.ts";
import { type SigningKey, usableKeys } from "./jwks.ts";
import type { RelyingParty } from "./relying-party.ts";
import { boundedFetch } from "./request.ts";

/** What the provider says about itself: its discovery document and its signing keys, kept as one value. */
export interface Metadata {
  readonly discovery: oauth.AuthorizationServer;
  /** Missing only while the provider's JWKS could not be fetched even once. */
  readonly keys: readonly SigningKey[] | undefined;
  /** When the provider was last asked, in milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/** What reading the metadata needs from the request at hand. */
export interface ProviderAccess {
  readonly relyingParty: RelyingParty;
  readonly store: KVNamespace;
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

/** Keyed by all that a copy depends on: the issuer, and whether plain http was allowed to fetch it. */
const memory = new Map<string, Metadata>();
const MEMORY_LIMIT = 50;
const refreshes = new Map<string, Promise<Metadata>>();
const failedRefreshes = new Map<string, number>();

/**
 * The provider's metadata: from memory, else from KV, else from the provider. A stale copy is served while one
 * refresh runs behind it, so a warm login never waits for discovery.
 * @throws {Failure} `metadata_unavailable` or `metadata_invalid` when there is no copy at all and the provider
 *   gives none within its time limit.
 */
export async function providerMetadata(access: ProviderAccess): Promise<Metadata> {
  const key = cacheKey(access);
  const known = memory.get(key) ?? (await fromStore(access));
  if (known === undefined) return refresh(access);
  const now = Date.now();
  const rested = now - (failedRefreshes.get(key) ?? 0) > RETRY_AFTER;
  if (now - known.fetchedAt > FRESH_FOR && rested) {
    access.background(refresh(access).catch(() => undefined));
  }
  return known;
}

/** The age of the copy in memory in seconds, for the health check; fetches one where there is none. */
export async function metadataAge(access: ProviderAccess): Promise<number> {
  const { fetchedAt } = await providerMetadata(access);
  return Math.max(0, Math.round((Date.now() - fetchedAt) / 1000));
}

/**
 * Asks the provider anew, once however many requests wait for it.
 * @throws {Failure} `metadata_unavailable` or `metadata_invalid`.
 */
export function refresh(access: ProviderAccess): Promise<Metadata> {
  const key = cacheKey(access);
  const running = refreshes.get(key);
  if (running !== undefined) return running;
  const run = fetchMetadata(access)
    .then((fetched) => {
      // A JWKS that is down for a moment must not cost the keys that are already known.
      const metadata = { ...fetched, keys: fetched.keys ?? memory.get(key)?.keys };
      remember(key, metadata);
      failedRefreshes.delete(key);
      access.background(toStore(access, metadata));
      return metadata;
    })
    .catch((error: unknown) => {
      failedRefreshes.set(key, Date.now());
      if (error instanceof Failure)
        logEvent("warn", "metadata_refresh_failed", { code: error.code, reason: error.facts.reason });
      throw error;
    })
    .finally(() => refreshes.delete(key));
  refreshes.set(key, run);
  // The request that began the refresh may be gone before it ends; the others wait for the same promise.
  access.background(run.catch(() => undefined));
  return run;
}

/** Forgets everything in memory: what a new isolate starts with. */
export function forgetMetadata(): void {
  memory.clear();
  refreshes.clear();
  failedRefreshes.clear();
}

function cacheKey({ relyingParty }: ProviderAccess): string {
  return `${relyingParty.allowHttp ? "http" : "https"} ${relyingParty.issuer}`;
}

function remember(key: string, metadata: Metadata): void {
  if (memory.size >= MEMORY_LIMIT && !memory.has(key)) memory.clear();
  memory.set(key, metadata);
}

async function fetchMetadata({ relyingParty }: ProviderAccess): Promise<Metadata> {
  const limits = { unavailable: "metadata_unavailable", stage: "start", timeLimit: 4_000 } as const;
  const invalid = (reason: string) => new Failure("metadata_invalid", { stage: "start", reason });
  const options = {
    [oauth.customFetch]: boundedFetch(relyingParty, limits),
    [oauth.allowInsecureRequests]: relyingParty.allowHttp,
  };
  const issuer = new URL(relyingParty.issuer);
  let discovery: oauth.AuthorizationServer;
  try {
    const response = await oauth.discoveryRequest(issuer, options);
    if (response.status !== 200)
      throw new Failure(limits.unavailable, { stage: "start", reason: `answered with ${response.status}` });
    discovery = await oauth.processDiscoveryResponse(issuer, response);
  } catch (error) {
    throw error instanceof Failure ? error : invalid("discovery document is not usable");
  }
  // The library compares parsed URLs; OpenID Connect Discovery section 4.3 wants the very same string.
  if (discovery.issuer !== relyingParty.issuer) throw invalid("issuer differs from the configured one");
  for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const) {
    const endpoint = URL.parse(discovery[name] ?? "");
    const secure =
      endpoint?.protocol === "https:" || (relyingParty.allowHttp && endpoint?.protocol === "http:");
    if (!secure) throw invalid(`${name} is missing or not https`);
  }
  return { discovery, keys: await fetchKeys(relyingParty, discovery), fetchedAt: Date.now() };
}

/** Starting a login needs no keys, so a JWKS that is down does not take the whole metadata with it. */
async function fetchKeys(
  relyingParty: RelyingParty,
  discovery: oauth.AuthorizationServer,
): Promise<readonly SigningKey[] | undefined> {
  const fetchBounded = boundedFetch(relyingParty, {
    unavailable: "keys_unavailable",
    stage: "id_token",
    timeLimit: 3_000,
  });
  try {
    const response = await fetchBounded(discovery.jwks_uri ?? "", {
      headers: { accept: "application/json" },
    });
    return response.status === 200 ? usableKeys(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

async function fromStore(access: ProviderAccess): Promise<Metadata | undefined> {
  const key = cacheKey(access);
  try {
    const stored = await withinTime(STORE_TIME_LIMIT, access.store.get<Metadata>(key, "json"), () => null);
    if (stored?.discovery?.issuer !== access.relyingParty.issuer) return undefined;
    remember(key, stored);
    return stored;
  } catch {
    logEvent("warn", "metadata_store_failed", { operation: "get" });
    return undefined;
  }
}

async function toStore(access: ProviderAccess, metadata: Metadata): Promise<void> {
  try {
    await access.store.put(cacheKey(access), JSON.stringify(metadata), { expirationTtl: KEPT_FOR });
  } catch {
    logEvent("warn", "metadata_store_failed", { operation: "put" });
  }
}
