import type { Behaviour, Endpoint, EndpointBehaviour, IdTokenFault, UserFault } from "../behaviour.ts";

type Labels<Value extends string> = Readonly<Record<Value, string>>;

export const ENDPOINT_LABELS: Labels<Endpoint> = {
  discovery: "Discovery",
  jwks: "Key set",
  authorize: "Authorize",
  token: "Token",
  userinfo: "Userinfo",
  accesstoken: "Partner token",
};

export const ANSWER_LABELS: Labels<EndpointBehaviour["answer"]> = {
  proper: "as it should",
  down: "down: 503",
  hang: "never",
  stall: "half a body, then nothing more",
  html: "an HTML page",
  truncated: "half a body",
  huge: "a body of 64 MiB",
  redirect: "a redirect",
  error: "the error below",
};

export const ID_TOKEN_FAULT_LABELS: Labels<IdTokenFault> = {
  none: "none",
  wrongNonce: "nonce: another",
  noNonce: "nonce: missing",
  wrongIss: "iss: another",
  similarIss: "iss: without the last slash",
  noIss: "iss: missing",
  wrongAud: "aud: another client",
  noAud: "aud: missing",
  emptyAud: "aud: an empty list",
  extraAud: "aud: one more, no azp",
  extraAudWrongAzp: "aud: one more, azp is the other",
  audString: "aud: text instead of a list (allowed)",
  expired: "exp: an hour ago",
  noExp: "exp: missing",
  futureIat: "iat: tomorrow",
  noIat: "iat: missing",
  noSub: "sub: missing",
  emptySub: "sub: empty",
  numericSub: "sub: a number",
  algNone: "alg: none, no signature",
  noAlg: "alg: missing",
  hs256ClientSecret: "HS256 with the client secret",
  hs256PublicKey: "HS256 with the public key",
  es256: "ES256, its key in the key set",
  badSignature: "signature: one character changed",
  alteredPayload: "payload changed after signing",
  wrongKey: "signed by another key, same kid",
  unknownKid: "kid: not in the key set",
  noKid: "kid: missing (allowed)",
  wrongAtHash: "at_hash: wrong",
  wrongMsn: "msn: another",
  otherAcr: "acr: another",
  noAcr: "acr: missing",
};

export const USER_FAULT_LABELS: Labels<UserFault> = {
  unverifiedEmail: "email not verified",
  noEmail: "no email",
  emptyAddress: "empty address",
  changedPhoneNumber: "new phone number",
};

export const DISCOVERY_ISSUER_LABELS: Labels<Behaviour["discoveryIssuer"]> = {
  proper: "as it should be",
  withoutSlash: "without the last slash",
  other: "another",
  missing: "missing",
};

export const ID_TOKEN_CLAIMS_LABELS: Labels<Behaviour["idTokenClaims"]> = {
  full: "everything consented to",
  emailOnly: "the email address alone, as before September 2025",
};

export const TOKEN_RESPONSE_LABELS: Labels<Behaviour["tokenResponse"]> = {
  proper: "as it should be",
  noIdToken: "no id_token",
  noAccessToken: "no access_token",
  noExpiresIn: "no expires_in (allowed)",
  otherCase: "token_type in capitals (allowed)",
  wrongType: "token_type: mac",
};

export const USERINFO_LABELS: Labels<Behaviour["userinfo"]> = {
  proper: "as it should be",
  otherSub: "another sub",
  noSub: "no sub",
  signed: "a JWT signed by a stranger",
};

export const SCOPE_LABELS: Labels<Behaviour["scopeOutsidePlan"]> = {
  refuse: "refused with invalid_scope",
  drop: "dropped in silence",
};

export const RETURN_STATE_LABELS: Labels<Behaviour["returnState"]> = {
  proper: "as it should be",
  lost: "lost",
  altered: "last character changed",
  duplicated: "given twice",
  glued: "glued to the error description with ?state=",
};

export const RETURN_ISS_LABELS: Labels<Behaviour["returnIss"]> = {
  none: "not sent",
  proper: "the issuer",
  wrong: "another issuer",
  empty: "empty",
};

export const RETURN_BROWSER_LABELS: Labels<Behaviour["returnBrowser"]> = {
  same: "in the same browser",
  other: "in another browser",
};

/** Codes an authorization response may carry, offered for the field that takes any. */
export const RETURN_ERRORS: readonly string[] = [
  "access_denied",
  "server_error",
  "login_required",
  "invalid_app_callback_uri",
  "app_callback_uri_not_registered",
  "outdated_app_version",
  "wrong_challenge",
  "unknown_reject_reason",
  "temporarily_unavailable",
  "invalid_request",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_scope",
  "interaction_required",
  "consent_required",
];
