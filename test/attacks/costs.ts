import { rawRequest } from "../node/raw-request.ts";
import type { Target } from "./attack.ts";

/** A request as an attacker writes it: nothing between tidies it up. */
export interface RawAttack {
  readonly target: string;
  readonly headers?: readonly string[];
}

export interface Cost {
  readonly status: number;
  /** Until the answer was complete. */
  readonly milliseconds: number;
}

export async function costOf({ site }: Target, { target, headers = [] }: RawAttack): Promise<Cost> {
  const start = performance.now();
  const { status } = await rawRequest(site, target, headers);
  return { status, milliseconds: performance.now() - start };
}

/** What a request for something that is not there costs, in milliseconds: the median of several. */
export async function plainCost(target: Target): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < 31; round += 1) {
    costs.push((await costOf(target, { target: `/nothing-here-${round}` })).milliseconds);
  }
  return median(costs.slice(10));
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** How much more than a plain request one of an attacker may cost. */
const FACTOR = 10;

/** Tries an attack that wants to cost time, and asks as another visitor while it runs. */
export async function tryToDelay(
  target: Target,
  attack: RawAttack,
): Promise<readonly (readonly [boolean, string])[]> {
  const plain = await plainCost(target);
  const bound = plain * FACTOR;
  const costs: Cost[] = [];
  const others: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const hostile = costOf(target, attack);
    // Sent right behind it, so that it waits where the attack holds the isolate.
    const other = costOf(target, { target: `${target.authPath}/session` });
    costs.push(await hostile);
    others.push((await other).milliseconds);
  }
  const cost = median(costs.map(({ milliseconds }) => milliseconds));
  const other = median(others);
  const times = (milliseconds: number) =>
    `${milliseconds.toFixed(1)} ms, ${(milliseconds / plain).toFixed(1)} times a plain 404 (${plain.toFixed(1)} ms)`;
  return [
    [cost <= bound, `answered ${costs[0]?.status} in ${times(cost)}`],
    [other <= bound, `another visitor's /session in between: ${times(other)}`],
  ];
}
