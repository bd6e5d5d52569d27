import { filled, textsIn } from "../pages/language.ts";
import type { ShownSession } from "../pages/support/shown.ts";
import { sessionWords } from "../session/session-words.ts";
import type { StoredSession } from "../session/user-sessions.ts";
import type { StaffRequest } from "./staff.ts";

/** A session as the staff read of it. */
export function shownSession({ page, zone, staff }: StaffRequest, session: StoredSession): ShownSession {
  const { sessions } = textsIn(page.language);
  const { id, device, place, lastUsed, begun } = sessionWords(page.language, zone, session, staff.sid);
  return {
    id,
    device,
    place,
    used: lastUsed === undefined ? sessions.usedNow : filled(sessions.used, { when: lastUsed }),
    begun: filled(sessions.begun, { when: begun }),
  };
}
