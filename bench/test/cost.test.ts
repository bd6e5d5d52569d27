import { describe, expect, it } from "vitest";
import {
  freeShares,
  keptOf,
  meterNames,
  paidBill,
  peopleADatabase,
  type UnitCosts,
  type Usage,
  usageOf,
} from "../cost/month.ts";
import { HOSTED } from "../cost/prices.ts";
import { costSection } from "../page/cost-section.ts";

const NOTHING = Object.fromEntries(meterNames().map((name) => [name, 0])) as Usage;

const UNIT: UnitCosts = {
  firstLogin: { ...NOTHING, requests: 2, d1RowsWritten: 16, objectRequests: 3 },
  laterLogin: { ...NOTHING, requests: 2, d1RowsWritten: 10, objectRequests: 3 },
  freshView: { ...NOTHING, requests: 1 },
  renewedView: { ...NOTHING, requests: 1, objectRequests: 1 },
  d1BytesPerson: 1_000,
  d1BytesLogin: 200,
  objectBytesPerson: 12_000,
};

describe("a month's bill", () => {
  it("adds up what logins and views use", () => {
    const usage = usageOf({ logins: 1_000, views: 100_000 }, UNIT);
    expect(usage.requests).toBe(102_000);
    // A tenth of the logins are first ones.
    expect(usage.d1RowsWritten).toBe(100 * 16 + 900 * 10);
    // One view in ten renews the session.
    expect(usage.objectRequests).toBe(3_000 + 10_000);
  });

  it("is the plan while everything is included, and what goes beyond it at its price", () => {
    expect(paidBill({ logins: 1_000, views: 100_000 }, UNIT)).toEqual({ dollars: 5, lines: [] });
    const { lines, dollars } = paidBill({ logins: 10_000_000, views: 1_000_000_000 }, UNIT);
    const of = (name: string) => lines.find((line) => line.name === name)?.dollars;
    // 1.02 billion requests, 10 million of them included, at $0.30 a million.
    expect(of("requests to the worker")).toBeCloseTo(303, 6);
    // 106 million rows, 50 million included, at a dollar.
    expect(of("D1 rows written")).toBeCloseTo(56, 6);
    // 130 million calls, a million included, at $0.15.
    expect(of("Durable Object requests")).toBeCloseTo(19.35, 6);
    // 30 million people of 1,000 bytes and 30 million events of 200, 5 GB included, at $0.75.
    expect(of("D1 storage")).toBeCloseTo((36 - 5) * 0.75, 6);
    expect(dollars).toBeCloseTo(5 + lines.reduce((sum, line) => sum + line.dollars, 0), 6);
  });

  it("says which limit of the free plan comes first, and when a database is full", () => {
    const [first, second] = freeShares({ logins: 1_000, views: 100_000 }, UNIT);
    expect(first).toEqual({ name: "requests to the worker", share: ((102_000 / 30) * 2) / 100_000 });
    expect(second?.share).toBeLessThan(first?.share ?? 0);
    expect(keptOf({ logins: 1_000, views: 0 }, UNIT).d1Gb).toBeCloseTo(
      (3_000 * 1_000 + 3_000 * 200) / 1e9,
      12,
    );
    expect(peopleADatabase(UNIT)).toBeCloseTo(10e9 / 1_200, 3);
  });

  it("knows what hosted logins charge by their published rules", () => {
    const charge = (name: string, people: number) =>
      HOSTED.find((one) => one.name.startsWith(name))?.charge(people);
    expect(charge("Amazon Cognito", 10_000)).toBe(0);
    expect(charge("Amazon Cognito", 100_000)).toBeCloseTo(1_350, 6);
    // What its own article says for 100,000.
    expect(charge("Clerk", 100_000)).toBe(1_025);
    expect(charge("Clerk", 10_000_000)).toBeUndefined();
    expect(charge("Supabase", 100_000)).toBe(25);
    expect(charge("WorkOS", 1_000_000)).toBe(0);
    expect(charge("WorkOS", 10_000_000)).toBe(22_500);
  });

  it("is told on the page with the limit that comes first", () => {
    const { markdown } = costSection({ ...UNIT, people: 300 });
    expect(markdown).toContain("**The free plan** ends first at requests to the worker");
    expect(markdown).toContain("| **paid plan** | **$5.00** |");
    expect(markdown).toMatch(/with about 8,333,333 people/);
  });
});
