import { Failure, fromStorage } from "../failure.ts";
import { knownBrowser } from "../http/browser-cookie.ts";
import { formBody } from "../http/form-body.ts";
import type { AppContext } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { ConfirmPage } from "../pages/confirm-page.tsx";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { currentSession } from "../session/current-session.ts";
import type { VippsClaims, VippsIdentity } from "../vipps/identity.ts";
import { type AttemptStub, attemptOfState } from "./attempt-id.ts";
import type { ReleaseResult } from "./login-attempt.ts";
import { sessionResponse } from "./session-response.ts";

/** A complete login that waits for an answer. */
interface HeldLogin {
  readonly attempt: AttemptStub;
  readonly identity: VippsIdentity;
  readonly returnTo: string;
  /** The browser cookie, where this browser had none yet: only a browser that keeps it can answer. */
  readonly setCookie: string | undefined;
}

/** Shows who is about to be logged in, and whom it would replace, to the browser that brought the code. */
export async function askToConfirm(
  c: AppContext,
  { attempt, identity, returnTo, setCookie }: HeldLogin,
): Promise<Response> {
  const { site, relyingParty } = c.env.settings;
  const { headers } = c.req.raw;
  const { session } = await currentSession(c.env.settings, headers);
  const context = pageContext(headers.get("accept-language"), relyingParty.market, site.origin);
  const html = ConfirmPage({
    ...context,
    name: shortName(identity.claims),
    current:
      session === undefined || session.sub === identity.sub ? undefined : (shortName(session.profile) ?? ""),
    action: `${site.authPath}/continue`,
    attempt: attempt.id.toString(),
  });
  const target = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  const response = await pageResponse(html, context.nonce, 200, target);
  if (setCookie !== undefined) response.headers.append("set-cookie", setCookie);
  return response;
}

/** Given name and initial: enough to notice a stranger, too little to learn who a stranger is. */
function shortName({ name, given_name, family_name }: VippsClaims): string | undefined {
  const words = name?.trim().split(/\s+/) ?? [];
  const given = given_name ?? words[0];
  const family = family_name ?? (words.length > 1 ? words.at(-1) : undefined);
  if (given === undefined || given === "") return undefined;
  const initial = family === undefined ? undefined : [...family][0];
  return initial === undefined ? given : `${given} ${initial.toUpperCase()}.`;
}

/**
 * `POST /auth/continue`: the answer. Only the browser that brought the code can give it, once, from our page.
 * @throws {Failure} `cross_site`, `request_malformed`, or `state_*` when there is no login waiting for this
 *   browser.
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
  const released = await fromStorage(
    "continue",
    attempt.release(await knownBrowser(headers), answer) as Promise<ReleaseResult>,
  );
  const { returnTo } = released;
  if (released.outcome === "released") return sessionResponse(c, { ...released, sameBrowser: false });
  throw new Failure(answer === "no" ? "access_denied" : "state_used", { stage: "continue", returnTo });
}
