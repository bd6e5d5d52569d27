import { quantile } from "../statistics.ts";
import { processorSeconds } from "../workerd/process-figures.ts";
import type { Server } from "../workerd/server.ts";

/** What came of doing the same again and again for some time. */
export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds from the request to the end of the answer. */
  readonly medianLatency: number;
  readonly p99Latency: number;
  /** Microseconds of the measured process's processor time for each, where the system tells. */
  readonly processorTime: number | undefined;
  /** The share of its core that the measured process was busy. Near 1, the generator was fast enough. */
  readonly busy: number | undefined;
}

/**
 * Measures what a server does meanwhile.
 * @param work calls its argument for everything that is done, with the milliseconds it took
 * @throws Error when nothing was done, or what the work throws
 */
export async function measureLoad(
  server: Server,
  work: (done: (milliseconds: number) => void) => Promise<unknown>,
): Promise<LoadResult> {
  const latencies: number[] = [];
  const processorBefore = processorSeconds(server.pid);
  const startedAt = performance.now();
  await work((milliseconds) => latencies.push(milliseconds));
  const seconds = (performance.now() - startedAt) / 1000;
  const processorAfter = processorSeconds(server.pid);
  if (latencies.length === 0) throw new Error("nothing was done");
  const processor =
    processorBefore === undefined || processorAfter === undefined
      ? undefined
      : processorAfter - processorBefore;
  return {
    perSecond: latencies.length / seconds,
    medianLatency: quantile(latencies, 0.5),
    p99Latency: quantile(latencies, 0.99),
    processorTime: processor === undefined ? undefined : (processor / latencies.length) * 1e6,
    busy: processor === undefined ? undefined : processor / seconds,
  };
}
