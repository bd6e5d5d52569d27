import { answerStart } from "./console-route.ts";
import { isOwnNavigation } from "./own-navigation.ts";
import type { StaffRequest } from "./staff.ts";

/**
 * A page of the console that only the console itself leads to. Whoever comes from elsewhere, by a link, a popup or
 * an address that somebody gave them, finds the console's first page: nobody is looked at in their name.
 */
export function withinConsole(request: StaffRequest, show: () => Promise<Response>): Promise<Response> {
  return isOwnNavigation(request) ? show() : answerStart(request, "fromElsewhere");
}
