import { ROW_IDS, type RowId } from "./row-ids.ts";
import { AGREEMENT_ROWS } from "./rows/agreements.ts";
import { ENDPOINT_ROWS } from "./rows/endpoints.ts";
import { LOGIN_REQUEST_ROWS } from "./rows/login-request.ts";
import { PITFALL_ROWS } from "./rows/pitfalls.ts";
import { QUALITY_ROWS } from "./rows/quality.ts";
import type { Row } from "./rows/row-definition.ts";
import { SENT_ROWS } from "./rows/sent-along.ts";
import { SCENES, type SceneName } from "./seen.ts";

const ALL: readonly Row[] = [
  ...ENDPOINT_ROWS,
  ...QUALITY_ROWS,
  ...LOGIN_REQUEST_ROWS,
  ...AGREEMENT_ROWS,
  ...PITFALL_ROWS,
  ...SENT_ROWS,
];

/** Every row of the checklist, in the order of the report. */
export const ROWS: readonly Row[] = ROW_IDS.flatMap((id) => ALL.filter((row) => row.id === id));

/** What has to be walked for some rows, in the order of the walk. */
export function scenesFor(ids: readonly RowId[]): readonly SceneName[] {
  const wanted = new Set(ROWS.filter(({ id }) => ids.includes(id)).flatMap(({ scenes }) => scenes));
  return SCENES.filter((scene) => wanted.has(scene));
}
