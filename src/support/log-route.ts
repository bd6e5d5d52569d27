import { readAudit } from "../accounts/audit-log.ts";
import { logPage } from "../pages/support/support-pages.ts";
import { answerPage } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { shownDeeds } from "./shown-deeds.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";
import { withinConsole } from "./within-console.ts";

const LOG_LIMIT = 200;

/** `GET /auth/support/log`: the newest lines of the audit log. */
export const showLog = (request: StaffRequest): Promise<Response> =>
  withinConsole(request, async () => {
    await noteDeed(request, "viewed", undefined, { page: "log" });
    const lines = await readAudit(request.records, undefined, LOG_LIMIT);
    const deeds = await shownDeeds(request, lines, false);
    return answerPage(request, logPage({ ...pageBasis(request), deeds }));
  });
