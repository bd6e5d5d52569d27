import { Hono } from "hono";

/** Hono with one route that sends the browser to a provider, and nothing of a login. */
const app = new Hono();

app.get("/redirect", (c) => c.redirect("https://provider.example/", 302));

export default app;
