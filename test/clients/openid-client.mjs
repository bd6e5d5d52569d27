// A relying party made of openid-client, as its README shows it.

import * as client from "openid-client";
import { origin, serve, settings } from "./relying-party.mjs";

const config = await client.discovery(
  new URL(settings.issuer),
  settings.clientId,
  { client_secret: settings.clientSecret },
  client.ClientSecretBasic(settings.clientSecret),
  { execute: [client.allowInsecureRequests] },
);
const redirectUri = `${origin}/callback`;

serve(async (_request, response, url, session) => {
  if (url.pathname === "/login") {
    session.verifier = client.randomPKCECodeVerifier();
    session.state = client.randomState();
    session.nonce = client.randomNonce();
    const location = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: settings.scope,
      code_challenge: await client.calculatePKCECodeChallenge(session.verifier),
      code_challenge_method: "S256",
      state: session.state,
      nonce: session.nonce,
    });
    response.writeHead(302, { location: location.href }).end();
  } else if (url.pathname === "/callback") {
    const tokens = await client.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: session.verifier,
      expectedState: session.state,
      expectedNonce: session.nonce,
      idTokenExpected: true,
    });
    const { sub } = tokens.claims();
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
    const own = await client.clientCredentialsGrant(config);
    response.end(JSON.stringify({ ...userinfo, ownTokenType: own.token_type }));
  } else response.writeHead(404).end();
});
