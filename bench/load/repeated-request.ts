import { quantile } from "../statistics.ts";
import { processorSeconds } from "../workerd/process-figures.ts";
import type { Server } from "../workerd/server.ts";
import { COMMON_HEADERS, openConnection, type Sent } from "./connection.ts";

/** What came of asking the same again and again for some time. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  /** Milliseconds from request to the end of the answer. */
  readonly medianLatency: number;
  readonly p99Latency: number;
  /** Microseconds of the measured process's processor time for each request, where the system tells. */
  readonly processorTime: number | undefined;
  /** The share of its core that the measured process was busy. Near 1, the generator was fast enough. */
  readonly busy: number | undefined;
}

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
  try {
    // Every connection is open, and everything behind it warm, before the clock starts.
    const warmUntil = performance.now() + Math.min(300, load.seconds * 200);
    await Promise.all(connections.map(({ client }) => keepAsking(client, load, warmUntil, () => undefined)));
    const latencies: number[] = [];
    const processorBefore = processorSeconds(server.pid);
    const startedAt = performance.now();
    const until = startedAt + load.seconds * 1000;
    await Promise.all(
      connections.map(({ client }) => keepAsking(client, load, until, (latency) => latencies.push(latency))),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const processorAfter = processorSeconds(server.pid);
    const processor =
      processorBefore === undefined || processorAfter === undefined
        ? undefined
        : processorAfter - processorBefore;
    return {
      requestsPerSecond: latencies.length / seconds,
      medianLatency: quantile(latencies, 0.5),
      p99Latency: quantile(latencies, 0.99),
      processorTime: processor === undefined ? undefined : (processor / latencies.length) * 1e6,
      busy: processor === undefined ? undefined : processor / seconds,
    };
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
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
