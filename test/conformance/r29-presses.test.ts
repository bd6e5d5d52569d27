import { describe, expect, it } from "vitest";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { linkRequests } from "../../src/accounts/link-requests.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import {
  accountPath,
  desk,
  ENGLISH,
  FROM_HERE,
  loggedIn,
  records,
  registry,
  subOf,
  TICKED,
  waitToBeLinked,
} from "../worker/desk.ts";
import { formOf, textOf } from "../worker/page-form.ts";
import { ORIGIN, openOrigin } from "../worker/recording-origin.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

const UNMEANT: readonly Record<string, string>[] = [
  {},
  { armed: "" },
  { armed: "no" },
  { confirm: "" },
  { confirm: "on" },
  { armed: "yes ", confirm: "YES" },
];

async function atConfirmPage(site: TestSite): Promise<{ browser: Browser; form: Record<string, string> }> {
  const [starter, browser] = [openBrowser(site, ENGLISH), openBrowser(site, ENGLISH)];
  const callback = await starter.atProvider(await starter.startLogin("/members/"));
  const { confirm, ...form } = formOf(await (await browser.get(callback.href)).text()).fields;
  expect(confirm).toBe("yes");
  return { browser, form };
}

describe("R29 yes on the confirm page", () => {
  it("counts for nothing without a sign that it was meant, and costs nothing", async () => {
    const site = openSite();
    const { browser, form } = await atConfirmPage(site);
    for (const unmeant of UNMEANT) {
      const answer = await browser.post("/auth/continue", { ...form, ...unmeant, answer: "yes" });
      expect(answer.status).toBe(400);
      const page = await answer.text();
      expect(textOf(page)).toContain("Is this you?");
      expect(textOf(page)).toContain("Tick the box first.");
      expect(formOf(page).fields).toMatchObject({ attempt: form.attempt });
      expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    }
    expect((await browser.post("/auth/continue", { ...form, ...TICKED, answer: "yes" })).status).toBe(303);
    expect((await browser.session()).user?.name).toBe("Kari Nordmann");
  });

  it.each([{ armed: "yes" }, { confirm: "yes" }])("counts with %j", async (sign) => {
    const { browser, form } = await atConfirmPage(openSite());
    expect((await browser.post("/auth/continue", { ...form, ...sign, answer: "yes" })).status).toBe(303);
  });

  it("is needed for nobody who says no", async () => {
    const { browser, form } = await atConfirmPage(openSite());
    expect((await browser.post("/auth/continue", { ...form, answer: "no" })).status).toBe(403);
    expect((await browser.post("/auth/continue", { ...form, ...TICKED, answer: "yes" })).status).toBe(403);
  });
});

describe("R29 the ways on from the page that asks for a proof", () => {
  it("makes no new account on one press", async () => {
    const { site, staffId } = await desk();
    await registry().unlink(staffId, "123456", await subOf(staffId));
    await registry().correct(staffId, { name: "Bjarne Olsen" });
    const browser = openBrowser(site, ENGLISH);
    const page = await (await browser.logIn({ user: "kari" })).text();
    const { confirm, ...form } = formOf(page.slice(page.indexOf('<form class="question deliberate"'))).fields;
    expect(confirm).toBe("yes");
    for (const answer of ["new", "site"]) {
      for (const unmeant of UNMEANT) {
        const response = await browser.post("/auth/continue", { ...form, ...unmeant, answer });
        expect(response.status).toBe(400);
        expect(textOf(await response.text())).toContain("You may already be registered");
      }
    }
    expect((await browser.session()).authenticated).toBe(false);
    expect((await browser.post("/auth/continue", { ...form, armed: "yes", answer: "new" })).status).toBe(303);
    expect((await browser.session()).user?.sub).not.toBe(staffId);
  });
});

describe("R29 what staff do for good", () => {
  it("takes a tick away from the button; without it nothing is done, and nothing that was typed is lost", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const sub = await subOf(sofie.id);
    const path = accountPath(sofie.id);
    const before = await registry().get(sofie.id);
    const basis = String(before?.account.updatedAt);
    const correction = { basis, name: "Sofie Typed", phone: "", email: "", memberNumber: "77" };
    const forms: readonly (readonly [string, Record<string, string>, string])[] = [
      [`${path}/sessions`, { session: "all" }, "Tick the box first. Nothing has been changed."],
      [`${path}/sessions`, { session: sofie.sid }, "Tick the box first. Nothing has been changed."],
      [`${path}/unlink`, { msn: "123456", sub }, "Tick the box first. Nothing has been changed."],
      [`${path}/correct`, correction, "Tick the box first."],
      [`${path}/erase`, {}, "Tick the box first."],
    ];
    for (const [address, form, said] of forms) {
      for (const unmeant of [...UNMEANT, { armed: "yes" }]) {
        const answer = await staff.post(address, { ...form, ...unmeant });
        expect(answer.status, address).toBe(400);
        const page = await answer.text();
        expect(textOf(page), address).toContain(said);
        if (address.endsWith("correct")) expect(page).toContain('value="Sofie Typed"');
      }
    }
    expect(await registry().get(sofie.id)).toEqual(before);
    expect((await sofie.browser.session()).authenticated).toBe(true);
    const deeds = await readAudit(records(), sofie.id);
    expect(new Set(deeds.map(({ action }) => action))).toEqual(new Set(["viewed"]));
  });

  it("links nobody on one press, and keeps the account that was chosen", async () => {
    const { site, staff, staffId } = await desk();
    const old = await loggedIn(site, "sofie");
    const reference = await waitToBeLinked(site, old.id);
    const link = `/auth/support/requests/${reference}/link`;
    for (const account of [old.id, staffId]) {
      for (const unmeant of [...UNMEANT, { armed: "yes" }]) {
        const answer = await staff.post(link, { account, ...unmeant });
        expect(answer.status).toBe(400);
        const page = await answer.text();
        expect(textOf(page)).toContain("Tick the box first.");
        expect(page).toContain(`name="account" value="${account}"`);
      }
    }
    expect((await registry().get(old.id))?.identities).toEqual([]);
    expect(await linkRequests(records(), old.id)).toHaveLength(1);
    const done = await staff.post(link, { account: old.id, ...TICKED });
    expect(done.headers.get("location")).toBe(`${accountPath(old.id)}?notice=linked`);
  });

  it("has every button that does something in a form with a box that must be ticked", async () => {
    const { site, staff } = await desk();
    const old = await loggedIn(site, "sofie");
    const reference = await waitToBeLinked(site, old.id);
    await loggedIn(site, "per");
    const harmless = /action="[^"]*\/(search|link|logout)"[^>]*>(?:(?!name="account").)*$/s;
    for (const path of [
      accountPath(old.id),
      `${accountPath(old.id)}/erase`,
      `/auth/support/requests/${reference}`,
    ]) {
      const page = await (await staff.get(path)).text();
      const forms = page.match(/<form [^>]*method="post".*?<\/form>/gs) ?? [];
      expect(forms.length, path).toBeGreaterThan(0);
      for (const form of forms.filter((one) => !harmless.test(one)))
        expect(form, path).toMatch(/<input type="checkbox" name="confirm" value="yes" required/);
    }
  });
});

describe("R29 pages of the console beyond its first", () => {
  /** Where a request may come from that is not a page of the site. */
  const ELSEWHERE: readonly Record<string, string>[] = [
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    // Typed, a bookmark, a link in another program.
    { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    { ...FROM_HERE, "sec-fetch-dest": "iframe" },
    { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
    { "sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    { "sec-fetch-site": "cross-site", referer: `${SITE}/` },
    { "sec-fetch-site": "nonsense" },
    { referer: "https://evil.example/" },
    { referer: `${SITE}.evil.example/` },
    { referer: "not a url" },
    // A picture in a page of the site, in a browser without Fetch Metadata.
    { referer: `${SITE}/`, accept: "image/webp,*/*;q=0.8" },
    {},
  ];
  const HERE: readonly Record<string, string>[] = [
    FROM_HERE,
    { "sec-fetch-site": "same-origin" },
    // Safari before 16.4, with the referrer policy of our pages.
    { referer: `${SITE}/` },
    { referer: `${SITE}/auth/support/log` },
  ];

  it("are shown to navigations from the site itself; others find the first page, and nobody is looked at", async () => {
    const { site, staff } = await desk();
    const old = await loggedIn(site, "sofie");
    const reference = await waitToBeLinked(site, old.id);
    const stranger = openBrowser(site, ENGLISH);
    for (const [name, value] of staff.cookies) stranger.cookies.set(name, value);
    const paths = [
      "/auth/support/log",
      accountPath(old.id),
      `${accountPath(old.id)}/erase`,
      `/auth/support/requests/${reference}`,
      `/auth/support/requests/${reference}?account=${old.id}`,
      accountPath("acc_nobody"),
    ];
    for (const path of paths) {
      for (const headers of ELSEWHERE) {
        for (const method of ["GET", "HEAD"]) {
          const response = await stranger.request(path, { method, headers });
          expect(response.status, path).toBe(method === "HEAD" ? 503 : 200);
          if (method === "HEAD") continue;
          const page = textOf(await response.text());
          expect(page, path).toContain("Customer service");
          expect(page, path).toContain("That page opens only from here");
          expect(page, path).not.toMatch(/Bjarne|Sofie/);
        }
      }
    }
    expect(await readAudit(records(), undefined)).toEqual([]);
    for (const path of paths.slice(0, 4)) {
      for (const headers of HERE) {
        const page = textOf(await (await stranger.get(path, headers)).text());
        expect(page, path).not.toContain("That page opens only from here");
      }
    }
    expect(await readAudit(records(), old.id)).toHaveLength(3 * HERE.length);
  });

  it("show no word of a notice that a link has put into the address", async () => {
    const { staff } = await desk();
    const from = { "sec-fetch-site": "cross-site" };
    const page = await (await staff.get("/auth/support?notice=erased", from)).text();
    expect(page).not.toContain('class="note"');
    expect(await (await staff.get("/auth/support?notice=erased")).text()).toContain("The account is erased.");
  });
});

describe("R29 the headers of every answer of ours", () => {
  const OWN = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin",
    "x-frame-options": "DENY",
  };

  function expectOwn(response: Response, what: string, other: Partial<typeof OWN> = {}): void {
    for (const [name, value] of Object.entries({ ...OWN, ...other }))
      expect(response.headers.get(name), `${name} of ${what}`).toBe(value);
    expect(response.headers.get("permissions-policy"), what).toContain("camera=()");
    expect(response.headers.get("content-security-policy"), what).toMatch(
      /^default-src 'none'.*frame-ancestors 'none'/,
    );
  }

  it("are on pages, JSON, redirects and failures alike", async () => {
    const site = openSite({ vars: { SUPPORT_STAFF: "+4799999901", PROTECTED_PATHS: "/members/*" } });
    const { browser } = await loggedIn(site, "kari");
    const nobody = openBrowser(site, ENGLISH);
    const json = { accept: "application/json" };
    const asked: readonly (readonly [string, Promise<Response>])[] = [
      ["a login", nobody.get("/auth/login")],
      ["a login for somebody who is in", browser.get("/auth/login?return_to=/x")],
      ["a callback out of nowhere", nobody.get("/auth/callback?code=x&state=y")],
      ["an answer out of nowhere", nobody.post("/auth/continue", { answer: "yes" })],
      ["the session", browser.get("/auth/session", json)],
      ["no session", nobody.get("/auth/session", json)],
      ["a check", browser.get("/auth/verify")],
      ["a refused check", nobody.get("/auth/verify")],
      ["the keys", nobody.get("/auth/.well-known/jwks.json")],
      ["health", nobody.get("/auth/health")],
      ["sessions", browser.get("/auth/sessions")],
      ["sessions as JSON", browser.get("/auth/sessions", json)],
      ["one's own page", browser.get("/auth/me")],
      ["one's own data", browser.get("/auth/me/download")],
      ["the console", browser.get("/auth/support")],
      ["the console's log", browser.get("/auth/support/log")],
      ["no console", nobody.get("/auth/support")],
      ["an account that is not there", browser.get(accountPath("acc_nobody"))],
      ["nothing", nobody.get("/auth/nothing")],
      ["nothing as JSON", nobody.get("/auth/nothing", json)],
      ["a wrong method", nobody.request("/auth/login", { method: "DELETE" })],
      ["a guarded page", nobody.get("/members/")],
      ["a guarded page for a script", nobody.get("/members/", { ...json, "sec-fetch-mode": "cors" })],
      ["an unreadable path", nobody.get("/%zz")],
      ["an app's start", nobody.request("/auth/app/start", { method: "POST" })],
      ["the webhook", nobody.post("/auth/webhooks/consent/x")],
    ];
    for (const [what, answer] of asked) expectOwn(await answer, what);
    expectOwn(await browser.post("/auth/logout"), "a logout");
    expectOwn(await openBrowser(openSite({ vars: { VIPPS_MSN: "" } })).get("/"), "wrong settings");
  });

  it("let other sites load the element, and RETURN_TO_ORIGINS read the session", async () => {
    const shop = "https://shop.example";
    const browser = openBrowser(openSite({ vars: { RETURN_TO_ORIGINS: shop } }));
    expectOwn(await browser.get("/auth/vipps-login.js"), "the element", {
      "cross-origin-resource-policy": "cross-origin",
    });
    const read = await browser.get("/auth/session", { origin: shop });
    expectOwn(read, "the session");
    expect(read.headers.get("access-control-allow-origin")).toBe(shop);
    const asked = { method: "OPTIONS", headers: { origin: shop, "access-control-request-method": "POST" } };
    const preflight = await browser.request("/auth/logout", asked);
    expectOwn(preflight, "a preflight");
    expect(preflight.headers.get("access-control-allow-origin")).toBe(shop);
  });

  it("are on no answer of the site behind", async () => {
    const origin = openOrigin({ SITE_URL: SITE }, () => new Response("own", { headers: { "x-own": "1" } }));
    const response = await origin.browser.get("/anything");
    expect(origin.last().url).toBe(`${ORIGIN}/anything`);
    for (const name of [...Object.keys(OWN), "permissions-policy", "content-security-policy"])
      expect(response.headers.has(name), name).toBe(false);
  });
});
