import { Failure, type Stage } from "../failure.ts";
import type { Settings } from "../settings.ts";

/**
 * The purpose that a request names.
 * @param named `undefined` where it names none.
 * @throws {Failure} `purpose_unknown` for what PURPOSES does not name: nobody is asked for what was mistyped.
 */
export function askedPurpose(
  { login }: Settings,
  named: string | undefined,
  stage: Stage,
): string | undefined {
  if (named === undefined || login.purposes.has(named)) return named;
  throw new Failure("purpose_unknown", { stage });
}
