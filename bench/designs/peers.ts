import { SITE } from "../load/connection.ts";
import type { Provider } from "../load/provider.ts";
import { SALES_UNIT } from "../load/sales-unit.ts";
import type { Visitor } from "../load/visitor.ts";
import { ASSETS, type Design, NO_BINDINGS } from "./design.ts";

/** A secret of this run for peers that ask for one, of the length their documentation asks for. */
const SECRET = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");

const SCOPE = "openid name phoneNumber email";

export const OIDC_AUTH: Design = {
  id: "oidc-auth",
  name: "@hono/oidc-auth",
  kind: "peer",
  source: { entry: "bench/peers/oidc-auth.ts" },
  bindings: ASSETS,
  compatibilityFlags: [],
  vars: ({ issuer }) => ({
    OIDC_AUTH_SECRET: SECRET,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: SALES_UNIT.clientId,
    OIDC_CLIENT_SECRET: SALES_UNIT.clientSecret,
    OIDC_SCOPES: SCOPE,
    OIDC_REDIRECT_URI: `${SITE}/callback`,
  }),
  sessionPath: "/session",
  guardedPath: "/members/",
  login: {
    requests: 1,
    behind: {
      attempt: "cookies, one set for all tabs; its use is not recorded",
      ending: "no: nothing is stored",
      signature: "no, it trusts the token endpoint's TLS",
      life: "15 minutes, then a whole login again",
    },
    async start(visitor) {
      return locationOf(await visitor.send({ path: "/members/" }));
    },
  },
  configuredAs:
    "[README of @hono/oidc-auth](https://github.com/honojs/middleware/tree/main/packages/oidc-auth), “How to Use” and the example for static assets. HS256 cookie. It refreshes sessions every 15 minutes by refresh token; Vipps gives none, so it sends the visitor through a whole login again every 15 minutes.",
};

export const AUTH_JS: Design = {
  id: "auth-js",
  name: "Auth.js (@hono/auth-js)",
  kind: "peer",
  source: { entry: "bench/peers/auth-js.ts" },
  bindings: ASSETS,
  compatibilityFlags: [],
  vars: ({ issuer }) => ({
    AUTH_SECRET: SECRET,
    AUTH_URL: `${SITE}/api/auth`,
    ISSUER: issuer,
    CLIENT_ID: SALES_UNIT.clientId,
    CLIENT_SECRET: SALES_UNIT.clientSecret,
  }),
  sessionPath: "/api/auth/session",
  guardedPath: "/members/",
  login: {
    // A page's "sign in" button asks for the CSRF token first.
    requests: 2,
    behind: {
      attempt: "encrypted cookies, one set for all tabs; its use is not recorded",
      ending: "no: with the default strategy nothing is stored, and there is no adapter for Durable Objects",
      signature: "no, it trusts the token endpoint's TLS",
      life: "30 days after the last use",
    },
    async start(visitor) {
      const csrf = await visitor.send({ path: "/api/auth/csrf" });
      const { csrfToken }: { csrfToken: string } = JSON.parse(csrf.body);
      return locationOf(
        await visitor.send({
          path: "/api/auth/signin/vipps",
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded", origin: SITE },
          body: new URLSearchParams({ csrfToken, callbackUrl: `${SITE}/members/` }).toString(),
        }),
      );
    },
  },
  configuredAs:
    "[README of @hono/auth-js](https://github.com/honojs/middleware/tree/main/packages/auth-js) and [authjs.dev, OAuth providers](https://authjs.dev/guides/configuring-oauth-providers): a provider of type `oidc`, the default session strategy (encrypted JWT in a cookie). `verifyAuth()` guards the page.",
};

/** What both have in common, as far as their documentation and the counted round trips tell. */
const BETTER_AUTH_BEHIND = { signature: "yes", life: "7 days after the last use" };

const BETTER_AUTH = {
  kind: "peer",
  compatibilityFlags: ["nodejs_compat"],
  vars: ({ issuer }: Provider) => ({
    BETTER_AUTH_URL: SITE,
    BETTER_AUTH_SECRET: SECRET,
    ISSUER: issuer,
    CLIENT_ID: SALES_UNIT.clientId,
    CLIENT_SECRET: SALES_UNIT.clientSecret,
  }),
  sessionPath: "/api/auth/get-session",
  guardedPath: "/members/",
  login: {
    requests: 1,
    async start(visitor: Visitor) {
      const { body } = await visitor.send({
        path: "/api/auth/sign-in/social",
        method: "POST",
        headers: { "content-type": "application/json", origin: SITE },
        body: JSON.stringify({ provider: "vipps", callbackURL: "/members/" }),
      });
      const { url }: { url?: string } = JSON.parse(body);
      if (url === undefined) throw new Error(`sign-in answered ${body.slice(0, 200)}`);
      return url;
    },
  },
} as const;

export const BETTER_AUTH_STATELESS: Design = {
  ...BETTER_AUTH,
  login: {
    ...BETTER_AUTH.login,
    behind: {
      ...BETTER_AUTH_BEHIND,
      attempt: "an encrypted cookie; its use is not recorded",
      ending: "no: nothing is stored",
    },
  },
  id: "better-auth",
  name: "better-auth, stateless",
  source: { entry: "bench/peers/better-auth-stateless.ts" },
  bindings: ASSETS,
  configuredAs:
    "[better-auth, Session Management](https://better-auth.com/docs/concepts/session-management), “Stateless Session Management”: no database, state and session in encrypted cookies. [Hono guide](https://better-auth.com/docs/integrations/hono), [Generic OAuth](https://better-auth.com/docs/plugins/generic-oauth) with a discovery URL and PKCE.",
};

export const BETTER_AUTH_D1: Design = {
  ...BETTER_AUTH,
  login: {
    ...BETTER_AUTH.login,
    behind: {
      ...BETTER_AUTH_BEHIND,
      attempt: "a row in D1; deleted when it is used",
      ending: "yes; everywhere within 5 minutes (the cookie cache)",
    },
  },
  id: "better-auth-d1",
  name: "better-auth, D1 + cookie cache",
  source: { entry: "bench/peers/better-auth-d1.ts" },
  bindings: { ...NO_BINDINGS, assets: true, d1: { name: "DB", schema: ["bench/peers/better-auth.sql"] } },
  configuredAs:
    "The same with D1 as its database and “Cookie Cache” for five minutes, which its documentation recommends against asking the database at every request.",
};

function locationOf({ status, headers }: { status: number; headers: object }): string {
  const location = "location" in headers ? headers.location : undefined;
  if (typeof location !== "string") throw new Error(`starting a login answered ${status} without a location`);
  return location;
}
