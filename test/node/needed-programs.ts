import { describe, expect, test } from "vitest";
import { canInstall, findProgram, type ProgramName, whyMissing } from "../../cli/test-programs.mjs";

const inCi = process.env.CI !== undefined && !["", "0", "false"].includes(process.env.CI);

/**
 * Tests that need programs of the machine. Where one is missing they are skipped, aloud; with CI set, where it could
 * have been installed, that is a failure.
 */
export function describeWith(programs: readonly ProgramName[], title: string, body: () => void): void {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  for (const name of missing) console.error(`!! The tests of ${title} are SKIPPED: ${whyMissing(name)}. !!`);
  test.runIf(inCi && canInstall())(`${title}: the programs to test with are there`, () => {
    expect(missing.map((name) => whyMissing(name))).toEqual([]);
  });
  describe.runIf(missing.length === 0)(title, body);
}
