import { recordConsents } from "../accounts/consents.ts";
import type { AccountDecision } from "../accounts/login-account.ts";
import { type Records, requiredRecords } from "../accounts/records.ts";
import { acceptTerms, termsAcceptances } from "../accounts/terms.ts";
import { Failure } from "../failure.ts";
import { type AppContext, prefersJson } from "../http/request-context.ts";
import { consentWording } from "../pages/consent-wording.ts";
import type { Language } from "../pages/language.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { termsPage } from "../pages/terms-page.ts";
import type { AccountSettings, Settings } from "../settings.ts";
import type { AttemptStub } from "./attempt-id.ts";

/** What a person has to be asked before there may be a session. */
export interface OpenTerms {
  /** Whether the terms in force must be accepted. */
  readonly terms: "new" | "changed" | undefined;
  /** Whether the voluntary consents are asked for: only once, of a new person. */
  readonly consents: boolean;
}

/** What a person answered. */
export interface TermsAnswer {
  readonly language: Language;
  readonly acceptedTerms: boolean;
  /** Ids of the consents that were ticked. */
  readonly consents: ReadonlySet<string>;
}

/**
 * What is still to be asked of a person whose account has been decided.
 * @returns `undefined` when there is nothing to ask.
 * @throws {Failure} `storage_unavailable`.
 */
export async function openTerms(
  settings: Settings,
  decision: AccountDecision,
): Promise<OpenTerms | undefined> {
  const { terms, consents } = settings.accounts;
  const { linking } = decision;
  const isNew = linking.kind === "create";
  const accepted = terms === undefined || isNew ? [] : await acceptedVersions(settings, decision);
  const open = terms !== undefined && !accepted.includes(terms.version);
  const asked: OpenTerms = {
    terms: open ? (accepted.length > 0 ? "changed" : "new") : undefined,
    consents: consents.length > 0 && isNew,
  };
  return asked.terms !== undefined || asked.consents ? asked : undefined;
}

async function acceptedVersions(
  settings: Settings,
  { linking, acceptedTerms }: AccountDecision,
): Promise<readonly string[]> {
  if (acceptedTerms !== undefined) return acceptedTerms;
  if (linking.kind !== "known" && linking.kind !== "link") return [];
  const acceptances = await termsAcceptances(requiredRecords(settings), linking.accountId);
  return acceptances.map(({ version }) => version);
}

/**
 * Shows the terms and the voluntary consents.
 * @param missing whether the form just came back without the terms being accepted.
 * @throws {Failure} `terms_not_accepted` to a script, which cannot show the page.
 */
export async function askForTerms(
  c: AppContext,
  login: { readonly attempt: AttemptStub; readonly returnTo: string },
  asked: OpenTerms,
  missing = false,
): Promise<Response> {
  const { settings } = c.env;
  const { site, accounts } = settings;
  const { headers } = c.req.raw;
  const { attempt, returnTo } = login;
  if (prefersJson(headers)) throw new Failure("terms_not_accepted", { stage: "account", returnTo });
  const context = pageContext(headers.get("accept-language"), settings);
  const html = termsPage({
    ...context,
    terms:
      asked.terms === undefined || accounts.terms === undefined
        ? undefined
        : { url: accounts.terms.url, changed: asked.terms === "changed" },
    privacyUrl: accounts.privacyUrl,
    consents: asked.consents
      ? accounts.consents.map((question) => ({
          id: question.id,
          wording: consentWording(question, context.language),
        }))
      : [],
    missing,
    action: `${site.authPath}/continue`,
    attempt: attempt.id.toString(),
  });
  const targets = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  return pageResponse(html, context.nonce, missing ? 400 : 200, targets);
}

/**
 * Keeps what a person accepted and consented to; a voluntary consent that was not ticked is kept as a no.
 * @throws {Failure} `storage_unavailable`; then there must be no session.
 */
export async function keepTermsAnswer(
  records: Records,
  accounts: AccountSettings,
  accountId: string,
  asked: OpenTerms,
  { language, consents }: TermsAnswer,
): Promise<void> {
  if (asked.terms !== undefined && accounts.terms !== undefined) {
    await acceptTerms(records, accountId, { ...accounts.terms, language });
  }
  if (!asked.consents) return;
  const answers = accounts.consents.map((question) => ({
    consent: question.id,
    granted: consents.has(question.id),
    wording: consentWording(question, language),
    language,
    required: false,
  }));
  await recordConsents(records, accountId, answers, "login");
}
