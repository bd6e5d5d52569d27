import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { releasedChangelog, versionAfter, withVersion } from "../../build/release.ts";
import packageJson from "../../package.json" with { type: "json" };

describe("a release", () => {
  it.each([
    ["0.1.9", "patch", "0.1.10"],
    ["0.1.9", "minor", "0.2.0"],
    ["0.1.9", "major", "1.0.0"],
  ] as const)("goes from %s by a %s to %s", (before, step, after) => {
    expect(versionAfter(before, step)).toBe(after);
  });

  it("puts what is unreleased under its number and date, and leaves room for the next", () => {
    const older = "## [0.1.0] - 2026-01-01\n\n### Added\n\n- All.\n";
    expect(
      releasedChangelog(`# C\n\n## [Unreleased]\n\n### Fixed\n\n- It.\n\n${older}`, "0.1.1", "2026-02-03"),
    ).toBe(`# C\n\n## [Unreleased]\n\n## [0.1.1] - 2026-02-03\n\n### Fixed\n\n- It.\n\n${older}`);
  });

  it("is none without a change, nor twice", () => {
    const told = "# C\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- All.\n";
    expect(() => releasedChangelog(told, "0.1.1", "2026-02-03")).toThrow("nothing that is unreleased");
    expect(() => releasedChangelog(told, "0.1.0", "2026-02-03")).toThrow("0.1.0 already");
  });

  it.each(["package.json", "package-lock.json"])(
    "changes the project's version in %s and no package's",
    (path) => {
      const text = readFileSync(path, "utf8");
      const { version } = packageJson;
      const changed = withVersion(text, version, "98.7.6");
      const before = text.split("\n");
      const differing = changed.split("\n").filter((line, index) => line !== before[index]);
      expect(new Set(differing.map((line) => line.trim()))).toEqual(new Set(['"version": "98.7.6",']));
      expect(JSON.parse(changed).version).toBe("98.7.6");
      if (path === "package-lock.json") expect(JSON.parse(changed).packages[""].version).toBe("98.7.6");
    },
  );

  it("can be made of the changelog as it is", () => {
    expect(releasedChangelog(readFileSync("CHANGELOG.md", "utf8"), "98.7.6", "2026-12-01")).toContain(
      "## [98.7.6] - 2026-12-01\n\n### ",
    );
  });
});
