// A relying party made of passport-openidconnect, as its README shows it.

import passport from "passport";
import OpenIDConnectStrategy from "passport-openidconnect";
import { origin, serve, settings } from "./relying-party.mjs";

const discovery = new URL(".well-known/openid-configuration", settings.issuer);
const provider = await (await fetch(discovery)).json();

passport.use(
  "vipps",
  new OpenIDConnectStrategy(
    {
      issuer: provider.issuer,
      authorizationURL: provider.authorization_endpoint,
      tokenURL: provider.token_endpoint,
      userInfoURL: provider.userinfo_endpoint,
      clientID: settings.clientId,
      clientSecret: settings.clientSecret,
      callbackURL: `${origin}/callback`,
      scope: settings.scope.split(" ").filter((scope) => scope !== "openid"),
      skipUserProfile: false,
    },
    (_issuer, profile, done) => done(null, profile),
  ),
);
const initialize = passport.initialize();

serve(
  (request, response, url, session) =>
    new Promise((resolve, reject) => {
      response.once("finish", () => resolve());
      Object.assign(request, { query: Object.fromEntries(url.searchParams), session });
      const authenticate = passport.authenticate("vipps", { session: false }, (error, profile, info) => {
        if (error) return reject(error);
        if (!profile) return reject(new Error(`refused: ${JSON.stringify(info)}`));
        return response.end(
          JSON.stringify({ sub: profile.id, name: profile.displayName, emails: profile.emails }),
        );
      });
      initialize(request, response, () => authenticate(request, response, reject));
    }),
);
