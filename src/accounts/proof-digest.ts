import { sha256 } from "../crypto-text.ts";

/**
 * The digest under which a fact that only the member knows is kept. Spaces, hyphens and case don't matter.
 *
 * A member number is short, so the digest does not hide it from somebody who holds the database; it keeps it from
 * being read in passing. Guessing through the page is what the limit of attempts prevents.
 * @param salt the account's import key, so that equal facts have different digests.
 */
export function proofDigest(site: string, salt: string, fact: string): Promise<string> {
  return sha256(JSON.stringify([site, salt, normalFact(fact)]));
}

/** No fact that a person types is longer. In characters. */
const LENGTH_LIMIT = 100;

function normalFact(fact: string): string {
  return fact
    .slice(0, LENGTH_LIMIT)
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}
