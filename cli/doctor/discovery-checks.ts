import { isProviderOrigin, unmetRequirements } from "../../src/vipps/provider-requirements.ts";
import type { RelyingParty } from "../../src/vipps/relying-party.ts";
import { usableKeys } from "../../src/vipps/usable-keys.ts";
import { error, type Found, type Look, ok, skipped, warning } from "../findings/finding.ts";
import { type Answer, ask, jsonObject, type Network } from "./bounded-request.ts";

/** A discovery document as it came, checked by nobody yet. */
export type Document = Readonly<Record<string, unknown>>;

/** The document and how it came, or why there is none to go on with. */
export type Discovered = { readonly document: Document; readonly answer: Answer } | { readonly fault: Found };

/** Where the discovery document of an issuer is (OpenID Connect Discovery section 4). */
export const discoveryUrl = (issuer: string): string =>
  `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

/** Fetches the discovery document. */
export async function discover(network: Network, { issuer }: RelyingParty): Promise<Discovered> {
  const url = discoveryUrl(issuer);
  const none = (what: string, todo: string): Discovered => ({ fault: error(what, todo) });
  const outcome = await ask(network, url, { headers: { accept: "application/json" } });
  if ("failed" in outcome)
    return none(
      `${url} ${outcome.failed}.`,
      `Check VIPPS_ENVIRONMENT and VIPPS_ISSUER, and the network here.${startHint(issuer)}`,
    );
  const { answer } = outcome;
  if (answer.status !== 200)
    return none(
      `${url} answers ${answer.status} instead of a discovery document.`,
      "Check VIPPS_ISSUER; if it is right, Vipps may be down: status.vippsmobilepay.com.",
    );
  const document = jsonObject(answer);
  return document === undefined
    ? none(`${url} answers with something that is no JSON object.`, "Check VIPPS_ISSUER.")
    : { document, answer };
}

/** An endpoint that the document names; undefined where it is no address. */
export function endpointIn(discovered: Discovered, name: string): string | undefined {
  const value = "document" in discovered ? discovered.document[name] : undefined;
  return typeof value === "string" && URL.canParse(value) ? value : undefined;
}

export function checkDiscovery({ issuer }: RelyingParty, discovered: Discovered): Found {
  if ("fault" in discovered) return discovered.fault;
  const { asked, answered } = discovered.answer;
  return ok(`${discoveryUrl(issuer)} answers in ${answered - asked} ms.`);
}

function startHint(issuer: string): string {
  return /^http:\/\/127\.0\.0\.1/.test(issuer) ? " For the simulator: npm start, or npm run simulator." : "";
}

/** An ID token is refused beyond this (src/vipps/id-token.ts); half of it is a warning. In milliseconds. */
const CLOCK_TOLERANCE = 60_000;

/** Our clock against the Date header, which has whole seconds. */
export function checkClock({ headers, asked, answered }: Answer): Found {
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
}

export function checkIssuer({ issuer: configured }: RelyingParty, { issuer: stated }: Document): Found {
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
}

const REQUIRED = ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const;

export function* checkEndpoints(relyingParty: RelyingParty, document: Document): Look {
  const addressIn = (name: string) => {
    const value = document[name];
    const url = typeof value === "string" ? URL.parse(value) : null;
    return url?.protocol === "https:" || (relyingParty.allowHttp && url?.protocol === "http:") ? url : null;
  };
  for (const name of [...REQUIRED, "userinfo_endpoint"]) {
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
}

const listOf = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;

export function checkPkce(_: RelyingParty, document: Document): Found {
  const methods = listOf(document.code_challenge_methods_supported);
  if (methods === undefined)
    return warning(
      "The provider does not say whether it takes PKCE.",
      "Ask the provider; Vipps does take it.",
    );
  return methods.includes("S256")
    ? ok("S256 is supported.")
    : error("The provider does not support S256.", "Check VIPPS_ISSUER; Vipps supports it.");
}

export function checkAlgorithm(_: RelyingParty, document: Document): Found {
  const algorithms = listOf(document.id_token_signing_alg_values_supported) ?? [];
  return algorithms.includes("RS256")
    ? ok("RS256 is supported.")
    : error("The provider does not sign ID tokens with RS256.", "Check VIPPS_ISSUER; Vipps does.");
}

export function checkScopes({ scope }: RelyingParty, document: Document): Found {
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
}

export function checkMethods({ keys }: RelyingParty, document: Document): Found {
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
}

export async function checkProviderKeys(network: Network, { jwks_uri: url }: Document): Promise<Found> {
  if (typeof url !== "string" || !URL.canParse(url))
    return skipped("The discovery document does not say where they are.");
  const outcome = await ask(network, url, { headers: { accept: "application/json" } });
  const todo = "Wait and try again; if it stays, ask Vipps (status.vippsmobilepay.com).";
  if ("failed" in outcome) return error(`${url} ${outcome.failed}.`, todo);
  if (outcome.answer.status !== 200) return error(`${url} answers ${outcome.answer.status}.`, todo);
  const usable = usableKeys(jsonObject(outcome.answer));
  return usable === undefined
    ? error(`${url} holds no key that can verify RS256.`, todo)
    : ok(`${usable.length} usable.`);
}
