import { randomBytes } from "node:crypto";
import { randomText } from "../../src/random.ts";
import { authorizeUrl } from "../../src/vipps/authorize-url.ts";
import type { RelyingParty } from "../../src/vipps/relying-party.ts";
import { error, type Found, ok, skipped } from "../findings/finding.ts";
import { type Answer, ask, jsonObject, type Network, oauthError } from "./bounded-request.ts";
import { type Discovered, endpointIn } from "./discovery-checks.ts";

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
  discovered: Discovered,
): Promise<AuthorizeVerdict> {
  const { redirectUri, keys } = relyingParty;
  const endpoint = endpointIn(discovered, "authorization_endpoint");
  if (endpoint === undefined) return everyStep(skipped("It is not known where to ask."));
  const url = await authorizeUrl(endpoint, relyingParty, {
    ...{ codeVerifier: randomText(32), nonce: randomText(32), redirectUri, nativeApp: false, anew: false },
    state: randomBytes(32).toString("base64url"),
  });
  const headers = { accept: "text/html,application/xhtml+xml" };
  let outcome = await ask(network, url, { headers });
  // For a partner, the first answer puts the sales unit's client_id in and asks the same endpoint again.
  const again = "answer" in outcome ? sameEndpoint(outcome.answer, endpoint) : undefined;
  if (keys.kind === "partner" && again !== undefined) outcome = await ask(network, again, { headers });
  if ("failed" in outcome)
    return {
      ...everyStep(skipped("The authorize endpoint does not answer.")),
      "authorize-request": error(
        `The authorize endpoint ${outcome.failed}.`,
        "Try again; status.vippsmobilepay.com.",
      ),
    };
  const refusal = refusalIn(outcome.answer, endpoint, redirectUri);
  if (refusal !== undefined) return explained(refusal, relyingParty);
  return {
    "client-id": ok("Known to Vipps."),
    "redirect-uri-registered": ok(`${redirectUri} is registered.`),
    "authorize-request": ok("Accepted: customers get to the login."),
  };
}

const everyStep = (found: Found): AuthorizeVerdict => ({
  "client-id": found,
  "redirect-uri-registered": found,
  "authorize-request": found,
});

function sameEndpoint({ headers }: Answer, endpoint: string): string | undefined {
  const location = URL.parse(headers.get("location") ?? "", endpoint);
  const own = new URL(endpoint);
  return location?.origin === own.origin && location.pathname === own.pathname ? location.href : undefined;
}

function refusalIn(
  { status, headers, text }: Answer,
  endpoint: string,
  redirectUri: string,
): Refusal | undefined {
  const location = URL.parse(headers.get("location") ?? "", endpoint);
  if (status >= 300 && status < 400 && location !== null) {
    const returned = location.href.split(/[?#]/)[0] === redirectUri;
    const code = location.searchParams.get("error");
    const hint = ["error_description", "error_hint", "error_debug"].map((name) =>
      location.searchParams.get(name),
    );
    if (code === null && !returned) return undefined;
    return { code: oauthError(code), text: hint.join(" ").toLowerCase(), returned };
  }
  if (status < 400) return undefined;
  const stated = oauthError(jsonObject({ text })?.error) ?? text.match(CODES)?.[0];
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
