import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import { freePorts } from "./free-ports.ts";
import { type Program, startServer } from "./program.ts";
import { type RunningSite, runSite } from "./running-site.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

const hasCaddy = spawnSync("caddy", ["version"]).status === 0;
if (!hasCaddy) console.error("!! The tests of Caddy are SKIPPED: there is no caddy on this machine. !!");

describe.runIf(hasCaddy)("the example for Caddy", () => {
  const folder = mkdtempSync(join(tmpdir(), "caddy-"));
  let siteUrl: string;
  let app: Server;
  let worker: RunningSite;
  let server: Program;

  beforeAll(async () => {
    const [port, adminPort] = await freePorts();
    siteUrl = `http://localhost:${port}`;
    app = createServer(({ headers }, response) => response.end(JSON.stringify(headers)));
    await once(app.listen(0, "127.0.0.1"), "listening");
    worker = await runSite({ siteUrl, vars: { SESSION_FRESH: "2" } });
    mkdirSync(join(folder, "site/members"), { recursive: true });
    writeFileSync(join(folder, "site/index.html"), "for everybody");
    writeFileSync(join(folder, "site/members/index.html"), "for members only");
    server = await startServer(
      "caddy",
      ["run", "--config", "examples/caddy/Caddyfile", "--adapter", "caddyfile"],
      siteUrl,
      {
        WORKER: worker.worker.origin,
        SITE: siteUrl,
        ROOT: join(folder, "site"),
        APP: `127.0.0.1:${(app.address() as AddressInfo).port}`,
        CADDY_ADMIN: `127.0.0.1:${adminPort}`,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
      },
    );
  });
  afterAll(async () => {
    await server?.end();
    await worker?.close();
    app?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function logIn(toLogin: URL, visitor: Visitor): Promise<Response> {
    const toVipps = redirectOf(await visitor.request(toLogin.href));
    const back = await logInAsPerson((request) => fetch(request), toVipps);
    return visitor.request(back.href);
  }

  test("sends a page without a session to the login, then back to the file", async () => {
    expect(await (await fetch(`${siteUrl}/`)).text()).toBe("for everybody");
    const visitor = createVisitor(siteUrl);
    const refused = await visitor.request("/members/?week=12&x=%2F", { headers: { accept: "text/html" } });
    expect(refused.status).toBe(302);
    const done = await logIn(redirectOf(refused), visitor);
    expect(done.headers.get("location")).toBe("/members/?week=12&x=%2F");
    const page = await visitor.request("/members/?week=12&x=%2F");
    expect([page.status, await page.text()]).toEqual([200, "for members only"]);
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  test("tells scripts and forms 401", async () => {
    const visitor = createVisitor(siteUrl);
    const script = await visitor.request("/members/", { headers: { accept: "application/json" } });
    expect([script.status, script.headers.get("content-type")]).toEqual([401, "application/problem+json"]);
    const form = await visitor.request("/app/x", { method: "POST", headers: { accept: "text/html" } });
    expect(form.status).toBe(401);
  });

  test("tells the application who is asking, whatever the visitor says, and keeps the session alive", async () => {
    const visitor = createVisitor(siteUrl);
    await logIn(new URL("/auth/login", siteUrl), visitor);
    const spoofed = { "remote-user": "evil", "remote-email": "evil", "session-assertion": "evil" };
    const response = await visitor.request("/app/x", { headers: spoofed, method: "POST", body: "hello" });
    const headers = (await response.json()) as Record<string, string>;
    const session = await visitor.session();
    expect(headers).toMatchObject({
      "content-length": "5",
      "remote-user": session.authenticated && session.user.sub,
      "remote-name": "Kari Nordmann",
      "session-assertion": expect.stringMatching(/^ey/),
    });
    expect(JSON.stringify(headers)).not.toContain("evil");
    const before = visitor.cookies();
    await expect
      .poll(
        async () => {
          await visitor.request("/app/x");
          return visitor.cookies();
        },
        { timeout: 10_000, interval: 300 },
      )
      .not.toBe(before);
  });

  test("stays closed when the worker is gone", async () => {
    const visitor = createVisitor(siteUrl);
    await logIn(new URL("/auth/login", siteUrl), visitor);
    expect((await visitor.request("/members/")).status).toBe(200);
    await worker.close();
    expect((await visitor.request("/members/")).status).toBe(502);
  });
});
