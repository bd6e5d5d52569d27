import type { AuditEntry } from "../accounts/audit-log.ts";
import { type Export, type ExportFormat, type RunQuery, writtenRows } from "../accounts/exported-rows.ts";
import { fromStorage } from "../storage-call.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** Rows of one statement. */
export const PORTION = 5_000;

/** What a form of the console asks for. */
export const formatOf = (form: URLSearchParams): ExportFormat =>
  form.get("format") === "json" ? "json" : "csv";

/** Carries out the statements of an export. */
export const queriesOf =
  ({ settings, records: { database } }: StaffRequest): RunQuery =>
  async (sql, params) => {
    const ask = () =>
      database
        .prepare(sql)
        .bind(...params)
        .all();
    return (await fromStorage({ site: settings.site.origin, store: "accounts_db", stage: "support" }, ask))
      .results;
  };

/**
 * A list as a file. Written as it is read; should storage fail on the way, the download breaks off and the browser says
 * so. The audit log has a line before the first row is read, and one with the number of rows when the last is written,
 * or when the download ends early.
 * @param what the list, for the log and the file's name.
 * @throws {Failure} `storage_unavailable`, where not even the first line can be written.
 */
export async function answerExport(
  request: StaffRequest,
  what: AuditEntry["details"] & { readonly list: "consents" | "members" },
  format: ExportFormat,
  exported: Export,
): Promise<Response> {
  const { c, settings } = request;
  const details = { ...what, format };
  await noteDeed(request, "exported", undefined, details);
  let rows = 0;
  const pieces = writtenRows(exported, format, (written) => {
    rows = written;
  });
  const noteSize = () => noteDeed(request, "exported", undefined, { ...details, rows });
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (!done) {
        controller.enqueue(encoder.encode(value));
        return;
      }
      await noteSize();
      controller.close();
    },
    async cancel() {
      await pieces.return(undefined);
      c.executionCtx.waitUntil(noteSize());
    },
  });
  const host = new URL(settings.site.origin).hostname;
  return new Response(body, {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "content-disposition": `attachment; filename="${host}-${what.list}.${format}"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
