import type { Bundle } from "../bundle.ts";
import type { Design } from "../designs/design.ts";
import type { Surroundings } from "../running-design.ts";

/** What every part of the benchmark works with. */
export interface Bench extends Surroundings {
  /** Whether all of it shall be over in three minutes. */
  readonly quick: boolean;
  /** Whether this is the only part that is measured, which then may take the time it needs. */
  readonly alone: boolean;
  /** Another revision of this project that is measured beside it. */
  readonly earlier: Design | undefined;
  /** The production bundle of a design; built when first asked for. */
  readonly bundleOf: (design: Design) => Promise<Bundle>;
  /** One line for the person who waits. */
  readonly say: (line: string) => void;
}
