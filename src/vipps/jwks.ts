import { boundedFetch } from "./bounded-fetch.ts";
import type { RelyingParty } from "./relying-party.ts";
import { type SigningKey, usableKeys } from "./usable-keys.ts";

/** How long the provider may take to give its key set, in milliseconds. */
const TIME_LIMIT = 3_000;

/**
 * Fetches the provider's key set.
 * @returns `undefined` where there is none to be had, or none that could be used. Never throws.
 */
export async function fetchKeys(
  relyingParty: RelyingParty,
  jwksUri: string,
): Promise<readonly SigningKey[] | undefined> {
  const fetchBounded = boundedFetch(relyingParty, {
    unavailable: "keys_unavailable",
    stage: "id_token",
    timeLimit: TIME_LIMIT,
  });
  try {
    const response = await fetchBounded(jwksUri, { headers: { accept: "application/json" } });
    return response.status === 200 ? usableKeys(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}
