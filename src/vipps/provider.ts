import type * as oauth4webapi from "oauth4webapi";
import { version } from "../../package.json";
import { Failure, type FailureCode, type Stage, withFacts } from "../failure.ts";
import { type Flight, flightUnderWay, isolateMap, joinFlight } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import type { MetadataStore } from "../settings/types.ts";
import { faultFields } from "../storage-call.ts";
import { boundedText, type StepTimes, withinTime } from "../waiting.ts";
import { readCopy, writeCopy } from "./metadata-store.ts";
import {
  isProviderOrigin,
  issuerDifference,
  type RelyingParty,
  takesClientAuthentication,
  unmetRequirements,
} from "./relying-party.ts";
import { type SigningKey, usableKeys } from "./usable-keys.ts";

/** The provider: how it is asked, and what it says about itself, checked and kept in memory and in KV. */

/** What the provider says about itself: its discovery document and its signing keys, kept as one value. */
export interface Metadata {
  readonly discovery: Discovery;
  /** Missing only while the provider's JWKS could not be fetched even once. */
  readonly keys: readonly SigningKey[] | undefined;
  /**
   * When the provider was last asked for its discovery document, in milliseconds since the epoch. It is the
   * version too: an isolate never goes back to a copy with an earlier one.
   */
  readonly fetchedAt: number;
  /** When the provider last gave these keys, in milliseconds since the epoch; 0 where there are none. */
  readonly keysFetchedAt: number;
}

/** What talking to the provider needs from the request at hand. */
export interface ProviderAccess {
  readonly relyingParty: RelyingParty;
  readonly store: MetadataStore;
  /** When everything the provider has to do with this request must be over, in milliseconds since the epoch. */
  readonly answerBy: number;
  /** How long the provider and its stored copies were waited for, step by step. */
  readonly stepTimes: StepTimes;
  /** Keeps work alive after the answer is sent (`waitUntil`). */
  readonly background: (work: Promise<unknown>) => void;
}

/** Vipps sends its discovery document with `max-age=3600`. In milliseconds. */
const FRESH_FOR = 3_600_000;
/**
 * Isolates that share a copy renew it up to this much later, each at another moment, so that the first one's new
 * copy is there for the others. In milliseconds.
 */
const SPREAD = 900_000;
/** How long a stale copy may stand in for a provider that is down. In milliseconds. */
const KEPT_FOR = 7 * 24 * 3_600_000;
/** Keys that the provider has not confirmed for so long are asked for before they verify anything. In milliseconds. */
const KEYS_CONFIRMED_FOR = 24 * 3_600_000;
/** After a refresh failed, wait this long before the next one. In milliseconds. */
const RETRY_AFTER = 30_000;
/** How far another isolate's clock may be ahead. In milliseconds. */
const CLOCK_TOLERANCE = 60_000;
/** How old KV's own copy of a copy may be where an isolate begins, and where it looks for a newer one. In seconds. */
const STORE_CACHE = { cold: 600, renewing: 30 };

interface Known {
  readonly metadata: Metadata;
  /** When this isolate looks for something newer, in milliseconds since the epoch. */
  readonly renewAt: number;
}

/** Keyed by all that a copy depends on: the issuer, where its endpoints may lie, and whether without TLS. */
const memory = isolateMap<string, Known>();
const MEMORY_LIMIT = 50;
const failedRefreshes = isolateMap<string, number>();
const refreshes = isolateMap<string, Flight<Metadata>>();
const keyRefreshes = isolateMap<string, Flight<readonly SigningKey[] | undefined>>();

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
 * refresh runs behind it, so a warm login never waits for discovery; a cold one waits for one read of KV, or for
 * discovery alone, and the keys come in behind it.
 * @throws {Failure} `metadata_unavailable` or `metadata_invalid` when there is no copy at all and the provider
 *   gives none within its time limit.
 */
async function knownMetadata(access: ProviderAccess): Promise<Metadata> {
  const key = metadataKey(access);
  const tooLate = () => new Failure("metadata_unavailable", { stage: "start", reason: "no answer in time" });
  const metadata =
    memory.get(key)?.metadata ?? (await inTime(access, refreshMetadata(access, STORE_CACHE.cold), tooLate));
  if (Date.now() > (memory.get(key)?.renewAt ?? Number.POSITIVE_INFINITY) && hasRested(key)) {
    access.background(refreshMetadata(access, STORE_CACHE.renewing).catch(() => undefined));
  }
  return metadata;
}

const hasRested = (refresh: string) => Date.now() - (failedRefreshes.get(refresh) ?? 0) > RETRY_AFTER;

/** The age of the copy in memory in seconds, for the health check; fetches one where there is none. */
export async function metadataAge(access: ProviderAccess): Promise<number> {
  const { fetchedAt } = await providerMetadata(access);
  return Math.max(0, Math.round((Date.now() - fetchedAt) / 1000));
}

/**
 * Looks for something newer than what is in memory, once however many requests wait for it: in the store first,
 * for another isolate may have been quicker, then at the provider. So the provider is asked about once an hour for
 * the whole deployment, and the store written to as often.
 * @param storeCache how old KV's answer may be, in seconds.
 */
function refreshMetadata(access: ProviderAccess, storeCache: number): Promise<Metadata> {
  const key = metadataKey(access);
  return joinFlight(refreshes, key, access.background, async () => {
    const stored = await fromStore(access, storeCache);
    const before = memory.get(key)?.metadata;
    // An isolate that has nothing yet takes what there is, and renews it behind the answer where it is stale.
    if (stored !== undefined && (before === undefined || isNewer(stored, before))) {
      remember(key, stored);
      if (before === undefined || Date.now() - stored.fetchedAt < FRESH_FOR) return stored;
    }
    try {
      const discovery = await fetchDiscovery(access.relyingParty);
      const { keys, keysFetchedAt = 0 } = memory.get(key)?.metadata ?? {};
      const metadata = { discovery, keys, keysFetchedAt, fetchedAt: Date.now() };
      remember(key, metadata);
      failedRefreshes.delete(key);
      access.background(keysRefresh(access, metadata, true));
      return metadata;
    } catch (error) {
      failedRefreshes.set(key, Date.now());
      const { code, facts } = error instanceof Failure ? error : { code: "internal_error", facts: undefined };
      logEvent("warn", "metadata_refresh_failed", access.store.site, { code, reason: facts?.reason });
      throw error;
    }
  });
}

/** Whether one copy says something later than another of the provider or of its keys. */
function isNewer(one: Metadata, other: Metadata): boolean {
  return (
    one.fetchedAt >= other.fetchedAt &&
    (one.fetchedAt > other.fetchedAt || one.keysFetchedAt > other.keysFetchedAt)
  );
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
  const tooLate = () => new Failure("keys_unavailable", { stage: "id_token", reason: "no answer in time" });
  return inTime(access, keysRefresh(access, metadata, false), tooLate);
}

/**
 * The keys with which to verify now. Those that the provider has not confirmed for a day are asked for first: a
 * stored copy may have been put back by somebody who holds a key that the provider has withdrawn since. Where it
 * does not answer, the copy serves.
 */
export async function confirmedKeys(
  access: ProviderAccess,
  metadata: Metadata,
): Promise<readonly SigningKey[] | undefined> {
  const { keys, keysFetchedAt } = metadata;
  const isConfirmed = Date.now() - keysFetchedAt < KEYS_CONFIRMED_FOR;
  if (keys === undefined || isConfirmed || !hasRested(keysRefreshName(access, metadata))) return keys;
  return (await refreshKeys(access, metadata)) ?? keys;
}

const keysRefreshName = (access: ProviderAccess, { discovery }: Metadata): string =>
  `${metadataKey(access)} ${discovery.jwks_uri}`;

/** @param isDue whether the store's copy is to be replaced even if the keys are the same. */
function keysRefresh(
  access: ProviderAccess,
  metadata: Metadata,
  isDue: boolean,
): Promise<readonly SigningKey[] | undefined> {
  const key = metadataKey(access);
  const name = keysRefreshName(access, metadata);
  return joinFlight(keyRefreshes, name, access.background, async () => {
    const { discovery } = metadata;
    const fetched = await fetchKeys(access.relyingParty, discovery.jwks_uri);
    const known = memory.get(key)?.metadata ?? metadata;
    if ("failed" in fetched) {
      failedRefreshes.set(name, Date.now());
      logEvent("warn", "keys_refresh_failed", access.store.site, { reason: fetched.failed });
      // A JWKS that is down for a moment must not cost the keys that are already known.
      if (isDue) access.background(toStore(access, known));
      return known.keys;
    }
    failedRefreshes.delete(name);
    const { keys } = fetched;
    const next: Metadata = { ...known, keys, keysFetchedAt: Date.now() };
    remember(key, next);
    // Fruitless questions, which strangers can provoke, write nothing.
    if (isDue) access.background(toStore(access, next));
    else if (!areSame(keys, known.keys)) access.background(toStoreUnlessThere(access, next));
    return keys;
  });
}

function areSame(one: readonly SigningKey[], other: readonly SigningKey[] | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a refresh of the keys is under way, which a further request joins instead of beginning another. */
export function isRefreshingKeys(access: ProviderAccess, metadata: Metadata): boolean {
  return flightUnderWay(keyRefreshes, keysRefreshName(access, metadata)) !== undefined;
}

/** Waits for shared work no longer than this request may take: the work itself may belong to another request. */
function inTime<Value>(access: ProviderAccess, work: Promise<Value>, tooLate: () => Failure): Promise<Value> {
  return withinTime(Math.max(0, access.answerBy - Date.now()), work, () => {
    throw tooLate();
  });
}

/** What a copy of the metadata depends on. */
export function metadataKey({ relyingParty }: ProviderAccess): string {
  const { allowHttp, issuer, endpointOrigins } = relyingParty;
  return [allowHttp ? "http" : "https", issuer, ...endpointOrigins.toSorted()].join(" ");
}

function remember(key: string, metadata: Metadata): void {
  if (memory.size >= MEMORY_LIMIT && !memory.has(key)) memory.clear();
  memory.set(key, { metadata, renewAt: metadata.fetchedAt + FRESH_FOR + Math.random() * SPREAD });
}

/** For how long a copy that is no good is not named again in the log, in milliseconds. */
const TOLD_FOR = 600_000;

/** @returns `undefined` where there is no copy that could be used, for whatever reason. */
async function fromStore(access: ProviderAccess, cacheTtl: number): Promise<Metadata | undefined> {
  const key = metadataKey(access);
  try {
    const stored = await readCopy(access.store, key, cacheTtl);
    if (stored === undefined) return undefined;
    const read = "refused" in stored ? stored.refused : readMetadata(access.relyingParty, stored.copy);
    if (typeof read !== "string") return read;
    const told = `told ${key}`;
    if (Date.now() - (failedRefreshes.get(told) ?? 0) > TOLD_FOR) {
      failedRefreshes.set(told, Date.now());
      logEvent("warn", "metadata_copy_refused", access.store.site, { reason: read });
    }
  } catch (error) {
    logEvent("warn", "metadata_store_failed", access.store.site, { operation: "get", ...faultFields(error) });
  }
  return undefined;
}

/** A copy of our own making, checked like a fresh one: another version of this worker may have written it. */
function readMetadata(relyingParty: RelyingParty, copy: unknown): Metadata | string {
  const { discovery, keys, fetchedAt, keysFetchedAt } = Object(copy) as Record<string, unknown>;
  const now = Date.now();
  if (typeof fetchedAt !== "number" || typeof keysFetchedAt !== "number") return "of another form";
  if (fetchedAt > now + CLOCK_TOLERANCE || keysFetchedAt > now + CLOCK_TOLERANCE) return "from the future";
  if (fetchedAt < now - KEPT_FOR) return "too old";
  try {
    return {
      discovery: checkedDiscovery(relyingParty, discovery),
      keys: usableKeys({ keys }),
      fetchedAt,
      keysFetchedAt,
    };
  } catch {
    return "not usable";
  }
}

/** Writes keys that have changed, unless another isolate has done so. */
async function toStoreUnlessThere(access: ProviderAccess, metadata: Metadata): Promise<void> {
  const stored = await fromStore(access, STORE_CACHE.renewing);
  if (stored?.keys !== undefined && areSame(stored.keys, metadata.keys ?? [])) return;
  await toStore(access, metadata);
}

async function toStore(access: ProviderAccess, metadata: Metadata): Promise<void> {
  try {
    await writeCopy(access.store, metadataKey(access), metadata, KEPT_FOR / 1000);
  } catch (error) {
    logEvent("warn", "metadata_store_failed", access.store.site, { operation: "put", ...faultFields(error) });
  }
}

/** A discovery document that passed every check: its issuer is ours, its endpoints may be called. */
export interface Discovery extends oauth4webapi.AuthorizationServer {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
}

/** How long the provider may take to give its discovery document, in milliseconds. */
const DISCOVERY_TIME_LIMIT = 4_000;

const invalidDiscovery = (reason: string, cause?: unknown) =>
  new Failure("metadata_invalid", { stage: "start", reason }, { cause });

/**
 * Fetches the provider's discovery document (OpenID Connect Discovery section 4).
 * @throws {Failure} `metadata_unavailable` when there is no answer to be had, `metadata_invalid` when the answer
 *   is not a usable document of this issuer.
 */
async function fetchDiscovery(relyingParty: RelyingParty): Promise<Discovery> {
  const limits = {
    unavailable: "metadata_unavailable",
    stage: "start",
    timeLimit: DISCOVERY_TIME_LIMIT,
  } as const;
  const issuer = new URL(relyingParty.issuer);
  const { default: oauth } = await import("./oauth.ts");
  try {
    const response = await oauth.discoveryRequest(issuer, {
      [oauth.customFetch]: boundedFetch(relyingParty, limits),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    });
    if (response.status !== 200) {
      throw new Failure(limits.unavailable, { stage: "start", reason: `answered with ${response.status}` });
    }
    return checkedDiscovery(relyingParty, await response.json().catch(() => undefined));
  } catch (error) {
    throw error instanceof Failure ? error : invalidDiscovery("not a discovery document", error);
  }
}

/**
 * Checks a discovery document, fresh or from a cache.
 * @throws {Failure} `metadata_invalid`.
 */
function checkedDiscovery(relyingParty: RelyingParty, document: unknown): Discovery {
  if (!isRecord(document)) throw invalidDiscovery("not a JSON object");
  // OpenID Connect Discovery section 4.3 wants the very same string.
  const { issuer } = document;
  if (issuer !== relyingParty.issuer) throw invalidDiscovery(issuerDifference(relyingParty.issuer, issuer));
  const [unmet] = unmetRequirements(document);
  if (unmet !== undefined) throw invalidDiscovery(`the provider ${unmet}`);
  const endpoint = (name: string): string => {
    const address = document[name];
    const url = typeof address === "string" ? URL.parse(address) : null;
    const callable = url?.protocol === "https:" || (relyingParty.allowHttp && url?.protocol === "http:");
    if (url === null || !callable || url.username !== "" || url.password !== "" || url.hash !== "") {
      throw invalidDiscovery(`${name} is missing or not an https address`);
    }
    if (!isProviderOrigin(relyingParty, url)) {
      throw invalidDiscovery(`${name} is neither on the issuer's origin nor on one of PROVIDER_ENDPOINTS`);
    }
    return url.href;
  };
  return {
    ...document,
    issuer: relyingParty.issuer,
    authorization_endpoint: endpoint("authorization_endpoint"),
    token_endpoint: endpoint("token_endpoint"),
    jwks_uri: endpoint("jwks_uri"),
    ...(document.userinfo_endpoint !== undefined && { userinfo_endpoint: endpoint("userinfo_endpoint") }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How long the provider may take to give its key set, in milliseconds. */
const KEYS_TIME_LIMIT = 3_000;

/**
 * Fetches the provider's key set.
 * @returns the keys of it that may verify, or why there are none to be had. Never throws.
 */
async function fetchKeys(
  relyingParty: RelyingParty,
  jwksUri: string,
): Promise<{ readonly keys: readonly SigningKey[] } | { readonly failed: string }> {
  const fetchBounded = boundedFetch(relyingParty, {
    unavailable: "keys_unavailable",
    stage: "id_token",
    timeLimit: KEYS_TIME_LIMIT,
  });
  try {
    const response = await fetchBounded(jwksUri, { headers: { accept: "application/json" } });
    if (response.status !== 200) return { failed: `answered with ${response.status}` };
    const keys = usableKeys(await response.json().catch(() => undefined));
    return keys === undefined ? { failed: "not a set with a key that verifies RS256" } : { keys };
  } catch (error) {
    return { failed: (error instanceof Failure && error.facts.reason) || "no connection" };
  }
}

/** Vipps limits each standard header to 30 characters. */
const PLUGIN_NAME = "vipps-login-worker";

/** Far above any real answer of the provider, far below what would hurt the isolate. In bytes. */
const ANSWER_LIMIT = 256 * 1024;

/** The standard headers that Vipps asks for on every API request. */
export function standardHeaders(relyingParty: RelyingParty): Record<string, string> {
  return {
    "Merchant-Serial-Number": relyingParty.merchantSerialNumber,
    "Vipps-System-Name": relyingParty.systemName,
    "Vipps-System-Version": relyingParty.systemVersion,
    "Vipps-System-Plugin-Name": PLUGIN_NAME,
    "Vipps-System-Plugin-Version": version.slice(0, 30),
  };
}

export interface RequestLimits {
  /** The failure to raise when there is no usable answer. */
  readonly unavailable: FailureCode;
  readonly stage: Stage;
  /** Milliseconds for the whole exchange, body included; with none left nothing is sent. */
  readonly timeLimit: number;
}

/** What `oauth4webapi` asks a fetch for; its redirect mode and time limit are replaced by ours. */
interface OutgoingRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | null | undefined;
}

/**
 * A `fetch` for `oauth4webapi` that is bounded in time and size and never follows a redirect: a redirect could
 * carry the client secret to another host (RFC 9700 section 4.12), a slow or endless body could hold a login.
 * @throws {Failure} with `limits.unavailable` when there is no complete answer within the limits, when the
 *   answer is a redirect, or a 5xx.
 */
export function boundedFetch(relyingParty: RelyingParty, limits: RequestLimits) {
  return async (url: string, init: OutgoingRequest = {}): Promise<Response> => {
    const unavailable = (reason: string, cause?: unknown) =>
      new Failure(limits.unavailable, { stage: limits.stage, reason }, { cause });
    const mayPass = (reason: string, cause?: unknown) =>
      withFacts(unavailable(reason, cause), { mayPass: true });
    if (!(url.startsWith("https:") || (relyingParty.allowHttp && url.startsWith("http:")))) {
      throw unavailable("endpoint is not https");
    }
    if (limits.timeLimit <= 0) throw unavailable("no time left");
    const abort = new AbortController();
    const exchange = async (): Promise<Response> => {
      const response = await fetch(url, {
        method: init.method ?? "GET",
        body: init.body ?? null,
        headers: { ...standardHeaders(relyingParty), ...init.headers },
        redirect: "manual",
        signal: abort.signal,
      });
      if (response.status >= 300 && response.status < 400) throw unavailable("answered with a redirect");
      if (response.status >= 500) throw mayPass(`answered with ${response.status}`);
      const text = await boundedText(response, ANSWER_LIMIT);
      if (text === undefined) throw unavailable("answer is too large");
      return new Response(text === "" ? null : text, { status: response.status, headers: response.headers });
    };
    try {
      return await withinTime(limits.timeLimit, exchange(), () => {
        throw mayPass("no answer in time");
      });
    } catch (error) {
      abort.abort();
      throw error instanceof Failure ? error : mayPass(connectionFault(error), error);
    }
  };
}

/** What the platform says of a connection that failed, and our phrase for it. */
const connectionFaults = (): readonly (readonly [RegExp, string])[] => [
  [/certificate|tls|ssl/i, "no connection: TLS failed"],
  [/dns|resolve|name not/i, "no connection: the name was not found"],
  [/refused/i, "no connection: refused"],
  [/timed? ?out/i, "no connection: timed out"],
  [/lost|reset|closed|disconnected/i, "the connection broke off"],
];

function connectionFault(error: unknown): string {
  const said = error instanceof Error ? error.message.slice(0, 500) : "";
  return connectionFaults().find(([pattern]) => pattern.test(said))?.[1] ?? "no connection";
}
