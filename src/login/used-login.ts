import { Failure, type Stage } from "../failure.ts";
import type { CurrentSession } from "../session/current-session.ts";
import type { AlreadyUsed } from "./attempt-state.ts";
import { redirectHome } from "./session-response.ts";

/** How long after its use a login's answer may still be on its way to the browser, in milliseconds. */
const IN_FLIGHT = 30_000;

/**
 * A reload, a double click or the back button. The browser that brought the code goes home if it is logged in:
 * nothing is made, nothing changes. Without a session it has most likely dropped the first answer by clicking
 * again; the page it gets sends it through the login once more, which finds the session or makes a new one.
 * Every other browser is refused, the one that began the login included.
 * @throws {Failure} `state_used`, or `login_declined` where the person has said no.
 */
export function usedLogin(used: AlreadyUsed, { session, setCookie }: CurrentSession, stage: Stage): Response {
  const { returnTo, broughtHere } = used;
  if (used.declined) throw new Failure("login_declined", { stage, returnTo });
  if (session !== undefined && (broughtHere || session.sid === used.sid))
    return redirectHome(returnTo, setCookie);
  const resume = broughtHere && Date.now() - used.usedAt < IN_FLIGHT;
  throw new Failure("state_used", { stage, returnTo, resume });
}
