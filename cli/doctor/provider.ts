// What Vipps answers to the doctor: its discovery document, and the beginning of a login.

import { randomBytes } from "node:crypto";
import { randomText } from "../../src/crypto-text.ts";
import { authorizeUrl } from "../../src/vipps/authorize-url.ts";
import type { RelyingParty } from "../../src/vipps/relying-party.ts";
import { error, type Found, ok, skipped } from "../findings/finding.ts";
import { type Answer, ask, jsonObject, locationOf, type Network, oauthError } from "./bounded-request.ts";

/** A discovery document as it came, checked by nobody yet, and how it came. */
export interface Discovered {
  readonly document: Readonly<Record<string, unknown>>;
  readonly answer: Answer;
}

/** Where the discovery document of an issuer is (OpenID Connect Discovery section 4). */
export const discoveryUrl = (issuer: string): string =>
  `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

/** Fetches the discovery document; what was found wrong where there is none to go on with. */
export async function discover(network: Network, { issuer }: RelyingParty): Promise<Discovered | Found> {
  const url = discoveryUrl(issuer);
  const hint = issuer.startsWith("http://127.0.0.1")
    ? " For the simulator: npm start, or npm run simulator; one that runs at another port is not asked."
    : "";
  const answer = await ask(network, url, { headers: { accept: "application/json" } });
  if ("failed" in answer)
    return error(
      `${url} ${answer.failed}.`,
      `Check VIPPS_ENVIRONMENT and VIPPS_ISSUER, and the network here.${hint}`,
    );
  if (answer.status !== 200)
    return error(
      `${url} answers ${answer.status} instead of a discovery document.`,
      "Check VIPPS_ISSUER; if it is right, Vipps may be down: status.vippsmobilepay.com.",
    );
  const document = jsonObject(answer.text);
  return document === undefined
    ? error(`${url} answers with something that is no JSON object.`, "Check VIPPS_ISSUER.")
    : { document, answer };
}

/** An endpoint that the document names; undefined where it is no address. */
export function endpointIn(discovered: Discovered | Found, name: string): string | undefined {
  const value = "document" in discovered ? discovered.document[name] : undefined;
  return typeof value === "string" && URL.canParse(value) ? value : undefined;
}

/** What is looked at when a login begins, in the order in which Vipps looks. */
const STEPS = ["client-id", "redirect-uri-registered", "authorize-request"] as const;

type Step = (typeof STEPS)[number];

/** What the beginning of a login says of each step. */
export type AuthorizeVerdict = Readonly<Record<Step, Found>>;

/** What the first answer says: a mistake that the provider names. */
interface Refusal {
  readonly code: string | undefined;
  /** In lower case; may quote the request, so it is never printed. */
  readonly text: string;
  /** Whether the visitor was sent back to us with it: then the redirect URI is registered. */
  readonly returned: boolean;
}

/**
 * Begins a login as a browser would and looks at the first answer alone; nobody is asked for anything. The address
 * carries a state, so neither it nor where it leads is ever printed.
 */
export async function beginLoginAtVipps(
  network: Network,
  relyingParty: RelyingParty,
  discovered: Discovered | Found,
): Promise<AuthorizeVerdict> {
  const { redirectUri, keys } = relyingParty;
  const endpoint = endpointIn(discovered, "authorization_endpoint");
  if (endpoint === undefined) return everyStep(skipped("It is not known where to ask."));
  const url = await authorizeUrl(endpoint, relyingParty, {
    ...{ codeVerifier: randomText(32), nonce: randomText(32), redirectUri, nativeApp: false, anew: false },
    state: randomBytes(32).toString("base64url"),
  });
  const headers = { accept: "text/html,application/xhtml+xml" };
  let answer = await ask(network, url, { headers });
  // For a partner, the first answer puts the sales unit's client_id in and asks the same endpoint again.
  const again = "failed" in answer ? null : locationOf(answer, endpoint);
  const own = new URL(endpoint);
  if (keys.kind === "partner" && again?.origin === own.origin && again.pathname === own.pathname)
    answer = await ask(network, again.href, { headers });
  if ("failed" in answer)
    return {
      ...everyStep(skipped("The authorize endpoint does not answer.")),
      "authorize-request": error(
        `The authorize endpoint ${answer.failed}.`,
        "Try again; status.vippsmobilepay.com.",
      ),
    };
  const refusal = refusalIn(answer, endpoint, redirectUri);
  if (refusal !== undefined) return explained(refusal, relyingParty);
  return {
    "client-id": ok("Known to Vipps."),
    "redirect-uri-registered": ok(`${redirectUri} is registered.`),
    "authorize-request": ok("Accepted: customers get to the login."),
  };
}

const everyStep = (found: Found) =>
  Object.fromEntries(STEPS.map((step) => [step, found])) as AuthorizeVerdict;

function refusalIn(answer: Answer, endpoint: string, redirectUri: string): Refusal | undefined {
  const { status, text } = answer;
  const location = locationOf(answer, endpoint);
  if (status >= 300 && status < 400 && location !== null) {
    const returned = location.href.split(/[?#]/)[0] === redirectUri;
    const code = location.searchParams.get("error");
    const hints = ["error_description", "error_hint", "error_debug"];
    const told = hints.map((name) => location.searchParams.get(name)).join(" ");
    return code === null && !returned
      ? undefined
      : { code: oauthError(code), text: told.toLowerCase(), returned };
  }
  if (status < 400) return undefined;
  const stated = oauthError(jsonObject(answer.text)?.error) ?? text.match(CODES)?.[0];
  return { code: stated ?? `status ${status}`, text: text.toLowerCase(), returned: false };
}

/** Codes to look for in an error page. */
const CODES =
  /\b(invalid_client|unauthorized_client|invalid_request|invalid_scope|unsupported_response_type|access_denied|server_error|temporarily_unavailable)\b/;

const PORTAL = "in the business portal (portal.vippsmobilepay.com)";

/** The step at which Vipps refused; what came before it was accepted, as far as the refusal shows. */
function explained(refusal: Refusal, relyingParty: RelyingParty): AuthorizeVerdict {
  const { code = "an error", text, returned } = refusal;
  const { redirectUri, scope, keys } = relyingParty;
  const refusedAt = (step: Step, fault: Found, accepted: readonly Step[] = []): AuthorizeVerdict => ({
    ...everyStep(skipped("Vipps refused before it came to this.")),
    ...Object.fromEntries(accepted.map((one) => [one, ok("Accepted.")])),
    [step]: fault,
  });
  if (!returned && /^(invalid_client|unauthorized_client)$/.test(code))
    return refusedAt(
      "client-id",
      error(
        `Vipps does not know this ${keys.kind === "own" ? "VIPPS_CLIENT_ID" : "VIPPS_MSN"} (${code}).`,
        `Compare it with the sales unit's keys ${PORTAL}; is Login switched on for it, and is it of this environment?`,
      ),
    );
  if (!returned && /redirect[_ -]?ur[il]/.test(text))
    return refusedAt(
      "redirect-uri-registered",
      error(
        `${redirectUri} is not registered for the sales unit.`,
        `Add exactly this, without a slash at the end, ${PORTAL} under Developer, Setup login.`,
      ),
      ["client-id"],
    );
  const fault =
    code === "invalid_scope"
      ? error(
          `Vipps refuses the scopes "${scope.join(" ")}" (invalid_scope).`,
          "Ask for fewer in VIPPS_SCOPE and PURPOSES, or apply for those that are not in the sales unit's plan.",
        )
      : error(
          `Vipps refuses the request (${code}).`,
          "Look it up among the codes in docs/operations.md; with status 5xx, try again later.",
        );
  return refusedAt("authorize-request", fault, returned ? STEPS.slice(0, 2) : []);
}
