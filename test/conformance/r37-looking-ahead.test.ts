// R37: looking ahead is not asking. Every kind of request that only looks ahead, at every route and method of the table
// of routes, by a member of staff whose token is stale: nothing begins, is used up, is renewed or ends.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { routeTable } from "../../src/app.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { FROM_HERE, loggedIn } from "../worker/desk.ts";
import { keptOfLogins } from "../worker/login-objects.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";
import { kindsOf, type RequestKind } from "./request-kinds.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));

const VARS = { PROTECTED_PATHS: "/members/*", SUPPORT_STAFF: "+4799999901", SESSION_FRESH: "60" };

/** Everything that is kept anywhere. */
async function everything(accounts: readonly string[]): Promise<unknown> {
  const database = accountsDatabase();
  const tables = await database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '[_s]*'")
    .all<{ name: string }>();
  const kept: unknown[] = [await keptOfLogins()];
  for (const { name } of tables.results)
    kept.push(name, (await database.prepare(`SELECT * FROM ${name}`).all()).results);
  for (const account of accounts)
    kept.push(
      await runInDurableObject(env.USER_SESSIONS.getByName(account), async (_object, { storage }) => [
        storage.sql.exec("SELECT * FROM sessions").toArray(),
        await storage.getAlarm(),
      ]),
    );
  return kept;
}

interface Scene {
  readonly site: TestSite;
  readonly staff: Browser;
  readonly staffId: string;
  readonly staffSid: string;
  /** A login whose code is on its way. */
  readonly callback: URL;
}

async function scene(): Promise<Scene> {
  const site = openSite({ vars: VARS });
  const { browser: staff, id: staffId, sid: staffSid } = await loggedIn(site, "kari");
  const login = await staff.get("/auth/login?prompt=login");
  const callback = await staff.atProvider(new URL(login.headers.get("location") ?? ""));
  // Stale, as the token of anybody who was away for a while.
  vi.setSystemTime(Date.now() + 100_000);
  site.resetCounts();
  return { site, staff, staffId, staffSid, callback };
}

/** The address of a route with something real in it, and a body with which the route would do its work. */
function request({ staffId, staffSid, callback }: Scene, path: string): readonly [string, URLSearchParams] {
  const form = new URLSearchParams({
    session: "others",
    confirm: "yes",
    armed: "yes",
    answer: "yes",
    erase: "yes",
  });
  if (path === "/callback") return [callback.href, form];
  if (path === "/continue") form.set("attempt", callback.searchParams.get("state") ?? "");
  const id = path.startsWith("/sessions") ? staffSid : staffId;
  return [`/auth${path.replace(":id", id).replace(":reference", "ABCD-EFGH").replace(":secret", "x")}`, form];
}

async function lookAhead(scene: Scene, kind: RequestKind, path: string, method: string): Promise<Response> {
  const [address, form] = request(scene, path);
  const isHead = kind.method === "HEAD";
  const headers = { origin: SITE, "sec-fetch-site": "same-origin", ...kind.headers };
  const body = ["POST", "DELETE"].includes(method) && !isHead ? { body: form } : {};
  return scene.staff.request(address, { method: isHead ? "HEAD" : method, headers, ...body });
}

describe("R37 looking ahead", () => {
  it("begins, uses up, renews and ends nothing, at any route, and is never shown in place of a step", async () => {
    const here = await scene();
    const cookie = here.staff.cookies.get(SESSION_COOKIE);
    const before = await everything([here.staffId]);
    let answers = 0;
    const read = new Map<string, Set<number>>();
    for (const route of routeTable())
      for (const method of Object.keys(route.methods)) {
        for (const kind of kindsOf("ahead")) {
          if (kind.method === "HEAD" && method !== "GET") continue;
          if (kind.readsOnly && method !== "GET") continue;
          const response = await lookAhead(here, kind, route.path, method);
          const at = `${kind.what}: ${method} ${route.path} answered ${response.status}`;
          expect(response.headers.getSetCookie(), at).toEqual([]);
          if (route.isReading) {
            const statuses = read.get(route.path) ?? new Set();
            read.set(route.path, statuses.add(response.status));
          } else {
            expect(response.status, at).toBe(503);
            expect(response.headers.get("cache-control"), at).toBe("no-store");
            expect(await response.text(), at).toBe("");
          }
          answers += 1;
        }
      }
    expect(await everything([here.staffId])).toEqual(before);
    expect(here.staff.cookies.get(SESSION_COOKIE)).toBe(cookie);
    expect(here.site.counts.fetches).toEqual([]);
    expect(new Set(here.site.counts.durableObjectCalls)).toEqual(
      new Set(["sessions.list", "attempt.ping", "sessions.ping"]),
    );
    const routes = routeTable().flatMap(({ methods }) => Object.keys(methods));
    console.log(
      `R37: ${kindsOf("ahead").length} kinds at ${routes.length} routes and methods, ${answers} answers`,
    );
    expect(Object.fromEntries([...read].map(([path, statuses]) => [path, [...statuses]]))).toEqual({
      "/session": [200],
      "/verify": [204],
      // Without a requirement in its address it has nothing to say, and sends home.
      "/required": [302],
      "/.well-known/jwks.json": [200],
      "/vipps-login.js": [200],
      "/logged-out": [200],
      "/health": [200],
    });

    // The person who comes after it finds everything as it was.
    expect((await here.staff.get(here.callback.href)).status).toBe(303);
    expect((await here.staff.get("/auth/support", FROM_HERE)).status).toBe(200);
  });

  it("is nothing to staff's console for anybody else: not even its refusal", async () => {
    const here = await scene();
    const stranger = openBrowser(here.site);
    for (const { path } of routeTable().filter(({ guard }) => guard === "staff"))
      for (const kind of kindsOf("ahead")) {
        const [address] = request(here, path);
        const { method = "GET", headers } = kind;
        expect((await stranger.request(address, { method, headers })).status, `${kind.what} at ${path}`).toBe(
          404,
        );
      }
  });

  it("reads what is behind the login, and renews no session by it", async () => {
    const here = await scene();
    const before = await everything([here.staffId]);
    for (const kind of kindsOf("ahead")) {
      const response = await here.staff.request("/members/", {
        method: kind.method ?? "GET",
        headers: kind.headers,
      });
      expect([response.status, response.headers.getSetCookie()], kind.what).toEqual([200, []]);
      expect(response.headers.get("cache-control"), kind.what).toBe("private, no-store");
      if (kind.method === "HEAD") continue;
      const told = await here.staff.get("/auth/session", { ...kind.headers, accept: "application/json" });
      expect(await told.json(), kind.what).toMatchObject({ authenticated: true });
    }
    expect(await everything([here.staffId])).toEqual(before);
    expect(new Set(here.site.counts.durableObjectCalls)).toEqual(new Set(["sessions.list"]));
  });

  it("neither renews a token behind the answer that is only past half its time", async () => {
    const { site, staff } = await scene();
    await staff.get("/members/");
    vi.setSystemTime(Date.now() + 40_000);
    site.resetCounts();
    for (const { method = "GET", headers } of kindsOf("ahead"))
      await staff.request("/members/", { method, headers });
    expect(site.counts.durableObjectCalls).toEqual([]);
    await staff.get("/members/");
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
  });

  it("takes nobody's cookie away whose session has ended, and shows nothing behind the login", async () => {
    const { site, staff } = await scene();
    const other = openBrowser(site);
    for (const [name, value] of staff.cookies) other.cookies.set(name, value);
    await staff.post("/auth/logout");
    for (const { what, method = "GET", headers } of kindsOf("ahead")) {
      const response = await other.request("/members/", { method, headers });
      expect([302, 401], what).toContain(response.status);
      expect(response.headers.getSetCookie(), what).toEqual([]);
    }
    expect((await other.get("/members/")).headers.getSetCookie().join()).toContain("Max-Age=0");
  });

  it("lets a site's server have a token that it believes, which the browser does not get", async () => {
    const seen: string[] = [];
    const site = openSite({
      vars: {
        ...VARS,
        ORIGIN_URL: "https://origin.example",
        FORWARD_SESSION_COOKIE: "true",
        ASSETS: undefined,
      } as never,
      origin: (asked) => {
        seen.push(asked.headers.get("cookie") ?? "");
        return new Response("behind");
      },
    });
    const browser = openBrowser(site);
    await browser.logIn();
    vi.setSystemTime(Date.now() + 100_000);
    const stale = browser.cookies.get(SESSION_COOKIE) ?? "";
    const response = await browser.get("/members/", { "sec-purpose": "prefetch" });
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
    const lent = /__Host-vipps-session=([\w.-]+)/.exec(seen[0] ?? "")?.[1] ?? "";
    expect(lent).not.toBe(stale);
    const [, payload = ""] = lent.split(".");
    expect(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))).exp).toBeGreaterThan(
      Date.now() / 1000,
    );
  });

  it("leads on from a protected page to a login that begins nothing", async () => {
    const browser = openBrowser(openSite({ vars: VARS }));
    for (const { what, method = "GET", headers } of kindsOf("ahead").filter(
      ({ headers }) => headers["sec-fetch-mode"] === "navigate",
    )) {
      const guarded = await browser.request("/members/", { method, headers });
      expect([guarded.status, guarded.headers.get("cache-control")], what).toEqual([302, "no-store"]);
      const next = await browser.request(guarded.headers.get("location") ?? "", { method, headers });
      expect(next.status, what).toBe(503);
    }
    expect(browser.cookies.size).toBe(0);
  });
});

describe("a step of a login", () => {
  it("is taken for no picture and no script of a page, at the start and at the callback", async () => {
    const { staff, site, callback } = await scene();
    const browser = openBrowser(site);
    for (const { what, headers } of [
      ...kindsOf("page"),
      ...kindsOf("script").filter((kind) => "sec-fetch-dest" in kind.headers),
    ])
      for (const who of [staff, browser])
        for (const address of ["/auth/login", callback.href, "/auth/proof?answer=x"])
          expect((await who.get(address, headers)).status, `${what} at ${address}`).toBe(503);
    expect(site.counts).toMatchObject({ durableObjectCalls: [], fetches: [], databaseCalls: [] });
    expect((await staff.get(callback.href)).status).toBe(303);
  });
});
