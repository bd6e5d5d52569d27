import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantile, ratioByRound, summarise } from "../statistics.ts";

describe("the statistics of the benchmark", () => {
  it("finds quantiles as R's default does, whatever the order", () => {
    // quantile(c(1, 2, 3, 4)) and quantile(c(15, 20, 35, 40, 50), .4) in R.
    expect(summarise([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25, count: 4 });
    expect(quantile([50, 15, 40, 20, 35], 0.4)).toBeCloseTo(29, 12);
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it("sorts by number, not by text", () => {
    expect(quantile([100, 9, 20], 0.5)).toBe(20);
  });

  it("never leaves the range of what was measured", () => {
    const numbers = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (measured, share) => {
        const value = quantile(measured, share);
        expect(value).toBeGreaterThanOrEqual(Math.min(...measured) - 1e-6);
        expect(value).toBeLessThanOrEqual(Math.max(...measured) + 1e-6);
      }),
    );
  });

  it("compares round by round, so that what slows a round down drops out", () => {
    const base = [100, 50, 200];
    const half = base.map((rate) => rate / 2);
    expect(ratioByRound(half, base)).toEqual({ median: 0.5, low: 0.5, high: 0.5, count: 3 });
    expect(() => ratioByRound([1], base)).toThrow(RangeError);
  });
});
