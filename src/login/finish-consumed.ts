import { askedBefore } from "../accounts/login-account.ts";
import { Failure } from "../failure.ts";
import type { ReplacedSession } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import { exchangeCode, readAuthorizationResponse } from "../vipps/authorization-code.ts";
import type { VippsIdentity } from "../vipps/claims.ts";
import { type StepTimes, timed } from "../waiting.ts";
import { askToConfirm } from "./confirm-question.ts";
import { askingParty, type BegunLogin, beganAt, isForMore, loginSecrets, setAside } from "./login-state.ts";
import { fetchConsentsLater, type LoginSince, withoutUserinfo } from "./missed-userinfo.ts";
import { accountUnclear } from "./proof-question.ts";
import type { Answers, Asked, WaitingLogin } from "./question.ts";
import { keepArrivedConsents, namingPerson, type SettledLogin, settleLogin } from "./settle-login.ts";

/** A login that has been used up, and whose code has not been sent yet. */
export interface ConsumedLogin {
  readonly login: BegunLogin;
  /** SHA-256 of the cookie of the browser that brought the code, or of the app's secret. */
  readonly browser: string;
  /** The query of the callback. */
  readonly response: string;
  readonly state: string;
  readonly redirectUri: string;
  /** The account that is logged in in a browser that did not begin the login. */
  readonly loggedInAs: string | undefined;
  /** Whether the client can be asked something: a browser that shows pages. */
  readonly canBeAsked: boolean;
  /** Milliseconds that everything the provider has to do may take. */
  readonly timeLimit: number;
}

/** A login with nothing left to ask. */
export interface FinishedLogin {
  readonly outcome: "finished";
  readonly settled: SettledLogin;
  readonly identity: VippsIdentity;
  /** Whether its session is recorded: then only a token is missing. An object of another release leaves it out. */
  readonly isRecorded?: boolean;
  /** Once it is: the other sessions of the account that began in the same browser. */
  readonly sameBrowser?: readonly ReplacedSession[];
}

/** What a consumed login comes to. */
export type Conclusion =
  | FinishedLogin
  /** The very person is logged in in that browser already: nothing is needed. */
  | { readonly outcome: "alreadyIn" }
  /** It has to be kept until the person has answered. */
  | {
      readonly outcome: "hold";
      readonly asked: Asked;
      readonly identity: VippsIdentity;
      readonly answers: Answers;
    };

/** What a login is finished in. */
export interface Surroundings {
  /** How long steps took. */
  readonly stepTimes: StepTimes;
  /** Keeps work alive behind an answer (`waitUntil`). */
  readonly background: (work: Promise<unknown>) => void;
  /** What has become of the login, for work behind its answer. */
  readonly used: () => Promise<LoginSince>;
}

/**
 * Sends the code of a login that has been used up, once, and finds out whose login it is. Runs where Vipps and the
 * registry are.
 * @throws {Failure} with the code that names what is wrong.
 */
export async function finishConsumed(
  settings: Settings,
  consumed: ConsumedLogin,
  { stepTimes, background, used }: Surroundings,
): Promise<Conclusion> {
  const { login, state, redirectUri, response, timeLimit } = consumed;
  const secrets = await loginSecrets(settings, login);
  if (secrets === undefined) throw new Failure("state_expired", { stage: "callback" });
  const { storage } = settings;
  const relyingParty = askingParty(settings, login.asks);
  const answerBy = Date.now() + timeLimit;
  const { identity: whole, missed } = await exchangeCode(
    { relyingParty, store: storage.metadata, answerBy, stepTimes, background },
    readAuthorizationResponse(new URLSearchParams(response)),
    { ...secrets, state, redirectUri, askedBefore: (sub) => askedBefore(settings, sub) },
  );
  const arrived = setAside(settings, login.asks, whole);
  const concluding = namingPerson(arrived, async () => {
    await keepArrivedConsents(settings, arrived, beganAt(login.id));
    const identity = missed === undefined ? arrived : await withoutUserinfo(settings, arrived, missed);
    if (login.browser !== consumed.browser) {
      const otherwise = await inOtherBrowser(settings, identity, consumed);
      if (otherwise !== undefined) return otherwise;
    }
    const { canBeAsked } = consumed;
    return concludeLogin(settings, { identity, answers: {}, id: login.id }, stepTimes, canBeAsked);
  });
  if (missed?.askAgain !== undefined) {
    const account = concluding.then(
      (conclusion) => (conclusion.outcome === "finished" ? conclusion.settled.accountId : undefined),
      () => undefined,
    );
    background(fetchConsentsLater(settings, { id: login.id, identity: arrived, missed, account, used }));
  }
  return concluding;
}

/**
 * Whoever began this login, it is finished here or nowhere. Somebody may have sent the person here with a login of
 * their own (login CSRF), so the policy decides whether to ask, and another user's session is never replaced without
 * asking. A browser in which the very same user is logged in already needs nothing: ten tabs opened at once begin
 * with ten browser cookies, of which one survives.
 */
async function inOtherBrowser(
  settings: Settings,
  identity: VippsIdentity,
  { loggedInAs, login }: ConsumedLogin,
): Promise<Conclusion | undefined> {
  const { crossBrowser } = settings.login;
  const asked = await askToConfirm(settings, identity);
  const isAlreadyIn = loggedInAs !== undefined && loggedInAs === asked.accountId;
  // A login that brings more than the session has goes on: nobody else's is replaced.
  if (isAlreadyIn && isForMore(login.asks)) return undefined;
  if (crossBrowser === "confirm" && isAlreadyIn) return { outcome: "alreadyIn" };
  const asks = crossBrowser === "confirm" || (loggedInAs !== undefined && !isAlreadyIn);
  return asks ? { outcome: "hold", asked, identity, answers: {} } : undefined;
}

/**
 * From an identity, and what the person has answered, to an account or the next question.
 * @throws {Failure} `account_unclear` or `terms_not_accepted` where the client cannot be asked.
 */
export async function concludeLogin(
  settings: Settings,
  { identity, answers, id }: Pick<WaitingLogin, "identity" | "answers" | "id">,
  stepTimes: StepTimes,
  canBeAsked = true,
): Promise<Conclusion> {
  const settling = settleLogin(settings, identity, answers, beganAt(id));
  const settlement = await timed(stepTimes, "account", settling);
  if ("settled" in settlement) return { outcome: "finished", settled: settlement.settled, identity };
  const { asked } = settlement;
  if (!canBeAsked && asked.question === "proof") throw accountUnclear(asked);
  // An app has no page to ask on: the person accepts the terms on the site first.
  if (!canBeAsked) throw new Failure("terms_not_accepted", { stage: "account" });
  return { outcome: "hold", asked, identity, answers };
}
