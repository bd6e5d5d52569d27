import * as oauth from "oauth4webapi";
import { Failure } from "../failure.ts";
import {
  boundedFetch,
  isProviderOrigin,
  issuerDifference,
  type RelyingParty,
  unmetRequirements,
} from "./relying-party.ts";

/** A discovery document that passed every check: its issuer is ours, its endpoints may be called. */
export interface Discovery extends oauth.AuthorizationServer {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
}

/** How long the provider may take to give its discovery document, in milliseconds. */
const TIME_LIMIT = 4_000;

const invalid = (reason: string, cause?: unknown) =>
  new Failure("metadata_invalid", { stage: "start", reason }, { cause });

/**
 * Fetches the provider's discovery document (OpenID Connect Discovery section 4).
 * @throws {Failure} `metadata_unavailable` when there is no answer to be had, `metadata_invalid` when the answer
 *   is not a usable document of this issuer.
 */
export async function fetchDiscovery(relyingParty: RelyingParty): Promise<Discovery> {
  const limits = { unavailable: "metadata_unavailable", stage: "start", timeLimit: TIME_LIMIT } as const;
  const issuer = new URL(relyingParty.issuer);
  try {
    const response = await oauth.discoveryRequest(issuer, {
      [oauth.customFetch]: boundedFetch(relyingParty, limits),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    });
    if (response.status !== 200) {
      throw new Failure(limits.unavailable, { stage: "start", reason: `answered with ${response.status}` });
    }
    return checkedDiscovery(relyingParty, await response.json().catch(() => undefined));
  } catch (error) {
    throw error instanceof Failure ? error : invalid("not a discovery document", error);
  }
}

/**
 * Checks a discovery document, fresh or from a cache.
 * @throws {Failure} `metadata_invalid`.
 */
export function checkedDiscovery(relyingParty: RelyingParty, document: unknown): Discovery {
  if (!isRecord(document)) throw invalid("not a JSON object");
  // OpenID Connect Discovery section 4.3 wants the very same string.
  const { issuer } = document;
  if (issuer !== relyingParty.issuer) throw invalid(issuerDifference(relyingParty.issuer, issuer));
  const [unmet] = unmetRequirements(document);
  if (unmet !== undefined) throw invalid(`the provider ${unmet}`);
  const endpoint = (name: string): string => {
    const address = document[name];
    const url = typeof address === "string" ? URL.parse(address) : null;
    const callable = url?.protocol === "https:" || (relyingParty.allowHttp && url?.protocol === "http:");
    if (url === null || !callable || url.username !== "" || url.password !== "" || url.hash !== "") {
      throw invalid(`${name} is missing or not an https address`);
    }
    if (!isProviderOrigin(relyingParty, url)) {
      throw invalid(`${name} is neither on the issuer's origin nor on one of PROVIDER_ENDPOINTS`);
    }
    return url.href;
  };
  return {
    ...document,
    issuer: relyingParty.issuer,
    authorization_endpoint: endpoint("authorization_endpoint"),
    token_endpoint: endpoint("token_endpoint"),
    jwks_uri: endpoint("jwks_uri"),
    ...(document.userinfo_endpoint !== undefined && { userinfo_endpoint: endpoint("userinfo_endpoint") }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
