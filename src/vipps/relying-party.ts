import { version } from "../../package.json";
import { Failure, type FailureCode, type Stage, withFacts } from "../failure.ts";
import { boundedText, withinTime } from "../waiting.ts";

/** This site and its provider: what the one is to the other, what it requires of it, and how it asks it. */

/** What this site is to the provider: who it is, how it proves it, and what it asks for. */
export interface RelyingParty {
  /** Compared exactly, trailing slash included (OpenID Connect Discovery section 4.3). */
  readonly issuer: string;
  /** Further origins on which the provider's endpoints may lie; normally none. */
  readonly endpointOrigins: readonly string[];
  /** Plain http is only ever accepted when the site itself is on localhost. */
  readonly allowHttp: boolean;
  readonly keys: OwnKeys | PartnerKeys;
  readonly merchantSerialNumber: string;
  readonly redirectUri: string;
  readonly scope: readonly string[];
  /** Those of them that this one login asks for. */
  readonly askedOnce?: readonly string[];
  /** Those of them to which this one login needs the answer. */
  readonly needed?: readonly string[];
  readonly market: "NO" | "DK" | "FI" | "SE" | undefined;
  /** Sends `requested_flow=automatic_return_from_vipps_app`. */
  readonly automaticReturn: boolean;
  /** Sends `acr_values` and checks the `acr` claim of the ID token. */
  readonly requireApp: boolean;
  readonly systemName: string;
  readonly systemVersion: string;
}

/** The keys of the sales unit itself. */
export interface OwnKeys {
  readonly kind: "own";
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenAuth: "client_secret_basic" | "client_secret_post";
}

/** The keys of a partner, who acts for sales units of others and does not know their `client_id`. */
export interface PartnerKeys {
  readonly kind: "partner";
  readonly clientId: string;
  readonly clientSecret: string;
  /** Goes to the access-token endpoint alone; the login endpoints refuse it. */
  readonly subscriptionKey: string;
}

/**
 * The name under which `oauth4webapi` knows us where it needs one and checks nothing against it: a partner does
 * not know the `client_id` of the sales unit.
 */
export function clientName({ keys, merchantSerialNumber }: RelyingParty): string {
  return keys.kind === "own" ? keys.clientId : merchantSerialNumber;
}

/** The `acr` value that says the user confirmed in the app (Vipps Login API, in-app confirmation). */
export const APP_CONFIRMATION = "urn:vipps:acr:app_auth";

/** A discovery document as it came. */
type Document = Readonly<Record<string, unknown>>;

/** Where the provider's endpoints may lie: on the issuer's origin, and on those that PROVIDER_ENDPOINTS names. */
export function isProviderOrigin({ issuer, endpointOrigins }: RelyingParty, url: URL): boolean {
  return url.origin === new URL(issuer).origin || endpointOrigins.includes(url.origin);
}

/**
 * What a provider says of itself that would end every login with it, told before anybody is sent there. What it
 * says nothing of is taken to be as OpenID Connect Discovery section 3 wants it.
 * @returns a phrase of ours for each.
 */
export function unmetRequirements(document: Document): readonly string[] {
  const lacks = (name: string, wanted: string) => {
    const list = document[name];
    return Array.isArray(list) && !list.includes(wanted);
  };
  return [
    lacks("id_token_signing_alg_values_supported", "RS256") && "signs no ID tokens with RS256",
    lacks("response_types_supported", "code") && "has no authorization code flow",
    lacks("grant_types_supported", "authorization_code") && "has no authorization code flow",
    lacks("response_modes_supported", "query") && "answers no authorization request in the query",
    document.require_pushed_authorization_requests === true && "demands pushed authorization requests",
    document.require_signed_request_object === true && "demands signed request objects",
  ].filter((phrase, index, all): phrase is string => phrase !== false && all.indexOf(phrase) === index);
}

/** Whether the provider takes the way in which this relying party proves who it is, as far as it says. */
export function takesClientAuthentication({ keys }: RelyingParty, document: Document): boolean {
  const methods = document.token_endpoint_auth_methods_supported;
  return keys.kind === "partner" || !Array.isArray(methods) || methods.includes(keys.tokenAuth);
}

/**
 * How an issuer that is not the configured one differs, for the log: hosts are named where they are the kind of
 * text a host is, nothing else of it.
 */
export function issuerDifference(configured: string, stated: unknown): string {
  if (typeof stated !== "string") return "names no issuer";
  const host = URL.parse(stated)?.host;
  if (host === undefined || !/^[a-z0-9.:[\]-]{1,100}$/.test(host)) return "issuer is not an address";
  const expected = new URL(configured).host;
  if (host !== expected) return `issuer is at ${host}, not at ${expected}`;
  const bare = (issuer: string) => (issuer.endsWith("/") ? issuer.slice(0, -1) : issuer);
  return bare(stated) === bare(configured)
    ? "issuer differs by the slash at its end"
    : "issuer differs in its spelling or path";
}

/** Vipps limits each standard header to 30 characters. */
const PLUGIN_NAME = "vipps-login-worker";

/** Far above any real answer of the provider, far below what would hurt the isolate. In bytes. */
const ANSWER_LIMIT = 256 * 1024;

/** The standard headers that Vipps asks for on every API request. */
export function standardHeaders(relyingParty: RelyingParty): Record<string, string> {
  return {
    "Merchant-Serial-Number": relyingParty.merchantSerialNumber,
    "Vipps-System-Name": relyingParty.systemName,
    "Vipps-System-Version": relyingParty.systemVersion,
    "Vipps-System-Plugin-Name": PLUGIN_NAME,
    "Vipps-System-Plugin-Version": version.slice(0, 30),
  };
}

export interface RequestLimits {
  /** The failure to raise when there is no usable answer. */
  readonly unavailable: FailureCode;
  readonly stage: Stage;
  /** Milliseconds for the whole exchange, body included; with none left nothing is sent. */
  readonly timeLimit: number;
}

/** What `oauth4webapi` asks a fetch for; its redirect mode and time limit are replaced by ours. */
interface OutgoingRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | null | undefined;
}

/**
 * A `fetch` for `oauth4webapi` that is bounded in time and size and never follows a redirect: a redirect could
 * carry the client secret to another host (RFC 9700 section 4.12), a slow or endless body could hold a login.
 * @throws {Failure} with `limits.unavailable` when there is no complete answer within the limits, when the
 *   answer is a redirect, or a 5xx.
 */
export function boundedFetch(relyingParty: RelyingParty, limits: RequestLimits) {
  return async (url: string, init: OutgoingRequest = {}): Promise<Response> => {
    const unavailable = (reason: string, cause?: unknown) =>
      new Failure(limits.unavailable, { stage: limits.stage, reason }, { cause });
    const mayPass = (reason: string, cause?: unknown) =>
      withFacts(unavailable(reason, cause), { mayPass: true });
    if (!(url.startsWith("https:") || (relyingParty.allowHttp && url.startsWith("http:")))) {
      throw unavailable("endpoint is not https");
    }
    if (limits.timeLimit <= 0) throw unavailable("no time left");
    const abort = new AbortController();
    const exchange = async (): Promise<Response> => {
      const response = await fetch(url, {
        method: init.method ?? "GET",
        body: init.body ?? null,
        headers: { ...standardHeaders(relyingParty), ...init.headers },
        redirect: "manual",
        signal: abort.signal,
      });
      if (response.status >= 300 && response.status < 400) throw unavailable("answered with a redirect");
      if (response.status >= 500) throw mayPass(`answered with ${response.status}`);
      const text = await boundedText(response, ANSWER_LIMIT);
      if (text === undefined) throw unavailable("answer is too large");
      return new Response(text === "" ? null : text, { status: response.status, headers: response.headers });
    };
    try {
      return await withinTime(limits.timeLimit, exchange(), () => {
        throw mayPass("no answer in time");
      });
    } catch (error) {
      abort.abort();
      throw error instanceof Failure ? error : mayPass(connectionFault(error), error);
    }
  };
}

/** What the platform says of a connection that failed, and our phrase for it. */
const connectionFaults = (): readonly (readonly [RegExp, string])[] => [
  [/certificate|tls|ssl/i, "no connection: TLS failed"],
  [/dns|resolve|name not/i, "no connection: the name was not found"],
  [/refused/i, "no connection: refused"],
  [/timed? ?out/i, "no connection: timed out"],
  [/lost|reset|closed|disconnected/i, "the connection broke off"],
];

function connectionFault(error: unknown): string {
  const said = error instanceof Error ? error.message.slice(0, 500) : "";
  return connectionFaults().find(([pattern]) => pattern.test(said))?.[1] ?? "no connection";
}
