import { exportedConsents, type RunQuery, writtenConsents } from "../accounts/consents-export.ts";
import { formBody } from "../http/form-body.ts";
import { fromStorage } from "../storage-call.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** Rows of one statement. */
const PORTION = 5_000;

/**
 * `POST /auth/support/consents`: everybody's consents as a file, `format=csv` or `json`, with `history=yes` every
 * answer ever given. Written as it is read; should storage fail on the way, the download breaks off and the
 * browser says so.
 * @throws {Failure} `storage_unavailable`, where not even a first row can be read.
 */
export async function exportConsents(request: StaffRequest): Promise<Response> {
  const { c, settings, records } = request;
  const form = (await formBody(c.req.raw)) ?? new URLSearchParams();
  const format = form.get("format") === "json" ? "json" : "csv";
  const history = form.get("history") === "yes";
  await noteDeed(request, "exported", undefined, { consents: history ? "history" : "current", format });
  const run: RunQuery = async (sql, params) =>
    (
      await fromStorage({ site: settings.site.origin, store: "accounts_db", stage: "support" }, () =>
        records.database
          .prepare(sql)
          .bind(...params)
          .all(),
      )
    ).results;
  const portions = exportedConsents(run, { site: records.site, history, portion: PORTION });
  const pieces = writtenConsents(portions, format);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await pieces.return(undefined);
    },
  });
  const host = new URL(settings.site.origin).hostname;
  return new Response(body, {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "content-disposition": `attachment; filename="${host}-consents.${format}"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
