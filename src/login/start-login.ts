import { fromStorage } from "../failure.ts";
import { recogniseBrowser } from "../http/browser-cookie.ts";
import { queryParameter } from "../http/query.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { safeReturnUrl } from "../http/return-url.ts";
import { currentSession } from "../session/current-session.ts";
import { timed } from "../step-times.ts";
import { authorizeUrl, newLoginSecrets } from "../vipps/authorize-url.ts";
import { providerMetadata } from "../vipps/metadata.ts";
import { preparePartnerToken } from "../vipps/partner-token.ts";

/**
 * `GET /auth/login`: sends the browser to Vipps. Costs one Durable Object call when the metadata is warm.
 * @throws {Failure} when the provider's metadata cannot be had, or the attempt cannot be stored.
 */
export async function startLogin(c: AppContext): Promise<Response> {
  const { settings, stepTimes } = c.env;
  const returnTo = safeReturnUrl(settings, queryParameter(c.req.raw, "return_to"));
  if (isPrefetch(c.req.raw))
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });

  const headers = new Headers({ "cache-control": "no-store", vary: "cookie" });
  const { session, setCookie } = await currentSession(settings, c.req.raw.headers);
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  if (session !== undefined && queryParameter(c.req.raw, "prompt") !== "login") {
    headers.set("location", returnTo);
    return new Response(null, { status: 302, headers });
  }

  const access = providerAccess(c);
  const { discovery } = await timed(stepTimes, "metadata", providerMetadata(access));
  preparePartnerToken(access);
  const { browser, setCookie: browserCookie } = await recogniseBrowser(c.req.raw.headers);
  const secrets = newLoginSecrets();
  const { loginAttempts } = settings.storage;
  // A fresh id needs no look-up across the world: the object is born next to the user.
  const id = loginAttempts.newUniqueId();
  const { redirectUri } = settings.relyingParty;
  const start = { ...secrets, site: settings.site.partition, browser, returnTo };
  const [, location] = await Promise.all([
    // First, so that the rest is done while it is written.
    timed(stepTimes, "attempt", fromStorage("start", loginAttempts.get(id).begin(start))),
    authorizeUrl(discovery.authorization_endpoint ?? "", settings.relyingParty, {
      ...secrets,
      state: id.toString(),
      redirectUri,
      nativeApp: false,
    }),
  ]);
  headers.append("set-cookie", browserCookie);
  headers.set("location", location);
  return new Response(null, { status: 302, headers });
}

/** A browser that only looks ahead, or asks for headers alone, must not use up a login. */
function isPrefetch(request: Request): boolean {
  const purpose = ["sec-purpose", "purpose", "x-moz"].map((name) => request.headers.get(name) ?? "");
  return request.method === "HEAD" || purpose.some((value) => value.toLowerCase().includes("prefetch"));
}
