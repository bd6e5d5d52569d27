import { type Exchange, exchangesWith } from "../exchange.ts";
import { lineText } from "../log-lines.ts";
import type { Seen } from "../seen.ts";
import { jsonOf } from "./json-of.ts";
import {
  check,
  finding,
  first,
  notApplicable,
  parameter,
  type RawFinding,
  type Row,
  UNSEEN_TRAFFIC,
} from "./row-definition.ts";
import { userinfo } from "./userinfo.ts";
import { byWorker, isOk, statuses } from "./worker-requests.ts";

const ACCESS = "/access-management-1.0/access";

function discovery(seen: Seen): RawFinding {
  const how =
    "Every endpoint is taken from the discovery document; no path is written down in the code. The document is cached for an hour, as its Cache-Control says, in memory and in KV, and a stale copy serves while Vipps is unreachable. Its issuer must equal the configured one, character by character.";
  const asked = byWorker(seen, "discovery");
  if (seen.environment === "deployed") {
    const ours = exchangesWith(seen.exchanges, "discovery");
    return finding({
      how,
      exchanges: first(ours),
      checks: [check("The discovery document answers (asked by this command)", ours.some(isOk))],
      missing: [UNSEEN_TRAFFIC],
    });
  }
  const issuer = jsonOf(asked.find(isOk)).issuer;
  const logins = byWorker(seen, "token").length;
  return finding({
    how,
    exchanges: first(asked.filter(isOk)),
    checks: [
      check("The worker asked for the document and got it", asked.some(isOk), statuses(asked)),
      check("Its issuer is the configured one", issuer === seen.issuer),
      check(
        "It was asked for once, not once per login",
        asked.length === 1,
        `${asked.length} request(s) in ${logins} finished logins`,
      ),
    ],
  });
}

function jwks(seen: Seen): RawFinding {
  const how =
    "ID tokens are verified with the published RSA keys, RS256 alone. The keys are cached beside the discovery document; an unknown kid fetches them once more, throttled, so a rotation of keys is noticed at the first token.";
  const asked = byWorker(seen, "jwks");
  if (seen.environment === "deployed") {
    const ours = exchangesWith(seen.exchanges, "jwks");
    return finding({
      how,
      exchanges: first(ours),
      checks: [check("The key set answers (asked by this command)", ours.some(isOk))],
      missing: [UNSEEN_TRAFFIC],
    });
  }
  const keys = jsonOf(asked.find(isOk)).keys;
  return finding({
    how,
    exchanges: first(asked.filter(isOk)),
    checks: [
      check("The worker asked for the keys and got them", asked.some(isOk), statuses(asked)),
      check("There is at least one", Array.isArray(keys) && keys.length > 0),
    ],
  });
}

function authorize(seen: Seen): RawFinding {
  const { login } = seen;
  const address = login?.authorize?.url;
  const has = (name: string, expected: string) =>
    check(`${name}=${expected}`, parameter(address, name) === expected);
  return finding({
    how: "The browser is sent to the authorization endpoint by a redirect, with PKCE (S256), a state and a nonce of this login alone.",
    exchanges: [login?.authorize, login?.callback].filter((exchange) => exchange !== undefined),
    logLines: (seen.log ?? [])
      .filter(({ event }) => event === "login_finished")
      .slice(0, 1)
      .map(lineText),
    checks: [
      check("The browser was sent to the endpoint", address !== undefined),
      has("response_type", "code"),
      has("code_challenge_method", "S256"),
      check(
        "code_challenge, state and nonce are there",
        hasAll(address, ["code_challenge", "state", "nonce"]),
      ),
      check("openid is among the scopes", parameter(address, "scope").split(" ").includes("openid")),
      check("Scopes are separated by %20", !/[?&]scope=[^&]*\+/.test(address ?? "")),
      check(
        "The login ended with a session, and there was none before",
        seen.login?.authenticatedAfter === true && !seen.login.authenticatedBefore,
      ),
    ],
  });
}

function hasAll(address: string | undefined, names: readonly string[]): boolean {
  return names.every((name) => parameter(address, name).length >= 8);
}

function token(seen: Seen): RawFinding {
  const how =
    "The code is exchanged on the server, once, with the code verifier and the sales unit's keys. Redirects are not followed, answers are bounded in size and time. The ID token's signature, iss, aud, exp, iat, nonce and at_hash are checked.";
  if (seen.environment === "deployed") return finding({ how, missing: [UNSEEN_TRAFFIC] });
  const asked = byWorker(seen, "token");
  const good = asked.filter(isOk);
  const [example] = good;
  const form = new URLSearchParams(example?.requestBody);
  const codes = asked.map(({ requestBody }) => new URLSearchParams(requestBody).get("code"));
  return finding({
    how,
    exchanges: first(good),
    checks: [
      check("A code was exchanged for tokens", example !== undefined, example ? undefined : statuses(asked)),
      check("grant_type is authorization_code", form.get("grant_type") === "authorization_code"),
      check("The code verifier is sent", (form.get("code_verifier") ?? "").length >= 43),
      check(
        "redirect_uri is the same as at the authorize endpoint",
        form.get("redirect_uri") === seen.redirectUri,
      ),
      check("The client authenticates", isAuthenticated(example, form)),
      check("No code was sent twice", new Set(codes).size === codes.length),
      check("An ID token came back", typeof jsonOf(example).id_token === "string"),
    ],
  });
}

function isAuthenticated(exchange: Exchange | undefined, form: URLSearchParams): boolean {
  const header = exchange?.requestHeaders.authorization ?? "";
  return /^(Basic|Bearer) ./i.test(header) || (form.get("client_secret") ?? "") !== "";
}

const NO_CIBA =
  "Only required for merchant-initiated login. This worker has no such flow and no setting that would switch one on: every login is begun by the customer, in a browser or in the merchant's app.";

export const ENDPOINT_ROWS: readonly Row[] = [
  {
    id: "discovery",
    section: "endpoints",
    title: "OpenID Connect discovery",
    endpoint: `GET ${ACCESS}/.well-known/openid-configuration`,
    asked: "The endpoints are taken from the well-known document.",
    document: "docs/architecture.md",
    scenes: ["login"],
    judge: discovery,
  },
  {
    id: "jwks",
    section: "endpoints",
    title: "JSON Web Keys discovery",
    endpoint: `GET ${ACCESS}/.well-known/jwks.json`,
    asked: "ID tokens are verified with the published keys.",
    document: "docs/security.md",
    scenes: ["login"],
    judge: jwks,
  },
  {
    id: "authorize",
    section: "endpoints",
    title: "OAuth 2.0 authorize",
    endpoint: `GET ${ACCESS}/oauth2/auth`,
    asked: "Required for login from a website.",
    document: "docs/architecture.md",
    scenes: ["login"],
    judge: authorize,
  },
  {
    id: "token",
    section: "endpoints",
    title: "OAuth 2.0 token",
    endpoint: `POST ${ACCESS}/oauth2/token`,
    asked: "The code is exchanged for tokens on the server.",
    document: "docs/security.md",
    scenes: ["login"],
    judge: token,
  },
  {
    id: "userinfo",
    section: "endpoints",
    title: "Userinfo",
    endpoint: "GET /vipps-userinfo-api/userinfo",
    asked: "Not a row of Vipps' list; shown because the worker may use it.",
    document: "docs/configuration.md",
    scenes: ["login", "olderToken"],
    judge: userinfo,
  },
  {
    id: "ciba",
    section: "endpoints",
    title: "CIBA authentication",
    endpoint: "POST /vipps-login-ciba/api/backchannel/authentication",
    asked: "Only required for merchant-initiated login.",
    scenes: [],
    judge: () => notApplicable(NO_CIBA),
  },
  {
    id: "user-exists",
    section: "endpoints",
    title: "User exists",
    endpoint: "POST /vipps-login-ciba/api/v1/user-exists",
    asked: "Only required for merchant-initiated login.",
    scenes: [],
    judge: () => notApplicable(NO_CIBA),
  },
];
