import type * as oauth4webapi from "oauth4webapi";
import { Failure, type FailureCode, type FailureFacts, providerErrorCode } from "../failure.ts";
import { timed } from "../waiting.ts";
import type { LoginSecrets } from "./authorize-url.ts";
import {
  type AskedBefore,
  askedNow,
  COLLECTED_ONCE,
  canBeJudged,
  claimsWorthAsking,
  completedClaims,
  knownClaims,
  memoryCouldHelp,
  missingClaims,
  type VippsClaims,
  type VippsIdentity,
  withFullName,
} from "./claims.ts";
import {
  CLOCK_TOLERANCE,
  checkIdTokenClaims,
  jsonPart,
  type UncheckedClaims,
  verifyIdTokenSignature,
} from "./id-token.ts";
import { confirmPartnerToken, forgetPartnerToken, partnerToken } from "./partner-token.ts";
import { boundedFetch, type Discovery, type ProviderAccess, providerMetadata } from "./provider.ts";
import { APP_CONFIRMATION, clientName, type OwnKeys, type RelyingParty } from "./relying-party.ts";

/**
 * The code that the browser brings back from the provider: what comes with it, and the identity that it is exchanged
 * for.
 */

/** The parameters of an answer: the platform's own, or others that are read like them. */
interface ResponseParameters {
  get(name: string): string | null | undefined;
  getAll(name: string): readonly string[];
}

/** What the browser brought back from the provider, before anything of it is believed. */
export interface AuthorizationResponse {
  readonly parameters: ResponseParameters;
  readonly state: string | undefined;
  readonly error: string | undefined;
  readonly code: string | undefined;
}

/** Values longer than this are not of any provider. In characters. */
const LENGTH_LIMIT = 4_096;

/**
 * Reads the query of the callback.
 * @throws {Failure} `response_malformed` when a parameter comes twice (RFC 6749 section 3.1) or is absurdly long;
 *   the failure that stands for the provider's error when there is no state, so that it belongs to no login.
 */
export function readAuthorizationResponse(parameters: ResponseParameters): AuthorizationResponse {
  for (const name of ["state", "code", "error", "iss", "response"]) {
    const values = parameters.getAll(name);
    if (values.length > 1 || (values[0]?.length ?? 0) > LENGTH_LIMIT) {
      throw malformed("a parameter is repeated or too long");
    }
  }
  const error = parameters.get("error") || undefined;
  const glued = error === undefined ? undefined : gluedState(parameters.get("error_description"));
  const state = parameters.get("state") || glued;
  if (state === undefined && error !== undefined) {
    throw isKnownError(error) ? providerFailure(error) : unaskedFailure(error);
  }
  return { parameters, state, error, code: parameters.get("code") || undefined };
}

/** Vipps documents one error whose state is glued to the description: `…the%20login?state=XYZ`. */
function gluedState(description: string | null | undefined): string | undefined {
  return description?.slice(-LENGTH_LIMIT).match(/\?state=([^&?]+)$/)?.[1];
}

const KNOWN_ERRORS = [
  "access_denied",
  "wrong_challenge",
  "outdated_app_version",
  "unknown_reject_reason",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  "server_error",
  "temporarily_unavailable",
  "invalid_request",
  "invalid_scope",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_app_callback_uri",
  "app_callback_uri_not_registered",
] as const satisfies readonly FailureCode[];

function isKnownError(error: string): error is (typeof KNOWN_ERRORS)[number] {
  return KNOWN_ERRORS.some((known) => known === error);
}

/** The failure that stands for an error code of the provider, known or not. */
function providerFailure(error: string): Failure {
  const code = isKnownError(error) ? error : "provider_error_unknown";
  return new Failure(code, { stage: "callback", providerError: providerErrorCode(error) });
}

/**
 * The failure that stands for an answer with an error to a login of ours: the provider's error, or that somebody else
 * sent it (RFC 9207 has `iss` in errors too). One without `iss` is taken for what it says: nothing is made of it.
 */
export function errorAnswer(
  { issuer }: RelyingParty,
  { parameters }: AuthorizationResponse,
  error: string,
): Failure {
  const sender = parameters.get("iss") ?? issuer;
  if (sender === issuer) return providerFailure(error);
  return new Failure("response_issuer_mismatch", { stage: "callback" });
}

/** An error that nobody knows, about a login that nobody began: whoever wrote it, it was hardly the provider. */
function unaskedFailure(error: string): Failure {
  return new Failure("provider_error_unasked", {
    stage: "callback",
    providerError: providerErrorCode(error),
  });
}

const malformed = (reason: string) => new Failure("response_malformed", { stage: "callback", reason });

/**
 * Checks a successful response and gives the parameters the token request may use.
 * @param parameters those of a response that {@link readAuthorizationResponse} has read.
 * @param state the state this login was started with.
 * @throws {Failure} `response_issuer_mismatch` when `iss` is wrong, or missing though advertised (RFC 9207
 *   section 2.4); `response_malformed` when there is no code or anything else is off.
 */
async function acceptAuthorizationResponse(
  discovery: oauth4webapi.AuthorizationServer,
  relyingParty: RelyingParty,
  parameters: URLSearchParams,
  state: string,
): Promise<URLSearchParams> {
  if (!parameters.get("code")) throw malformed("no code");
  const issuer = parameters.get("iss");
  // The library takes an empty `iss` for an absent one.
  const advertised = discovery.authorization_response_iss_parameter_supported === true;
  if (issuer === null ? advertised : issuer !== relyingParty.issuer) {
    throw new Failure("response_issuer_mismatch", { stage: "callback" });
  }
  const { default: oauth } = await import("./oauth.ts");
  try {
    return oauth.validateAuthResponse(discovery, { client_id: clientName(relyingParty) }, parameters, state);
  } catch {
    throw malformed("not a code flow response");
  }
}

/** The login that an authorization response belongs to. */
export interface StartedLogin extends LoginSecrets {
  readonly state: string;
  readonly redirectUri: string;
  /** What is kept of this person from earlier logins. Only called where the ID token left something out. */
  readonly askedBefore: (sub: string) => Promise<AskedBefore | undefined>;
}

/** What an authorization response comes to. */
export interface ExchangedCode {
  readonly identity: VippsIdentity;
  /** Where userinfo was needed and failed. */
  readonly missed?: MissedUserinfo | undefined;
}

/** What a login lacks because userinfo failed. */
export interface MissedUserinfo {
  readonly failure: Failure;
  /** What it was asked for. */
  readonly claims: readonly string[];
  /** Whose login can be judged without it. */
  readonly sufficesFor: NonNullable<VippsIdentity["partial"]> | "nobody";
  /** Asks once more, where that is worth it: for what Vipps tells at this login alone. Good for ten minutes. */
  readonly askAgain: (() => Promise<VippsClaims>) | undefined;
}

/**
 * Turns an authorization response into an identity: one token request, the ID token verified, and userinfo
 * only for requested claims that the ID token did not bring. The code is sent at most once.
 * @throws {Failure} with a code of the stage that failed, but for userinfo's, unless it is about somebody else;
 *   nothing the provider sent is in it.
 */
export async function exchangeCode(
  access: ProviderAccess,
  response: URLSearchParams,
  login: StartedLogin,
): Promise<ExchangedCode> {
  const { relyingParty, stepTimes } = access;
  const { discovery } = await timed(stepTimes, "metadata", providerMetadata(access));
  const parameters = await acceptAuthorizationResponse(discovery, relyingParty, response, login.state);
  const tokens = tokensOf(
    await timed(stepTimes, "token", requestTokens(access, discovery, parameters, login)),
  );
  await timed(stepTimes, "keys", verifyIdTokenSignature(access, tokens.id_token));
  // Our own checks first: they say which claim is wrong.
  const expected = { nonce: login.nonce, accessToken: tokens.access_token };
  await checkIdTokenClaims(relyingParty, unvalidatedClaims(tokens.id_token), expected);
  const claims = await idTokenClaims(discovery, relyingParty, tokens, login.nonce);

  const identity: VippsIdentity = {
    sub: claims.sub,
    authTime: claims.auth_time ?? claims.iat,
    claims: knownClaims(claims),
    ...(claims.acr === APP_CONFIRMATION && { acr: claims.acr }),
  };
  const { identity: all, missed } = await completed(access, discovery, tokens.access_token, identity, login);
  return { identity: { ...all, claims: withFullName(all.claims) }, missed };
}

/**
 * Adds what the ID token left out.
 * @throws {Failure} `userinfo_invalid` where userinfo is about somebody else.
 */
async function completed(
  access: ProviderAccess,
  discovery: Discovery,
  accessToken: string,
  identity: VippsIdentity,
  { askedBefore }: StartedLogin,
): Promise<ExchangedCode> {
  const { scope: whole, askedOnce = [], needed: neededScope = [] } = access.relyingParty;
  // What was asked for in vain at some other login says nothing of what a person shares now, nor the other way round.
  const scope = whole.filter((word) => !askedOnce.includes(word));
  const { sub } = identity;
  const claims = { ...identity.claims };
  const now = Math.floor(Date.now() / 1000);
  if (discovery.userinfo_endpoint === undefined) return { identity };
  const before = memoryCouldHelp(scope, claims) ? await askedBefore(sub) : undefined;
  const needed = missingClaims(neededScope, claims);
  const asked = [...new Set([...claimsWorthAsking(scope, claims, before, now), ...needed])];
  if (asked.length === 0) return { identity: { ...identity, asked: before } };
  const ask = (answerBy: number) => fetchUserinfo({ ...access, answerBy }, discovery, accessToken, sub);
  try {
    const answer = twiceWithin(Math.min(access.answerBy, Date.now() + USERINFO_TIME_LIMIT), ask);
    const userinfo = await timed(access.stepTimes, "userinfo", answer);
    const all = completedClaims(claims, knownClaims(userinfo));
    return { identity: { ...identity, claims: all, asked: askedNow(scope, { ...all }, asked, now) } };
  } catch (error) {
    if (!(error instanceof Failure) || error.facts.reason === OTHER_PERSON) throw error;
    const isJudged = canBeJudged(scope, { ...withFullName(claims) });
    const isToldOnce = asked.some((name) => COLLECTED_ONCE.includes(name));
    const missed: MissedUserinfo = {
      failure: error,
      claims: asked,
      sufficesFor: needed.length > 0 ? "nobody" : isJudged ? "anybody" : "known",
      askAgain:
        isToldOnce && error.facts.mayPass === true
          ? async () => knownClaims(await ask(Date.now() + USERINFO_TIME_LIMIT))
          : undefined,
    };
    return { identity: { ...identity, asked: before }, missed };
  }
}

/** A second request follows a failure that may pass after this pause at least, in milliseconds. */
const PAUSE = 200;
/** With less time left than this it is not worth sending, in milliseconds. */
const WORTHWHILE = 300;

/** Asks once more where the first failure may pass and there is time for it. */
async function twiceWithin<Answer>(
  answerBy: number,
  ask: (answerBy: number) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask(answerBy);
  } catch (error) {
    const { mayPass, retryAfter = 0 } = error instanceof Failure ? error.facts : {};
    const pause = Math.max(PAUSE, retryAfter * 1000);
    if (mayPass !== true || Date.now() + pause + WORTHWHILE > answerBy) throw error;
    await new Promise((wake) => setTimeout(wake, pause));
    return ask(answerBy);
  }
}

/** How long the token endpoint may take, in milliseconds, unless the login as a whole has less left. */
const TOKEN_TIME_LIMIT = 5_000;

/** @returns the body of a 200, whatever it is. */
async function requestTokens(
  access: ProviderAccess,
  discovery: Discovery,
  parameters: URLSearchParams,
  login: StartedLogin,
): Promise<unknown> {
  const { relyingParty, answerBy } = access;
  const authentication = await clientAuthentication(access);
  const timeLimit = Math.min(TOKEN_TIME_LIMIT, answerBy - Date.now());
  const { default: oauth } = await import("./oauth.ts");
  const response = await oauth.authorizationCodeGrantRequest(
    discovery,
    { client_id: clientName(relyingParty) },
    authentication,
    parameters,
    login.redirectUri,
    login.codeVerifier,
    {
      [oauth.customFetch]: boundedFetch(relyingParty, {
        unavailable: "token_unavailable",
        stage: "token",
        timeLimit,
      }),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    },
  );
  const body: unknown = await response.json().catch(() => undefined);
  // Some providers answer an error with 200; whatever else such a body holds, it is a refusal.
  if (response.status !== 200 || errorOf(body) !== undefined) {
    if (relyingParty.keys.kind === "partner" && response.status === 401) forgetPartnerToken(access);
    throw tokenRefusal(response.status, body);
  }
  if (relyingParty.keys.kind === "partner") confirmPartnerToken(access);
  return body;
}

/** What this worker uses of a token response; no refresh tokens, no lifetimes, no scope. */
interface Tokens {
  readonly access_token: string;
  readonly id_token: string;
}

/** Checks the members of a token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
function tokensOf(body: unknown): Tokens {
  const malformed = (reason: string) => new Failure("token_malformed", { stage: "token", reason });
  if (!isRecord(body)) throw malformed("not a JSON object");
  const { access_token, id_token, token_type } = body;
  if (typeof id_token !== "string" || id_token === "") throw malformed("no ID token");
  if (typeof access_token !== "string" || !/^[\x21-\x7e]+$/.test(access_token))
    throw malformed("no access token");
  if (typeof token_type !== "string" || token_type.toLowerCase() !== "bearer")
    throw malformed("not a bearer token");
  return { access_token, id_token };
}

/** The claims of a token whose signature has been verified. */
function unvalidatedClaims(idToken: string): UncheckedClaims {
  const claims = jsonPart(idToken, 1);
  if (claims !== undefined) return claims;
  throw new Failure("id_token_invalid", { stage: "id_token", reason: "not a JSON object of claims" });
}

/** Has the certified library validate the ID token's claims; our own checks come on top of it. */
async function idTokenClaims(
  discovery: Discovery,
  relyingParty: RelyingParty,
  tokens: Tokens,
  nonce: string,
): Promise<oauth4webapi.IDToken> {
  const { default: oauth } = await import("./oauth.ts");
  const client: oauth4webapi.Client = {
    client_id: relyingParty.keys.kind === "own" ? relyingParty.keys.clientId : audienceOf(tokens.id_token),
    id_token_signed_response_alg: "RS256",
    [oauth.clockTolerance]: CLOCK_TOLERANCE,
  };
  try {
    const response = Response.json({ ...tokens, token_type: "bearer" });
    const validated = await oauth.processAuthorizationCodeResponse(discovery, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    const claims = oauth.getValidatedIdTokenClaims(validated);
    if (claims !== undefined) return claims;
    throw new Error("the library returned no claims");
  } catch (cause) {
    // The library's errors carry the claims, so nothing of them but the fact is told.
    const reason = "refused by the library, though our own checks found nothing";
    throw new Failure("id_token_invalid", { stage: "id_token", reason }, { cause });
  }
}

/**
 * The one audience of an ID token, for a partner, who has no client_id to compare it with; that the token is for
 * the right sales unit is then up to its `msn` (see {@link checkIdTokenClaims}).
 */
function audienceOf(idToken: string): string {
  const { aud } = unvalidatedClaims(idToken);
  const [audience, ...others] = [aud].flat();
  if (typeof audience === "string" && audience !== "" && others.length === 0) return audience;
  throw new Failure("id_token_invalid", { stage: "id_token", reason: "not one aud" });
}

/** Own keys authenticate the sales unit itself; a partner shows its access token. */
async function clientAuthentication(access: ProviderAccess): Promise<oauth4webapi.ClientAuth> {
  const { keys } = access.relyingParty;
  if (keys.kind === "own") return ownAuthentication(keys);
  const token = await partnerToken(access);
  return (_server, _client, _body, headers) => headers.set("authorization", `Bearer ${token}`);
}

/**
 * `client_secret_basic` in the form encoding of RFC 6749 section 2.3.1 and appendix B. The library's own
 * variant also escapes `-`, `.`, `_` and `*`, which providers that don't decode the header then refuse.
 */
async function ownAuthentication({
  clientId,
  clientSecret,
  tokenAuth,
}: OwnKeys): Promise<oauth4webapi.ClientAuth> {
  if (tokenAuth === "client_secret_post") {
    const { default: oauth } = await import("./oauth.ts");
    return oauth.ClientSecretPost(clientSecret);
  }
  // As in a form, where the one `=` that is not escaped stands between the two.
  const encoded = new URLSearchParams({ [clientId]: clientSecret }).toString().replace("=", ":");
  return (_server, _client, _body, headers) => headers.set("authorization", `Basic ${btoa(encoded)}`);
}

function tokenRefusal(status: number, body: unknown): Failure {
  const error = errorOf(body);
  const providerError = error === undefined ? undefined : providerErrorCode(error);
  // Both mean that the sales unit's keys or settings are wrong, which only the site's owner can mend.
  const owners = providerError === "invalid_client" || providerError === "unauthorized_client";
  return new Failure(owners ? "token_client_refused" : "token_refused", {
    stage: "token",
    providerError,
    reason: `answered with ${status}`,
  });
}

function errorOf(body: unknown): string | undefined {
  if (!isRecord(body) || body.error === undefined) return undefined;
  return typeof body.error === "string" ? body.error : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * How long the userinfo endpoint may take, asked once or twice, in milliseconds, unless the login as a whole has less
 * left.
 */
const USERINFO_TIME_LIMIT = 3_000;
/** The longest `Retry-After` of its that is heeded, and the one of a refusal without any, in seconds. */
const RETRY_AFTER = { most: 300, none: 10 };

/** The reason of an answer about somebody else, which no login survives: something is grossly wrong. */
const OTHER_PERSON = "sub differs";

/**
 * The user's claims from the userinfo endpoint, sent the Bearer token in a header and nothing else but the
 * standard headers: Vipps answers 401 to a subscription key here.
 * @param sub the subject of the verified ID token; userinfo about anybody else is refused (OpenID Connect Core
 *   section 5.3.2).
 * @throws {Failure} `userinfo_unavailable` or `userinfo_invalid`.
 */
async function fetchUserinfo(
  { relyingParty, answerBy }: ProviderAccess,
  discovery: Discovery,
  accessToken: string,
  sub: string,
): Promise<Readonly<Record<string, unknown>>> {
  const timeLimit = answerBy - Date.now();
  const limits = { unavailable: "userinfo_unavailable", stage: "userinfo", timeLimit } as const;
  const client = { client_id: clientName(relyingParty) };
  const { default: oauth } = await import("./oauth.ts");
  try {
    const response = await oauth.userInfoRequest(discovery, client, accessToken, {
      [oauth.customFetch]: boundedFetch(relyingParty, limits),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    });
    if (response.status === 429) throw tooManyRequests(response.headers.get("retry-after"));
    // The library would take claims out of a JWT answer without checking its signature.
    if (response.headers.get("content-type")?.toLowerCase().includes("application/jwt")) {
      throw new Failure("userinfo_invalid", { stage: "userinfo", reason: "answered with a JWT" });
    }
    return await oauth.processUserInfoResponse(discovery, client, sub, response);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      "userinfo_invalid",
      { stage: "userinfo", ...(await userinfoFault(error)) },
      { cause: error },
    );
  }
}

function tooManyRequests(retryAfter: string | null): Failure {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : RETRY_AFTER.none;
  return new Failure("userinfo_unavailable", {
    stage: "userinfo",
    reason: "answered with 429",
    mayPass: true,
    retryAfter: Math.min(seconds, RETRY_AFTER.most),
  });
}

/** What was wrong with an answer; half of one, or a page of something in between, may pass. */
async function userinfoFault(error: unknown): Promise<Pick<FailureFacts, "reason" | "mayPass">> {
  const { default: oauth } = await import("./oauth.ts");
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return { reason: "access token refused", mayPass: false };
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined;
  return {
    reason: code === oauth.JSON_ATTRIBUTE_COMPARISON ? OTHER_PERSON : "not a userinfo response",
    mayPass: code === oauth.PARSE_ERROR || code === oauth.RESPONSE_IS_NOT_JSON,
  };
}
