import type { Rows } from "../rows.ts";
import { answered, asked, type Endpoint, field, jsonOf, parameter } from "../traffic.ts";
import type { Seen } from "../walk.ts";

/** Whether an endpoint answered well, and what it answered with, in words. */
function answers(seen: Seen, endpoint: Endpoint): readonly [isSo: boolean, told: string] {
  const all = [...new Set(asked(seen, endpoint).map(({ status }) => status))].join(", ");
  return [answered(seen, endpoint) !== undefined, all === "" ? "no request" : `answered with ${all}`];
}

/** Scopes whose claims an ID token did not carry before September 2025. */
const BEYOND_EMAIL = ["name", "phoneNumber", "address", "birthDate"];

/** Scopes whose answers may be in userinfo alone: `flowResult` is, and of `delegatedConsents` Vipps does not say. */
const COLLECTED = ["customFlow", "delegatedConsents"];

const asksFor = ({ own }: Seen, scopes: readonly string[]): boolean =>
  own.scopes.some((scope) => scopes.includes(scope));

const ACCESS = "/access-management-1.0/access";

/** Rows about a login that the merchant begins. */
const MERCHANT_INITIATED = {
  asked: "Only required for merchant-initiated login.",
  notApplicable: () =>
    "Only required for merchant-initiated login. This worker has no such flow and no setting that would switch one on: every login is begun by the customer, in a browser or in the merchant's app.",
} as const;

export const ENDPOINT_ROWS = {
  discovery: {
    title: "OpenID Connect discovery",
    endpoint: `GET ${ACCESS}/.well-known/openid-configuration`,
    asked: "The endpoints are taken from the well-known document.",
    how: "Every endpoint is taken from the discovery document; no path is written down in the code. The document is cached for an hour, as its Cache-Control says, in memory and in KV, and a stale copy serves while Vipps is unreachable. Its issuer must equal the configured one, character by character.",
    wire: "discovery",
    outside: (seen) => ({
      "The discovery document answers (asked by this command)": answered(seen, "discovery") !== undefined,
    }),
    judge(seen) {
      const [times, logins] = [asked(seen, "discovery").length, asked(seen, "token").length];
      const told = `${times} request(s) in ${logins} finished logins`;
      return {
        "The worker asked for the document and got it": answers(seen, "discovery"),
        "Its issuer is the configured one": jsonOf(answered(seen, "discovery")).issuer === seen.issuer,
        "It was asked for once, not once per login": [times === 1, told],
      };
    },
  },
  jwks: {
    title: "JSON Web Keys discovery",
    endpoint: `GET ${ACCESS}/.well-known/jwks.json`,
    asked: "ID tokens are verified with the published keys.",
    how: "ID tokens are verified with the published RSA keys, RS256 alone. The keys are cached beside the discovery document; an unknown kid fetches them once more, throttled, so a rotation of keys is noticed at the first token.",
    wire: "jwks",
    outside: (seen) => ({
      "The key set answers (asked by this command)": answered(seen, "jwks") !== undefined,
    }),
    judge(seen) {
      const { keys } = jsonOf(answered(seen, "jwks"));
      return {
        "The worker asked for the keys and got them": answers(seen, "jwks"),
        "There is at least one": Array.isArray(keys) && keys.length > 0,
      };
    },
  },
  authorize: {
    title: "OAuth 2.0 authorize",
    endpoint: `GET ${ACCESS}/oauth2/auth`,
    asked: "Required for login from a website.",
    how: "The browser is sent to the authorization endpoint by a redirect, with PKCE (S256), a state and a nonce of this login alone.",
    scenes: ["login"],
    judge({ login }) {
      const address = login?.authorize?.url;
      const value = (name: string) => parameter(address, name);
      const isLong = (name: string) => value(name).length >= 8;
      const isSo = login?.authenticatedAfter === true && !login.authenticatedBefore;
      const error = parameter(login?.callback?.url, "error");
      return {
        "The browser was sent to the endpoint": address !== undefined,
        "response_type=code": value("response_type") === "code",
        "code_challenge_method=S256": value("code_challenge_method") === "S256",
        "code_challenge, state and nonce are there": ["code_challenge", "state", "nonce"].every(isLong),
        "openid is among the scopes": value("scope").split(" ").includes("openid"),
        "Scopes are separated by %20": !/[?&]scope=[^&]*\+/.test(address ?? ""),
        "The login ended with a session, and there was none before": [isSo, error || undefined],
      };
    },
    examples: ({ login }) => [login?.authorize, login?.callback],
    logLines: ({ log = [] }) => [log.find(({ event }) => event === "login_finished")],
  },
  token: {
    title: "OAuth 2.0 token",
    endpoint: `POST ${ACCESS}/oauth2/token`,
    asked: "The code is exchanged for tokens on the server.",
    how: ({ own }) => {
      const [keys, audience] = own.isPartner
        ? ["partner's access token", "msn"]
        : ["sales unit's keys", "aud"];
      return `The code is exchanged on the server, once, with the code verifier and the ${keys}. Redirects are not followed, answers are bounded in size and time. The ID token's signature, iss, ${audience}, exp, iat, nonce and at_hash are checked.`;
    },
    wire: "token",
    judge(seen) {
      const example = answered(seen, "token");
      const value = (name: string) => field(example, name);
      const codes = asked(seen, "token").map((exchange) => field(exchange, "code"));
      const isShown = /^(Basic|Bearer) ./i.test(example?.requestHeaders.authorization ?? "");
      const [isGiven, told] = answers(seen, "token");
      return {
        "A code was exchanged for tokens": [isGiven, isGiven ? undefined : told],
        "grant_type is authorization_code": value("grant_type") === "authorization_code",
        "The code verifier is sent": value("code_verifier").length >= 43,
        "redirect_uri is the same as at the authorize endpoint": value("redirect_uri") === seen.redirectUri,
        "The client authenticates": isShown || value("client_secret") !== "",
        "No code was sent twice": new Set(codes).size === codes.length,
        "An ID token came back": typeof jsonOf(example).id_token === "string",
      };
    },
  },
  userinfo: {
    title: "Userinfo",
    endpoint: "GET /vipps-userinfo-api/userinfo",
    asked: "Not a row of Vipps' list; shown because the worker may use it.",
    how: (seen) => {
      const collected =
        " Consents that Vipps collects are among them: their answers may be in userinfo alone.";
      return `Since May and September 2025 the ID token carries the consented claims, so userinfo is asked only for requested claims that the ID token did not bring.${asksFor(seen, COLLECTED) ? collected : ""}`;
    },
    scenes: ["olderToken"],
    wire: "userinfo",
    judge(seen) {
      const all = asked(seen, "userinfo");
      const { olderToken } = seen;
      const [times, logins] = [all.length, asked(seen, "token").length];
      if (times === 0)
        return {
          "Nothing requested was missing in the ID token, so userinfo was not asked":
            logins > 0 && (olderToken === undefined || !asksFor(seen, BEYOND_EMAIL)),
        };
      const isCollected = asksFor(seen, COLLECTED);
      return {
        "Userinfo answered": answers(seen, "userinfo"),
        "Only the access token is sent along, no subscription key": all.every(
          ({ requestHeaders: sent }) =>
            /^Bearer /.test(sent.authorization ?? "") && sent["ocp-apim-subscription-key"] === undefined,
        ),
        "A login whose ID token lacked requested claims was completed from userinfo":
          olderToken?.authenticatedAfter,
        "It was asked at most once in a login, for the consents that Vipps collects as well":
          olderToken && isCollected
            ? [times <= logins, `asked ${times} time(s) in ${logins} finished logins`]
            : undefined,
        "It was not asked in the other logins":
          olderToken && !isCollected ? [times === 1, `asked ${times} time(s)`] : undefined,
      };
    },
  },
  ciba: {
    ...{ title: "CIBA authentication", ...MERCHANT_INITIATED },
    endpoint: "POST /vipps-login-ciba/api/backchannel/authentication",
  },
  "user-exists": {
    ...{ title: "User exists", ...MERCHANT_INITIATED },
    endpoint: "POST /vipps-login-ciba/api/v1/user-exists",
  },
} as const satisfies Rows;
