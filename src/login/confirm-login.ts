import { knownAccountOf } from "../accounts/site-registry.ts";
import { Failure, fromStorage } from "../failure.ts";
import { recogniseBrowser } from "../http/browser-cookie.ts";
import { formBody } from "../http/form-body.ts";
import type { AppContext } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { briefly } from "../pages/brief-person.ts";
import { ConfirmPage } from "../pages/confirm-page.tsx";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { currentSession } from "../session/current-session.ts";
import { newSessionId } from "../session/session-id.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { type AttemptStub, attemptOfState } from "./attempt-id.ts";
import type { ReleaseResult } from "./attempt-state.ts";
import { completeLogin } from "./complete-login.ts";
import { usedLogin } from "./used-login.ts";

/** A complete login that waits for an answer. */
interface HeldLogin {
  readonly attempt: AttemptStub;
  readonly identity: VippsIdentity;
  readonly returnTo: string;
}

/** Shows who is about to be logged in, and whom it would replace, to the browser that brought the code. */
export async function askToConfirm(
  c: AppContext,
  { attempt, identity, returnTo }: HeldLogin,
): Promise<Response> {
  const { site, relyingParty } = c.env.settings;
  const { headers } = c.req.raw;
  const { session } = await currentSession(c.env.settings, headers);
  const isSame = session !== undefined && session.sub === (await knownAccountOf(c.env.settings, identity));
  const context = pageContext(headers.get("accept-language"), relyingParty.market, site.origin);
  const html = ConfirmPage({
    ...context,
    person: briefly(identity.claims),
    replaced: session === undefined || isSame ? undefined : briefly(session.profile),
    action: `${site.authPath}/continue`,
    attempt: attempt.id.toString(),
    shownSession: session?.sid,
  });
  const target = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  return pageResponse(html, context.nonce, 200, target);
}

/**
 * `POST /auth/continue`: the answer. Only the browser that brought the code can give it, once, from our page,
 * and only about the session that the page named: whoever has logged in there since is asked about first.
 * @throws {Failure} `cross_site`, `request_malformed`, `login_declined`, or `state_*` when there is no login
 *   waiting for this browser.
 */
export async function continueLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "continue");
  const form = await formBody(c.req.raw);
  const answer = form?.get("answer");
  if (answer !== "yes" && answer !== "no") {
    throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  }
  const attempt = attemptOfState(settings, form?.get("attempt") ?? undefined, "continue");
  const [{ browser }, current] = await Promise.all([
    recogniseBrowser(headers),
    currentSession(settings, headers),
  ]);
  const unannounced = current.session !== undefined && current.session.sid !== form?.get("replaces");
  const effective = answer === "yes" && unannounced ? undefined : answer;
  const released = await fromStorage(
    "continue",
    attempt.release(browser, effective, newSessionId()) as Promise<ReleaseResult>,
  );
  switch (released.outcome) {
    case "released":
      return completeLogin(c, { ...released, attempt, sameBrowser: false });
    case "waiting":
      return askToConfirm(c, { ...released, attempt });
    case "used":
      return usedLogin(released, current, "continue");
    case "expired":
      throw new Failure("state_expired", { stage: "continue" });
  }
}
