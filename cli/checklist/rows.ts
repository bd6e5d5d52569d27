import type { RowId } from "./row-ids.ts";
import { CONSIDERATION_ROWS } from "./rows/considerations.ts";
import { ENDPOINT_ROWS } from "./rows/endpoints.ts";
import { PITFALL_ROWS } from "./rows/pitfalls.ts";
import { QUALITY_ROWS } from "./rows/quality.ts";
import type { Row } from "./rows/row-definition.ts";
import { SENT_ROWS } from "./rows/sent-along.ts";
import { SCENES, type SceneName } from "./seen.ts";

/** Every row of the checklist, in the order of the report. */
export const ROWS: readonly Row[] = [
  ...ENDPOINT_ROWS,
  ...QUALITY_ROWS,
  ...CONSIDERATION_ROWS,
  ...PITFALL_ROWS,
  ...SENT_ROWS,
];

/** What has to be walked for some rows, in the order of the walk. */
export function scenesFor(ids: readonly RowId[]): readonly SceneName[] {
  const wanted = new Set(ROWS.filter(({ id }) => ids.includes(id)).flatMap(({ scenes }) => scenes));
  return SCENES.filter((scene) => wanted.has(scene));
}
