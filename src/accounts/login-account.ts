import { Failure } from "../failure.ts";
import type { AccountId } from "./account.ts";
import { decideLinking, type LinkingDecision } from "./linking.ts";
import type { Registry } from "./registry.ts";
import type { VippsPerson } from "./vipps-person.ts";

/** Which account the person gets, before anything has been written. */
export interface AccountDecision {
  readonly linking: LinkingDecision;
  /** Versions of the terms a returning user accepted; `undefined` where the registry does not know. */
  readonly acceptedTerms: readonly string[] | undefined;
  /** Whether one of the accounts in doubt can be proven by a fact only the member knows. */
  readonly provable: boolean;
}

type Registration = "open" | "closed";

/**
 * Decides which account a person gets. Reads only: what must be asked of the person first (terms, a proof) is
 * asked before anything is written.
 * @throws {Failure} `storage_unavailable`.
 */
export async function decideAccount(
  registry: Registry,
  registration: Registration,
  person: VippsPerson,
): Promise<AccountDecision> {
  const { known, candidates } = await registry.find(person);
  const linking = decideLinking({ ...person, known: known?.id, candidates, registration });
  return {
    linking,
    acceptedTerms: known?.acceptedTerms,
    provable:
      linking.kind === "doubt" &&
      candidates.some(({ accountId, provable }) => provable && linking.candidates.includes(accountId)),
  };
}

/** How often a decision is made anew because another login was quicker. */
const ROUNDS = 3;

/**
 * Carries a decision out. When another login changed the registry in between, the decision is made again, so
 * that two logins of one new person make one account.
 * @returns the account, or the decision that has meanwhile become one that needs the person.
 * @throws {Failure} `storage_unavailable`; then there is no account, or a whole one.
 */
export async function settleAccount(
  registry: Registry,
  registration: Registration,
  person: VippsPerson,
  first: AccountDecision,
): Promise<{ readonly accountId: AccountId; readonly how: "known" | "link" | "create" } | AccountDecision> {
  let decision = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { linking } = decision;
    if (linking.kind === "doubt" || linking.kind === "closed") return decision;
    const accountId = await carryOut(registry, person, linking);
    if (accountId !== undefined) return { accountId, how: linking.kind };
    decision = await decideAccount(registry, registration, person);
  }
  throw new Failure("storage_unavailable", { stage: "account", reason: "registry keeps changing" });
}

async function carryOut(
  registry: Registry,
  person: VippsPerson,
  linking: Extract<LinkingDecision, { kind: "known" | "link" | "create" }>,
): Promise<AccountId | undefined> {
  if (linking.kind === "known") return linking.accountId;
  if (linking.kind === "create") return registry.create(person, false);
  return (await registry.link(linking.accountId, person, "matched")) ? linking.accountId : undefined;
}
