import { faultsIn, requirement, workerTest } from "./fault.ts";

const toldOnce = requirement("r06-told-once");
const discovery = requirement("r01-discovery");
const signature = requirement("r02-signature");
const keys = requirement("r03-keys");
const stored = requirement("r31-stored-metadata");
const claims = requirement("r04-claims");
const token = requirement("r05-token-endpoint");

export const VIPPS_FAULTS = [
  ...faultsIn("src/vipps/id-token.ts", [
    ["a token in another spelling passes", "if (!isCanonical(idToken))", 'if (idToken === "")', [signature]],
    ["an expired token passes for a minute", "claims.exp <= now)", "claims.exp <= now - 60)", [claims]],
    [
      "a token from the future passes",
      "if (!isTime(claims.iat) || claims.iat > now + CLOCK_TOLERANCE)",
      "if (!isTime(claims.iat))",
      [claims],
    ],
    [
      "a token may be about nobody",
      'if (typeof claims.sub !== "string" || !isSubject(claims.sub))',
      'if (typeof claims.sub !== "string")',
      [claims],
    ],
    [
      "a token may belong to another access token",
      "if (claims.at_hash !== undefined && claims.at_hash !==",
      'if (claims.at_hash === "" && claims.at_hash !==',
      [claims],
    ],
    [
      "a token for several parties passes without ours as azp",
      '  if (audiences.length > 1 && azp !== clientId) throw refused("several aud without our azp");\n  if (azp !== undefined && azp !== clientId) throw refused("azp is somebody else");\n',
      "",
      [claims],
    ],
    [
      "confirmation in the app is asked for and not checked",
      "if (relyingParty.requireApp && claims.acr",
      'if (relyingParty.clientId === "" && claims.acr',
      [requirement("r07-acr")],
    ],
  ]),
  ...faultsIn("src/vipps/authorization-code.ts", [
    [
      "nobody looks at the signature",
      '  await timed(stepTimes, "keys", verifyIdTokenSignature(access, tokens.id_token));\n',
      "",
      [signature],
    ],
    [
      "an error with status 200 passes for an answer",
      "if (response.status !== 200 || errorOf(body) !== undefined)",
      "if (response.status !== 200)",
      [token],
    ],
    [
      "any token type will do",
      'if (typeof token_type !== "string" || token_type.toLowerCase() !== "bearer")',
      'if (token_type === "")',
      [token],
    ],
    [
      "the token type is compared with its case",
      'token_type.toLowerCase() !== "bearer"',
      'token_type !== "bearer"',
      [token],
    ],
    [
      "the token request goes without the code verifier of its login",
      "    login.codeVerifier,\n",
      '    "x".repeat(43),\n',
      [workerTest("login")],
    ],
    ["userinfo is never asked", "asked.length === 0", "asked.length >= 0", [workerTest("login")]],
    [
      "whoever has no email address is refused when userinfo does not answer",
      'needed.length > 0 ? "nobody" : isJudged',
      'needed.length > 0 ? "nobody" : !isJudged',
      [requirement("r06-absent-claims")],
    ],
    [
      "nobody is refused whatever is missing when userinfo does not answer",
      'isJudged ? "anybody" : "known"',
      '"anybody"',
      [requirement("r06-absent-claims")],
    ],
    [
      "userinfo about somebody else is borne where nothing of it was needed",
      "!(error instanceof Failure) || error.facts.reason === OTHER_PERSON",
      "!(error instanceof Failure)",
      [requirement("r06-absent-claims")],
    ],
    [
      "it is not remembered what a person has not",
      "memoryCouldHelp(scope, claims) ? await askedBefore(sub) : undefined",
      "undefined",
      [requirement("r06-absent-claims")],
    ],
    [
      "userinfo that fails once is asked no more",
      "mayPass !== true || Date.now() + pause",
      "mayPass !== false || Date.now() + pause",
      [toldOnce],
    ],
    [
      "a second request to userinfo is sent with no time left",
      "Date.now() + pause + WORTHWHILE > answerBy",
      "Number.isNaN(answerBy)",
      [toldOnce],
    ],
    [
      "consents that Vipps tells once are given up with the answer",
      "isToldOnce && error.facts.mayPass === true",
      "isToldOnce && error.facts.mayPass === null",
      [toldOnce],
    ],
    [
      "userinfo that refuses is asked for consents all the same",
      "isToldOnce && error.facts.mayPass === true",
      "isToldOnce",
      [toldOnce],
    ],
    [
      "a page in place of userinfo's answer is taken for its last word",
      "mayPass: code === oauth.PARSE_ERROR || code === oauth.RESPONSE_IS_NOT_JSON",
      "mayPass: false",
      [toldOnce],
    ],
    [
      "an unsigned JWT passes for userinfo",
      'includes("application/jwt")',
      'includes("application/nothing")',
      [requirement("r06-userinfo")],
    ],
    [
      "userinfo may be about somebody else",
      "oauth.processUserInfoResponse(discovery, client, sub, response)",
      'oauth.processUserInfoResponse(discovery, client, (await import("oauth4webapi")).skipSubjectCheck, response)',
      [requirement("r06-userinfo")],
    ],
  ]),
  ...faultsIn("src/vipps/provider.ts", [
    ["redirects are followed", 'redirect: "manual",', 'redirect: "follow",', [workerTest("login")]],
    [
      "a body may be of any size",
      "const ANSWER_LIMIT = 256 * 1024;",
      "const ANSWER_LIMIT = 2 ** 40;",
      [token],
    ],
    [
      "a provider may take for ever",
      "await withinTime(limits.timeLimit, exchange()",
      "await withinTime(2 ** 30, exchange()",
      [token],
    ],
    [
      "the standard headers are left out",
      "headers: { ...standardHeaders(relyingParty), ...init.headers },",
      "headers: { ...init.headers },",
      [workerTest("login")],
    ],
    ["a similar issuer passes", "if (issuer !== relyingParty.issuer)", 'if (issuer === "")', [discovery]],
    [
      "endpoints may lie anywhere",
      "if (!isProviderOrigin(relyingParty, url))",
      "if (isProviderOrigin(relyingParty, url) && address === undefined)",
      [discovery],
    ],
    [
      "people are sent to a provider with which no login can end well",
      "if (unmet !== undefined)",
      'if (unmet === "")',
      [discovery],
    ],
    [
      "endpoints may be plain http",
      'url?.protocol === "https:" ||',
      'url?.protocol === "https:" || url?.protocol === "http:" ||',
      [discovery],
    ],
    [
      "the discovery document is fetched for every login",
      "memory.get(key)?.metadata ?? (await inTime(",
      'memory.get("")?.metadata ?? (await inTime(',
      [workerTest("login"), discovery],
    ],
    [
      "a key set that is down costs the known keys",
      "      return known.keys;\n",
      "      remember(key, { ...known, keys: undefined });\n      return undefined;\n",
      [keys],
    ],
    [
      "a stale document is never fetched anew",
      "Number.POSITIVE_INFINITY) && hasRested(key)",
      "Number.POSITIVE_INFINITY) && !hasRested(key)",
      [discovery],
    ],
    [
      "an isolate goes back to an old copy that was put back",
      "(before === undefined || isNewer(stored, before))",
      "(before === undefined || isNewer(stored, before) || !isNewer(stored, before))",
      [stored],
    ],
    [
      "every isolate asks the provider for itself",
      "const stored = await fromStore(access, storeCache);",
      "const stored = memory.has(key) ? undefined : await fromStore(access, storeCache);",
      [stored],
    ],
    [
      "a copy of a week ago counts where KV forgets to forget it",
      "if (fetchedAt < now - KEPT_FOR)",
      "if (fetchedAt < 0)",
      [stored],
    ],
    [
      "keys in an old copy verify before they are confirmed",
      "if (keys === undefined || isConfirmed ||",
      "if (keys === undefined || !isConfirmed || isConfirmed ||",
      [stored],
    ],
    [
      "strangers make the worker write to KV by tokens of unknown keys",
      "else if (!areSame(keys, known.keys))",
      "else",
      [stored],
    ],
  ]),
  ...faultsIn("src/vipps/metadata-store.ts", [
    ["a stored copy is believed unseen", "return isOurs ?", "return isOurs || !isOurs ?", [stored]],
    [
      "a copy of one issuer serves for another",
      "JSON.stringify([PURPOSE, name, data])",
      "JSON.stringify([PURPOSE, data])",
      [stored],
    ],
  ]),
  ...faultsIn("src/vipps/id-token.ts", [
    [
      "rotated keys are not fetched",
      "if (metadata.keys !== undefined && !mayAskAgain(access, metadata)) return verdict;",
      "if (metadata.keys !== undefined) return verdict;",
      [keys],
    ],
    [
      "unknown keys drive traffic to the provider",
      "if (available === 0) return false;",
      "if (available < 0) return false;",
      [keys],
    ],
    [
      "a token without kid is tried against all keys",
      "if (kid === undefined && fitting.length > 1)",
      "if (kid === undefined && fitting.length > 50)",
      [keys],
    ],
  ]),
  ...faultsIn("src/vipps/usable-keys.ts", [
    ["keys for encryption verify tokens", 'use !== "sig"', 'use === ""', [keys]],
    ["a key set may be of any size", "keys.length > KEY_LIMIT", "keys.length > 2 ** 30", [keys]],
  ]),
  ...faultsIn("src/vipps/authorization-code.ts", [
    [
      "a missing iss passes where it is advertised",
      "if (issuer === null ? advertised :",
      "if (issuer === null ? advertised && false :",
      [requirement("r10-response-issuer")],
    ],
    [
      "parameters may come twice",
      "if (values.length > 1 || (values[0]?.length ?? 0) > LENGTH_LIMIT)",
      "if ((values[0]?.length ?? 0) > LENGTH_LIMIT)",
      [requirement("r08-state")],
    ],
    [
      "a state glued to the description is lost",
      'parameters.get("state") || glued;',
      'parameters.get("state") || undefined;',
      [requirement("r12-provider-errors")],
    ],
  ]),
  ...faultsIn("src/vipps/authorize-url.ts", [
    [
      "the code challenge method is left to the provider, whose default is plain",
      '    code_challenge_method: "S256",\n',
      "",
      [workerTest("login")],
    ],
  ]),
];
