import { Failure } from "../failure.ts";
import { boundedFetch, type RelyingParty } from "./relying-party.ts";
import { type SigningKey, usableKeys } from "./usable-keys.ts";

/** How long the provider may take to give its key set, in milliseconds. */
const TIME_LIMIT = 3_000;

/**
 * Fetches the provider's key set.
 * @returns the keys of it that may verify, or why there are none to be had. Never throws.
 */
export async function fetchKeys(
  relyingParty: RelyingParty,
  jwksUri: string,
): Promise<{ readonly keys: readonly SigningKey[] } | { readonly failed: string }> {
  const fetchBounded = boundedFetch(relyingParty, {
    unavailable: "keys_unavailable",
    stage: "id_token",
    timeLimit: TIME_LIMIT,
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
