import { randomBytes } from "node:crypto";
import { refusedPartnerKey } from "../../src/vipps/partner-refusal.ts";
import { isProviderOrigin } from "../../src/vipps/provider-requirements.ts";
import type { OwnKeys, PartnerKeys, RelyingParty } from "../../src/vipps/relying-party.ts";
import { error, type Found, ok, skipped } from "../findings/finding.ts";
import { ask, jsonObject, type Network, oauthError } from "./bounded-request.ts";
import { discoveryUrl, endpointIn } from "./discovery-checks.ts";
import type { KnownFacts } from "./facts.ts";

/** The issuer of each environment of Vipps. */
export type Issuers = Readonly<Record<"test" | "production", string>>;

type Method = OwnKeys["tokenAuth"];

/** How the token endpoint takes the keys: `right` is told by invalid_grant, for the code is invented. */
type Verdict = "right" | "wrong" | { readonly otherwise: string };

const PORTAL = "the business portal (portal.vippsmobilepay.com)";

/** The secrets that are shown to Vipps; a stand-in for one proves nothing. */
const KEY_SECRETS = [
  "VIPPS_CLIENT_SECRET",
  "VIPPS_PARTNER_CLIENT_SECRET",
  "VIPPS_PARTNER_SUBSCRIPTION_KEY",
] as const;

/**
 * Shows the keys to the token endpoint with an invented code. Where they are refused, finds out whether they would
 * be right for the other method, or in the other environment.
 */
export async function checkClientKeys(facts: KnownFacts): Promise<Found> {
  const { relyingParty, network, issuers } = facts;
  const hidden = KEY_SECRETS.find(facts.isHidden);
  if (hidden !== undefined) return skipped(`${hidden} is not to be seen here.`);
  const discovered = await facts.discovered();
  const endpoint = endpointIn(discovered, "token_endpoint");
  // The secret goes to an issuer that proved to be the configured one and to its own endpoints, and to nobody else.
  const isProven =
    "document" in discovered &&
    discovered.document.issuer === relyingParty.issuer &&
    endpoint !== undefined &&
    isProviderOrigin(relyingParty, new URL(endpoint));
  if (!isProven) return skipped("The keys are shown to nobody who is not the configured issuer.");
  const { keys } = relyingParty;
  return keys.kind === "own"
    ? checkOwnKeys(network, relyingParty, keys, endpoint, issuers)
    : checkPartnerKeys(network, relyingParty, keys, endpoint);
}

const other = (method: Method): Method =>
  method === "client_secret_basic" ? "client_secret_post" : "client_secret_basic";

async function checkOwnKeys(
  network: Network,
  relyingParty: RelyingParty,
  keys: OwnKeys,
  endpoint: string,
  issuers: Issuers,
): Promise<Found> {
  const showAt = (at: string, method: Method) => show(network, relyingParty, at, ownProof(keys, method));
  const verdict = await showAt(endpoint, keys.tokenAuth);
  if (verdict !== "wrong") return finding(verdict);
  const method = other(keys.tokenAuth);
  if ((await showAt(endpoint, method)) === "right")
    return error(
      `The keys are right, but this sales unit is set up for ${method}, not ${keys.tokenAuth}.`,
      `Set VIPPS_TOKEN_AUTH to ${method}, or change the method in the portal.`,
    );
  const elsewhere = otherEnvironment(relyingParty.issuer, issuers);
  const there = elsewhere && (await tokenEndpointOf(network, issuers[elsewhere]));
  if (there !== undefined && (await showAt(there, keys.tokenAuth)) === "right")
    return error(
      `These are keys of Vipps' ${elsewhere} environment (invalid_client here, accepted there).`,
      `Set VIPPS_ENVIRONMENT to ${elsewhere}, or take the keys of this environment from the portal.`,
    );
  return error(
    "Vipps refuses the keys (invalid_client).",
    `Compare VIPPS_CLIENT_ID and VIPPS_CLIENT_SECRET with the sales unit's keys in ${PORTAL}, and see that Login is switched on for the unit.`,
  );
}

/** A partner first gets a token for all its sales units, then shows that. */
async function checkPartnerKeys(
  network: Network,
  relyingParty: RelyingParty,
  keys: PartnerKeys,
  endpoint: string,
): Promise<Found> {
  const todo = `Compare the VIPPS_PARTNER_ settings with the partner keys in ${PORTAL}.`;
  const outcome = await ask(network, new URL("/accesstoken/get", relyingParty.issuer).href, {
    method: "POST",
    headers: {
      client_id: keys.clientId,
      client_secret: keys.clientSecret,
      "Ocp-Apim-Subscription-Key": keys.subscriptionKey,
    },
  });
  if ("failed" in outcome) return error(`The access-token endpoint ${outcome.failed}.`, "Try again.");
  const token = jsonObject(outcome.answer)?.access_token;
  if (outcome.answer.status !== 200 || typeof token !== "string")
    return error(
      `Vipps refuses ${refusedPartnerKey(jsonObject(outcome.answer))} (${outcome.answer.status}).`,
      todo,
    );
  const verdict = await show(network, relyingParty, endpoint, {
    headers: { authorization: `Bearer ${token}` },
    form: {},
  });
  if (verdict !== "wrong") return finding(verdict);
  return error(
    `The partner keys do not act for the sales unit ${relyingParty.merchantSerialNumber} (invalid_client).`,
    "Check VIPPS_MSN, and that the merchant's sales unit is connected to the partner with Login switched on.",
  );
}

function finding(verdict: Exclude<Verdict, "wrong">): Found {
  if (verdict === "right") return ok("Accepted by the token endpoint (invalid_grant for an invented code).");
  return error(`The token endpoint ${verdict.otherwise}.`, whatToDo(verdict.otherwise));
}

/** What proves who asks: headers, or fields of the form. */
interface Proof {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

function ownProof({ clientId, clientSecret }: OwnKeys, method: Method): Proof {
  if (method === "client_secret_post")
    return { headers: {}, form: { client_id: clientId, client_secret: clientSecret } };
  // Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  const authorization = `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`;
  return { headers: { authorization }, form: {} };
}

async function show(
  network: Network,
  relyingParty: RelyingParty,
  endpoint: string,
  proof: Proof,
): Promise<Verdict> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: randomBytes(24).toString("base64url"),
    redirect_uri: relyingParty.redirectUri,
    code_verifier: randomBytes(32).toString("base64url"),
    ...proof.form,
  });
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    ...proof.headers,
  };
  const outcome = await ask(network, endpoint, { method: "POST", headers, body: form.toString() });
  if ("failed" in outcome) return { otherwise: outcome.failed };
  const { status } = outcome.answer;
  const code = oauthError(jsonObject(outcome.answer)?.error);
  if (code === "invalid_grant") return "right";
  if (code === "invalid_client" || (code === undefined && status === 401)) return "wrong";
  if (code !== undefined) return { otherwise: `answers ${code}` };
  return { otherwise: `answers ${status}${status < 300 ? " to an invented code" : ""}` };
}

function whatToDo(otherwise: string): string {
  if (otherwise.includes("unauthorized_client")) return "Switch on Login for the sales unit in the portal.";
  if (otherwise.includes("invalid_request"))
    return "Register the redirect URI in the portal, exactly as it is.";
  if (/answers 2\d\d/.test(otherwise))
    return "Check VIPPS_ISSUER: a token endpoint that accepts anything is not Vipps'.";
  return "Try again; if it stays, see status.vippsmobilepay.com.";
}

function otherEnvironment(issuer: string, { test, production }: Issuers): keyof Issuers | undefined {
  return issuer === test ? "production" : issuer === production ? "test" : undefined;
}

/** Only where it is the issuer's own host: the keys go to Vipps and to nobody else. */
async function tokenEndpointOf(network: Network, issuer: string): Promise<string | undefined> {
  const outcome = await ask(network, discoveryUrl(issuer));
  const endpoint = "answer" in outcome ? jsonObject(outcome.answer)?.token_endpoint : undefined;
  return typeof endpoint === "string" && URL.parse(endpoint)?.origin === new URL(issuer).origin
    ? endpoint
    : undefined;
}
