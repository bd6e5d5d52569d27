import { randomBytes } from "node:crypto";
import { refusedPartnerKey } from "../../src/vipps/partner-refusal.ts";
import type { OwnKeys, PartnerKeys } from "../../src/vipps/relying-party.ts";
import { isProviderOrigin, unmetRequirements } from "../../src/vipps/relying-party.ts";
import { usableKeys } from "../../src/vipps/usable-keys.ts";
import { error, type Found, ok, skipped, warning } from "../findings/finding.ts";
import { ask, jsonObject, type Network, oauthError } from "./bounded-request.ts";
import { type Check, documented, type KnownFacts, known } from "./facts.ts";
import { discoveryUrl, endpointIn } from "./provider.ts";

/** An ID token is refused beyond this (src/vipps/id-token.ts); half of it is a warning. In milliseconds. */
const CLOCK_TOLERANCE = 60_000;

const listOf = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;

/** The secrets that are shown to Vipps; a stand-in for one proves nothing. */
const KEY_SECRETS = [
  "VIPPS_CLIENT_SECRET",
  "VIPPS_PARTNER_CLIENT_SECRET",
  "VIPPS_PARTNER_SUBSCRIPTION_KEY",
] as const;

export const VIPPS_CHECKS = {
  discovery: {
    why: "The worker learns every address of Vipps from the discovery document; without it no login starts.",
    look: known(async ({ relyingParty, discovered }) => {
      const found = await discovered();
      if ("severity" in found) return found;
      const { asked, answered } = found.answer;
      return ok(`${discoveryUrl(relyingParty.issuer)} answers in ${answered - asked} ms.`);
    }),
  },
  issuer: {
    why: "The issuer must be the very same string in the settings and at Vipps, trailing slash included (OpenID Connect Discovery, section 4.3).",
    look: documented(({ relyingParty: { issuer: configured }, document: { issuer: stated } }) => {
      if (stated === configured) return ok(configured);
      if (typeof stated !== "string")
        return error("The discovery document names no issuer.", "Check VIPPS_ISSUER; this is not Vipps.");
      const slash = stated.replace(/\/$/, "") === configured.replace(/\/$/, "");
      return error(
        slash
          ? `The issuer is ${stated}, but the settings have ${configured}: the slash at the end counts.`
          : `The discovery document is of the issuer ${stated}, not of ${configured}.`,
        "Set VIPPS_ISSUER to the issuer exactly as stated, or remove it to use Vipps' own.",
      );
    }),
  },
  endpoints: {
    why: "Logins go to these addresses, and secrets with them: they must be there, with TLS.",
    look: documented(function* ({ relyingParty, document }) {
      const addressIn = (name: string) => {
        const value = document[name];
        const url = typeof value === "string" ? URL.parse(value) : null;
        return url?.protocol === "https:" || (relyingParty.allowHttp && url?.protocol === "http:")
          ? url
          : null;
      };
      for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]) {
        const url = addressIn(name);
        if (url === null && name !== "userinfo_endpoint")
          yield error(
            `${name} is missing or not an https address.`,
            "Check VIPPS_ISSUER; Vipps names all of them.",
          );
        if (url !== null && !isProviderOrigin(relyingParty, url))
          yield error(
            `${name} is on ${url.origin}, not on the issuer's origin: the worker refuses it.`,
            `Check VIPPS_ISSUER; only if this provider really answers there, add ${url.origin} to PROVIDER_ENDPOINTS.`,
          );
      }
      for (const phrase of unmetRequirements(document).filter((one) => !one.includes("RS256")))
        yield error(
          `The provider ${phrase}: the worker starts no login with it.`,
          "Check VIPPS_ISSUER; what is required of a provider stands in docs/configuration.md.",
        );
      if (addressIn("userinfo_endpoint") === null)
        yield warning(
          "userinfo_endpoint is missing: claims that the ID token does not bring cannot be had.",
          "Nothing, if the ID token brings all you ask for; else ask the provider.",
        );
      return "Authorize, token, keys and userinfo are there, where they belong.";
    }),
  },
  pkce: {
    why: "PKCE with S256 keeps a stolen code from being of use (RFC 7636).",
    look: documented(({ document }) => {
      const methods = listOf(document.code_challenge_methods_supported);
      if (methods === undefined)
        return warning(
          "The provider does not say whether it takes PKCE.",
          "Ask the provider; Vipps does take it.",
        );
      return methods.includes("S256")
        ? ok("S256 is supported.")
        : error("The provider does not support S256.", "Check VIPPS_ISSUER; Vipps supports it.");
    }),
  },
  "signing-algorithm": {
    why: "The worker accepts ID tokens signed with RS256 and nothing else.",
    look: documented(({ document }) => {
      const algorithms = listOf(document.id_token_signing_alg_values_supported) ?? [];
      return algorithms.includes("RS256")
        ? ok("RS256 is supported.")
        : error("The provider does not sign ID tokens with RS256.", "Check VIPPS_ISSUER; Vipps does.");
    }),
  },
  "provider-keys": {
    why: "Without a usable key no ID token can be verified.",
    look: documented(async ({ document: { jwks_uri: url }, network }) => {
      if (typeof url !== "string" || !URL.canParse(url))
        return skipped("The discovery document does not say where they are.");
      const answer = await ask(network, url, { headers: { accept: "application/json" } });
      const todo = "Wait and try again; if it stays, ask Vipps (status.vippsmobilepay.com).";
      if ("failed" in answer) return error(`${url} ${answer.failed}.`, todo);
      if (answer.status !== 200) return error(`${url} answers ${answer.status}.`, todo);
      const usable = usableKeys(jsonObject(answer.text));
      return usable === undefined
        ? error(`${url} holds no key that can verify RS256.`, todo)
        : ok(`${usable.length} usable.`);
    }),
  },
  scopes: {
    why: "A scope that Vipps does not know ends every login with invalid_scope.",
    look: documented(({ relyingParty: { scope }, document }) => {
      const supported = listOf(document.scopes_supported);
      if (supported === undefined) return skipped("The provider does not say which scopes it knows.");
      const strange = scope.filter((one) => !supported.includes(one));
      const meant = strange.flatMap((one) => {
        const listed = supported.find((other) => other.toLowerCase() === one.toLowerCase());
        return listed === undefined ? [] : [`${listed} for ${one}`];
      });
      if (meant.length > 0)
        return error(
          `Vipps does not know all of "${scope.join(" ")}": capitals count.`,
          `Change VIPPS_SCOPE: ${meant.join(", ")}.`,
        );
      if (strange.length === 0) return ok(scope.join(" "));
      return ok(
        `${scope.join(" ")}. Note: the discovery document does not list ${strange.join(", ")}. It lists typical ones only; a scope works if it is switched on for the sales unit.`,
      );
    }),
  },
  "client-authentication": {
    why: "A method that Vipps does not take is answered with invalid_client.",
    look: documented(({ relyingParty: { keys }, document }) => {
      if (keys.kind === "partner") return skipped("A partner shows a token instead.");
      const { tokenAuth } = keys;
      // Left out, it means client_secret_basic (OpenID Connect Discovery section 3).
      const methods = listOf(document.token_endpoint_auth_methods_supported) ?? ["client_secret_basic"];
      return methods.includes(tokenAuth)
        ? ok(`${tokenAuth} is supported.`)
        : error(
            `Vipps does not take ${tokenAuth}.`,
            `Set VIPPS_TOKEN_AUTH to one of ${methods.join(", ")}, as the portal says for the sales unit.`,
          );
    }),
  },
  "client-id": {
    why: "A client id that Vipps does not know sends nobody to the login.",
    look: known(async ({ begun }) => (await begun())["client-id"]),
  },
  "redirect-uri-registered": {
    why: "With a redirect URI that is not registered for the sales unit, customers see an error page at Vipps.",
    look: known(async ({ begun }) => (await begun())["redirect-uri-registered"]),
  },
  "authorize-request": {
    why: "This is the request that every login begins with.",
    look: known(async ({ begun }) => (await begun())["authorize-request"]),
  },
  /**
   * Shows the keys to the token endpoint with an invented code. Where they are refused, finds out whether they would
   * be right for the other method, or in the other environment.
   */
  "client-keys": {
    why: "With wrong keys customers confirm in the app and then meet an error page.",
    look: known(async (facts) => {
      const { relyingParty } = facts;
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
        ? checkOwnKeys(facts, keys, endpoint)
        : checkPartnerKeys(facts, keys, endpoint);
    }),
  },
  /** Our clock against the Date header, which has whole seconds. */
  clock: {
    why: "ID tokens are refused when the clocks are more than a minute apart, and so are sessions.",
    look: documented(({ answer: { headers, asked, answered } }) => {
      const theirs = Date.parse(headers.get("date") ?? "");
      if (Number.isNaN(theirs)) return skipped("The answer has no Date header to compare with.");
      // Their time was taken somewhere between asking and answering, and cut to whole seconds.
      const apart = Math.max(theirs - answered, asked - (theirs + 1000), 0);
      const seconds = Math.round(apart / 1000);
      const which = theirs > answered ? "behind" : "ahead";
      const todo = "Switch on time synchronisation (NTP) on this machine, or trust another machine's doctor.";
      if (apart > CLOCK_TOLERANCE) return error(`This machine's clock is ${seconds} seconds ${which}.`, todo);
      if (apart > CLOCK_TOLERANCE / 2)
        return warning(`This machine's clock is ${seconds} seconds ${which}.`, todo);
      return ok("In step with Vipps.");
    }),
  },
} as const satisfies Record<string, Check>;

type Method = OwnKeys["tokenAuth"];

/** How the token endpoint takes the keys: `right` is told by invalid_grant, for the code is invented. */
type Verdict = "right" | "wrong" | { readonly otherwise: string };

const PORTAL = "the business portal (portal.vippsmobilepay.com)";

async function checkOwnKeys(facts: KnownFacts, keys: OwnKeys, endpoint: string): Promise<Found> {
  const { issuers, relyingParty, network } = facts;
  const showAt = (at: string, method: Method) => show(facts, at, ownProof(keys, method));
  const verdict = await showAt(endpoint, keys.tokenAuth);
  if (verdict !== "wrong") return finding(verdict);
  const other = keys.tokenAuth === "client_secret_basic" ? "client_secret_post" : "client_secret_basic";
  if ((await showAt(endpoint, other)) === "right")
    return error(
      `The keys are right, but this sales unit is set up for ${other}, not ${keys.tokenAuth}.`,
      `Set VIPPS_TOKEN_AUTH to ${other}, or change the method in the portal.`,
    );
  const isOfTest = relyingParty.issuer === issuers.test;
  const elsewhere = isOfTest ? "production" : relyingParty.issuer === issuers.production ? "test" : undefined;
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
async function checkPartnerKeys(facts: KnownFacts, keys: PartnerKeys, endpoint: string): Promise<Found> {
  const { network, relyingParty } = facts;
  const answer = await ask(network, new URL("/accesstoken/get", relyingParty.issuer).href, {
    method: "POST",
    headers: {
      client_id: keys.clientId,
      client_secret: keys.clientSecret,
      "Ocp-Apim-Subscription-Key": keys.subscriptionKey,
    },
  });
  if ("failed" in answer) return error(`The access-token endpoint ${answer.failed}.`, "Try again.");
  const token = jsonObject(answer.text)?.access_token;
  if (answer.status !== 200 || typeof token !== "string")
    return error(
      `Vipps refuses ${refusedPartnerKey(jsonObject(answer.text))} (${answer.status}).`,
      `Compare the VIPPS_PARTNER_ settings with the partner keys in ${PORTAL}.`,
    );
  const verdict = await show(facts, endpoint, { headers: { authorization: `Bearer ${token}` } });
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

function whatToDo(otherwise: string): string {
  if (otherwise.includes("unauthorized_client")) return "Switch on Login for the sales unit in the portal.";
  if (otherwise.includes("invalid_request"))
    return "Register the redirect URI in the portal, exactly as it is.";
  if (/answers 2\d\d/.test(otherwise))
    return "Check VIPPS_ISSUER: a token endpoint that accepts anything is not Vipps'.";
  return "Try again; if it stays, see status.vippsmobilepay.com.";
}

/** What proves who asks: headers, or fields of the form. */
interface Proof {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

function ownProof({ clientId, clientSecret }: OwnKeys, method: Method): Proof {
  if (method === "client_secret_post") return { form: { client_id: clientId, client_secret: clientSecret } };
  // Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  return { headers: { authorization: `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}` } };
}

/** Shows keys to a token endpoint. */
async function show({ network, relyingParty }: KnownFacts, endpoint: string, proof: Proof): Promise<Verdict> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: randomBytes(24).toString("base64url"),
    redirect_uri: relyingParty.redirectUri,
    code_verifier: randomBytes(32).toString("base64url"),
    ...proof.form,
  });
  const type = "application/x-www-form-urlencoded";
  const headers = { accept: "application/json", "content-type": type, ...proof.headers };
  const answer = await ask(network, endpoint, { method: "POST", headers, body: form.toString() });
  if ("failed" in answer) return { otherwise: answer.failed };
  const { status } = answer;
  const code = oauthError(jsonObject(answer.text)?.error);
  if (code === "invalid_grant") return "right";
  if (code === "invalid_client" || (code === undefined && status === 401)) return "wrong";
  return { otherwise: `answers ${code ?? `${status}${status < 300 ? " to an invented code" : ""}`}` };
}

/** Only where it is the issuer's own host: the keys go to Vipps and to nobody else. */
async function tokenEndpointOf(network: Network, issuer: string): Promise<string | undefined> {
  const answer = await ask(network, discoveryUrl(issuer));
  const endpoint = "failed" in answer ? undefined : jsonObject(answer.text)?.token_endpoint;
  return typeof endpoint === "string" && URL.parse(endpoint)?.origin === new URL(issuer).origin
    ? endpoint
    : undefined;
}
