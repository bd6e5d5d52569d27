import { knownAccountOf } from "../accounts/site-accounts.ts";
import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { briefly } from "../pages/brief-person.ts";
import { confirmPage } from "../pages/confirm-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import type { CurrentSession } from "../session/current-session.ts";
import type { Settings } from "../settings.ts";
import type { VippsIdentity } from "../vipps/claims.ts";
import {
  type AskedToConfirm,
  fieldOf,
  type GivenAnswer,
  isMeant,
  type Verdict,
  type WaitingLogin,
} from "./question.ts";

/** Puts the question whether this browser may have a login that another one began. */
export async function askToConfirm(
  settings: Settings,
  identity: VippsIdentity,
  unticked = false,
): Promise<AskedToConfirm> {
  return {
    question: "confirm",
    person: briefly(identity.claims),
    accountId: await knownAccountOf(settings, identity),
    unticked,
  };
}

/** Shows who is about to be logged in, and whom it would replace, to the browser that brought the code. */
export async function showConfirm(
  c: AppContext,
  asked: AskedToConfirm,
  state: string,
  returnTo: string,
  { session }: CurrentSession,
): Promise<Response> {
  const { settings } = c.env;
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const isSame = session !== undefined && session.sub === asked.accountId;
  const html = confirmPage({
    ...context,
    person: asked.person,
    replaced: session === undefined || isSame ? undefined : briefly(session.profile),
    action: `${settings.site.authPath}/continue`,
    attempt: state,
    shownSession: session?.sid,
    unticked: asked.unticked,
  });
  const target = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  return pageResponse(html, context, asked.unticked ? 400 : 200, { formTargets: target });
}

/** Asks again as it stands now. */
export async function resumeConfirm(settings: Settings, { identity }: WaitingLogin): Promise<Verdict> {
  return { kind: "ask", asked: await askToConfirm(settings, identity) };
}

/**
 * A yes with a sign that it was meant, or a no.
 * @throws {Failure} `request_malformed` for anything else.
 */
export async function answerConfirm(
  settings: Settings,
  { identity, answers }: WaitingLogin,
  given: GivenAnswer,
): Promise<Verdict> {
  const answer = fieldOf(given, "answer");
  if (answer === "yes" && !isMeant(given))
    return { kind: "ask", asked: await askToConfirm(settings, identity, true) };
  if (answer === "yes") return { kind: "goOn", answers };
  if (answer === "no") return { kind: "decline" };
  throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
}
