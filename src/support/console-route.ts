import { type LinkRequest, linkRequests } from "../accounts/link-requests.ts";
import { supportPage } from "../pages/support/support-pages.ts";
import type { Notice } from "../pages/texts/support/support-texts.ts";
import { answerPage } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { shownFigures } from "./shown-figures.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** How many waiting people the first page names. */
const REQUESTS_LIMIT = 10;

/** `GET /auth/support?day=2026-11-22`: the search, who waits to be linked, and the figures of a day. */
export async function showConsole(request: StaffRequest): Promise<Response> {
  const waiting = await linkRequests(request.records, undefined, REQUESTS_LIMIT);
  // Names are shown only where somebody waits; figures are about nobody.
  if (waiting.length > 0) {
    await noteDeed(request, "viewed", undefined, { requests: waiting.map(({ reference }) => reference) });
  }
  return answerStart(request, undefined, waiting);
}

/** The first page, which names nobody but the people who wait, where they are given. */
export async function answerStart(
  request: StaffRequest,
  notice: Notice | undefined,
  waiting: readonly LinkRequest[] = [],
): Promise<Response> {
  const figures = await shownFigures(request);
  const requests = waiting.map((one) => shownRequest(request, one));
  return answerPage(request, supportPage({ ...pageBasis(request, notice), figures, requests }));
}
