import { authHandler, initAuthConfig, verifyAuth } from "@hono/auth-js";
import { Hono } from "hono";

interface Env {
  readonly ASSETS: Fetcher;
  readonly AUTH_SECRET: string;
  readonly ISSUER: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
}

/**
 * Auth.js as the README of @hono/auth-js has it, with a provider of type "oidc" as authjs.dev describes
 * ("Configuring a custom provider") and the default session strategy without a database, an encrypted JWT.
 */
const app = new Hono<{ Bindings: Env }>();

app.use(
  "*",
  initAuthConfig((c) => ({
    secret: c.env.AUTH_SECRET,
    providers: [
      {
        id: "vipps",
        name: "Vipps MobilePay",
        type: "oidc",
        issuer: c.env.ISSUER,
        clientId: c.env.CLIENT_ID,
        clientSecret: c.env.CLIENT_SECRET,
        authorization: { params: { scope: "openid name phoneNumber email" } },
        checks: ["pkce", "state", "nonce"],
      },
    ],
  })),
);
app.use("/api/auth/*", authHandler());
app.use("/members/*", verifyAuth());
app.get("/members/*", (c) => c.env.ASSETS.fetch(c.req.raw));

export default app;
