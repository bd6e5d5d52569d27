import { afterAll, beforeAll, expect, test } from "vitest";
import { startCaddy } from "./caddy-example.ts";
import { describeWith } from "./needed-programs.ts";
import type { Program } from "./program.ts";
import { rawRequest } from "./raw-request.ts";
import {
  expectNothingForged,
  expectOwnPath,
  firstEvent,
  type SiteBehindProxy,
  startSiteBehindProxy,
  talkOverWebsocket,
} from "./site-behind-proxy.ts";
import { createVisitor, redirectOf } from "./visitor.ts";

describeWith(["caddy", "phpFpm", "gunicorn"], "the example for Caddy", () => {
  let site: SiteBehindProxy;
  let server: Program;

  beforeAll(async () => {
    site = await startSiteBehindProxy({ SESSION_CLAIMS: "name", SESSION_FRESH: "2" });
    server = await startCaddy(site, site.worker.worker);
  });
  afterAll(async () => {
    await server?.end();
    await site?.close();
  });

  const visit = () => createVisitor(site.url.origin);
  const logIn = async () => {
    const visitor = visit();
    await site.logIn(visitor);
    return visitor;
  };

  test("sends a page without a session to the login, then back to the file", async () => {
    expect(await (await fetch(site.url)).text()).toBe("for everybody");
    const visitor = visit();
    for (const app of ["com.example.app", "XMLHttpRequest"]) {
      const headers = { accept: "text/html", "x-requested-with": app };
      const { status } = await visitor.request("/members/", { headers });
      expect(status).toBe(app === "XMLHttpRequest" ? 401 : 302);
    }
    const refused = await visitor.request("/members/?week=12&x=%2F", { headers: { accept: "text/html" } });
    expect(refused.status).toBe(302);
    const done = await site.logIn(visitor, redirectOf(refused));
    expect(done.headers.get("location")).toBe("/members/?week=12&x=%2F");
    const page = await visitor.request("/members/?week=12&x=%2F");
    expect([page.status, await page.text()]).toEqual([200, "for members only"]);
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  test("tells scripts and forms 401", async () => {
    const script = await visit().request("/members/", { headers: { accept: "application/json" } });
    expect([script.status, script.headers.get("content-type")]).toEqual([401, "application/problem+json"]);
    const form = await visit().request("/app/x", { method: "POST", headers: { accept: "text/html" } });
    expect(form.status).toBe(401);
    expect(await talkOverWebsocket(site.url, "/app/live", "")).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("tells the application who is asking, and keeps the session alive", async () => {
    const visitor = await logIn();
    const response = await visitor.request("/app/x?q=%2F", { method: "POST", body: "hello" });
    const headers = (await response.json()) as Record<string, string>;
    const session = await visitor.session();
    expect(headers).toMatchObject({
      path: "/app/x?q=%2F",
      "content-length": "5",
      "remote-user": session.authenticated && session.user.sub,
      "remote-name": "Kari Nordmann",
      "session-assertion": expect.stringMatching(/^ey/),
    });
    expect(headers).not.toHaveProperty("remote-email");
    expect(JSON.stringify(headers)).not.toContain("reverse_proxy");
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

  test("lets no spelling of a forged identity reach an application in PHP or Python", async () => {
    const visitor = await logIn();
    const session = await visitor.session();
    const identity = {
      HTTP_REMOTE_USER: session.authenticated ? session.user.sub : "",
      HTTP_REMOTE_NAME: "Kari Nordmann",
      HTTP_SESSION_ASSERTION: "ey",
    };
    const php = ["/php/who.php", "/php/open/who.php"] as const;
    const nobody = { REMOTE_USER: "" };
    await expectNothingForged("php-fpm behind Caddy", site, visitor, php, { ...identity, ...nobody }, nobody);
    await expectNothingForged("WSGI behind Caddy", site, visitor, ["/wsgi/who", "/wsgi/open/who"], identity);
  });

  test("lets no visitor name another path to the application", async () => {
    await expectOwnPath(site, "/wsgi/open/who", "/wsgi/open/who");
  });

  test("refuses paths that the application could read otherwise", async () => {
    for (const path of [
      "/app/secret/..%2fopen/x",
      "/app/secret/%2e%2e/open/x",
      "/app//open/x",
      "/app/a%252fb",
    ]) {
      const { status } = await rawRequest(site.url, path, ["Accept: text/html"]);
      expect(status, path).toBe(400);
    }
    expect((await rawRequest(site.url, "/app/secret/../open/x")).status).toBe(400);
    expect((await visit().request("/app/open/x?next=%2Fa%2F..//b")).status).toBe(200);
  });

  test("passes websockets, events and large uploads", async () => {
    const visitor = await logIn();
    const talk = await talkOverWebsocket(site.url, "/app/live", visitor.cookies());
    const session = await visitor.session();
    expect(talk).toMatch(/^HTTP\/1\.1 101 /);
    expect(talk).toContain(`X-User: ${session.authenticated && session.user.sub}`);
    expect(talk).toMatch(/\r\n\r\nhello$/);
    expect(await firstEvent(await visitor.request("/app/events"))).toBe("data: first\n\n");
    const body = new Uint8Array(3_000_000);
    const uploaded = await visitor.request("/app/upload", { method: "POST", body });
    expect([uploaded.status, await uploaded.text()]).toEqual([200, "3000000"]);
  });

  test("stays closed when the worker is gone", async () => {
    const visitor = await logIn();
    expect((await visitor.request("/members/")).status).toBe(200);
    await site.worker.close();
    expect((await visitor.request("/members/")).status).toBe(502);
  });
});
