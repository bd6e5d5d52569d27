// Makes a release of what CHANGELOG.md tells under "Unreleased": its number and date, in every file that names them, and
// the code that test/node/releases.test.ts upgrades from then on. Commits and publishes nothing.
// Usage: npm run release -- patch|minor|major

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const STEPS = ["major", "minor", "patch"] as const;
export type Step = (typeof STEPS)[number];

/** The version after one, by what of it goes up (https://semver.org). */
export function versionAfter(version: string, step: Step): string {
  const at = STEPS.indexOf(step);
  const numbers = version.split(".").map(Number);
  return numbers.map((number, place) => (place < at ? number : place === at ? number + 1 : 0)).join(".");
}

/**
 * The changelog with what is unreleased under a number and a date.
 * @param date as `2026-11-30`
 * @throws {Error} where nothing is unreleased, or the version is there already
 */
export function releasedChangelog(changelog: string, version: string, date: string): string {
  const heading = "## [Unreleased]";
  const begins = changelog.indexOf(heading);
  if (begins === -1) throw new Error(`CHANGELOG.md has no heading "${heading}"`);
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md tells of ${version} already`);
  const after = begins + heading.length;
  const next = changelog.indexOf("\n## [", after);
  const changes = changelog.slice(after, next === -1 ? undefined : next);
  if (!/^- /m.test(changes)) throw new Error("CHANGELOG.md tells of nothing that is unreleased");
  return `${changelog.slice(0, after)}\n\n## [${version}] - ${date}${changelog.slice(after)}`;
}

/** A manifest or lockfile with another version of the project; of the packages in it, nothing is touched. */
export function withVersion(text: string, from: string, to: string): string {
  const line = `"version": "${from}",`;
  const lines = text.split("\n");
  // The lockfile names it twice: for itself, and for the project in its list.
  const places = lines.flatMap((one, index) => (one.trim() === line && index < 10 ? [index] : []));
  if (places.length === 0) throw new Error(`no version ${from} to change`);
  return lines.map((one, index) => (places.includes(index) ? one.replace(from, to) : one)).join("\n");
}

if (import.meta.main) {
  const step = STEPS.find((known) => known === process.argv[2]);
  if (step === undefined) {
    console.error(`Usage: npm run release -- ${[...STEPS].reverse().join("|")}`);
    process.exit(2);
  }
  const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
  const { version: before } = JSON.parse(read("package.json")) as { readonly version: string };
  const version = versionAfter(before, step);
  const changelog = releasedChangelog(read("CHANGELOG.md"), version, new Date().toISOString().slice(0, 10));
  writeFileSync(join(ROOT, "CHANGELOG.md"), changelog);
  for (const path of ["package.json", "package-lock.json"])
    writeFileSync(join(ROOT, path), withVersion(read(path), before, version));
  execFileSync(process.execPath, ["test/releases/keep.ts", version], { cwd: ROOT, stdio: "inherit" });
  console.log(`${before} is ${version} now. Commit it, and the tag v${version} publishes it.`);
}
