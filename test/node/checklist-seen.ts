import type { Evidence } from "../../cli/checklist/evidence.ts";
import { siteValuesFrom } from "../../cli/checklist/settings.ts";
import type { Exchange } from "../../cli/checklist/traffic.ts";
import type { Seen } from "../../cli/checklist/walk.ts";
import { ok } from "../../cli/findings/finding.ts";

const SITE = "https://club.example";
const PROVIDER = "https://apitest.vipps.no";
const ISSUER = `${PROVIDER}/access-management-1.0/access/`;
const CALLBACK = `${SITE}/auth/callback`;

const STANDARD = {
  "merchant-serial-number": "123456",
  "vipps-system-name": "club.example",
  "vipps-system-version": "1",
  "vipps-system-plugin-name": "vipps-login-worker",
  "vipps-system-plugin-version": "0.1.0",
};

export function exchange(parts: Partial<Exchange> & Pick<Exchange, "url">): Exchange {
  return {
    at: 0,
    from: "worker",
    to: "provider",
    method: "GET",
    requestHeaders: STANDARD,
    requestBody: undefined,
    status: 200,
    responseHeaders: { "content-type": "application/json" },
    responseBody: "{}",
    ...parts,
  };
}

const authorizeUrl = (number: number) =>
  `${ISSUER}oauth2/auth?response_type=code&client_id=club&redirect_uri=${encodeURIComponent(CALLBACK)}&scope=openid%20name&state=state-number-${number}&nonce=nonce-number-${number}&code_challenge=challenge-number-${number}&code_challenge_method=S256`;

const page = (url: string): Exchange =>
  exchange({
    url,
    from: "browser",
    to: "site",
    requestHeaders: {},
    responseHeaders: {
      "content-type": "text/html",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    },
    responseBody: "<p>hello</p>",
  });

/** What the element asks of Vipps' component. */
export const OFFICIAL = { brand: "vipps", verb: "login", branded: "true", stretched: "true" };

/** An app's login that went as it should. */
export const APP = {
  redirectUris: ["app://x/y"],
  status: 200,
  authorizeUrl:
    "https://apitest.vipps.no/oauth2/auth?requested_flow=app_to_app_v2&redirect_uri=app%3A%2F%2Fx%2Fy&code_challenge_method=S256",
  strangerRefused: true,
  tokenAccepted: true,
};

/** What a run sees in which nothing is wrong. */
export function seenInOrder(): Seen {
  const login = page(`${CALLBACK}?code=c&state=state-number-1`);
  return {
    environment: "test",
    site: SITE,
    issuer: ISSUER,
    redirectUri: CALLBACK,
    own: siteValuesFrom({
      VIPPS_SCOPE: "openid name",
      VIPPS_MSN: "123456",
      SUPPORT_STAFF: "+4799999901",
      TERMS_URL: "/terms",
      TERMS_VERSION: "1",
    }),
    exchanges: [
      exchange({
        url: `${ISSUER}.well-known/openid-configuration`,
        responseBody: JSON.stringify({ issuer: ISSUER }),
      }),
      exchange({
        url: `${ISSUER}.well-known/jwks.json`,
        responseBody: JSON.stringify({ keys: [{ kty: "RSA", kid: "public:1", n: "n", e: "AQAB" }] }),
      }),
      exchange({
        url: `${ISSUER}oauth2/token`,
        method: "POST",
        requestHeaders: { ...STANDARD, authorization: "Basic Y2x1Yjpz" },
        requestBody: new URLSearchParams({
          grant_type: "authorization_code",
          code: "code-of-this-login",
          code_verifier: "v".repeat(43),
          redirect_uri: CALLBACK,
        }).toString(),
        responseBody: JSON.stringify({ id_token: "id-token-of-this-login", access_token: "access-token" }),
      }),
      login,
    ],
    log: [],
    pictures: {},
    failed: {},
    secrets: { VIPPS_CLIENT_SECRET: "the-client-secret" },
    nativeApp: APP,
    button: {
      path: "/",
      official: "shown",
      words: "Log in with Vipps",
      loginFrames: [],
      attributes: Object.fromEntries(
        ["no", "da", "sv", "fi", "en"].map((language) => [language, { ...OFFICIAL, language }]),
      ),
    },
    starts: { urls: [1, 2, 3].map(authorizeUrl), tampered: authorizeUrl(4) },
    login: {
      authorize: exchange({ url: authorizeUrl(1), from: "browser", status: 302 }),
      callback: login,
      topLevel: true,
      authenticatedBefore: false,
      authenticatedAfter: true,
      terms: { ticked: 0 },
    },
    errors: [
      {
        cause: "The customer cancels at Vipps",
        status: 403,
        heading: "You cancelled the login",
        reference: "K7QF-3M2P",
        offers: { retry: true, back: true },
        authenticatedAfter: false,
        line: { level: "info", event: "login_cancelled", code: "access_denied" },
      },
    ],
    otherBrowser: {
      status: 200,
      heading: "Is this you?",
      asked: true,
      authenticatedThere: true,
      authenticatedWhereItBegan: false,
    },
    members: { linked: true, sameAccount: true, strangerAsked: true },
    console: { foundByReference: true, customerStatus: 404 },
  };
}

/** Evidence without anything wrong in it. */
export function evidence(parts: Partial<Evidence> = {}): Evidence {
  return {
    how: "It is met.",
    findings: [ok("It holds")],
    exchanges: [],
    pictures: [],
    logLines: [],
    takenAt: "2026-11-22T12:00:00.000Z",
    environment: "test",
    issuer: ISSUER,
    site: SITE,
    version: "0.1.0",
    ...parts,
  };
}
