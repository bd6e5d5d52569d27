import { newReference } from "./crypto-text.ts";
import { Failure, type FailureCode, type FailureFacts, failures, type Missing, thrownAt } from "./failure.ts";
import { asOwnAnswer } from "./http/around.ts";
import { COOKIES_PARAMETER } from "./http/cookie.ts";
import { readableBy } from "./http/cross-origin.ts";
import { isScriptRequest } from "./http/request.ts";
import { logEvent } from "./log.ts";
import { BRAND_DATE } from "./pages/brand.ts";
import { failurePage } from "./pages/failure-page.ts";
import { filled, type Language, messageIn, type PageSettings } from "./pages/language.ts";
import { pageContext } from "./pages/page-context.ts";
import { pageResponse } from "./pages/page-response.ts";
import { anyOf, lengthWords } from "./pages/time-words.ts";
import type { Settings } from "./settings.ts";

/** What of the settings an answer needs; a failure of the settings themselves has none. */
type AnswerSettings = Pick<Settings, "site" | "relyingParty" | "session"> | undefined;

/** A failure under the reference the customer sees. */
export interface AnsweredFailure {
  readonly code: FailureCode;
  readonly facts: FailureFacts;
  readonly reference: string;
}

interface AnswerOptions {
  /** Whatever the client says it reads. */
  readonly jsonOnly?: boolean;
  /** Hears of the failure; must not throw. */
  readonly onAnswered?: (answered: AnsweredFailure) => void;
}

/**
 * The one place where a failure becomes an answer: one log line and a page, or `application/problem+json`
 * (RFC 9457) for scripts, both with the same reference.
 * @param thrown anything; what is not a {@link Failure} is a fault of ours and is answered without details.
 */
export async function answerFailure(
  thrown: unknown,
  request: Request,
  settings: AnswerSettings,
  { jsonOnly = false, onAnswered }: AnswerOptions = {},
): Promise<Response> {
  const failure = thrown instanceof Failure ? thrown : new Failure("internal_error", { stage: "site" });
  const { code, facts } = failure;
  const { status, level, message } = failures()[code];
  const reference = facts.reference ?? newReference();
  onAnswered?.({ code, facts, reference });
  // A stranger's host is where it happened, though no site of ours.
  const at = settings?.site.origin ?? new URL(request.url).origin;
  logEvent(level, CANCELLED.has(code) ? "login_cancelled" : "request_failed", at, {
    code,
    reference,
    stage: facts.stage,
    reason: facts.reason,
    provider_error: facts.providerError,
    ...facts.storage,
    details: facts.details,
    at: thrown instanceof Failure ? undefined : thrownAt(thrown),
  });

  if (code === "host_unknown") return nothingHere();

  const site = settings?.site;
  const context = pageContext(
    request.headers.get("accept-language"),
    settings ?? unknownSite(new URL(request.url).origin),
  );
  const isInFrame = code === "login_in_frame";
  const { title, happened } = messageIn(context.language, message);
  const names = { brand: context.brand, site: context.siteName };
  // Of several things that a session lacks, the first is the failure itself.
  const [lack, ...others] = facts.missing ?? [];
  const delay = settings && lengthWords(context.language, settings.session.fresh);
  const values = { ...names, ...(delay !== undefined && { delay }), ...lackWords(context.language, lack) };
  const further = others.map((other) => ({
    happened: messageIn(context.language, failures()[other.code].message).happened,
    values: { ...names, ...lackWords(context.language, other) },
  }));
  const details = code === "settings_invalid" ? (facts.details ?? []) : [];
  const response =
    jsonOnly || facts.jsonOnly || isScriptRequest(request)
      ? problem({
          status,
          title: filled(title, values),
          detail: filled(happened, values),
          code,
          reference,
          ...(details.length > 0 && { errors: details }),
          ...(facts.missing !== undefined && { missing: facts.missing.map(({ rule }) => rule) }),
          ...(facts.loginUrl !== undefined && { login_url: facts.loginUrl }),
        })
      : await pageResponse(
          failurePage({
            ...context,
            message,
            values,
            further: further.map((one) => filled(one.happened, one.values)),
            reference,
            details,
            resume: facts.resume ?? false,
            retryHref: facts.retryHref ?? retryHref(site?.authPath, facts),
            isInFrame,
            siteHref: siteHref(code, facts),
          }),
          context,
          status,
          { isFramed: isInFrame },
        );
  if (facts.retryAfter !== undefined) response.headers.set("retry-after", String(facts.retryAfter));
  // RFC 9110 section 15.5.2 asks for a challenge; Bearer is what native apps answer it with.
  if (status === 401) response.headers.set("www-authenticate", `Bearer realm="${site?.origin}"`);
  if (facts.browserCookie !== undefined) response.headers.append("set-cookie", facts.browserCookie);
  if (facts.setCookie !== undefined) response.headers.append("set-cookie", facts.setCookie);
  if (facts.location !== undefined) response.headers.set("location", facts.location);
  if (facts.allow !== undefined) response.headers.set("allow", facts.allow);
  if (facts.readableBy !== undefined) {
    for (const [name, value] of Object.entries(readableBy(facts.readableBy)))
      response.headers.append(name, value);
  }
  return asOwnAnswer(response);
}

/** What a person does who says no at the provider. */
const CANCELLED: ReadonlySet<FailureCode> = new Set(["access_denied", "purpose_declined"]);

/** Whoever did not want to share more may go on where they were; a path that needs a login leads to the home page. */
function siteHref(code: FailureCode, { returnTo = "/" }: FailureFacts): string {
  return code === "purpose_declined" || !returnTo.startsWith("/") ? returnTo : "/";
}

function retryHref(
  authPath = "/auth",
  { returnTo = "/", require, purpose, browserCookie }: FailureFacts,
): string {
  const required = require === undefined ? "" : `&require=${encodeURIComponent(require)}`;
  const asks = purpose === undefined ? "" : `&for=${encodeURIComponent(purpose)}`;
  const expects = browserCookie === undefined ? "" : `&${COOKIES_PARAMETER}=expected`;
  return `${authPath}/login?return_to=${encodeURIComponent(returnTo)}${required}${asks}${expects}`;
}

/** The words for what a session lacks: which groups, which age, how long. */
function lackWords(language: Language, lack: Missing | undefined): Record<string, string> {
  const { values, seconds } = lack ?? {};
  return {
    ...(values !== undefined && { value: anyOf(language, values) }),
    ...(seconds !== undefined && { time: lengthWords(language, seconds) }),
  };
}

/** How a page speaks when the site's own settings cannot be read. */
const unknownSite = (origin: string): PageSettings => ({
  site: { origin, language: undefined, brandDate: BRAND_DATE },
  relyingParty: { market: undefined },
});

/** To somebody who asks for a host of nobody's: not even that there is a login here. */
function nothingHere(): Response {
  return new Response("Not found\n", {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

function problem(body: Readonly<Record<string, unknown>>): Response {
  return new Response(JSON.stringify({ type: "about:blank", ...body }), {
    status: Number(body.status),
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      vary: "accept, accept-language",
    },
  });
}
