import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "./needed-programs.ts";
import { startNginx } from "./nginx-example.ts";
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

describeWith(["nginx", "phpFpm", "gunicorn"], "the example for nginx", () => {
  let site: SiteBehindProxy;
  let server: Program;

  beforeAll(async () => {
    site = await startSiteBehindProxy({ SESSION_CLAIMS: "name", SESSION_FRESH: "2" });
    // What another file of this nginx may have set for applications of its own.
    const elsewhere = "underscores_in_headers on; ignore_invalid_headers off;";
    server = await startNginx(site, site.worker.worker, elsewhere);
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
    const refused = await visitor.request("/members/?week=12&x=%2F", { headers: { accept: "text/html" } });
    expect(refused.status).toBe(302);
    expect(refused.headers.get("cache-control")).toBe("no-store");
    const done = await site.logIn(visitor, redirectOf(refused));
    expect(done.headers.get("location")).toBe("/members/?week=12&x=%2F");
    const page = await visitor.request("/members/?week=12&x=%2F");
    expect([page.status, await page.text()]).toEqual([200, "for members only"]);
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  test("tells scripts and forms 401, and sends everything else to the login", async () => {
    const visitor = visit();
    const status = async (headers: Record<string, string>, method = "GET") =>
      (await visitor.request("/members/", { method, headers })).status;
    expect(await status({ accept: "text/html" })).toBe(302);
    expect(await status({ accept: "*/*", "sec-fetch-dest": "document" })).toBe(302);
    expect((await rawRequest(site.url, "/members/", ["Accept: */*"])).status).toBe(302);
    expect((await rawRequest(site.url, "/members/")).status).toBe(302);
    expect((await rawRequest(site.url, "/members/", ["Accept: */*", "Sec-Fetch-Mode: cors"])).status).toBe(
      401,
    );
    // Browsers inside apps.
    for (const app of ["com.example.app", "no.finn.android", "com.facebook.katana"])
      expect(await status({ accept: "text/html", "x-requested-with": app })).toBe(302);
    expect(await status({ accept: "text/html", "sec-fetch-dest": "empty" })).toBe(401);
    // A page that a service worker passes on, and HTTP/2 that is offered.
    const raw = async (...lines: string[]) => (await rawRequest(site.url, "/members/", lines)).status;
    expect(await raw("Accept: */*", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate")).toBe(302);
    expect(await raw("Accept: */*", "Upgrade: h2c")).toBe(302);
    expect(await status({ accept: "text/*" })).toBe(302);
    expect(await status({ accept: "application/json" })).toBe(401);
    expect(await status({ accept: "text/html", "x-requested-with": "XMLHttpRequest" })).toBe(401);
    expect(await status({ accept: "text/html" }, "POST")).toBe(401);
    expect(await talkOverWebsocket(site.url, "/app/live", "")).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("tells the application who is asking, and keeps the session alive", async () => {
    const visitor = await logIn();
    const headers = (await (await visitor.request("/app/x/../y%2Fz?q=%2F")).json()) as Record<string, string>;
    const session = await visitor.session();
    expect(headers).toMatchObject({
      path: "/app/y/z?q=%2F",
      "remote-user": session.authenticated && session.user.sub,
      "remote-name": "Kari Nordmann",
      "session-assertion": expect.stringMatching(/^ey/),
      "x-forwarded-host": site.url.host,
    });
    expect(headers).not.toHaveProperty("remote-email");
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
    const sub = session.authenticated ? session.user.sub : "";
    const identity = {
      HTTP_REMOTE_USER: sub,
      HTTP_REMOTE_NAME: "Kari Nordmann",
      HTTP_SESSION_ASSERTION: "ey",
    };
    const php = { ...identity, REMOTE_USER: sub };
    await expectNothingForged(
      "php-fpm behind nginx",
      site,
      visitor,
      ["/php/who.php", "/php/open/who.php"],
      php,
    );
    await expectNothingForged("WSGI behind nginx", site, visitor, ["/wsgi/who", "/wsgi/open/who"], identity);
  });

  test("lets no visitor name another path to the application", async () => {
    await expectOwnPath(site, "/wsgi/open/who", "/app/open/who");
  });

  test("guards the application's path however it is spelled", async () => {
    for (const path of ["/app/open/../x", "/app/open/..%2fx", "/app//x", "/php/open/../who.php"])
      expect((await visit().request(path, { headers: { accept: "text/html" } })).status, path).toBe(302);
    // What is open is what the application sees as open.
    const open = await visit().request("/app/secret/..%2fopen/x");
    expect(await open.json()).toMatchObject({ path: "/app/open/x" });
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

  test("does not let visitors ask the worker directly, and stays closed when the worker is gone", async () => {
    expect((await fetch(new URL("/auth/verify", site.url))).status).toBe(404);
    const visitor = await logIn();
    expect((await visitor.request("/members/")).status).toBe(200);
    await site.worker.close();
    expect((await visitor.request("/members/")).status).toBe(500);
    expect((await visitor.request("/")).status).toBe(200);
  });
});
