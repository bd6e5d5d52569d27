import { describe, expect, it } from "vitest";
import { growthOf } from "../../bench/page/memory-section.ts";
import { bundleParts } from "../../bench/parts/size.ts";
import { agreed, wholeDelays } from "../../bench/parts/steps.ts";

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
      "bench/peers/node_modules/jose/dist/index.js": 2,
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
