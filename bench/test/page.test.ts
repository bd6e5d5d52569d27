import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMPARED, OURS_D1 } from "../designs/designs.ts";
import type { LoadResult } from "../load/measured-load.ts";
import { keptParts, sectionOf, updatePage, writePage } from "../page/page.ts";
import type { SessionFigures } from "../parts/session.ts";
import type { Results } from "../results.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function rounds(rates: readonly number[], busy = 0.95): readonly LoadResult[] {
  return rates.map((perSecond) => {
    return { perSecond, medianLatency: 1, p99Latency: 2, processorTime: 1e6 / perSecond, busy };
  });
}

/** Figures in which this project does a given share of what bare Hono does, and everything else a tenth. */
function resultsWith(share: number, busy?: number): Results {
  const hono = [1000, 500, 2000];
  const series: SessionFigures["series"] = COMPARED.flatMap(({ id, kind, sessionPath, guardedPath }) =>
    (["session", "guarded"] as const)
      .filter((target) => (target === "session" ? sessionPath : guardedPath) !== undefined)
      .flatMap((target) =>
        [1, 16].map((connections) => {
          const part = id === OURS_D1.id ? share : kind === "baseline" ? 1 : 0.1;
          return {
            design: id,
            target,
            connections,
            rounds: rounds(
              hono.map((rate) => rate * part),
              busy,
            ),
          };
        }),
      ),
  );
  return {
    environment: {
      date: "2026-11-22",
      processor: "a processor",
      cores: 2,
      memoryGiB: 8,
      system: "Linux",
      workerd: "2026-10-23",
      node: "24.0.0",
      pinned: { measured: 0, generator: 1 },
      packages: { hono: "4.0.0" },
    },
    quick: false,
    command: "npm run bench",
    session: { series, secondsEach: 1 },
  };
}

describe("the page of the benchmark", () => {
  it("says which goal is reached", () => {
    const [reached, missed] = [0.96, 0.89].map(
      (share) => sectionOf(resultsWith(share), "session")?.goals ?? [],
    );
    expect(reached).toHaveLength(2);
    for (const line of reached ?? []) expect(line).toMatch(/^- \*\*Reached\*\*: .*Measured: 0\.96 /);
    for (const line of missed ?? []) expect(line).toMatch(/^- \*\*Missed\*\*: .*Measured: 0\.89 /);
    const [session, guarded] = sectionOf(resultsWith(0.92), "session")?.goals ?? [];
    expect(session).toMatch(/^- \*\*Missed\*\*: .*at least 0\.95 .*Measured: 0\.92 /);
    expect(guarded).toMatch(/^- \*\*Reached\*\*: .*at least 0\.90 .*Measured: 0\.92 /);
  });

  it("misses a goal that asks to be ahead of every peer when one is ahead", () => {
    const { session, ...rest } = resultsWith(0.96);
    if (session === undefined) throw new Error("no figures");
    const series = session.series.map((one) =>
      one.design === "oidc-auth" ? { ...one, rounds: rounds([980, 490, 1960]) } : one,
    );
    const goals = sectionOf({ ...rest, session: { ...session, series } }, "session")?.goals ?? [];
    for (const line of goals) expect(line).toMatch(/^- \*\*Missed\*\*: .*@hono\/oidc-auth, 0\.98[.;]/);
  });

  it("warns at its head when the measured core was not the limit", () => {
    const head = (results: Results) => readFileSync(writePage(results, folder), "utf8").split("## Goals")[0];
    expect(head(resultsWith(0.85))).not.toContain("other work");
    expect(head(resultsWith(0.85, 0.4))).toContain("other work");
  });

  it("is written with every chart it shows, for light and dark pages, and nothing that is no number", () => {
    const page = readFileSync(writePage(resultsWith(0.85), folder), "utf8");
    const shown = [...page.matchAll(/images\/performance\/([\w-]+\.svg)/g)].map(([, file]) => file);
    const written = readdirSync(join(folder, "images/performance"));
    expect(written.toSorted()).toEqual([...new Set(shown)].toSorted());
    expect(written.filter((file) => file.endsWith("-dark.svg"))).toHaveLength(written.length / 2);
    for (const text of [
      page,
      ...written.map((file) => readFileSync(join(folder, "images/performance", file), "utf8")),
    ])
      expect(text).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).toContain("a processor, 2 cores, 8 GiB, Linux; workerd 2026-10-23");
  });

  it("takes what was measured in place of the same part, says where it comes from, and leaves the rest", () => {
    const path = writePage(resultsWith(0.85), folder);
    const before = readFileSync(path, "utf8");
    const memory = "<!-- memory -->\n## Memory\n\nAs it was.\n\n";
    const goals = "<!-- goals of memory -->\n- **Reached**: flat.\n";
    writeFileSync(
      path,
      before
        .replace("<!-- session -->", `${goals}<!-- session -->`)
        .replace("## Method", `${memory}## Method`),
    );
    const { environment, ...rest } = resultsWith(0.7);
    const command = "npm run bench -- --only session --update";
    const results = { ...rest, command, environment: { ...environment, date: "2027-01-01" } };
    expect(updatePage(results, folder)).toBe(path);
    const page = readFileSync(path, "utf8");
    expect(page).toContain("## Memory\n\nAs it was.");
    expect(page).toContain("- **Reached**: flat.");
    expect(page).toContain(`Measured on 2027-01-01 by \`${command}\`: a processor`);
    expect(page).toContain("Measured: 0.70 ");
    expect(page).not.toContain("Measured: 0.85 ");
    expect([...keptParts(page).keys()].toSorted()).toEqual(["memory", "session"]);
    updatePage(results, folder);
    expect(readFileSync(path, "utf8")).toBe(page);
  });

  it("knows every part of the page in docs/", () => {
    const page = readFileSync("docs/performance.md", "utf8");
    const headings = page.match(/^## /gm) ?? [];
    const pictured = page.match(/^<!-- \w+ -->$/gm) ?? [];
    // Goals and Method are of all parts; the world on paper is a part of the round trips.
    expect(pictured).toHaveLength(headings.length - 3);
    for (const { markdown } of keptParts(page).values()) expect(markdown).toMatch(/^## .+\n\nMeasured on /);
  });
});
