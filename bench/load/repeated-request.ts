import type { Server } from "../workerd/server.ts";
import { COMMON_HEADERS, openConnection, type Sent } from "./connection.ts";
import { type LoadResult, measureLoad } from "./measured-load.ts";

export interface Load {
  readonly request: Sent;
  /** The status every answer must have. */
  readonly status: number;
  readonly connections: number;
  readonly seconds: number;
}

/**
 * Sends one request over and over, each connection as soon as it has its answer.
 * @throws Error at the first answer with another status, or a broken connection
 */
export async function repeatRequest(server: Server, load: Load): Promise<LoadResult> {
  const connections = Array.from({ length: load.connections }, () => openConnection(server.port));
  const keepAll = (seconds: number, done: (milliseconds: number) => void) => {
    const until = performance.now() + seconds * 1000;
    return Promise.all(connections.map(({ client }) => keepAsking(client, load, until, done)));
  };
  try {
    // Every connection is open, and everything behind it warm, before the clock starts.
    await keepAll(warmUpSeconds(load.seconds), () => undefined);
    return await measureLoad(server, (done) => keepAll(load.seconds, done));
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

/** How long to do the same unmeasured before it is measured for some seconds. */
export function warmUpSeconds(seconds: number): number {
  return Math.min(0.3, seconds / 5);
}

type Client = ReturnType<typeof openConnection>["client"];

/** @param until as `performance.now()` counts */
function keepAsking(
  client: Client,
  { request, status }: Load,
  until: number,
  answered: (milliseconds: number) => void,
): Promise<void> {
  const options = {
    path: request.path,
    method: request.method ?? "GET",
    headers: { ...COMMON_HEADERS, ...request.headers },
    body: request.body ?? null,
  };
  return new Promise((resolve, reject) => {
    let askedAt = 0;
    let received = 0;
    const ask = () => {
      askedAt = performance.now();
      client.dispatch(options, {
        // Without it undici takes the handler for one of its older kind.
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          received = statusCode;
        },
        onResponseData() {},
        onResponseEnd() {
          const now = performance.now();
          if (received !== status) {
            reject(new Error(`${request.path} answered ${received}, not ${status}`));
            return;
          }
          answered(now - askedAt);
          if (now < until) ask();
          else resolve();
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      });
    };
    ask();
  });
}
