import { randomText, utf8 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { siteNamed } from "../log.ts";
import { fromStorage } from "../storage-call.ts";
import type { StorageFault } from "../storage-fault.ts";
import { boundedText } from "../waiting.ts";

/** The site's own registry: where it answers and the secret it shares with the worker. */
export interface RemoteEndpoint {
  /** Without a trailing slash. */
  readonly url: string;
  readonly secret: string;
  /** The key under which the site's people are kept; the registry is told which site it is asked about. */
  readonly site: string;
}

/** Milliseconds for one exchange, body included: a first login takes two and must end within ten seconds. */
const TIME_LIMIT = 4_000;
/** Far above any real answer. In bytes. */
const SIZE_LIMIT = 256 * 1024;

/**
 * What may be asked once more when no answer came: a registry that did it the first time finds it done, and says so
 * as it would to anybody (409, or the account there is).
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  "find",
  "create",
  "link",
  "update",
  "account-of-sub",
  "get",
  "search",
  "consent-revoked",
]);

/** Statuses that are answers; any other is a registry that does not work. */
const ANSWERS: ReadonlySet<number> = new Set([200, 201, 204, 404, 409]);

export interface RegistryAnswer {
  readonly status: number;
  /** The parsed JSON body; `undefined` where there is none. */
  readonly body: unknown;
}

/**
 * Asks the registry something: a signed POST, bounded in time and size. A redirect is never followed, nothing
 * personal is ever in the URL.
 * @param operation the last part of the path, as docs/registry.openapi.yaml names it.
 * @throws {Failure} `storage_unavailable` when there is no proper answer; the reason in the log says why.
 */
export async function askRegistry(
  { url, secret, site }: RemoteEndpoint,
  operation: string,
  message: Readonly<Record<string, unknown>>,
): Promise<RegistryAnswer> {
  const unavailable = (reason: string, storage?: StorageFault) =>
    new Failure("storage_unavailable", { stage: "account", reason: `registry: ${reason}`, storage });
  const target = new URL(`${url}/${operation}`);
  const body = JSON.stringify(message);
  const abort = new AbortController();
  const exchange = async (): Promise<RegistryAnswer> => {
    const signature = await signMessage(secret, { method: "POST", path: target.pathname, body });
    const response = await fetch(target.href, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...signature },
      body,
      redirect: "manual",
      signal: abort.signal,
    });
    if (!ANSWERS.has(response.status)) throw unavailable(`answered with ${response.status}`);
    const text = await boundedText(response, SIZE_LIMIT);
    if (text === undefined) throw unavailable("answer is too large");
    return { status: response.status, body: text === "" ? undefined : parsed(text) };
  };
  const parsed = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      throw unavailable("answer is not JSON");
    }
  };
  const repeats = REPEATABLE.has(operation) ? "any" : "none";
  try {
    return await fromStorage(
      { site: siteNamed(site), store: "registry", stage: "account", timeLimit: TIME_LIMIT, repeats },
      exchange,
    );
  } catch (error) {
    abort.abort();
    const fault = error instanceof Failure ? error.facts.storage : undefined;
    if (fault === undefined) throw error;
    throw unavailable(fault.class === "timed_out" ? "no answer in time" : "no connection", fault);
  }
}

/** What a registry needs to know to be sure that a request is the worker's own, whole and new. */
export interface SignatureHeaders {
  readonly "content-digest": string;
  readonly "signature-input": string;
  readonly signature: string;
}

/**
 * Signs a request as HTTP Message Signatures say (RFC 9421, HMAC-SHA-256 of section 3.3.3): method, path and
 * the digest of the body (RFC 9530), with the time and a nonce, so that a copy of it is of no use later.
 * @param secret REGISTRY_SECRET, known to the worker and the registry alone.
 * @param path of the request, as the registry's server sees it.
 */
export async function signMessage(
  secret: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
): Promise<SignatureHeaders> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(body));
  const contentDigest = `sha-256=:${base64(digest)}:`;
  const created = Math.floor(Date.now() / 1000);
  const parameters = `("@method" "@path" "content-digest");created=${created};nonce="${randomText(16)}";keyid="vipps-login-worker";alg="hmac-sha256"`;
  // The signature base of section 2.5, its lines in the order the parameters name them.
  const base = [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"content-digest": ${contentDigest}`,
    `"@signature-params": ${parameters}`,
  ].join("\n");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, utf8(base));
  return {
    "content-digest": contentDigest,
    "signature-input": `sig=${parameters}`,
    signature: `sig=:${base64(signature)}:`,
  };
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
