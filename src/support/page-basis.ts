import { queryParameter } from "../http/request.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import type { Notice } from "../pages/texts/support/support-texts.ts";
import { consolePath } from "./answers.ts";
import { isOwnNavigation } from "./own-navigation.ts";
import type { StaffRequest } from "./staff.ts";

/**
 * What every page of the console begins with: language and names, the way home, what the last action led to.
 * @param notice in place of the one that the address names.
 */
export function pageBasis(request: StaffRequest, notice = namedNotice(request)) {
  const { page, settings } = request;
  const logoutAction = `${settings.site.authPath}/logout`;
  return { ...page, home: consolePath(settings), logoutAction, notice, isAgency: request.staff.isAgency };
}

/** The address may say anything; only notices of ours are shown, and only where we sent the browser on. */
function namedNotice(request: StaffRequest): Notice | undefined {
  const named = queryParameter(request.c.req.raw, "notice");
  return isNotice(request, named) && isOwnNavigation(request) ? named : undefined;
}

function isNotice({ page }: StaffRequest, text: string | undefined): text is Notice {
  return text !== undefined && Object.hasOwn(supportTextsIn(page.language).notices, text);
}
