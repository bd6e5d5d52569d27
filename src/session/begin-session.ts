import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import type { BroughtClaims } from "../vipps/claims.ts";
import { cookieFor, fittedProfile } from "./current-session.ts";
import type { SessionClient } from "./device.ts";
import { type AuthenticSession, type ReplacedSession, sessionStart, signSessionToken } from "./session.ts";
import { recordSession } from "./session-store.ts";
import type { NewStoredSession } from "./user-sessions.ts";

/** What a finished login knows of the person whose session begins, and of where it begins. */
export interface NewSession {
  readonly accountId: string;
  /** From `newSessionId()`, made now: the session's absolute lifetime counts from it. */
  readonly sid: string;
  /** Seconds since the epoch. */
  readonly authTime: number;
  /** Everything that may be said of the person; SESSION_CLAIMS picks out of it. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** The client it begins on; `undefined` for a session that is recorded already. */
  readonly client: (SessionClient & Pick<NewStoredSession, "browserId">) | undefined;
  /** What the person shared for a purpose of the site's; kept beside the session, in no token. */
  readonly brought: BroughtClaims | undefined;
  /** The sessions that its client has had until now. */
  readonly replaces: readonly ReplacedSession[];
}

/** More sessions than this are not one browser's own, and would make the token long. */
const REPLACED_LIMIT = 3;

export interface BegunSession {
  readonly session: AuthenticSession;
  readonly token: string;
  /** The `Set-Cookie` value for a browser. */
  readonly setCookie: string;
}

/**
 * Records a session in the user's own object, unless it is, and signs its first token, in this order: a token
 * without a recorded session must not exist.
 * @throws {Failure} `storage_unavailable`; then there is no session.
 */
export async function beginSession(
  settings: Settings,
  { accountId, sid, authTime, profile: said, client, brought, replaces }: NewSession,
): Promise<BegunSession> {
  const others =
    client === undefined
      ? []
      : await recordSession(settings, accountId, { sid, startedAt: sessionStart(sid), ...client, brought });
  const before = new Map([...replaces, ...others].map((one) => [one.sid, one]));
  before.delete(sid);
  const known = {
    sub: accountId,
    sid,
    authTime,
    profile: said,
    replaces: [...before.values()].slice(0, REPLACED_LIMIT),
  };
  const { profile, leftOut } = fittedProfile(settings.session, known);
  if (leftOut.length > 0)
    logEvent("warn", "session_claims_left_out", settings.site.origin, { sid, claims: leftOut });
  const signed = await signSessionToken(settings.session, { ...known, profile });
  return { ...signed, setCookie: cookieFor(settings, signed) };
}
