import { Failure, type Stage } from "../failure.ts";
import { type KnownBrowser, recogniseBrowser } from "../http/cookie.ts";
import { isDoubled, isScriptRequest, queryOf, queryText, sessionClient } from "../http/request.ts";
import { type AppContext, PROVIDER_TIME, providerAccess } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { type CurrentSession, currentSession } from "../session/current-session.ts";
import { newSessionId } from "../session/session.ts";
import {
  type AuthorizationResponse,
  errorAnswer,
  readAuthorizationResponse,
} from "../vipps/authorization-code.ts";
import { answerStep, attemptsCall, broughtState, loginStep, returnUrlOf } from "./call-attempts.ts";
import type { AlreadyUsed, FinishCall, LoginOutcome } from "./login-attempts.ts";
import { failureOfLogin, redirectHome, sameSessionResponse, sessionResponse } from "./login-end.ts";
import { type BegunLogin, beganAt } from "./login-state.ts";
import { showQuestion } from "./questions.ts";
import { type ConsumedLogin, finishConsumed } from "./settle-login.ts";
import { loginWithCookie } from "./start-login.ts";

/**
 * `GET /auth/callback`: the redirect URI. A state that is none of ours is refused without asking anybody; a code goes
 * to the object that finishes the login, in one call. The work goes on if the browser hangs up, so that no login is
 * left half made.
 * @throws {Failure} with the code that names what is wrong.
 */
export async function finishLogin(c: AppContext): Promise<Response> {
  const work = finish(c);
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
}

async function finish(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const query = queryText(c.req.raw) ?? "";
  const response = readAuthorizationResponse(queryOf(c.req.raw.url));
  const brought = await broughtState(settings, "browser", response.state, "callback");
  const { login, state } = brought;
  const here = await recogniseBrowser(headers);
  const isSameBrowser = login.browser === here.browser;
  const returnTo = await returnUrlOf(settings, login, "callback");
  const stage = "callback";
  const end = { state, returnTo, isSameBrowser, stage } as const;
  try {
    // Too late to be finished. The browser that finished it goes home; one whose login waits for an answer, for ten
    // minutes of its own, is asked again; nobody else gets anywhere.
    if (brought.isLate) {
      const look = {
        id: login.id,
        browser: here.browser,
        state,
        question: "confirm",
      } as const;
      return await answerOutcome(c, await answerStep(c, login.object, stage, look), end);
    }
    // However often it is loaded, an answer without a code says the same and makes nothing.
    if (response.error !== undefined) throw await refusal(c, login, response, response.error);
    if (response.code === undefined) throw new Failure("response_malformed", { stage, reason: "no code" });
    if (!isSameBrowser && settings.login.crossBrowser === "deny")
      throw await refusedBrowser(c, login, here, returnTo);
    const current = isSameBrowser ? undefined : await currentSession(settings, c.req.raw);
    const answer = await finishBegun(c, {
      login,
      state,
      response: query,
      browser: here.browser,
      redirectUri: settings.relyingParty.redirectUri,
      loggedInAs: current?.session?.sub,
      canBeAsked: !isScriptRequest(c.req.raw),
      timeLimit: PROVIDER_TIME - (Date.now() - c.env.receivedAt),
    });
    const isAnonymous = here.hasNone && answer.outcome.outcome === "finished";
    // Whether the browser keeps what it gets now is seen at once, where it would otherwise begin all over again.
    const home = isAnonymous ? await loginWithCookie(settings, login, returnTo) : returnTo;
    const page = await answerOutcome(c, answer, { ...end, returnTo: home });
    if (here.isNew && !isSameBrowser) page.headers.append("set-cookie", here.setCookie);
    return page;
  } catch (error) {
    throw failureOfLogin(login, returnTo, error);
  }
}

/**
 * What the provider answered in place of a code. Who is logged in and does not want to share more for a purpose has not
 * lost anything: they can go on where they were.
 */
async function refusal(
  c: AppContext,
  { asks }: BegunLogin,
  response: AuthorizationResponse,
  error: string,
): Promise<Failure> {
  const failure = errorAnswer(c.env.settings.relyingParty, response, error);
  if (failure.code !== "access_denied" || asks?.purpose === undefined) return failure;
  const { session, setCookie } = await currentSession(c.env.settings, c.req.raw);
  return session === undefined ? failure : new Failure("purpose_declined", { stage: "callback", setCookie });
}

/**
 * A login that another browser began, or that this one began before it logged out. Without any cookie of ours it may
 * also be one that keeps none: the page leads on to where that is seen.
 */
async function refusedBrowser(
  c: AppContext,
  login: BegunLogin,
  { loggedOutAt = 0, hasNone, setCookie: browserCookie }: KnownBrowser,
  returnTo: string,
): Promise<Failure> {
  const { settings } = c.env;
  const stage = "callback";
  if (beganAt(login.id) <= loggedOutAt) return new Failure("logged_out_meanwhile", { stage });
  const isKnown = !hasNone || (await currentSession(settings, c.req.raw)).session !== undefined;
  if (isKnown) return new Failure("browser_mismatch", { stage });
  const retryHref = await loginWithCookie(settings, login, returnTo);
  return new Failure("browser_mismatch", { stage, browserCookie, retryHref, resume: true });
}

/**
 * Has a login finished by its object, which uses it up before anything is sent to Vipps; what an object with enough
 * under way leaves to us is done here.
 */
export async function finishBegun(c: AppContext, consumed: ConsumedLogin): Promise<FinishedCall> {
  const { settings, stepTimes } = c.env;
  const { object, id } = consumed.login;
  const sid = newSessionId();
  const site = settings.site.origin;
  const call: FinishCall = {
    ...consumed,
    version: 1,
    site,
    sid,
    client: sessionClient(c),
    isDoubled: isDoubled(c.req.raw.headers),
  };
  const outcome = await loginStep(c, object, "callback", { id, sid }, (stub, recording) =>
    stub.finish({ ...call, recording }),
  );
  if (outcome.outcome !== "consumed")
    return { outcome, sid: outcome.sid ?? sid, isToldAgain: outcome.sid !== undefined };
  const { background } = providerAccess(c);
  const used = async () => {
    const { browser } = consumed;
    return attemptsCall(settings, object, "callback", (stub) => stub.look({ id, browser }));
  };
  const conclusion = await finishConsumed(settings, consumed, { stepTimes, background, used });
  if (conclusion.outcome !== "hold") return { outcome: conclusion, sid };
  const { asked, identity, answers } = conclusion;
  await attemptsCall(settings, object, "callback", (stub) =>
    stub.hold({ id, question: asked.question, identity, answers }),
  );
  return { outcome: { outcome: "asked", asked }, sid };
}

/** What a login came to, and the id of the session that it makes, if it makes one. */
interface FinishedCall {
  readonly outcome: LoginOutcome;
  readonly sid: string;
  /** Whether the other request of the same navigation has been told the same, and makes what there is to be made. */
  readonly isToldAgain?: boolean;
}

/** The login that an outcome is about, and the browser that gets the answer. */
interface AnsweredLogin {
  readonly state: string;
  readonly returnTo: string;
  readonly isSameBrowser: boolean;
  readonly stage: Stage;
}

/** Answers the browser with what its login came to. */
export async function answerOutcome(
  c: AppContext,
  { outcome, sid, isToldAgain }: FinishedCall,
  { state, returnTo, isSameBrowser, stage }: AnsweredLogin,
): Promise<Response> {
  const { settings } = c.env;
  switch (outcome.outcome) {
    case "finished":
      if (isToldAgain) return sameSessionResponse(c, { ...outcome, sid, returnTo });
      return sessionResponse(c, { ...outcome, sid, returnTo, isSameBrowser });
    case "asked":
      return showQuestion(c, outcome.asked, {
        state,
        returnTo,
        current: await currentSession(settings, c.req.raw),
      });
    case "alreadyIn": {
      const { session, setCookie } = await currentSession(settings, c.req.raw);
      logEvent("info", "login_not_needed", settings.site.origin, { sid: session?.sid });
      return redirectHome(returnTo, setCookie);
    }
    case "used":
      return usedLogin(outcome, await currentSession(settings, c.req.raw), returnTo, stage);
    default:
      throw new Failure("state_expired", { stage });
  }
}

/** How long after its use a login's answer may still be on its way to the browser, in milliseconds. */
const IN_FLIGHT = 30_000;

/**
 * A reload, a double click or the back button. The browser that brought the code goes home if it is logged in:
 * nothing is made, nothing changes. Without a session it has most likely dropped the first answer by clicking
 * again; the page it gets sends it through the login once more, which finds the session or makes a new one.
 * Every other browser is refused, the one that began the login included.
 * @throws {Failure} `state_used`, or `login_declined` where the person has said no.
 */
function usedLogin(
  used: AlreadyUsed,
  { session, setCookie }: CurrentSession,
  returnTo: string,
  stage: Stage,
): Response {
  if (used.declined) throw new Failure("login_declined", { stage, returnTo });
  if (session !== undefined && (used.broughtHere || session.sid === used.sid))
    return redirectHome(returnTo, setCookie);
  const resume = used.broughtHere && Date.now() - used.usedAt < IN_FLIGHT;
  throw new Failure("state_used", { stage, returnTo, resume });
}
