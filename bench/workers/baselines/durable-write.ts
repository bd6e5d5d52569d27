import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

/** What a login attempt keeps, in shape and size. */
const ATTEMPT = {
  status: "open",
  startedAt: 0,
  codeVerifier: "x".repeat(43),
  nonce: "x".repeat(43),
  browser: "x".repeat(43),
  returnTo: "/members/",
};

/** How long the object keeps it where it has an alarm. In milliseconds. */
const LIFETIME = 600_000;

/** An object that is written once. */
export class Written extends DurableObject {
  write(): void {
    this.ctx.storage.kv.put("attempt", ATTEMPT);
  }

  writeAndSetAlarm(): void {
    this.ctx.storage.kv.put("attempt", ATTEMPT);
    void this.ctx.storage.setAlarm(Date.now() + LIFETIME);
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }
}

/** Hono with one durable write in a fresh Durable Object, and nothing of a login. */
const app = new Hono<{ Bindings: { WRITTEN: DurableObjectNamespace<Written> } }>();

app.get("/write", async (c) => {
  await c.env.WRITTEN.get(c.env.WRITTEN.newUniqueId()).write();
  return c.redirect("https://provider.example/", 302);
});

app.get("/write-with-alarm", async (c) => {
  await c.env.WRITTEN.get(c.env.WRITTEN.newUniqueId()).writeAndSetAlarm();
  return c.redirect("https://provider.example/", 302);
});

export default app;
