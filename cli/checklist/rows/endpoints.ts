import type { Rows } from "../rows.ts";
import { type Endpoint, type Exchange, exchangesWith, jsonOf, parameter } from "../traffic.ts";
import type { Seen } from "../walk.ts";

/** What is evidence of an endpoint: the worker's own requests, or where those can't be seen, this command's. */
function asked({ exchanges, environment }: Seen, endpoint: Endpoint): readonly Exchange[] {
  const sender = environment === "deployed" ? "command" : "worker";
  return exchangesWith(exchanges, endpoint).filter(({ from }) => from === sender);
}

const isOk = ({ status }: Exchange): boolean => status === 200;

/** The first good answer. */
const answered = (seen: Seen, endpoint: Endpoint): Exchange | undefined => asked(seen, endpoint).find(isOk);

/** What an endpoint answered with, in words. */
function statuses(exchanges: readonly Exchange[]): string {
  const all = [...new Set(exchanges.map(({ status }) => status))].join(", ");
  return all === "" ? "no request" : `answered with ${all}`;
}

/** Scopes whose claims an ID token did not carry before September 2025. */
const BEYOND_EMAIL = new Set(["name", "phoneNumber", "address", "birthDate"]);

/** Scopes whose answers may be in userinfo alone: `flowResult` is, and of `delegatedConsents` Vipps does not say. */
const COLLECTED = ["customFlow", "delegatedConsents"];

const collects = ({ own }: Seen): boolean => own.scopes.some((scope) => COLLECTED.includes(scope));

const ACCESS = "/access-management-1.0/access";

const NO_CIBA =
  "Only required for merchant-initiated login. This worker has no such flow and no setting that would switch one on: every login is begun by the customer, in a browser or in the merchant's app.";

export const ENDPOINT_ROWS = {
  discovery: {
    title: "OpenID Connect discovery",
    endpoint: `GET ${ACCESS}/.well-known/openid-configuration`,
    asked: "The endpoints are taken from the well-known document.",
    how: "Every endpoint is taken from the discovery document; no path is written down in the code. The document is cached for an hour, as its Cache-Control says, in memory and in KV, and a stale copy serves while Vipps is unreachable. Its issuer must equal the configured one, character by character.",
    isWire: true,
    judge(seen) {
      const all = asked(seen, "discovery");
      if (seen.environment === "deployed")
        return { "The discovery document answers (asked by this command)": all.some(isOk) };
      const logins = asked(seen, "token").length;
      return {
        "The worker asked for the document and got it": [all.some(isOk), statuses(all)],
        "Its issuer is the configured one": jsonOf(all.find(isOk)).issuer === seen.issuer,
        "It was asked for once, not once per login": [
          all.length === 1,
          `${all.length} request(s) in ${logins} finished logins`,
        ],
      };
    },
    examples: (seen) => [answered(seen, "discovery")],
  },
  jwks: {
    title: "JSON Web Keys discovery",
    endpoint: `GET ${ACCESS}/.well-known/jwks.json`,
    asked: "ID tokens are verified with the published keys.",
    how: "ID tokens are verified with the published RSA keys, RS256 alone. The keys are cached beside the discovery document; an unknown kid fetches them once more, throttled, so a rotation of keys is noticed at the first token.",
    isWire: true,
    judge(seen) {
      const all = asked(seen, "jwks");
      if (seen.environment === "deployed")
        return { "The key set answers (asked by this command)": all.some(isOk) };
      const { keys } = jsonOf(all.find(isOk));
      return {
        "The worker asked for the keys and got them": [all.some(isOk), statuses(all)],
        "There is at least one": Array.isArray(keys) && keys.length > 0,
      };
    },
    examples: (seen) => [answered(seen, "jwks")],
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
      return {
        "The browser was sent to the endpoint": address !== undefined,
        "response_type=code": value("response_type") === "code",
        "code_challenge_method=S256": value("code_challenge_method") === "S256",
        "code_challenge, state and nonce are there": ["code_challenge", "state", "nonce"].every(isLong),
        "openid is among the scopes": value("scope").split(" ").includes("openid"),
        "Scopes are separated by %20": !/[?&]scope=[^&]*\+/.test(address ?? ""),
        "The login ended with a session, and there was none before":
          login?.authenticatedAfter === true && !login.authenticatedBefore,
      };
    },
    examples: ({ login }) => [login?.authorize, login?.callback],
    logLines: ({ log = [] }) => [log.find(({ event }) => event === "login_finished")],
  },
  token: {
    title: "OAuth 2.0 token",
    endpoint: `POST ${ACCESS}/oauth2/token`,
    asked: "The code is exchanged for tokens on the server.",
    how: ({ own }) =>
      `The code is exchanged on the server, once, with the code verifier and the ${
        own.isPartner ? "partner's access token" : "sales unit's keys"
      }. Redirects are not followed, answers are bounded in size and time. The ID token's signature, iss, ${
        own.isPartner ? "msn" : "aud"
      }, exp, iat, nonce and at_hash are checked.`,
    isWire: true,
    judge(seen) {
      if (seen.environment === "deployed") return {};
      const all = asked(seen, "token");
      const example = all.find(isOk);
      const form = new URLSearchParams(example?.requestBody);
      const codes = all.map(({ requestBody }) => new URLSearchParams(requestBody).get("code"));
      const header = example?.requestHeaders.authorization ?? "";
      return {
        "A code was exchanged for tokens": [example !== undefined, example ? undefined : statuses(all)],
        "grant_type is authorization_code": form.get("grant_type") === "authorization_code",
        "The code verifier is sent": (form.get("code_verifier") ?? "").length >= 43,
        "redirect_uri is the same as at the authorize endpoint":
          form.get("redirect_uri") === seen.redirectUri,
        "The client authenticates":
          /^(Basic|Bearer) ./i.test(header) || (form.get("client_secret") ?? "") !== "",
        "No code was sent twice": new Set(codes).size === codes.length,
        "An ID token came back": typeof jsonOf(example).id_token === "string",
      };
    },
    examples: (seen) => [answered(seen, "token")],
  },
  userinfo: {
    title: "Userinfo",
    endpoint: "GET /vipps-userinfo-api/userinfo",
    asked: "Not a row of Vipps' list; shown because the worker may use it.",
    how: (seen) =>
      `Since May and September 2025 the ID token carries the consented claims, so userinfo is asked only for requested claims that the ID token did not bring.${
        collects(seen)
          ? " Consents that Vipps collects are among them: their answers may be in userinfo alone."
          : ""
      }`,
    scenes: ["olderToken"],
    isWire: true,
    /** Judges when userinfo is asked, and with what. */
    judge(seen) {
      if (seen.environment === "deployed") return {};
      const all = asked(seen, "userinfo");
      const { olderToken, own } = seen;
      const logins = asked(seen, "token").length;
      if (all.length === 0)
        return {
          "Nothing requested was missing in the ID token, so userinfo was not asked":
            olderToken === undefined || !own.scopes.some((scope) => BEYOND_EMAIL.has(scope)),
        };
      return {
        "Userinfo answered": [all.some(isOk), statuses(all)],
        "Only the access token is sent along, no subscription key": all.every(
          ({ requestHeaders: sent }) =>
            /^Bearer /.test(sent.authorization ?? "") && sent["ocp-apim-subscription-key"] === undefined,
        ),
        ...(olderToken && {
          "A login whose ID token lacked requested claims was completed from userinfo":
            olderToken.authenticatedAfter,
          ...(collects(seen)
            ? {
                "It was asked at most once in a login, for the consents that Vipps collects as well": [
                  all.length <= logins,
                  `asked ${all.length} time(s) in ${logins} finished logins`,
                ],
              }
            : { "It was not asked in the other logins": [all.length === 1, `asked ${all.length} time(s)`] }),
        }),
      };
    },
    examples: (seen) => [answered(seen, "userinfo")],
  },
  ciba: {
    title: "CIBA authentication",
    endpoint: "POST /vipps-login-ciba/api/backchannel/authentication",
    asked: "Only required for merchant-initiated login.",
    how: "",
    notApplicable: () => NO_CIBA,
  },
  "user-exists": {
    title: "User exists",
    endpoint: "POST /vipps-login-ciba/api/v1/user-exists",
    asked: "Only required for merchant-initiated login.",
    how: "",
    notApplicable: () => NO_CIBA,
  },
} as const satisfies Rows;
