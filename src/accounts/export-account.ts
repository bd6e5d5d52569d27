import type { Account, AccountId, LinkedIdentity } from "./account.ts";
import { type RecordedAudit, readAudit } from "./audit-log.ts";
import { consentHistory, type RecordedConsent } from "./consents.ts";
import { type AccountLoginEvent, loginEventsOf } from "./login-events.ts";
import type { Records } from "./records.ts";
import type { Registry } from "./registry.ts";
import { type TermsAcceptance, termsAcceptances } from "./terms.ts";
import { type ReceivedConsents, receivedConsents } from "./vipps-consents.ts";

/** Everything that is kept about a person outside the session store. Times in seconds since the epoch. */
export interface AccountExport {
  readonly account: Account | undefined;
  readonly identities: readonly LinkedIdentity[];
  readonly terms: readonly TermsAcceptance[];
  readonly consents: readonly RecordedConsent[];
  /** What Vipps collected, as it came. */
  readonly delegatedConsents: readonly ReceivedConsents[];
  readonly logins: readonly Omit<AccountLoginEvent, "browser">[];
  /** What was done to the account. Who of the staff did it is theirs to keep. */
  readonly actions: readonly Omit<RecordedAudit, "actor">[];
}

/** More than this is a fault or an attack, not a person's history. */
const HISTORY_LIMIT = 1_000;

/**
 * A person's data as they may take it with them (GDPR articles 15 and 20), ready for `JSON.stringify`.
 * @throws {Failure} `storage_unavailable`.
 */
export async function exportAccount(
  registry: Registry,
  records: Records,
  accountId: AccountId,
): Promise<AccountExport> {
  const [record, terms, consents, delegated, logins, actions] = await Promise.all([
    registry.get(accountId),
    termsAcceptances(records, accountId),
    consentHistory(records, accountId),
    receivedConsents(records, accountId),
    loginEventsOf(records, accountId, HISTORY_LIMIT),
    readAudit(records, accountId, HISTORY_LIMIT),
  ]);
  return {
    account: record?.account,
    identities: record?.identities ?? [],
    terms,
    consents,
    delegatedConsents: delegated,
    logins: logins.filter(({ about }) => about === "person").map(({ browser: _browser, ...login }) => login),
    actions: actions.map(({ actor: _actor, ...action }) => action),
  };
}
