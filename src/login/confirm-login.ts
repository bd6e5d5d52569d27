import { knownAccountOf } from "../accounts/site-registry.ts";
import type { AppContext } from "../http/request-context.ts";
import { briefly } from "../pages/brief-person.ts";
import { confirmPage } from "../pages/confirm-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { currentSession } from "../session/current-session.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import type { AttemptStub } from "./attempt-id.ts";

/** A complete login that waits for an answer. */
interface HeldLogin {
  readonly attempt: AttemptStub;
  readonly identity: VippsIdentity;
  readonly returnTo: string;
}

/**
 * Shows who is about to be logged in, and whom it would replace, to the browser that brought the code.
 * @param unticked the answer came back without a sign that the press was meant.
 */
export async function askToConfirm(
  c: AppContext,
  { attempt, identity, returnTo }: HeldLogin,
  unticked = false,
): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const { session } = await currentSession(c.env.settings, headers);
  const isSame = session !== undefined && session.sub === (await knownAccountOf(c.env.settings, identity));
  const context = pageContext(headers.get("accept-language"), settings);
  const html = confirmPage({
    ...context,
    person: briefly(identity.claims),
    replaced: session === undefined || isSame ? undefined : briefly(session.profile),
    action: `${settings.site.authPath}/continue`,
    attempt: attempt.id.toString(),
    shownSession: session?.sid,
    unticked,
  });
  const target = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  return pageResponse(html, context.nonce, unticked ? 400 : 200, target);
}
