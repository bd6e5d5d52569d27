import type { LinkRequest } from "../accounts/link-requests.ts";
import { filled } from "../pages/language.ts";
import type { ShownRequest } from "../pages/support/shown.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import { requestPath } from "./answers.ts";
import { shownPerson, when } from "./shown-account.ts";
import type { StaffRequest } from "./staff.ts";

/** A waiting person as the staff read of them. */
export function shownRequest(request: StaffRequest, waiting: LinkRequest): ShownRequest {
  const { brand, language } = request.page;
  return {
    ...shownPerson(waiting.person),
    reference: waiting.reference,
    href: requestPath(request, waiting.reference),
    reason: filled(supportTextsIn(language).requestReasons[waiting.reason], { brand }),
    when: when(request, waiting.requestedAt),
  };
}
