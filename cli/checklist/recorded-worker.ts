import { mkdtempSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_startWorker as startWorker } from "wrangler";
import { makeLocalDatabase } from "../local-storage.ts";
import { findConfig, localDatabase } from "../project-config.ts";
import { WRANGLER_OFFLINE } from "../wrangler.mjs";
import { type Exchange, headersOf, type LogLine, parseLogLine } from "./traffic.ts";

/**
 * Runs the worker as `wrangler dev` does, over a new database, and sends its outgoing requests on from here. So they
 * are seen as they leave the worker, whoever the provider is, without anything standing in its place.
 * @param options `root`: the project's folder; `environment`: of the configuration, undefined for its top level;
 *   `values`: every setting; `issuer`: on whose origin what is sent is recorded, anything else is just sent
 * @throws Error when it can't be built or the port is taken
 */
export async function startRecordedWorker(options: {
  readonly root: string;
  readonly environment: string | undefined;
  readonly values: Readonly<Record<string, string>>;
  readonly issuer: string;
  readonly port: number;
}) {
  const { root, environment, values, issuer, port } = options;
  // It is gone when the process ends, however it ends.
  const state = mkdtempSync(join(tmpdir(), "vipps-login-checklist-"));
  process.once("exit", () => rmSync(state, { recursive: true, force: true }));
  makeLocalDatabase(state, localDatabase(root, environment));
  // What wrangler has to say in passing would stand between the lines of --json.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const bindings = Object.entries(values).map(
    ([name, value]) => [name, { type: "secret_text", value }] as const,
  );
  const exchanges: Exchange[] = [];
  const log: LogLine[] = [];
  const worker = await startWorker({
    config: findConfig(root),
    ...(environment !== undefined && { env: environment }),
    bindings: Object.fromEntries(bindings),
    // Named, so that the project's own .dev.vars, which may say otherwise, is not read.
    envFiles: [devNull],
    dev: {
      ...{ logLevel: "none", watch: false, inspector: false, persist: state },
      server: { hostname: "localhost", port },
      async outboundService(request: Request) {
        const { answer, exchange } = await sentOn(request);
        if (new URL(request.url).origin === new URL(issuer).origin) exchanges.push(exchange);
        return answer;
      },
      structuredLogsHandler: ({ message }: { readonly message: string }) => {
        const line = parseLogLine(message);
        if (line !== undefined) log.push(line);
      },
    },
  });
  await worker.ready;
  return { state, exchanges, log: () => log, stop: () => worker.dispose() };
}

async function sentOn(request: Request) {
  const at = Date.now();
  const { method, url } = request;
  const body = request.body === null ? undefined : await request.text();
  const answer = await fetch(url, {
    ...{ method, headers: request.headers, redirect: "manual" },
    ...(body !== undefined && { body }),
  });
  const { status } = answer;
  const bytes = await answer.arrayBuffer();
  // What fetch has unpacked must not be said to be packed.
  const headers = new Headers(answer.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  const exchange: Exchange = {
    ...{ at, from: "worker", to: "provider", method, url, requestBody: body, status },
    ...{ requestHeaders: headersOf(request.headers), responseHeaders: headersOf(answer.headers) },
    responseBody: new TextDecoder().decode(bytes),
  };
  return { answer: new Response([204, 304].includes(status) ? null : bytes, { status, headers }), exchange };
}
