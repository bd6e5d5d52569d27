import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_startWorker as startWorker } from "wrangler";
import { makeLocalDatabase } from "../local-storage.ts";
import { findConfig, localDatabase } from "../project-config.ts";
import { WRANGLER_OFFLINE } from "../wrangler.mjs";
import { type Exchange, headersOf, type LogLine, parseLogLine } from "./traffic.ts";

/**
 * Runs the worker as `wrangler dev` does, over a new database, and sends its outgoing requests on from here. So they
 * are seen as they leave the worker, whoever the provider is, without anything standing in its place.
 * @param options `root`: the project's folder; `settingsFile`: every setting, as wrangler reads a file of them;
 *   `environment`: of the configuration, undefined for its top level; `provider`: the origin to which what is sent is
 *   recorded, anything else is just sent
 * @param fill fills the database before the start, in a folder of KV, D1 and Durable Objects
 * @throws Error when it can't be built or the port is taken
 */
export async function startRecordedWorker(
  options: {
    readonly root: string;
    readonly port: number;
    readonly settingsFile: string;
    readonly environment: string | undefined;
    readonly provider: string;
  },
  fill?: (state: string) => Promise<void> | undefined,
) {
  const { root, port, settingsFile, environment, provider } = options;
  const state = join(folderOfTheRun(), "state");
  makeLocalDatabase(state, localDatabase(root, environment));
  await fill?.(state);
  // What wrangler has to say in passing would stand between the lines of --json.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const exchanges: Exchange[] = [];
  const log: LogLine[] = [];
  const worker = await startWorker({
    config: findConfig(root),
    ...(environment !== undefined && { env: environment }),
    envFiles: [settingsFile],
    dev: {
      ...{ logLevel: "none", watch: false, inspector: false, persist: state },
      server: { hostname: "localhost", port },
      outboundService: (request: Request) => sendOn(request, provider, exchanges),
      structuredLogsHandler: ({ message }: { readonly message: string }) => {
        const line = parseLogLine(message);
        if (line !== undefined) log.push(line);
      },
    },
  });
  await worker.ready;
  return { exchanges: () => exchanges, log: () => log, stop: () => worker.dispose() };
}

/** A folder that is gone when the process ends, however it ends. */
export function folderOfTheRun(): string {
  const folder = mkdtempSync(join(tmpdir(), "vipps-login-checklist-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
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
