import { consentsExport } from "../accounts/consents-export.ts";
import { formBody } from "../http/request.ts";
import { answerExport, formatOf, PORTION, queriesOf } from "./exported-file.ts";
import type { StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/consents`: everybody's consents as a file, `format=csv` or `json`, with `history=yes` every
 * answer ever given.
 * @throws {Failure} `storage_unavailable`, where not even a first row can be read.
 */
export async function exportConsents(request: StaffRequest): Promise<Response> {
  const form = (await formBody(request.c.req.raw)) ?? new URLSearchParams();
  const history = form.get("history") === "yes";
  const { site } = request.records;
  return answerExport(
    request,
    { list: "consents", consents: history ? "history" : "current" },
    formatOf(form),
    consentsExport(queriesOf(request), { site, history, portion: PORTION }),
  );
}
