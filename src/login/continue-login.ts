import { Failure } from "../failure.ts";
import { recogniseBrowser } from "../http/cookie.ts";
import { formBody, queryParameter, refuseCrossSite } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { pageLanguage } from "../pages/language.ts";
import { logoutPage } from "../pages/logged-out-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { currentSession } from "../session/current-session.ts";
import { answerStep, broughtState, returnUrlOf } from "./call-attempts.ts";
import { answerOutcome } from "./finish-login.ts";
import type { AlreadyUsed } from "./login-attempts.ts";
import { failureOfLogin } from "./login-end.ts";
import { leaveForProof, provenElsewhere } from "./proof-question.ts";
import { type GivenAnswer, isQuestion, type Question, saysNo } from "./question.ts";

/**
 * `POST /auth/continue`: the answer to a page in between. Only the browser that brought the code can give it,
 * once, from our page.
 * @throws {Failure} `cross_site`, `request_malformed`, `cookies_not_kept`, `logged_out_meanwhile`, `login_declined`, `terms_declined`, or
 *   `state_*` when there is no login waiting for this browser.
 */
export async function continueLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "continue");
  const form = (await formBody(c.req.raw)) ?? new URLSearchParams();
  const answer = form.get("answer");
  if (answer === null) throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  const { state, login } = await broughtState(
    settings,
    "browser",
    form.get("attempt") ?? undefined,
    "continue",
  );
  const [{ browser, hasNone, loggedOutAt, setCookie: browserCookie }, { session }, returnTo] =
    await Promise.all([
      recogniseBrowser(headers),
      currentSession(settings, c.req.raw),
      returnUrlOf(settings, login, "continue"),
    ]);
  if (loggedOutAt !== undefined) throw failureOfLogin(login, returnTo, loggedOutMeanwhile());
  // The page that was answered brought the cookie, if it was not there before.
  if (hasNone)
    throw failureOfLogin(
      login,
      returnTo,
      new Failure("cookies_not_kept", { stage: "continue", browserCookie }),
    );
  const asked = form.get("question") ?? "confirm";
  if (!isQuestion(asked))
    throw new Failure("request_malformed", { stage: "continue", reason: "no question" });
  // A yes only counts about the session that the page named: whoever has logged in since is asked about first.
  const isUnannounced = asked === "confirm" && session !== undefined && session.sid !== form.get("replaces");
  const given: GivenAnswer = {
    fields: [...form],
    language: pageLanguage(headers.get("accept-language"), settings),
  };
  try {
    const answered = await answerStep(c, login.object, "continue", {
      id: login.id,
      browser,
      state,
      question: asked,
      given: isUnannounced && answer !== "no" ? undefined : given,
    });
    const { outcome } = answered;
    if (outcome.outcome === "left") return await leaveForProof(c, `${login.object}.${login.id}`);
    if (outcome.outcome === "used" && outcome.declined && asked === "terms" && answer === "decline")
      throw new Failure("terms_declined", { stage: "continue" });
    if (outcome.outcome === "used" && !outcome.declined && saysNo(given))
      return await tooLateForNo(c, outcome, asked, returnTo);
    const isSameBrowser = login.browser === browser;
    return await answerOutcome(c, answered, { state, returnTo, isSameBrowser, stage: "continue" });
  } catch (error) {
    throw failureOfLogin(login, returnTo, error);
  }
}

/**
 * A no to a login that was answered with yes before: it is said that it does not count, and how to log out.
 * @throws {Failure} `state_used` where the answer to the yes got lost: nobody is led into a login by a no.
 */
async function tooLateForNo(
  c: AppContext,
  { broughtHere, sid }: AlreadyUsed,
  question: Question,
  returnTo: string,
): Promise<Response> {
  const { settings } = c.env;
  const { session, setCookie } = await currentSession(settings, c.req.raw);
  if (session === undefined || !(broughtHere || session.sid === sid))
    throw new Failure("state_used", { stage: "continue" });
  logEvent("info", "no_too_late", settings.site.origin, { sid: session.sid });
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const page = logoutPage({
    ...context,
    action: `${settings.site.authPath}/logout`,
    tooLate: question === "terms" ? "accepted" : "yes",
    siteHref: returnTo,
  });
  const answer = await pageResponse(page, context, 409);
  if (setCookie !== undefined) answer.headers.append("set-cookie", setCookie);
  return answer;
}

/** A login that waited for an answer is nobody's where its browser has logged out, by another tab most likely. */
const loggedOutMeanwhile = () => new Failure("logged_out_meanwhile", { stage: "continue" });

/**
 * `GET /auth/proof`: back from the site's own login, with its signed answer. Only the browser whose login waits
 * for it can bring it: an answer that somebody was tricked into giving helps nobody else.
 * @throws {Failure} `request_malformed`, `logged_out_meanwhile`, or `state_*` when there is no login waiting for this browser.
 */
export async function finishProof(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const { login, accountId } = await provenElsewhere(settings, queryParameter(c.req.raw, "answer") ?? "");
  const [object = "", id = ""] = login.split(".");
  const { browser, loggedOutAt } = await recogniseBrowser(headers);
  if (loggedOutAt !== undefined) throw loggedOutMeanwhile();
  const given: GivenAnswer = {
    fields: [],
    language: pageLanguage(headers.get("accept-language"), settings),
    provenAccount: accountId,
  };
  const answered = await answerStep(c, object, "continue", {
    id,
    browser,
    state: undefined,
    question: "proof",
    given,
  });
  const { state } = answered.outcome;
  const begun = state === undefined ? undefined : await broughtState(settings, "browser", state, "continue");
  const returnTo = begun === undefined ? "/" : await returnUrlOf(settings, begun.login, "continue");
  return answerOutcome(c, answered, {
    state: state ?? "",
    returnTo,
    isSameBrowser: true,
    stage: "continue",
  });
}
