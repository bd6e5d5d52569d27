import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProvider } from "../load/provider.ts";
import { scaleSection } from "../page/scale-section.ts";
import { countUnits } from "../parts/cost.ts";
import { DEEDS, type Deed, measureSizes, type ScaleFigures } from "../parts/scale.ts";
import { buildServices } from "../running-design.ts";

/** The benchmark's table of sizes in small: rows as D1 counts them, which no other work on the machine changes. */
describe("costs beside a registry of 20,000", () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-scale-"));
  let figures: ScaleFigures;

  beforeAll(async () => {
    const provider = await createProvider();
    await buildServices(folder);
    const surroundings = { folder, provider, cores: undefined, say: () => undefined };
    figures = await measureSizes(surroundings, { sizes: [0, 20_000], repetitions: 1 });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const rowsOf = (deed: Deed, accounts: number) => {
    const row = figures.rows.find((one) => one.deed === deed && one.accounts === accounts);
    if (row === undefined) throw new Error(`${deed} was not measured`);
    return row;
  };

  /** A search by part of a name reads the people of that name, of whom there are more among more people. */
  const FLAT = DEEDS.filter((deed) => !deed.includes("part of") && !deed.includes("first name"));

  it.each(FLAT)("are those beside an empty one: %s", (deed) => {
    const [empty, full] = [rowsOf(deed, 0), rowsOf(deed, 20_000)];
    expect(full.rowsRead).toBeLessThanOrEqual(2 * empty.rowsRead);
    expect(full.rowsWritten).toBeLessThanOrEqual(empty.rowsWritten + 2);
  });

  it.each(DEEDS.filter((deed) => !FLAT.includes(deed)))(
    "go by who has the name, not by everybody: %s",
    (deed) => {
      expect(rowsOf(deed, 20_000).rowsRead).toBeLessThan(4_000);
    },
  );

  it("of a login are few rows, whoever logs in", () => {
    const known = rowsOf("login of somebody known", 20_000);
    console.log(`a login of somebody known reads ${known.rowsRead} rows and writes ${known.rowsWritten}`);
    expect(known.rowsRead).toBeLessThanOrEqual(16);
    expect(known.rowsWritten).toBeLessThanOrEqual(6);
  });

  it("of an import go by its lines", () => {
    const { rowsRead, rowsWritten } = rowsOf("import of 1,000, half of them there by login", 20_000);
    expect(rowsRead).toBeLessThan(25_000);
    expect(rowsWritten).toBeLessThan(12_000);
  });

  it("are told on the page", () => {
    const { markdown, goals } = scaleSection(figures);
    for (const deed of DEEDS) expect(markdown).toContain(`| ${deed} |`);
    expect(goals).toHaveLength(4);
  });
});

it("counts what a login, a view and a person cost", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-cost-"));
  try {
    const provider = await createProvider();
    await buildServices(folder);
    const surroundings = { folder, provider, cores: undefined, say: () => undefined };
    const { laterLogin, firstLogin, freshView, renewedView, ...kept } = await countUnits(surroundings, 10);
    expect(freshView).toMatchObject({
      requests: 1,
      objectRequests: 0,
      d1RowsRead: 0,
      d1RowsWritten: 0,
      kvReads: 0,
    });
    expect(renewedView).toMatchObject({ objectRequests: 1, d1RowsRead: 0 });
    expect(laterLogin.objectRowsWritten).toBeGreaterThan(0);
    expect(firstLogin.d1RowsWritten).toBeGreaterThan(laterLogin.d1RowsWritten);
    expect(kept.objectBytesPerson).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
