import type { OAuthError } from "./authorize.ts";
import {
  type Authentication,
  type AuthorizeRequest,
  type Challenge,
  type Consent,
  consentKey,
  type DelegatedConsent,
  type Login,
  type Provider,
  sweepExpired,
} from "./provider.ts";
import { randomHandle, randomUuid } from "./random.ts";
import { returnWithCode, returnWithError } from "./return-url.ts";
import { type CustomConsent, DEFAULT_CUSTOM_FLOW } from "./sales-unit.ts";
import type { TestUser } from "./users.ts";

/** Begins a login in a browser; a remembered person may already be through. */
export function beginLogin(
  provider: Provider,
  request: AuthorizeRequest,
  browser: string,
  onPhone: boolean,
): Login {
  sweepExpired(provider);
  const login: Login = {
    id: randomHandle(provider.random),
    browser,
    request,
    requestedAt: provider.now(),
    onPhone,
    step: { name: "landing" },
  };
  provider.logins.set(login.id, login);
  const remembered = provider.rememberedBrowsers.get(browser);
  const recognised = remembered !== undefined && request.acr === undefined && request.prompt !== "login";
  if (recognised) proceedToConsent(provider, login, remembered);
  if (request.prompt === "none" && login.step.name !== "done") {
    endLogin(provider, login, {
      code: "login_required",
      description: "The user must log in with interaction",
    });
  }
  return login;
}

/** The person was named on the landing page, where the login still stands, and now sees the app. */
export function proceedToApp(provider: Provider, login: Login, user: TestUser, remember: boolean): void {
  const challenge = login.onPhone ? undefined : createChallenge(provider);
  login.step = { name: "app", user, remember, challenge };
}

/**
 * The person confirmed in the app.
 * @param picked the number tapped, which a login on a phone does without
 */
export function confirmInApp(provider: Provider, login: Login, picked: number | undefined): void {
  if (login.step.name !== "app") return;
  const { user, remember, challenge } = login.step;
  if (challenge !== undefined && picked !== challenge.shown) {
    endLogin(provider, login, {
      code: "wrong_challenge",
      description: "The user selected the wrong challenge",
    });
    return;
  }
  const authentication = { user, at: provider.now(), sid: randomUuid(provider.random) };
  // A sales unit that insists on the app switches remembering off (in-app confirmation).
  if (login.request.acr === undefined) {
    if (remember) provider.rememberedBrowsers.set(login.browser, authentication);
    else provider.rememberedBrowsers.delete(login.browser);
  }
  proceedToConsent(provider, login, authentication);
}

function proceedToConsent(provider: Provider, login: Login, authentication: Authentication): void {
  const { scopes, questions } = openConsents(provider, login, authentication.user);
  if (scopes.length === 0 && questions.length === 0) finish(provider, login, authentication, undefined);
  else login.step = { name: "consent", authentication };
}

/** What the person has not yet agreed to at this sales unit. */
export function openConsents(
  provider: Provider,
  login: Login,
  user: TestUser,
): { readonly scopes: readonly string[]; readonly questions: readonly CustomConsent[] } {
  const { unit, scopes } = login.request;
  const given = provider.consents.get(consentKey(unit, user));
  const asksQuestions = scopes.some(isCustomFlow) && given?.delegated === undefined;
  return {
    scopes: scopes.filter(
      (scope) => scope !== "openid" && !isCustomFlow(scope) && given?.scopes.includes(scope) !== true,
    ),
    questions: asksQuestions ? (unit.customFlow ?? DEFAULT_CUSTOM_FLOW) : [],
  };
}

function isCustomFlow(scope: string): boolean {
  return scope === "customFlow" || scope === "delegatedConsents";
}

/**
 * The person agreed to share everything asked for.
 * @param accepted ids of the sales unit's own questions that were ticked
 * @returns the required questions left unticked; none when the login went on
 */
export function giveConsent(
  provider: Provider,
  login: Login,
  accepted: readonly string[],
): readonly CustomConsent[] {
  if (login.step.name !== "consent") return [];
  const { authentication } = login.step;
  const { questions } = openConsents(provider, login, authentication.user);
  const missing = questions.filter(({ id, required }) => required && !accepted.includes(id));
  if (missing.length > 0) return missing;
  const answers = questions.map((question) => ({ ...question, accepted: accepted.includes(question.id) }));
  finish(provider, login, authentication, answers.length > 0 ? answers : undefined);
  return [];
}

function finish(
  provider: Provider,
  login: Login,
  authentication: Authentication,
  answers: readonly DelegatedConsent[] | undefined,
): void {
  const { request, requestedAt } = login;
  const key = consentKey(request.unit, authentication.user);
  const before = provider.consents.get(key);
  const delegated: Consent["delegated"] = answers && { consents: answers, at: provider.now() };
  provider.consents.set(key, {
    scopes: [...new Set([...(before?.scopes ?? []), ...request.scopes])],
    delegated: delegated ?? before?.delegated,
  });
  const returnUrl = returnWithCode(provider, { request, requestedAt, authentication, delegated });
  login.step = { name: "done", returnUrl };
}

/** Ends the login with an error. */
export function endLogin(provider: Provider, login: Login, error: OAuthError): void {
  const { redirectUri, state } = login.request;
  login.step = { name: "done", returnUrl: returnWithError(provider, redirectUri, state, error) };
}

/** Three different numbers of two digits, one of them shown in the browser. */
function createChallenge({ random }: Provider): Challenge {
  const [start = 0, second = 0, third = 0, choice = 0] = random(4);
  // Offsets from separate ranges keep the three apart without drawing again.
  const offsets = [0, 1 + (second % 44), 46 + (third % 44)];
  const offered = offsets.map((offset) => 10 + ((start + offset) % 90));
  return { shown: offered[choice % 3] ?? 0, offered };
}
