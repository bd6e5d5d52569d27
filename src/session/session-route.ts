import type { AppContext } from "../http/request-context.ts";
import { currentSession } from "./current-session.ts";
import { sessionExpiry } from "./session-lifetime.ts";

/**
 * `GET /auth/session`: who is logged in, for scripts. Times in Unix seconds. An app whose Bearer token has become
 * stale finds the new one in `session.token`; browsers get theirs as a cookie that no script can read.
 */
export async function showSession(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { session, setCookie, renewedBearer } = await currentSession(settings, c.req.raw.headers);
  const body =
    session === undefined
      ? { authenticated: false }
      : {
          authenticated: true,
          user: { sub: session.sub, ...session.profile },
          session: {
            id: session.sid,
            expires_at: sessionExpiry(settings.session, session),
            token: renewedBearer,
          },
        };
  return new Response(JSON.stringify(body), {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      vary: "cookie, authorization, origin",
      ...(setCookie !== undefined && { "set-cookie": setCookie }),
    },
  });
}
