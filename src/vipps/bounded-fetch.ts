import { version } from "../../package.json";
import { Failure, type FailureCode, type Stage, withFacts } from "../failure.ts";
import { boundedText, withinTime } from "../waiting.ts";
import type { RelyingParty } from "./relying-party.ts";

/** Vipps limits each standard header to 30 characters. */
const PLUGIN_NAME = "vipps-login-worker";

/** Far above any real answer of the provider, far below what would hurt the isolate. In bytes. */
const SIZE_LIMIT = 256 * 1024;

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
      const text = await boundedText(response, SIZE_LIMIT);
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
