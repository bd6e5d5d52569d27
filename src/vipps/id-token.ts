import { fromBase64url, toBase64url, utf8 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { isolateMap } from "../isolate-state.ts";
import {
  confirmedKeys,
  isRefreshingKeys,
  type Metadata,
  metadataKey,
  type ProviderAccess,
  providerMetadata,
  refreshKeys,
} from "./provider.ts";
import { APP_CONFIRMATION, type RelyingParty } from "./relying-party.ts";
import type { SigningKey } from "./usable-keys.ts";

/** How far the provider's clock may be ahead of ours, in seconds. */
export const CLOCK_TOLERANCE = 60;

/** A visible ASCII name (OpenID Connect Core section 2 allows 255 characters): it will stand in headers and logs. */
const isSubject = (text: string): boolean => /^[!-~](?:[ -~]{0,253}[!-~])?$/.test(text);

const refused = (reason: string) => new Failure("id_token_invalid", { stage: "id_token", reason });

/**
 * Verifies the ID token's signature with the provider's cached keys. Only RS256 is accepted, whatever the
 * token's header or the key set say (RFC 8725 section 3.1), and keys are never taken from the token itself.
 * @throws {Failure} `id_token_invalid`, or `keys_unavailable` when there are no keys to verify with.
 */
export async function verifyIdTokenSignature(access: ProviderAccess, idToken: string): Promise<void> {
  if (!isCanonical(idToken)) throw refused("not three canonical base64url parts");
  const header = jsonPart(idToken, 0);
  if (header === undefined) throw refused("no readable header");
  const { alg, kid } = header;
  if (alg !== "RS256") throw refused("not signed with RS256");
  if (kid !== undefined && (typeof kid !== "string" || kid.length > 200)) throw refused("kid is not a name");
  const { default: jose } = await import("../jose.ts");
  const verdict = await verifyWithProviderKey(access, kid, async (key) => {
    try {
      // The very object that is kept: by it the library knows a key that it has imported before.
      await jose.compactVerify(idToken, key, { algorithms: ["RS256"] });
      return true;
    } catch {
      return false;
    }
  });
  if (verdict !== "verified") throw refused(verdict);
}

/** One spelling only: a decoder that forgives would let changed characters pass as the same token. */
function isCanonical(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => /^[\w-]+$/.test(part) && isCanonicalBase64url(part));
}

function isCanonicalBase64url(part: string): boolean {
  try {
    return toBase64url(fromBase64url(part)) === part;
  } catch {
    return false;
  }
}

/** Claims as they came: nothing of their types is known. */
export type UncheckedClaims = Readonly<Record<string, unknown>>;

/** A part of a token of three canonical ones; `undefined` where it is no JSON object. */
export function jsonPart(token: string, at: 0 | 1): UncheckedClaims | undefined {
  try {
    const bytes = fromBase64url(token.split(".")[at] ?? "");
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes),
    );
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What OpenID Connect Core section 3.1.3.7 asks of the claims. `oauth4webapi` checks some of it too; it is all
 * said here, because a library's laxness must not be ours: it lets an empty `sub`, an `iat` in the future and a
 * wrong `at_hash` pass.
 * @param claims the claims of a token whose signature has been verified.
 * @param expected the nonce of this login, and the access token that came with the ID token.
 * @throws {Failure} `id_token_invalid` with the reason.
 */
export async function checkIdTokenClaims(
  relyingParty: RelyingParty,
  claims: UncheckedClaims,
  expected: { readonly nonce: string; readonly accessToken: string },
): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  if (claims.iss !== relyingParty.issuer) throw refused("iss differs");
  checkAudience(relyingParty, claims);
  // A token lives for an hour and comes straight from the provider: one that is past by our clock is an old one.
  if (!isTime(claims.exp) || claims.exp <= now) throw refused("exp is missing or past");
  if (!isTime(claims.iat) || claims.iat > now + CLOCK_TOLERANCE) throw refused("iat is missing or ahead");
  if (claims.nbf !== undefined && (!isTime(claims.nbf) || claims.nbf > now + CLOCK_TOLERANCE)) {
    throw refused("nbf is ahead");
  }
  if (claims.auth_time !== undefined && !isTime(claims.auth_time)) throw refused("auth_time is not a time");
  if (typeof claims.sub !== "string" || !isSubject(claims.sub)) throw refused("sub is not usable");
  if (claims.nonce !== expected.nonce) throw refused("nonce differs");
  if (claims.at_hash !== undefined && claims.at_hash !== (await accessTokenHash(expected.accessToken))) {
    throw refused("at_hash differs");
  }
  if (relyingParty.requireApp && claims.acr !== APP_CONFIRMATION)
    throw refused("acr is not the one asked for");
}

/** JSON can say 1e999, which is a number and no time. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function checkAudience(
  { keys, merchantSerialNumber }: RelyingParty,
  { aud, azp, msn }: UncheckedClaims,
): void {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (keys.kind === "partner") {
    // A partner does not know the sales unit's client_id and checks the MSN in its place (Vipps, partner keys).
    if (msn !== merchantSerialNumber) throw refused("msn is somebody else");
    if (audiences.length !== 1) throw refused("several aud");
    return;
  }
  const { clientId } = keys;
  if (!audiences.includes(clientId)) throw refused("aud is somebody else");
  if (audiences.length > 1 && azp !== clientId) throw refused("several aud without our azp");
  if (azp !== undefined && azp !== clientId) throw refused("azp is somebody else");
}

/** OpenID Connect Core section 3.1.3.6: the left half of the hash, for RS256 of SHA-256. */
async function accessTokenHash(accessToken: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", utf8(accessToken));
  return toBase64url(new Uint8Array(hash, 0, 16));
}

/** Whether a key verifies the token at hand. */
type Verify = (key: SigningKey) => Promise<boolean>;

export type Verdict =
  | "verified"
  | "wrong signature"
  | "no keys are known"
  | "no key has the kid of the token"
  | "no kid, and more than one key";

/**
 * Finds the key that verifies an ID token. A `kid` that is not in the cached set asks the provider once more, at
 * once, because keys rotate (OpenID Connect Core section 10.1.1); so does a token without a `kid` that the
 * cached key does not verify.
 * @param kid of the token's header. Without one the key must be the only one that could be meant.
 * @throws {Failure} `keys_unavailable` when the provider gives no keys to decide with.
 */
async function verifyWithProviderKey(
  access: ProviderAccess,
  kid: string | undefined,
  verify: Verify,
): Promise<Verdict> {
  const metadata = await providerMetadata(access);
  const verdict = await tryKeys(await confirmedKeys(access, metadata), kid, verify);
  if (verdict === "verified" || (verdict === "wrong signature" && kid !== undefined)) return verdict;
  if (metadata.keys !== undefined && !mayAskAgain(access, metadata)) return verdict;

  const keys = await refreshKeys(access, metadata);
  if (keys === undefined) throw new Failure("keys_unavailable", { stage: "id_token" });
  const secondVerdict = await tryKeys(keys, kid, verify);
  if (secondVerdict === "verified") foundSomething(access);
  return secondVerdict;
}

/** Keys that share a `kid` are tried one after the other, up to this many. */
const CANDIDATE_LIMIT = 4;

async function tryKeys(
  keys: readonly SigningKey[] | undefined,
  kid: string | undefined,
  verify: Verify,
): Promise<Verdict> {
  const fitting = keys?.filter((key) => kid === undefined || key.kid === kid) ?? [];
  if (keys === undefined || keys.length === 0) return "no keys are known";
  if (fitting.length === 0) return "no key has the kid of the token";
  if (kid === undefined && fitting.length > 1) return "no kid, and more than one key";
  for (const key of fitting.slice(0, CANDIDATE_LIMIT)) {
    if (await verify(key)) return "verified";
  }
  return "wrong signature";
}

/** Refetches in a row that may find nothing new before the next one has to wait. */
const FRUITLESS_LIMIT = 3;
/** After this long one more is allowed, in milliseconds. */
const FRUITLESS_PAUSE = 10_000;

/** By issuer: how many fruitless refetches are left, and as of when, in milliseconds since the epoch. */
const allowances = isolateMap<string, { readonly left: number; readonly at: number }>();

/**
 * Nobody may use us to drive traffic to the provider: a refetch that finds nothing is paid out of an allowance
 * that fills slowly, one that finds the key is free. Every refetch brings the newest keys for all, so an honest
 * login after a rotation waits for the next one at most, whatever an attacker does.
 */
function mayAskAgain(access: ProviderAccess, metadata: Metadata): boolean {
  if (isRefreshingKeys(access, metadata)) return true;
  const now = Date.now();
  const { left, at } = allowances.get(metadataKey(access)) ?? { left: FRUITLESS_LIMIT, at: now };
  const regained = Math.floor((now - at) / FRUITLESS_PAUSE);
  const available = Math.min(FRUITLESS_LIMIT, left + regained);
  if (available === 0) return false;
  const since = available === FRUITLESS_LIMIT ? now : at + regained * FRUITLESS_PAUSE;
  allowances.set(metadataKey(access), { left: available - 1, at: since });
  return true;
}

function foundSomething(access: ProviderAccess): void {
  const allowance = allowances.get(metadataKey(access));
  if (allowance === undefined) return;
  const left = Math.min(FRUITLESS_LIMIT, allowance.left + 1);
  allowances.set(metadataKey(access), { ...allowance, left });
}
