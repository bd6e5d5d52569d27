import { readAudit } from "../accounts/audit-log.ts";
import { linkRequests } from "../accounts/link-requests.ts";
import { logPage, supportPage } from "../pages/support/support-pages.ts";
import { answerPage } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { shownDeeds } from "./shown-deeds.ts";
import { shownFigures } from "./shown-figures.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** How many waiting people the first page names. */
const REQUESTS_LIMIT = 10;
const LOG_LIMIT = 200;

/** `GET /auth/support?day=2026-11-22`: the search, who waits to be linked, and the figures of a day. */
export async function showConsole(request: StaffRequest): Promise<Response> {
  const { records } = request;
  const [figures, waiting] = await Promise.all([
    shownFigures(request),
    linkRequests(records, undefined, REQUESTS_LIMIT),
  ]);
  // Names are shown only where somebody waits; figures are about nobody.
  if (waiting.length > 0) {
    await noteDeed(request, "viewed", undefined, { requests: waiting.map(({ reference }) => reference) });
  }
  const requests = waiting.map((one) => shownRequest(request, one));
  return answerPage(request, supportPage({ ...pageBasis(request), figures, requests }));
}

/** `GET /auth/support/log`: the newest lines of the audit log. */
export async function showLog(request: StaffRequest): Promise<Response> {
  await noteDeed(request, "viewed", undefined, { page: "log" });
  const lines = await readAudit(request.records, undefined, LOG_LIMIT);
  const deeds = await shownDeeds(request, lines, false);
  return answerPage(request, logPage({ ...pageBasis(request), deeds }));
}
