import { Hono } from "hono";

/** Hono without any authentication: the same two answers as the others give, to everybody. */
const app = new Hono<{ Bindings: { ASSETS: Fetcher } }>();

app.get("/auth/session", (c) =>
  c.json(
    {
      authenticated: true,
      user: { sub: "0c9f5c2e-8a1c-4f0a-9f56-6f2d2b1f7d11", name: "Kari Nordmann" },
      session: { id: "b0Q3cTq2v3Qp0m6oYx1n5w", expires_at: 1_800_000_000 },
    },
    200,
    { "cache-control": "no-store" },
  ),
);
app.get("/members/*", (c) => c.env.ASSETS.fetch(c.req.raw));

export default app;
