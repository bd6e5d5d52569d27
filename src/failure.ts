import { onFirstUse } from "./isolate-state.ts";
import type { StorageFault } from "./storage-fault.ts";

/**
 * Every way a request can fail, in one table: the stable code, the HTTP status, how loudly it is logged and
 * which text the customer reads. Rooms throw a {@link Failure}; `app.ts` turns it into one answer and one log
 * line.
 */

/** Where in the walk of a request something failed; part of the log line. */
export type Stage =
  | "settings"
  | "start"
  | "callback"
  | "token"
  | "id_token"
  | "userinfo"
  | "account"
  | "continue"
  | "session"
  | "support"
  | "site";

/** The message a customer reads; its wording per language is in `pages/texts/`. */
export type MessageKey =
  | "cancelled"
  | "declined"
  | "termsDeclined"
  | "notShared"
  | "wrongNumber"
  | "appOutdated"
  | "rejected"
  | "loginExpired"
  | "loginUsed"
  | "otherBrowser"
  | "vippsUnavailable"
  | "vippsMisunderstood"
  | "siteMisconfigured"
  | "notMember"
  | "accountUnclear"
  | "tryLater"
  | "tooMany"
  | "tooManyChanges"
  | "notAllowed"
  | "notFound"
  | "badRequest"
  | "badAddress"
  | "addressTooLong"
  | "loginNeeded"
  | "loginInFrame"
  | "cookiesNotKept"
  | "loggedOutMeanwhile"
  | "groupNeeded"
  | "ageNeeded"
  | "tooYoung"
  | "freshNeeded"
  | "appNeeded"
  | "siteUnavailable";

interface FailureKind {
  /** HTTP status of the answer. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 414 | 429 | 500 | 502 | 503;
  /** A cancelled login is information, a stale link a warning, a broken dependency an error. */
  readonly level: "info" | "warn" | "error";
  readonly message: MessageKey;
}

const kind = (
  status: FailureKind["status"],
  level: FailureKind["level"],
  message: MessageKey,
): FailureKind => ({
  status,
  level,
  message,
});

export const failures = onFirstUse(
  () =>
    ({
      settings_invalid: kind(500, "error", "siteMisconfigured"),
      host_unknown: kind(404, "info", "notFound"),

      state_missing: kind(400, "warn", "loginExpired"),
      state_invalid: kind(400, "warn", "loginExpired"),
      state_expired: kind(400, "warn", "loginExpired"),
      state_used: kind(400, "warn", "loginUsed"),
      browser_mismatch: kind(400, "warn", "otherBrowser"),
      cookies_not_kept: kind(400, "warn", "cookiesNotKept"),
      logged_out_meanwhile: kind(400, "info", "loggedOutMeanwhile"),
      app_mismatch: kind(400, "warn", "loginExpired"),
      app_redirect_uri_unknown: kind(400, "warn", "siteMisconfigured"),
      response_malformed: kind(400, "warn", "badRequest"),
      response_issuer_mismatch: kind(400, "error", "vippsMisunderstood"),

      access_denied: kind(403, "info", "cancelled"),
      purpose_declined: kind(403, "info", "notShared"),
      wrong_challenge: kind(403, "info", "wrongNumber"),
      outdated_app_version: kind(403, "info", "appOutdated"),
      login_declined: kind(403, "info", "declined"),
      unknown_reject_reason: kind(403, "warn", "rejected"),
      login_required: kind(403, "warn", "rejected"),
      consent_required: kind(403, "warn", "rejected"),
      interaction_required: kind(403, "warn", "rejected"),
      account_selection_required: kind(403, "warn", "rejected"),
      server_error: kind(502, "error", "vippsUnavailable"),
      temporarily_unavailable: kind(502, "error", "vippsUnavailable"),
      invalid_request: kind(502, "error", "siteMisconfigured"),
      invalid_scope: kind(502, "error", "siteMisconfigured"),
      unauthorized_client: kind(502, "error", "siteMisconfigured"),
      unsupported_response_type: kind(502, "error", "siteMisconfigured"),
      invalid_app_callback_uri: kind(502, "error", "siteMisconfigured"),
      app_callback_uri_not_registered: kind(502, "error", "siteMisconfigured"),
      provider_error_unknown: kind(502, "error", "vippsMisunderstood"),
      provider_error_unasked: kind(400, "warn", "rejected"),

      metadata_unavailable: kind(502, "error", "vippsUnavailable"),
      metadata_invalid: kind(502, "error", "vippsMisunderstood"),
      keys_unavailable: kind(502, "error", "vippsUnavailable"),
      partner_token_unavailable: kind(502, "error", "vippsUnavailable"),
      partner_token_refused: kind(502, "error", "siteMisconfigured"),
      token_unavailable: kind(502, "error", "vippsUnavailable"),
      token_refused: kind(502, "error", "vippsMisunderstood"),
      token_client_refused: kind(502, "error", "siteMisconfigured"),
      token_malformed: kind(502, "error", "vippsMisunderstood"),
      id_token_invalid: kind(502, "error", "vippsMisunderstood"),
      userinfo_unavailable: kind(502, "error", "vippsUnavailable"),
      userinfo_invalid: kind(502, "error", "vippsMisunderstood"),

      terms_declined: kind(403, "info", "termsDeclined"),
      terms_not_accepted: kind(403, "info", "termsDeclined"),
      not_member: kind(403, "info", "notMember"),
      account_unclear: kind(403, "warn", "accountUnclear"),

      storage_unavailable: kind(503, "error", "tryLater"),
      too_slow: kind(503, "error", "tryLater"),
      rate_limited: kind(429, "warn", "tooMany"),
      too_many_changes: kind(429, "warn", "tooManyChanges"),
      session_required: kind(401, "info", "loginNeeded"),
      login_in_frame: kind(401, "info", "loginInFrame"),
      group_required: kind(403, "info", "groupNeeded"),
      age_required: kind(403, "info", "ageNeeded"),
      too_young: kind(403, "info", "tooYoung"),
      fresh_login_required: kind(403, "info", "freshNeeded"),
      app_confirmation_required: kind(403, "info", "appNeeded"),
      rule_unknown: kind(400, "warn", "siteMisconfigured"),
      purpose_unknown: kind(400, "warn", "siteMisconfigured"),
      path_ambiguous: kind(400, "info", "badAddress"),
      path_too_long: kind(414, "info", "addressTooLong"),
      origin_unavailable: kind(502, "error", "siteUnavailable"),
      cross_site: kind(403, "warn", "notAllowed"),
      not_found: kind(404, "info", "notFound"),
      method_not_allowed: kind(405, "info", "badRequest"),
      request_malformed: kind(400, "info", "badRequest"),
      internal_error: kind(500, "error", "tryLater"),
    }) as const satisfies Record<string, FailureKind>,
);

export type FailureCode = keyof ReturnType<typeof failures>;

/** Something that a session lacks: the failure that it is, the requirement as it is written, and values for its text. */
export interface Missing {
  readonly code: FailureCode;
  readonly rule: string;
  /** Names of groups of which one would do, or years. */
  readonly values?: readonly string[] | undefined;
  readonly seconds?: number | undefined;
}

/** Facts for the log line and the page. Nothing secret or personal belongs here. */
export interface FailureFacts {
  readonly stage: Stage;
  /** Why, as a fixed English phrase of ours; never text that came from outside. */
  readonly reason?: string | undefined;
  /** The provider's error code after {@link providerErrorCode}. */
  readonly providerError?: string | undefined;
  /** A safe return URL, so that 'try again' leads back to where the customer wanted to be. */
  readonly returnTo?: string | undefined;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number | undefined;
  /** Whether the same request may well be answered if it is made again. */
  readonly mayPass?: boolean | undefined;
  /** The methods a route does take, for `Allow`. */
  readonly allow?: string | undefined;
  /** Whether the answer is JSON whatever the client says it accepts, because no person reads it. */
  readonly jsonOnly?: boolean | undefined;
  /** A `Set-Cookie` value that names the browser: the login that it begins next has to bring the cookie. */
  readonly browserCookie?: string | undefined;
  /** Where 'try again' leads, if not to the same login. */
  readonly retryHref?: string | undefined;
  /** A `Set-Cookie` value for the answer. */
  readonly setCookie?: string | undefined;
  /** A `Location` for the answer, for a proxy to send the visitor to. */
  readonly location?: string | undefined;
  /** An origin whose scripts may read the answer (CORS). */
  readonly readableBy?: string | undefined;
  /** What of a session was not enough, the first of it being the failure itself. */
  readonly missing?: readonly Missing[] | undefined;
  /** What a proxy or a route required, for the link to the login that may bring it. */
  readonly require?: string | undefined;
  /** What the login was to ask for more for, so that 'try again' asks for it too. */
  readonly purpose?: string | undefined;
  /** Where a person logs in, for the script that was told to (`login_url` of the problem). */
  readonly loginUrl?: string | undefined;
  /** The page sends the browser on by itself: this very browser already finished, or is finishing, this login. */
  readonly resume?: boolean | undefined;
  /** The reference to show, where the failure has one already. */
  readonly reference?: string | undefined;
  /** The id of the login that failed, which began here: for the login events alone. */
  readonly ofLogin?: string | undefined;
  /** Who was logging in: for the login events alone, never for the page or the log. */
  readonly person?: { readonly sub: string; readonly accountId?: string | undefined } | undefined;
  /** Which store failed and why, for the log alone. */
  readonly storage?: StorageFault | undefined;
  /** Further lines for the page and the log: the names of wrong settings and what is wrong with them. */
  readonly details?: readonly string[] | undefined;
}

/** A failure with a stable code. Thrown by the rooms, answered and logged by `app.ts` alone. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  /** @param options what lies behind it as `cause`, for a debugger: it may hold personal data and is never logged. */
  constructor(code: FailureCode, facts: FailureFacts, options?: ErrorOptions) {
    super(facts.reason === undefined ? code : `${code}: ${facts.reason}`, options);
    this.code = code;
    this.facts = facts;
  }
}

/** The same failure with more facts, for a caller that knows more than the room that failed (the return URL). */
export function withFacts(failure: Failure, facts: Partial<FailureFacts>): Failure {
  return new Failure(failure.code, { ...failure.facts, ...facts }, { cause: failure.cause });
}

/** An error code from outside, made safe for a log line: RFC 6749 error codes are short ASCII words. */
export function providerErrorCode(raw: string): string {
  return /^[a-z][a-z0-9_.-]{0,63}$/i.test(raw) ? raw.toLowerCase() : "unrecognised";
}

/** Where an unexpected error was thrown; never its message, which may quote what came from outside. */
export function thrownAt(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^ {4}at /.test(line));
  return frames
    .slice(0, 3)
    .map((line) => line.trim())
    .join(" ");
}
