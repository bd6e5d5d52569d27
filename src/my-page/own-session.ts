import type { AppContext } from "../http/request-context.ts";
import { currentSession } from "../session/current-session.ts";
import type { AuthenticSession } from "../session/session.ts";
import { expiredSessionCookie } from "../session/session.ts";
import { askForLogin } from "../session/session-required.ts";
import { renewSession } from "../session/session-store.ts";

/** A person whose session the store has just confirmed, with the cookie to answer with where it was renewed. */
export interface OwnSession {
  readonly session: AuthenticSession;
  readonly setCookie: string | undefined;
}

/**
 * The session of somebody who looks at or changes their own data. A token may still be fresh though its session
 * has ended elsewhere, so the store is always asked.
 * @returns the session, or the answer that sends a page to the login.
 * @throws {Failure} `session_required` for everything that is no page; `storage_unavailable`.
 */
export async function ownSession(c: AppContext): Promise<OwnSession | Response> {
  const { settings } = c.env;
  const { session, setCookie } = await currentSession(settings, c.req.raw);
  const page = `${settings.site.authPath}/me`;
  if (session === undefined) return askForLogin(settings, c.req.raw, page, setCookie);
  const lives = await renewSession(settings, session.sub, session.sid);
  if (!lives) return askForLogin(settings, c.req.raw, page, expiredSessionCookie(settings.session));
  return { session, setCookie };
}
