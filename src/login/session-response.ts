import type { AccountId } from "../accounts/account.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { beginSession } from "../session/begin-session.ts";
import { deviceOf, placeOf } from "../session/device.ts";
import { endReplacedSession } from "../session/end-session.ts";
import type { VippsIdentity } from "../vipps/identity.ts";

/** A login with nothing left to ask. */
export interface FinishedLogin {
  readonly accountId: AccountId;
  readonly identity: VippsIdentity;
  /** The id its session gets. */
  readonly sid: string;
  readonly returnTo: string;
  readonly sameBrowser: boolean;
}

/** Makes the session, ends the one it replaces in this browser, and sends the browser home. */
export async function sessionResponse(c: AppContext, login: FinishedLogin): Promise<Response> {
  const { settings } = c.env;
  const { accountId, identity, sid, returnTo, sameBrowser } = login;
  const { authTime, claims } = identity;
  const { setCookie } = await beginSession(settings, {
    accountId,
    sid,
    authTime,
    claims,
    device: deviceOf(c.req.raw.headers.get("user-agent")),
    place: placeOf(settings, c.req.raw),
  });
  c.executionCtx.waitUntil(endReplacedSession(settings, c.req.raw.headers));
  logEvent("info", "login_finished", { sid, same_browser: sameBrowser });
  return redirectHome(returnTo, setCookie);
}

/** Sends the browser to where the login was meant to end. 303, so that a form's POST becomes a GET. */
export function redirectHome(returnTo: string, setCookie?: string): Response {
  const headers = new Headers({ location: returnTo, "cache-control": "no-store" });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 303, headers });
}
