import type { AppContext } from "../http/request-context.ts";
import { currentSession, sessionExpiry } from "./current-session.ts";

/** `GET /auth/session`: who is logged in, for scripts. Times in Unix seconds. */
export async function showSession(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { session, setCookie } = await currentSession(settings, c.req.raw.headers);
  const body =
    session === undefined
      ? { authenticated: false }
      : {
          authenticated: true,
          user: { sub: session.sub, ...session.profile },
          session: { id: session.sid, expires_at: sessionExpiry(settings, session) },
        };
  const headers = new Headers({
    "content-type": "application/json",
    "cache-control": "no-store",
    vary: "cookie, authorization, origin",
  });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(JSON.stringify(body), { headers });
}
