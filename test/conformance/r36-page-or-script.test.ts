// R36: a script is who says so beyond doubt; everybody else gets a page, at every route and behind every guard.

import { describe, expect, it } from "vitest";
import { routeTable } from "../../src/app.ts";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";
import { kindsOf, type RequestKind } from "./request-kinds.ts";

const open = () => openSite({ vars: { PROTECTED_PATHS: "/members/*", SUPPORT_STAFF: "acc_somebody" } });

/** A browser that sends no word of its own but what a kind of request has. */
function ask(site: TestSite, path: string, { method, headers }: RequestKind): Promise<Response> {
  return site.fetch(
    new Request(new URL(path, SITE), { method: method ?? "GET", headers, redirect: "manual" }),
  );
}

/** Where a stranger is shown something, or sent on: every address of ours that is not data for programs, and the site. */
const addresses = [
  ...routeTable().filter(
    ({ isJson, path }) => !isJson && !["/verify", "/vipps-login.js", "/.well-known/jwks.json"].includes(path),
  ),
  { path: "/nothing/here", isJson: undefined },
].map(({ path }) => `/auth${path.replaceAll(/:\w+/g, "x")}`);

describe("R36 a person", () => {
  it("is never taken for a script: a page, or the way to one, at every address", async () => {
    const site = open();
    let answers = 0;
    for (const kind of kindsOf("person"))
      for (const address of [...addresses, "/members/x", "/auth/verify?login=redirect"]) {
        // What an app's people are logged in with: who takes anything, and says nothing of a browser, gets the data.
        if (address === "/auth/sessions" && !isBrowser(kind)) continue;
        const response = await ask(site, address, kind);
        const { status, headers } = response;
        const at = `${kind.what} at ${address}: ${status} ${headers.get("content-type")}`;
        const leadsOn = status === 302 && headers.has("location");
        expect(leadsOn || headers.get("content-type")?.startsWith("text/html"), at).toBe(true);
        answers += 1;
      }
    console.log(
      `R36: ${kindsOf("person").length} kinds of persons, ${answers} answers, none of them a script's`,
    );
    expect(answers).toBeGreaterThan(500);
  });

  it("is sent to the login by the guard and by the proxy's question, or, in a frame, shown the way out of it", async () => {
    const site = open();
    for (const kind of kindsOf("person"))
      for (const [address, headers] of [
        ["/members/x?y=1", {}],
        ["/auth/verify?login=redirect", { "x-forwarded-uri": "/members/x?y=1" }],
      ] as const) {
        const response = await ask(site, address, { ...kind, headers: { ...kind.headers, ...headers } });
        if (kind.isFramed) await expectWayOut(response, kind.what);
        else {
          expect(response.status, kind.what).toBe(302);
          const location = new URL(response.headers.get("location") ?? "", SITE);
          expect(location.searchParams.get("return_to"), kind.what).toBe("/members/x?y=1");
        }
      }
  });

  it("begins a login, but in no frame, where Vipps is never shown", async () => {
    const site = open();
    for (const kind of kindsOf("person")) {
      const response = await ask(site, "/auth/login?return_to=%2Fmembers%2Fx%3Fy%3D1", kind);
      if (kind.isFramed) await expectWayOut(response, kind.what);
      else expect(response.headers.get("location"), kind.what).toContain("https://apitest.vipps.no/");
    }
  });

  it("who sent a form gets a page, whatever their browser leaves out", async () => {
    const site = open();
    for (const { headers, what } of kindsOf("person").filter(
      ({ headers: { upgrade } }) => upgrade === undefined,
    )) {
      const body = new URLSearchParams({ day: "Sunday" });
      const response = await site.fetch(new Request(`${SITE}/members/x`, { method: "POST", headers, body }));
      expect([response.status, response.headers.get("content-type")], what).toEqual([
        401,
        "text/html; charset=utf-8",
      ]);
    }
  });
});

const isBrowser = ({ headers }: RequestKind): boolean =>
  headers["sec-fetch-mode"] !== undefined || /html|text\/\*/.test(headers.accept ?? "");

async function expectWayOut(response: Response, what: string): Promise<void> {
  expect(response.status, what).toBe(401);
  const page = await response.text();
  expect(page, what).toMatch(/href="\/auth\/login\?return_to=%2Fmembers%2Fx%3Fy%3D1" target="_top"/);
  expect(response.headers.get("content-security-policy"), what).toContain("frame-ancestors *");
  expect(response.headers.get("x-frame-options"), what).toBeNull();
  expect(page, what).not.toContain("<form");
}

describe("R36 a script", () => {
  it("is told 401 as JSON by the guard and by the proxy's question, and reads problems", async () => {
    const site = open();
    let answers = 0;
    for (const kind of [...kindsOf("script"), ...kindsOf("page")])
      for (const [address, status] of [
        ["/members/x", 401],
        ["/auth/verify?login=redirect", 401],
        ["/auth/me", 401],
        ["/auth/sessions", 401],
        ["/auth/nothing", 404],
        ["/auth/logout", 405],
      ] as const) {
        const response = await ask(site, address, kind);
        const type = response.headers.get("content-type");
        expect([response.status, type], `${kind.what} at ${address}`).toEqual([
          status,
          "application/problem+json",
        ]);
        answers += 1;
      }
    console.log(`R36: ${answers} answers to scripts`);
  });

  it.each(["PUT", "PATCH", "DELETE", "OPTIONS"])(
    "is who sends %s: no page can be gone to so",
    async (method) => {
      const response = await open().fetch(
        new Request(`${SITE}/members/x`, { method, headers: { accept: "*/*" } }),
      );
      expect([response.status, response.headers.get("content-type")]).toEqual([
        401,
        "application/problem+json",
      ]);
    },
  );

  it("is who posts what no form can hold", async () => {
    const headers = { accept: "*/*", "content-type": "application/json" };
    const response = await open().fetch(
      new Request(`${SITE}/members/x`, { method: "POST", headers, body: "{}" }),
    );
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("a link to the logout", () => {
  it("logs nobody out, and shows a button that does", async () => {
    const site = open();
    const browser: Browser = openBrowser(site, { "accept-language": "en" });
    await browser.logIn();
    const response = await browser.get("/auth/logout?return_to=/about");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await browser.session()).authenticated).toBe(true);
    const page = await response.text();
    expect(page).toContain("Press the button to log out of site.example");
    expect(page).toContain('<form method="post" action="/auth/logout">');
    const pressed = await browser.post("/auth/logout", {
      return_to: /value="([^"]+)"/.exec(page)?.[1] ?? "",
    });
    expect([pressed.status, pressed.headers.get("location")]).toEqual([303, "/about"]);
    expect((await browser.session()).authenticated).toBe(false);
  });

  it("leads nowhere else than a login may", async () => {
    const page = await (await openBrowser(open()).get("/auth/logout?return_to=https://evil.example/")).text();
    expect(page).not.toContain("evil");
  });
});

describe("an address of ours with a slash at its end", () => {
  it("leads to the one without, query and method kept", async () => {
    const browser = openBrowser(open());
    for (const { path, guard } of routeTable().filter((route) => route.guard === undefined)) {
      expect(guard).toBeUndefined();
      const address = `/auth${path.replaceAll(/:\w+/g, "x")}`;
      for (const method of ["GET", "POST"]) {
        const response = await browser.request(`${address}/?a=b&c=%2F`, { method });
        const found = [response.status, response.headers.get("location")];
        expect(found, address).toEqual([308, `${address}?a=b&c=%2F`]);
      }
    }
  });

  it("is nothing where there is nothing without it", async () => {
    const browser = openBrowser(open());
    for (const path of ["/auth/", "/auth/nothing/", "/auth/support/", "/auth/support/log/"])
      expect((await browser.get(path)).status, path).toBe(404);
  });
});
