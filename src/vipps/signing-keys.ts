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
} from "./metadata.ts";
import type { SigningKey } from "./usable-keys.ts";

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
export async function verifyWithProviderKey(
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
