// Names that nobody reads, and what was probably meant by them. A slip in a name is as good as no setting: what
// `PROTECTD_PATHS` was to protect would stand open without a word.

import { type SettingName, settingNames } from "./table.ts";

/** A name that is no setting's, and the setting it resembles. */
export interface MistakenName {
  readonly name: string;
  readonly meant: SettingName;
}

/** Shorter names resemble many a word of somebody else's. In characters. */
const LONG = 10;

/** With more slips than these a name is another name. */
const MOST_SLIPS = 2;

/** The names among `given` that are no setting's and resemble one. */
export function mistakenNames(given: readonly string[]): readonly MistakenName[] {
  return given.flatMap((name) => {
    const meant = resembled(name);
    return meant === undefined ? [] : [{ name, meant }];
  });
}

/** The setting whose name this one resembles without being it. */
function resembled(given: string): SettingName | undefined {
  if (given.length > 60 || settingNames().some((name) => name === given)) return undefined;
  const written = given.toUpperCase().replaceAll("-", "_");
  // As many slips as the lengths differ by there are at least: of most names no more has to be known.
  const near = settingNames().filter((name) => Math.abs(name.length - written.length) <= MOST_SLIPS);
  const slips = near.map((name) => ({ name, count: slipsBetween(name, written) }));
  const [nearest] = slips.toSorted((one, other) => one.count - other.count);
  if (nearest === undefined) return undefined;
  const most = Math.min(written.length, nearest.name.length) < LONG ? 1 : MOST_SLIPS;
  return nearest.count <= most ? nearest.name : undefined;
}

/** How many characters are missing, added, wrong or changed for their neighbour (optimal string alignment). */
function slipsBetween(one: string, other: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1];
      const least = Math.min((row[j - 1] ?? 0) + (isSame ? 0 : 1), (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      const isSwapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next.push(isSwapped ? Math.min(least, (before[j - 2] ?? least) + 1) : least);
    }
    [before, row] = [row, next];
  }
  return row.at(-1) ?? 0;
}
