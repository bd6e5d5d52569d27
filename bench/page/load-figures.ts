import type { LoadResult } from "../load/measured-load.ts";
import { summarise } from "../statistics.ts";

/**
 * The median of the processor time for each request, in microseconds.
 * @returns undefined where the system does not tell
 */
export function processorTime(
  series: { readonly rounds: readonly LoadResult[] } | undefined,
): number | undefined {
  const times = series?.rounds.map((round) => round.processorTime).filter((time) => time !== undefined) ?? [];
  return times.length === 0 ? undefined : summarise(times).median;
}

/** Busier than this, the measured core was the limit; below it, something else was. */
export const BUSY = 0.85;

/**
 * A warning for a reader where the measured process did not have its core to itself.
 * @param rounds of something that only the processor limits
 */
export function disturbedWarning(rounds: readonly LoadResult[]): string | undefined {
  const shares = rounds.map(({ busy }) => busy).filter((share) => share !== undefined);
  if (shares.length === 0) return undefined;
  const { median } = summarise(shares);
  return median >= BUSY
    ? undefined
    : `> The machine had other work to do: workerd had its core for ${(median * 100).toFixed(0)} % of the time. Take rates and latencies as a hint, and go by the processor times.`;
}
