import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findNginx, noNginx } from "../../cli/nginx.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { freePorts } from "./free-ports.ts";
import { type Program, startServer } from "./program.ts";
import { type RunningSite, runSite } from "./running-site.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

const nginx = findNginx();
const inCi = process.env.CI !== undefined && !["", "0", "false"].includes(process.env.CI);
if (nginx === undefined) console.error(`!! The tests of nginx are SKIPPED: ${noNginx()}. !!`);

test.runIf(inCi)("there is an nginx to test with", () => {
  expect(nginx, noNginx()).toBeDefined();
});

/** A file of the example with the addresses of this test in place of the example's. */
function example(name: string, replacements: readonly (readonly [string, string])[]): string {
  let text = readFileSync(join("examples/nginx", name), "utf8");
  for (const [found, replacement] of replacements) {
    if (!text.includes(found)) throw new Error(`${name} no longer has: ${found}`);
    text = text.replaceAll(found, replacement);
  }
  return text;
}

describe.runIf(nginx !== undefined)("the example for nginx", () => {
  const folder = mkdtempSync(join(tmpdir(), "nginx-"));
  let siteUrl: string;
  let app: Server;
  let worker: RunningSite;
  let server: Program;

  beforeAll(async () => {
    const [port] = await freePorts();
    siteUrl = `http://localhost:${port}`;
    app = createServer(({ headers }, response) => response.end(JSON.stringify(headers)));
    await once(app.listen(0, "127.0.0.1"), "listening");
    worker = await runSite({ siteUrl, vars: { SESSION_CLAIMS: "name email", SESSION_FRESH: "2" } });

    for (const name of ["site/members", "temporary"]) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "site/index.html"), "for everybody");
    writeFileSync(join(folder, "site/members/index.html"), "for members only");
    const files = {
      "site.conf": example("site.conf", [
        ["server vipps-login-worker.example.workers.dev:443;", `server ${worker.worker.host};`],
        ["https://vipps_login", "http://vipps_login"],
        ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
        ["server_name www.example.com;", "server_name localhost;"],
        ["ssl_certificate /etc/ssl/www.example.com.pem;", ""],
        ["ssl_certificate_key /etc/ssl/www.example.com.key;", ""],
        ["root /var/www/www.example.com;", `root ${folder}/site;`],
        ["127.0.0.1:3000", `127.0.0.1:${(app.address() as AddressInfo).port}`],
      ]),
      "vipps-login-required.conf": example("vipps-login-required.conf", []),
      "vipps-login-worker.conf": example("vipps-login-worker.conf", [
        ["Host vipps-login-worker.example.workers.dev", `Host ${worker.worker.host}`],
      ]),
      "nginx.conf": [
        process.getuid?.() === 0 ? "user root;" : "",
        `pid ${folder}/pid; error_log stderr warn; worker_processes 1; daemon off;`,
        "events { worker_connections 64; }",
        "http {",
        "  access_log off;",
        ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
          (kind) => `  ${kind}_temp_path ${folder}/temporary/${kind};`,
        ),
        "  include site.conf;",
        "}",
      ].join("\n"),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    server = await startServer(nginx ?? "", ["-p", folder, "-c", join(folder, "nginx.conf")], siteUrl);
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
    expect(back.origin).toBe(siteUrl);
    return visitor.request(back.href);
  }

  test("sends a page without a session to the login, then back to the file", async () => {
    expect(await (await fetch(`${siteUrl}/`)).text()).toBe("for everybody");
    const visitor = createVisitor(siteUrl);
    const refused = await visitor.request("/members/?week=12&x=%2F", { headers: { accept: "text/html" } });
    expect(refused.status).toBe(302);
    expect(refused.headers.get("cache-control")).toBe("no-store");
    const done = await logIn(redirectOf(refused), visitor);
    expect(done.headers.get("location")).toBe("/members/?week=12&x=%2F");
    const page = await visitor.request("/members/?week=12&x=%2F");
    expect([page.status, await page.text()]).toEqual([200, "for members only"]);
    expect(page.headers.get("cache-control")).toBe("private, no-store");
  });

  test("tells scripts and forms 401", async () => {
    const visitor = createVisitor(siteUrl);
    const status = async (headers: Record<string, string>, method = "GET") =>
      (await visitor.request("/members/", { method, headers })).status;
    expect(await status({ accept: "text/html" })).toBe(302);
    expect(await status({ accept: "*/*", "sec-fetch-dest": "document" })).toBe(302);
    expect(await status({ accept: "text/html", "sec-fetch-dest": "empty" })).toBe(401);
    expect(await status({ accept: "application/json" })).toBe(401);
    expect(await status({ accept: "text/html", "x-requested-with": "XMLHttpRequest" })).toBe(401);
    expect(await status({ accept: "text/html" }, "POST")).toBe(401);
  });

  test("tells the application who is asking, whatever the visitor says, and keeps the session alive", async () => {
    const visitor = createVisitor(siteUrl);
    await logIn(new URL("/auth/login", siteUrl), visitor);
    const spoofed = {
      "remote-user": "evil",
      "remote-name": "evil",
      "session-assertion": "evil",
      remote_user: "evil",
    };
    const response = await visitor.request("/app/x", { headers: spoofed });
    const headers = (await response.json()) as Record<string, string>;
    const session = await visitor.session();
    expect(headers).toMatchObject({
      "remote-user": session.authenticated && session.user.sub,
      "remote-name": "Kari Nordmann",
      "remote-email": "kari.nordmann@example.com",
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

  test("does not let visitors ask the worker directly, and stays closed when the worker is gone", async () => {
    expect((await fetch(`${siteUrl}/auth/verify`)).status).toBe(404);
    const visitor = createVisitor(siteUrl);
    await logIn(new URL("/auth/login", siteUrl), visitor);
    expect((await visitor.request("/members/")).status).toBe(200);
    await worker.close();
    expect((await visitor.request("/members/")).status).toBe(500);
    expect((await visitor.request("/")).status).toBe(200);
  });
});
