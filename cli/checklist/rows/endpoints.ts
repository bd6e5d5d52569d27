import { type Found, holds } from "../../findings/finding.ts";
import { type Endpoint, type Exchange, exchangesWith, jsonOf, parameter } from "../exchange.ts";
import type { Seen } from "../walk.ts";

/** What is evidence of an endpoint: the worker's own requests, or where those can't be seen, this command's. */
function asked({ exchanges, environment }: Seen, endpoint: Endpoint): readonly Exchange[] {
  const sender = environment === "deployed" ? "command" : "worker";
  return exchangesWith(exchanges, endpoint).filter(({ from }) => from === sender);
}

const isOk = ({ status }: Exchange): boolean => status === 200;

/** The first good answer. */
export const answered = (seen: Seen, endpoint: Endpoint): Exchange | undefined =>
  asked(seen, endpoint).find(isOk);

/** What an endpoint answered with, in words. */
function statuses(exchanges: readonly Exchange[]): string {
  const all = [...new Set(exchanges.map(({ status }) => status))].join(", ");
  return all === "" ? "no request" : `answered with ${all}`;
}

export function* judgeDiscovery(seen: Seen): Iterable<Found> {
  const all = asked(seen, "discovery");
  if (seen.environment === "deployed")
    return yield holds("The discovery document answers (asked by this command)", all.some(isOk));
  yield holds("The worker asked for the document and got it", all.some(isOk), statuses(all));
  yield holds("Its issuer is the configured one", jsonOf(all.find(isOk)).issuer === seen.issuer);
  const logins = asked(seen, "token").length;
  yield holds(
    "It was asked for once, not once per login",
    all.length === 1,
    `${all.length} request(s) in ${logins} finished logins`,
  );
}

export function* judgeKeys(seen: Seen): Iterable<Found> {
  const all = asked(seen, "jwks");
  if (seen.environment === "deployed")
    return yield holds("The key set answers (asked by this command)", all.some(isOk));
  const { keys } = jsonOf(all.find(isOk));
  yield holds("The worker asked for the keys and got them", all.some(isOk), statuses(all));
  yield holds("There is at least one", Array.isArray(keys) && keys.length > 0);
}

export function* judgeAuthorize({ login }: Seen): Iterable<Found> {
  const address = login?.authorize?.url;
  const value = (name: string) => parameter(address, name);
  yield holds("The browser was sent to the endpoint", address !== undefined);
  yield holds("response_type=code", value("response_type") === "code");
  yield holds("code_challenge_method=S256", value("code_challenge_method") === "S256");
  yield holds(
    "code_challenge, state and nonce are there",
    ["code_challenge", "state", "nonce"].every((name) => value(name).length >= 8),
  );
  yield holds("openid is among the scopes", value("scope").split(" ").includes("openid"));
  yield holds("Scopes are separated by %20", !/[?&]scope=[^&]*\+/.test(address ?? ""));
  yield holds(
    "The login ended with a session, and there was none before",
    login?.authenticatedAfter === true && !login.authenticatedBefore,
  );
}

export function* judgeToken(seen: Seen): Iterable<Found> {
  if (seen.environment === "deployed") return;
  const all = asked(seen, "token");
  const example = all.find(isOk);
  const form = new URLSearchParams(example?.requestBody);
  const codes = all.map(({ requestBody }) => new URLSearchParams(requestBody).get("code"));
  const header = example?.requestHeaders.authorization ?? "";
  yield holds("A code was exchanged for tokens", example !== undefined, example ? undefined : statuses(all));
  yield holds("grant_type is authorization_code", form.get("grant_type") === "authorization_code");
  yield holds("The code verifier is sent", (form.get("code_verifier") ?? "").length >= 43);
  yield holds(
    "redirect_uri is the same as at the authorize endpoint",
    form.get("redirect_uri") === seen.redirectUri,
  );
  yield holds(
    "The client authenticates",
    /^(Basic|Bearer) ./i.test(header) || (form.get("client_secret") ?? "") !== "",
  );
  yield holds("No code was sent twice", new Set(codes).size === codes.length);
  yield holds("An ID token came back", typeof jsonOf(example).id_token === "string");
}

/** Scopes whose claims an ID token did not carry before September 2025. */
const BEYOND_EMAIL = new Set(["name", "phoneNumber", "address", "birthDate"]);

/** Judges when userinfo is asked, and with what. */
export function* judgeUserinfo(seen: Seen): Iterable<Found> {
  if (seen.environment === "deployed") return;
  const all = asked(seen, "userinfo");
  const { olderToken, own } = seen;
  if (all.length === 0)
    return yield holds(
      "Nothing requested was missing in the ID token, so userinfo was not asked",
      olderToken === undefined || !own.scopes.some((scope) => BEYOND_EMAIL.has(scope)),
    );
  yield holds("Userinfo answered", all.some(isOk), statuses(all));
  yield holds(
    "Only the access token is sent along, no subscription key",
    all.every(
      ({ requestHeaders: sent }) =>
        /^Bearer /.test(sent.authorization ?? "") && sent["ocp-apim-subscription-key"] === undefined,
    ),
  );
  if (olderToken === undefined) return;
  yield holds(
    "A login whose ID token lacked requested claims was completed from userinfo",
    olderToken.authenticatedAfter,
  );
  yield holds("It was not asked in the other logins", all.length === 1, `asked ${all.length} time(s)`);
}
