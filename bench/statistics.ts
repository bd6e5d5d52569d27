/** What many measurements of one thing say together. */
export interface Summary {
  readonly median: number;
  /** The quartiles: half of the measurements lie between them. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/**
 * The value below which a share of the numbers lies, interpolated between neighbours (Hyndman and Fan's type 7,
 * the default of R and NumPy).
 * @param share from 0 to 1
 * @throws RangeError without numbers
 */
export function quantile(numbers: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(numbers).sort();
  if (sorted.length === 0) throw new RangeError("no numbers");
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** @throws RangeError without numbers */
export function summarise(numbers: ArrayLike<number>): Summary {
  return {
    median: quantile(numbers, 0.5),
    low: quantile(numbers, 0.25),
    high: quantile(numbers, 0.75),
    count: numbers.length,
  };
}

/**
 * How one thing compares with another that was measured beside it, round by round: what disturbs a round disturbs
 * both, and drops out.
 * @param base of the same rounds, in the same order
 * @throws RangeError when the rounds are not the same
 */
export function ratioByRound(numbers: readonly number[], base: readonly number[]): Summary {
  if (numbers.length !== base.length) throw new RangeError("not measured in the same rounds");
  return summarise(numbers.map((number, round) => number / (base[round] ?? Number.NaN)));
}
