import { unstable_startWorker as startWorker } from "wrangler";
import { findConfig } from "../project-config.ts";
import { WRANGLER_OFFLINE } from "../wrangler.mjs";
import { type Exchange, headersOf } from "./exchange.ts";
import { type LogLine, parseLogLine } from "./log-lines.ts";

export interface RecordedWorkerOptions {
  /** The project's folder. */
  readonly root: string;
  readonly port: number;
  /** Where KV, D1 and Durable Objects are kept; absolute. */
  readonly state: string;
  /** Every setting of this worker, as wrangler reads a file of them. */
  readonly settingsFile: string;
  /** Environment of the configuration; undefined for its top level. */
  readonly environment: string | undefined;
  /** Origin of the provider: what the worker sends there is recorded, anything else just sent. */
  readonly provider: string;
}

/** The worker in workerd, with its log and all it says to the provider. */
export interface RecordedWorker {
  readonly exchanges: readonly Exchange[];
  readonly log: readonly LogLine[];
  stop(): Promise<void>;
}

/**
 * Runs the worker as `wrangler dev` does, and sends its outgoing requests on from here. So they are seen as they
 * leave the worker, whoever the provider is, without anything standing in its place.
 * @throws Error when it can't be built or the port is taken
 */
export async function startRecordedWorker(options: RecordedWorkerOptions): Promise<RecordedWorker> {
  // What wrangler has to say in passing would stand between the lines of --json.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const exchanges: Exchange[] = [];
  const log: LogLine[] = [];
  const worker = await startWorker({
    config: findConfig(options.root),
    ...(options.environment !== undefined && { env: options.environment }),
    envFiles: [options.settingsFile],
    dev: {
      logLevel: "none",
      watch: false,
      inspector: false,
      server: { hostname: "localhost", port: options.port },
      persist: options.state,
      outboundService: (request: Request) => sendOn(request, options.provider, exchanges),
      structuredLogsHandler: ({ message }: { readonly message: string }) => {
        const line = parseLogLine(message);
        if (line !== undefined) log.push(line);
      },
    },
  });
  await worker.ready;
  return { exchanges, log, stop: () => worker.dispose() };
}

async function sendOn(request: Request, provider: string, exchanges: Exchange[]): Promise<Response> {
  const at = Date.now();
  const body = request.body === null ? undefined : await request.text();
  const answer = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    redirect: "manual",
    ...(body !== undefined && { body }),
  });
  const { origin } = new URL(request.url);
  if (origin !== provider) return answer;
  const text = await answer.text();
  exchanges.push({
    at,
    from: "worker",
    to: "provider",
    method: request.method,
    url: request.url,
    requestHeaders: headersOf(request.headers),
    requestBody: body,
    status: answer.status,
    responseHeaders: headersOf(answer.headers),
    responseBody: text,
  });
  // What fetch has unpacked must not be said to be packed.
  const headers = new Headers(answer.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response([204, 304].includes(answer.status) ? null : text, { status: answer.status, headers });
}
