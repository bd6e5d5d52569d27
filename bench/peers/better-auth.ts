import { type BetterAuthOptions, betterAuth } from "better-auth";
import { genericOAuth } from "better-auth/plugins";
import { Hono } from "hono";

export interface Env {
  readonly ASSETS: Fetcher;
  readonly BETTER_AUTH_URL: string;
  readonly BETTER_AUTH_SECRET: string;
  readonly ISSUER: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
}

/**
 * better-auth mounted on Hono as its Hono guide has it, with the Generic OAuth plugin and its discovery URL. One
 * instance for each isolate, made at the first request: bindings and discovery are not to be had before.
 */
export function siteWith<Bindings extends Env>(
  optionsFor: (env: Bindings) => Pick<BetterAuthOptions, "database" | "session">,
): Hono<{ Bindings: Bindings }> {
  let auth: ReturnType<typeof create> | undefined;
  const create = (env: Bindings) =>
    betterAuth({
      baseURL: env.BETTER_AUTH_URL,
      secret: env.BETTER_AUTH_SECRET,
      ...optionsFor(env),
      plugins: [
        genericOAuth({
          config: [
            {
              providerId: "vipps",
              clientId: env.CLIENT_ID,
              clientSecret: env.CLIENT_SECRET,
              discoveryUrl: `${env.ISSUER}.well-known/openid-configuration`,
              scopes: ["openid", "name", "phoneNumber", "email"],
              pkce: true,
            },
          ],
        }),
      ],
    });
  const authFor = (env: Bindings) => {
    auth ??= create(env);
    return auth;
  };
  const app = new Hono<{ Bindings: Bindings }>();
  app.on(["POST", "GET"], "/api/auth/*", (c) => authFor(c.env).handler(c.req.raw));
  app.get("/members/*", async (c) => {
    const session = await authFor(c.env).api.getSession({ headers: c.req.raw.headers });
    if (session === null) return c.body(null, 401);
    return c.env.ASSETS.fetch(c.req.raw);
  });
  return app;
}
