import type { AccountId } from "./account.ts";
import { isSameName } from "./vipps-person.ts";

/** Which verified address of the user who logs in an account was seen to have. */
export interface SeenContact {
  readonly samePhone: boolean;
  readonly sameEmail: boolean;
}

/** An account that has the phone number or the email address of the user who logs in. */
export interface Candidate extends SeenContact {
  readonly accountId: AccountId;
  readonly name: string | undefined;
  /** Whether another Vipps user of the same sales unit logs in to it already. */
  readonly taken: boolean;
}

/** Everything the linking decision depends on. */
export interface LinkingFacts {
  /** The account that this `sub` of this sales unit is linked to. */
  readonly known: AccountId | undefined;
  /** The name Vipps vouches for. */
  readonly name: string | undefined;
  readonly phoneVerified: boolean;
  readonly emailVerified: boolean;
  readonly candidates: readonly Candidate[];
  readonly registration: "open" | "closed";
}

/** Why a person has to prove that an old account is theirs. */
export type DoubtReason =
  /** One account has the phone number or email address, but another name. */
  | "name"
  /** More than one account has them. */
  | "several"
  /** The account is another Vipps user's, and the phone number is not the same. */
  | "taken";

export type LinkingDecision =
  | { readonly kind: "known"; readonly accountId: AccountId }
  | { readonly kind: "link"; readonly accountId: AccountId; readonly seen: SeenContact }
  | { readonly kind: "doubt"; readonly reason: DoubtReason; readonly candidates: readonly AccountId[] }
  | { readonly kind: "create" }
  | { readonly kind: "closed" };

/**
 * Which account a Vipps user gets. The order is that of Vipps' 'Best practices for linking user accounts':
 *
 * 1. An account linked to this `sub` is the user's, whatever else has changed since.
 * 2. Else the accounts with the same verified phone number or the same verified email address are looked at.
 *    An address that is not verified is as good as none.
 * 3. Exactly one, and the names can be one person's: that account. It is not enough when another Vipps user of
 *    the same sales unit has it already, unless the phone number is the same: `sub` only changes when somebody
 *    leaves Vipps and comes back, but father and son share names and email addresses.
 * 4. Several, or another name: the user must prove the old account first.
 * 5. None: a new account, where registration is open.
 */
export function decideLinking(facts: LinkingFacts): LinkingDecision {
  if (facts.known !== undefined) return { kind: "known", accountId: facts.known };
  const matches = facts.candidates.filter(
    ({ samePhone, sameEmail }) => (samePhone && facts.phoneVerified) || (sameEmail && facts.emailVerified),
  );
  const [match] = matches;
  if (match === undefined) return { kind: facts.registration === "open" ? "create" : "closed" };
  const doubt = (reason: DoubtReason): LinkingDecision => ({
    kind: "doubt",
    reason,
    candidates: matches.map(({ accountId }) => accountId),
  });
  if (matches.length > 1) return doubt("several");
  if (!isSameName(facts.name, match.name)) return doubt("name");
  const samePhone = match.samePhone && facts.phoneVerified;
  if (match.taken && !samePhone) return doubt("taken");
  const sameEmail = match.sameEmail && facts.emailVerified;
  return { kind: "link", accountId: match.accountId, seen: { samePhone, sameEmail } };
}
