/** A deliberate mistake in the code, which some test has to notice. */
export interface Fault {
  /** What the code does wrong then, in a few words; also its name on the command line. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly instead: string;
  /** The test files of which one must fail. */
  readonly tests: readonly string[];
}

/** The faults of one file. */
export function faultsIn(
  file: string,
  faults: readonly (readonly [name: string, text: string, instead: string, tests: readonly string[]])[],
): readonly Fault[] {
  return faults.map(([name, text, instead, tests]) => ({ name, file, text, instead, tests }));
}

/** A test file by the requirement's number and words: `r13-repeated-callback`. */
export const requirement = (name: string): string => `test/conformance/${name}.test.ts`;

/** Reads whatever others have written, at three lengths, and counts the work. */
export const growth = "test/node/growth.test.ts";

export const workerTest = (name: string): string => `test/worker/${name}.test.ts`;
