import { getAuth, oidcAuthMiddleware, processOAuthCallback } from "@hono/oidc-auth";
import { Hono } from "hono";

/**
 * @hono/oidc-auth as its README has it ("How to Use" and the example that guards static assets): everything but the
 * callback is behind the middleware, the variables come from the environment.
 */
const app = new Hono<{ Bindings: { ASSETS: Fetcher } }>();

app.get("/callback", (c) => processOAuthCallback(c));
app.use("*", oidcAuthMiddleware());
app.get("/session", async (c) => {
  const auth = await getAuth(c);
  return c.json({ authenticated: auth !== null, user: { sub: auth?.sub, email: auth?.email } });
});
app.get("*", async (c) => {
  const response = await c.env.ASSETS.fetch(c.req.raw);
  return new Response(response.body, response);
});

export default app;
