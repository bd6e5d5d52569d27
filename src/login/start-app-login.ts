import * as v from "valibot";
import { sha256 } from "../digest.ts";
import { Failure, fromStorage } from "../failure.ts";
import { jsonBody } from "../http/json-body.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { randomText } from "../random.ts";
import type { LoginSettings } from "../settings.ts";
import { authorizeUrl, newLoginSecrets } from "../vipps/authorize-url.ts";
import { providerMetadata } from "../vipps/metadata.ts";
import { preparePartnerToken } from "../vipps/partner-token.ts";
import { ATTEMPT_LIFETIME } from "./login-attempt.ts";

const startBody = () => v.object({ redirect_uri: v.optional(v.string()) });

/**
 * `POST /auth/app/start`: a native app begins a login (Vipps' app-to-app flow). The answer holds the URL to open,
 * and a secret that only this app gets and must show at the end: it stands in for the browser cookie. Code
 * verifier and nonce stay here.
 * @throws {Failure} `not_found` where no app may log in, `app_redirect_uri_unknown`, `request_malformed`, or what
 *   keeps any login from starting.
 */
export async function startAppLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  refuseCrossSite(settings, c.req.raw.headers, "start");
  const asked = await jsonBody(c.req.raw, startBody(), "start");
  const redirectUri = chosenRedirectUri(settings.login, asked.redirect_uri);
  const access = providerAccess(c);
  const { discovery } = await providerMetadata(access);
  preparePartnerToken(access);
  const secrets = newLoginSecrets();
  const appSecret = randomText(32);
  const { loginAttempts } = settings.storage;
  const id = loginAttempts.newUniqueId();
  const state = id.toString();
  const [url] = await Promise.all([
    authorizeUrl(discovery.authorization_endpoint ?? "", settings.relyingParty, {
      ...secrets,
      state,
      redirectUri,
      nativeApp: true,
    }),
    fromStorage(
      "start",
      loginAttempts.get(id).beginForApp({
        ...secrets,
        site: settings.site.partition,
        redirectUri,
        appSecret: await sha256(appSecret),
      }),
    ),
  ]);
  return Response.json(
    {
      authorize_url: url,
      state,
      app_secret: appSecret,
      redirect_uri: redirectUri,
      expires_in: ATTEMPT_LIFETIME / 1000,
    },
    { headers: { "cache-control": "no-store" } },
  );
}

/** Exactly one of the URIs in the settings; the first where the app names none. */
function chosenRedirectUri(settings: LoginSettings, asked: string | undefined): string {
  const allowed = allowedRedirectUris(settings);
  if (asked === undefined) return allowed[0];
  if (allowed.includes(asked)) return asked;
  throw new Failure("app_redirect_uri_unknown", { stage: "start" });
}

/** @throws {Failure} `not_found` where APP_REDIRECT_URIS is empty: then there is no login for apps. */
export function allowedRedirectUris({ appRedirectUris }: LoginSettings): readonly [string, ...string[]] {
  const [first, ...others] = appRedirectUris;
  if (first === undefined) throw new Failure("not_found", { stage: "site", reason: "no APP_REDIRECT_URIS" });
  return [first, ...others];
}
