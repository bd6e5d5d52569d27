import { answerStart } from "./console-route.ts";
import { isOwnNavigation } from "./own-navigation.ts";
import type { StaffRequest } from "./staff.ts";

/**
 * A page of the console that only the console itself leads to. Whoever comes from elsewhere, by a link, a popup or
 * an address that somebody gave them, finds the console's first page: nobody is looked at in their name.
 */
export function withinConsole(show: (request: StaffRequest) => Promise<Response>) {
  return (request: StaffRequest): Promise<Response> =>
    isOwnNavigation(request) ? show(request) : answerStart(request, "fromElsewhere");
}
