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
