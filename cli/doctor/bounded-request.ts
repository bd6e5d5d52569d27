import packageJson from "../../package.json" with { type: "json" };
import { boundedText } from "../../src/waiting.ts";

/** How long one request of the doctor may take, body included, in milliseconds. */
export const REQUEST_TIME_LIMIT = 10_000;

/** Far above any proper answer. In bytes. */
const SIZE_LIMIT = 512 * 1024;

const { version } = packageJson;

/** Says who asks, on every request to Vipps and to the site. */
export const PLUGIN_HEADERS = {
  "user-agent": `vipps-login-worker-doctor/${version}`,
  "Vipps-System-Plugin-Name": "vipps-login-worker",
  "Vipps-System-Plugin-Version": version.slice(0, 30),
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** When it was asked and when the answer began, in milliseconds since the epoch. */
  readonly asked: number;
  readonly answered: number;
}

/** An answer, or why there is none, as a phrase that follows "It". */
export type Outcome = Answer | { readonly failed: string };

export interface Network {
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for one request. */
  readonly timeLimit: number;
  /** What every request carries besides. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers that are the same for every site, where several are examined in one run: each is asked for once. */
  readonly shared?: Map<string, Promise<Outcome>>;
}

/** What does not depend on the site: the provider's metadata and keys, and the partner's access token. */
const SHARED = /\/(?:\.well-known\/openid-configuration|jwks(?:\.json)?|accesstoken\/get)$/;

/** What to ask with. */
interface Asking {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks once, bounded in time and size, and never follows a redirect. Never throws. */
export function ask(network: Network, url: string, asking: Asking = {}): Promise<Outcome> {
  const { shared } = network;
  if (shared === undefined || !SHARED.test(URL.parse(url)?.pathname ?? ""))
    return askAnew(network, url, asking);
  // With other keys it is another answer.
  const name = JSON.stringify([url, asking]);
  const asked = shared.get(name) ?? askAnew(network, url, asking);
  shared.set(name, asked);
  return asked;
}

async function askAnew(network: Network, url: string, asking: Asking): Promise<Outcome> {
  const asked = network.now();
  const signal = AbortSignal.timeout(network.timeLimit);
  try {
    const response = await network.fetch(url, {
      ...asking,
      headers: { ...PLUGIN_HEADERS, ...network.headers, ...asking.headers },
      redirect: "manual",
      signal,
    });
    const answered = network.now();
    const text = await boundedText(response, SIZE_LIMIT);
    if (text === undefined) return { failed: "sends more than any such answer has" };
    return { status: response.status, headers: response.headers, text, asked, answered };
  } catch (error) {
    if (signal.aborted) return { failed: `does not answer within ${network.timeLimit / 1000} seconds` };
    return { failed: reasonOf(error) };
  }
}

/** Codes with which Node says what kept a connection from being made. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "has a name that does not exist (DNS)",
  EAI_AGAIN: "has a name that cannot be looked up now (DNS)",
  ECONNREFUSED: "refuses the connection",
  ECONNRESET: "breaks the connection off",
  UND_ERR_SOCKET: "breaks the connection off",
  ETIMEDOUT: "does not answer",
  UND_ERR_CONNECT_TIMEOUT: "does not answer",
  ENETUNREACH: "is out of reach from here",
  EHOSTUNREACH: "is out of reach from here",
  CERT_HAS_EXPIRED: "has a TLS certificate that has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "has a TLS certificate that nobody vouches for",
  SELF_SIGNED_CERT_IN_CHAIN: "has a TLS certificate that nobody vouches for",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "has a TLS certificate that cannot be verified",
  ERR_TLS_CERT_ALTNAME_INVALID: "has a TLS certificate for another name",
};

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return REASONS[code] ?? `cannot be asked${code === "" ? "" : ` (${code})`}`;
}

/** Where an answer leads; null where it leads nowhere. */
export const locationOf = ({ headers }: Answer, base: string): URL | null =>
  URL.parse(headers.get("location") ?? "", base);

/** The JSON object in a text; undefined where there is none. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** An OAuth error code, made safe to print; undefined where it is none (RFC 6749 section 5.2). */
export function oauthError(raw: unknown): string | undefined {
  return typeof raw === "string" && /^[a-z][a-z0-9_.-]{0,63}$/i.test(raw) ? raw : undefined;
}
