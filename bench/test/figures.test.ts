import { describe, expect, it } from "vitest";
import { oneAfterTheOther } from "../load/many-logins.ts";
import { disturbedWarning } from "../page/load-figures.ts";
import { growthOf } from "../page/memory-section.ts";
import { bundleParts } from "../parts/size.ts";
import { agreed, wholeDelays } from "../parts/steps.ts";

describe("what the benchmark makes of what it measured", () => {
  it("adds up a bundle by package and by room, wherever the files lie, the largest first", () => {
    const inputs = {
      "src/app.ts": 10,
      "src/login/start-login.ts": 3,
      "src/login/finish-login.ts": 4,
      "../../elsewhere/src/pages/texts/nb.ts": 50,
      "src/pages/texts/support/da.ts": 25,
      "src/pages/layout.ts": 6,
      "node_modules/hono/dist/hono.js": 20,
      "node_modules/@scope/name/index.js": 1,
      "bench/node_modules/jose/dist/index.js": 2,
      "node_modules/jose/dist/other.js": 0,
      "src/empty/nothing.ts": 0,
    };
    expect(bundleParts(inputs)).toEqual([
      { name: "texts in five languages", bytes: 75 },
      { name: "hono", bytes: 20 },
      { name: "src/ (app, settings, failures)", bytes: 10 },
      { name: "src/login/", bytes: 7 },
      { name: "src/pages/", bytes: 6 },
      { name: "jose", bytes: 2 },
      { name: "@scope/name", bytes: 1 },
    ]);
  });

  it("takes what an added delay added to an answer for a whole number of waits", () => {
    expect([-75, 0, 30, 175, 290, 495, 780].map(wholeDelays)).toEqual([0, 0, 0, 1, 1, 2, 3]);
  });

  it("believes a measurement only when another one agrees", async () => {
    const values =
      (...list: number[]) =>
      async () =>
        list.shift() ?? Number.NaN;
    expect(await agreed(values(2, 2, 9))).toBe(2);
    expect(await agreed(values(7, 2, 9, 2))).toBe(2);
    await expect(agreed(values(1, 2, 3, 4, 5, 6, 7, 8, 9, 9))).rejects.toThrow("no two measurements agree");
  });

  it("warns where the measured process did not have its core", () => {
    const rounds = (...shares: readonly (number | undefined)[]) =>
      shares.map((busy) => {
        return { perSecond: 1, medianLatency: 1, p99Latency: 1, processorTime: undefined, busy };
      });
    expect(disturbedWarning(rounds(0.95, 0.4, 0.9))).toBeUndefined();
    expect(disturbedWarning(rounds(0.95, 0.4, 0.3))).toContain("40 %");
    expect(disturbedWarning(rounds(undefined))).toBeUndefined();
  });

  it("adds up two halves of a login that were measured by themselves", () => {
    const half = { medianLatency: 2, p99Latency: 5, busy: 1 };
    const whole = oneAfterTheOther(
      { ...half, perSecond: 100, processorTime: 10_000 },
      { ...half, perSecond: 300, processorTime: 3_000 },
    );
    // 100 of them take a second and a third of one.
    expect(whole.perSecond).toBeCloseTo(75, 9);
    expect(whole).toMatchObject({ medianLatency: 4, p99Latency: 10, processorTime: 13_000 });
    expect(whole.busy).toBeCloseTo(0.975, 9);
  });

  it("tells memory that rises and stays from memory that goes on rising", () => {
    const run = (resident: (batch: number) => number) =>
      Array.from({ length: 12 }, (_, batch) => {
        return { logins: batch * 1000, seconds: batch * 10, resident: resident(batch) };
      });
    expect(growthOf(run((batch) => Math.min(batch, 3) * 100))).toBe(0);
    expect(growthOf(run((batch) => 1000 + batch * 100))).toBeCloseTo(1950 / 1550 - 1, 9);
    expect(growthOf([])).toBeNaN();
  });
});
