import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTooLongToSeal, newLoginId, openState, sealState } from "../../src/login/login-state.ts";
import { useTexts } from "../../src/pages/own-texts.ts";
import { readSettings } from "../../src/settings.ts";
import { openHostileSite } from "../conformance/hostile-site.ts";
import { BROWSER_COOKIE, type Browser, openBrowser, SESSION_COOKIE, type SessionAnswer } from "./browser.ts";
import { loggedIn, registry, subOf, TICKED } from "./desk.ts";
import { keptOfLogins } from "./login-objects.ts";
import { openApp } from "./native-app.ts";
import { formOf, textOf } from "./page-form.ts";
import { CALLBACK, openSite, SITE, type SiteOptions, type TestSite } from "./site.ts";

const PURPOSES = "delivery: address; invoice: address email; letter: birthDate";
const HOME = "Solveien 1";

const openShop = ({ vars, ...options }: SiteOptions = {}) =>
  openSite({
    // Named claims that no login brings on its own: a purpose's must not slip into the token by that.
    vars: { PURPOSES, SESSION_CLAIMS: "name address birthdate", ...vars },
    ...options,
  });

const loginPath = (purpose: string, returnTo = "/checkout") =>
  `/auth/login?return_to=${encodeURIComponent(returnTo)}&for=${purpose}`;

/** The address at Vipps that a login for a purpose leads to. */
async function begin(browser: Browser, purpose = "delivery", returnTo?: string): Promise<URL> {
  const response = await browser.get(loginPath(purpose, returnTo));
  expect(response.status).toBe(302);
  return new URL(response.headers.get("location") ?? "");
}

async function logInFor(browser: Browser, purpose = "delivery", user = "kari"): Promise<Response> {
  const callback = await browser.atProvider(await begin(browser, purpose), { user });
  return browser.get(callback.href);
}

type PurposeAnswer = SessionAnswer & { readonly purpose?: string | null };

const sessionFor = async (browser: Browser, purpose = "delivery"): Promise<PurposeAnswer> =>
  (await browser.get(`/auth/session?for=${purpose}`, { accept: "application/json" })).json();

const tokenOf = (browser: Browser): string =>
  atob((browser.cookies.get(SESSION_COOKIE)?.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));

/** Everything that the database keeps, as text. */
async function databaseText(site: TestSite): Promise<string> {
  const database = site.env.ACCOUNTS_DB;
  if (database === undefined) throw new Error("no database");
  const { results: tables } = await database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '[_d]*'")
    .all<{ name: string }>();
  const rows = await Promise.all(tables.map(({ name }) => database.prepare(`SELECT * FROM ${name}`).all()));
  return JSON.stringify(rows.map(({ results }) => results));
}

describe("a purpose", () => {
  it("is asked for only where it is named, in addition to what every login asks for", async () => {
    const browser = openBrowser(openShop());
    const plain = await browser.startLogin("/checkout");
    expect(plain.searchParams.get("scope")).toBe("openid name phoneNumber email");
    const asked = await begin(browser);
    expect(asked.searchParams.get("scope")).toBe("openid name phoneNumber email address");
    expect((await begin(browser, "invoice")).searchParams.get("scope")).toBe(
      "openid name phoneNumber email address",
    );
    expect(asked.href).not.toContain("delivery");
  });

  it("brings what was asked for to this session, where that purpose is named, and nowhere else", async () => {
    const site = openShop();
    const browser = openBrowser(site);
    const home = await logInFor(browser);
    expect(home.status).toBe(303);
    expect(home.headers.get("location")).toBe("/checkout");

    const brought = await sessionFor(browser);
    expect(brought.purpose).toBe("delivery");
    expect(brought.user?.address).toMatchObject({ street_address: HOME, postal_code: "0150" });
    expect(brought.user?.other_addresses).toHaveLength(1);
    expect(brought.user?.name).toBe("Kari Nordmann");
    expect(brought.user?.phone_number).toBeUndefined();

    const plain = await browser.session();
    expect(Object.keys(plain.user ?? {})).toEqual(["sub", "name"]);
    expect(plain).not.toHaveProperty("purpose");
    expect(await sessionFor(browser, "invoice")).toMatchObject({ authenticated: true, purpose: null });
    expect(JSON.stringify(await sessionFor(browser, "invoice"))).not.toContain(HOME);
    expect(tokenOf(browser)).toContain("Kari");
    expect(tokenOf(browser)).not.toContain("address");

    const verified = await browser.get("/auth/verify");
    expect(verified.status).toBe(204);
    const assertion = verified.headers.get("session-assertion")?.split(".")[1] ?? "";
    expect(JSON.stringify([...verified.headers]) + atob(assertion.replaceAll("-", "+"))).not.toContain(HOME);
    expect(await databaseText(site)).toContain("Nordmann");
    expect(await databaseText(site)).not.toContain(HOME);
    expect(JSON.stringify(await keptOfLogins())).not.toContain(HOME);
    expect(JSON.stringify(site.log)).not.toContain(HOME);
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "login_finished", purpose: "delivery" }),
    );

    const elsewhere = openBrowser(site);
    await elsewhere.logIn();
    expect((await elsewhere.session()).user?.sub).toBe(brought.user?.sub);
    expect(await sessionFor(elsewhere)).toMatchObject({ authenticated: true, purpose: null });
    expect(JSON.stringify(await sessionFor(elsewhere))).not.toContain(HOME);
  });

  it("names what every login brings too, where it is of the bundle", async () => {
    const browser = openBrowser(openShop());
    await logInFor(browser, "invoice");
    expect((await sessionFor(browser, "invoice")).user).toMatchObject({
      email: "kari.nordmann@example.com",
      address: { street_address: HOME },
    });
    expect((await browser.session()).user?.email).toBeUndefined();
  });

  it("judges no age by a birth date that was shared for something else", async () => {
    const browser = openBrowser(openShop({ vars: { SESSION_CLAIMS: "name age_over_18" } }));
    await logInFor(browser, "letter");
    expect((await sessionFor(browser, "letter")).user?.birthdate).toBe("1984-03-21");
    expect((await browser.session()).user).not.toHaveProperty("age_over_18");
  });

  it("is not asked for again in the session that has brought it, and is in the next one", async () => {
    const browser = openBrowser(openShop());
    await logInFor(browser);
    const again = await browser.get(loginPath("delivery", "/checkout?step=2"));
    expect(again.headers.get("location")).toBe("/checkout?step=2");
    expect((await browser.get(`${loginPath("delivery")}&prompt=login`)).headers.get("location")).toContain(
      "scope=",
    );
    const before = (await browser.session()).session?.id;
    await logInFor(browser, "letter");
    expect((await browser.session()).session?.id).not.toBe(before);
    expect(await sessionFor(browser)).toMatchObject({ purpose: null });
    expect((await begin(browser)).searchParams.get("scope")).toContain("address");
  });

  it("has been asked for where the person has nothing to share", async () => {
    const site = openShop();
    const browser = openBrowser(site);
    await logInFor(browser, "delivery", "sofie");
    const { purpose, authenticated } = await sessionFor(browser);
    expect({ purpose, authenticated }).toEqual({ purpose: "delivery", authenticated: true });
  });

  it("ends with its session, also where the token is fresh", async () => {
    const site = openShop();
    const browser = openBrowser(site);
    await logInFor(browser);
    const { user, session } = await browser.session();
    await env.USER_SESSIONS.getByName(user?.sub ?? "").end(session?.id ?? "");
    expect(await sessionFor(browser)).toMatchObject({ purpose: null });
    await runInDurableObject(
      env.USER_SESSIONS.getByName(user?.sub ?? ""),
      (_object, { storage: { sql } }) => {
        expect(JSON.stringify(sql.exec("SELECT * FROM sessions").toArray())).not.toContain(HOME);
      },
    );
  });

  it("is on the person's own page and in what they download", async () => {
    const browser = openBrowser(openShop(), { "accept-language": "en" });
    await logInFor(browser);
    expect(textOf(await (await browser.get("/auth/me")).text())).toContain(`Address (delivery) ${HOME}`);
    useTexts({ en: { me: { purposes: { delivery: "for the delivery" } } } });
    const worded = textOf(await (await browser.get("/auth/me")).text());
    useTexts({});
    expect(worded).toContain(`Address (for the delivery) ${HOME}`);
    const file: { shared?: unknown } = await (await browser.get("/auth/me/download")).json();
    const { session } = await browser.session();
    expect(file.shared).toMatchObject([
      { sid: session?.id, purpose: "delivery", claims: { address: { street_address: HOME } } },
    ]);
  });

  it("that nobody has named is refused, with a page and with a code, and nothing is asked of Vipps", async () => {
    const site = openShop();
    const browser = openBrowser(site, { "accept-language": "en" });
    for (const unknown of ["dinner", "", "Delivery", "constructor", "__proto__", "delivery "]) {
      const path = loginPath(encodeURIComponent(unknown));
      const page = await browser.get(path);
      expect([unknown, page.status]).toEqual([unknown, 400]);
      expect(textOf(await page.text())).toContain("The login is not set up correctly");
      const script = await browser.get(path, { accept: "application/json" });
      expect(await script.json()).toMatchObject({ status: 400, code: "purpose_unknown" });
      const session = await browser.get(`/auth/session?for=${encodeURIComponent(unknown)}`);
      expect(await session.json()).toMatchObject({ status: 400, code: "purpose_unknown" });
    }
    expect(site.counts.fetches).toEqual([]);
    expect(site.counts.durableObjectCalls).toEqual([]);
  });

  it("makes no other call than its own: none without a session, one with a fresh token", async () => {
    const site = openShop();
    const browser = openBrowser(site);
    expect(await sessionFor(browser)).toEqual({ authenticated: false });
    await begin(browser);
    expect(site.counts.durableObjectCalls).toEqual([]);
    await logInFor(browser);
    site.resetCounts();
    await sessionFor(browser);
    expect(site.counts).toMatchObject({ durableObjectCalls: ["sessions.brought"], databaseCalls: [] });
  });
});

describe("a login for a purpose", () => {
  it("that the person declines leads back to the page, and leaves the session as it was", async () => {
    const browser = openBrowser(openShop(), { "accept-language": "en" });
    await browser.logIn();
    const { session } = await browser.session();
    const callback = await browser.atProvider(await begin(browser), { cancelAt: "consent" });
    const response = await browser.get(callback.href);
    expect(response.status).toBe(403);
    const page = await response.text();
    expect(textOf(page)).toContain("You did not share that");
    expect(textOf(page)).toContain("You are still logged in.");
    expect(page).toContain('href="/checkout"');
    expect(page).toContain('href="/auth/login?return_to=%2Fcheckout&amp;for=delivery"');
    expect((await browser.session()).session?.id).toBe(session?.id);
    expect(await sessionFor(browser)).toMatchObject({ authenticated: true, purpose: null });
  });

  it("that a stranger cancels says so, and 'try again' still asks for it", async () => {
    const site = openShop();
    const browser = openBrowser(site, { "accept-language": "en" });
    const callback = await browser.atProvider(await begin(browser), { cancelAt: "landing" });
    const response = await browser.get(callback.href);
    const page = await response.text();
    expect(textOf(page)).toContain("You cancelled the login");
    expect(page).toContain("for=delivery");
    expect(site.log.at(-1)).toMatchObject({ event: "login_cancelled", code: "access_denied" });
  });

  it("is of no use without its answer: where userinfo fails that is told, and the session stays", async () => {
    const { provider, browser } = openHostileSite({ vars: { PURPOSES } });
    const person = {
      sub: "somebody",
      name: "Kari Nordmann",
      phone_number: "4799999901",
      email: "k@example.com",
    };
    provider.claims = person;
    provider.userinfo = person;
    expect((await browser.get(provider.authorize(await browser.startLogin()).href)).status).toBe(303);
    const { session } = await browser.session();
    provider.answers.userinfo = () => new Response("down", { status: 503 });
    const failed = await browser.get(provider.authorize(await begin(browser)).href);
    expect(failed.status).toBe(502);
    expect(await failed.text()).toContain("for=delivery");
    expect((await browser.session()).session?.id).toBe(session?.id);
    expect(await sessionFor(browser)).toMatchObject({ purpose: null });
  });

  it("asks anew what somebody had not the last time", async () => {
    const { provider, browser } = openHostileSite({ vars: { PURPOSES } });
    const person = {
      sub: "somebody",
      name: "Kari Nordmann",
      phone_number: "4799999901",
      email: "k@example.com",
    };
    const address = { street_address: HOME };
    for (const has of [{}, { address }]) {
      provider.claims = person;
      provider.userinfo = { ...person, ...has };
      await browser.get(provider.authorize(await begin(browser)).href);
      expect((await sessionFor(browser)).purpose).toBe("delivery");
      expect((await sessionFor(browser)).user?.address).toEqual("address" in has ? address : undefined);
      browser.cookies.delete(SESSION_COOKIE);
    }
  });

  it("keeps it past the terms, and through another try at them", async () => {
    const site = openShop({ vars: { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11" } });
    const browser = openBrowser(site);
    let page = await (await logInFor(browser)).text();
    const { action, fields } = formOf(page);
    page = await (await browser.post(action, { ...fields, answer: "accept" })).text();
    const again = formOf(page);
    const home = await browser.post(again.action, { ...again.fields, answer: "accept", terms: "accepted" });
    expect(home.headers.get("location")).toBe("/checkout");
    expect((await sessionFor(browser)).user?.address).toMatchObject({ street_address: HOME });
    expect(JSON.stringify(await keptOfLogins())).not.toContain(HOME);
  });

  it("leaves nothing of it behind where the terms are declined", async () => {
    const site = openShop({ vars: { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11" } });
    const browser = openBrowser(site);
    const { action, fields } = formOf(await (await logInFor(browser)).text());
    expect((await browser.post(action, { ...fields, answer: "decline" })).status).toBe(403);
    expect(JSON.stringify(await keptOfLogins())).not.toContain(HOME);
    expect(await databaseText(site)).not.toContain(HOME);
  });

  it("keeps it past the proof of an old account", async () => {
    const site = openShop();
    const { id } = await loggedIn(site, "kari");
    await registry().unlink(id, "123456", await subOf(id));
    await registry().correct(id, { name: "Bjarne Olsen" });
    const browser = openBrowser(site);
    const page = await (await logInFor(browser)).text();
    const attempt = /name="attempt" value="([\w.-]{100,})"/.exec(page)?.[1] ?? "";
    const form = { attempt, question: "proof", answer: "new", ...TICKED };
    expect((await browser.post("/auth/continue", form)).headers.get("location")).toBe("/checkout");
    expect((await sessionFor(browser)).user?.address).toMatchObject({ street_address: HOME });
    expect(await databaseText(site)).not.toContain(HOME);
  });

  it("keeps it where it comes back in another browser", async () => {
    const site = openShop();
    const [starter, finisher] = [openBrowser(site), openBrowser(site)];
    const callback = await starter.atProvider(await begin(starter));
    const { action, fields } = formOf(await (await finisher.get(callback.href)).text());
    expect((await finisher.post(action, { ...fields, answer: "yes" })).headers.get("location")).toBe(
      "/checkout",
    );
    expect((await sessionFor(finisher)).user?.address).toMatchObject({ street_address: HOME });
    expect(await sessionFor(starter)).toEqual({ authenticated: false });
  });

  it("keeps it where the same person is logged in in that other browser already", async () => {
    for (const CROSS_BROWSER of ["confirm", "allow"]) {
      const site = openShop({ vars: { CROSS_BROWSER } });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn();
      const callback = await starter.atProvider(await begin(starter));
      const home = await finisher.get(callback.href);
      expect([CROSS_BROWSER, home.status]).toEqual([CROSS_BROWSER, 303]);
      expect((await sessionFor(finisher)).user?.address).toMatchObject({ street_address: HOME });
    }
  });

  it("never replaces somebody else's session without asking", async () => {
    const site = openShop({ vars: { CROSS_BROWSER: "allow" } });
    const [starter, finisher] = [openBrowser(site), openBrowser(site)];
    await finisher.logIn({ user: "mette" });
    const callback = await starter.atProvider(await begin(starter));
    expect((await finisher.get(callback.href)).status).toBe(200);
    expect((await finisher.session()).user?.name).toContain("Mette");
  });

  it("by another name of the site goes on at its own address", async () => {
    const response = await openShop().fetch(
      new Request(`https://www.site.example${loginPath("delivery")}`, { headers: { accept: "text/html" } }),
    );
    expect(response.headers.get("location")).toBe(`${SITE}${loginPath("delivery")}&address=own`);
  });

  it("whose purpose is gone from the settings meanwhile brings nothing and keeps nothing", async () => {
    const before = openShop();
    const browser = openBrowser(before);
    const callback = await browser.atProvider(await begin(browser));
    const later = openShop({ vars: { PURPOSES: "letter: birthDate" }, provider: before.simulator.fetch });
    const cookies = new Map(browser.cookies);
    const after = openBrowser(later);
    for (const [name, value] of cookies) after.cookies.set(name, value);
    expect(after.cookies.has(BROWSER_COOKIE)).toBe(true);
    await after.get(callback.href);
    expect(Object.keys((await after.session()).user ?? {})).toEqual(["sub", "name"]);
    expect(tokenOf(after)).not.toContain("address");
    expect(await databaseText(later)).not.toContain(HOME);
  });

  it("of an app brings it to the app's session", async () => {
    const link = "https://site.example/app/logged-in";
    const site = openShop({
      vars: { APP_REDIRECT_URIS: link },
      salesUnit: { redirectUris: [CALLBACK, link] },
    });
    const app = openApp(site);
    expect((await app.post("/auth/app/start", { for: "dinner" })).status).toBe(400);
    const start: { authorize_url: string; app_secret: string; state: string; redirect_uri: string } = await (
      await app.post("/auth/app/start", { for: "delivery" })
    ).json();
    const parameters = await app.atProvider(start as never);
    const finished: { session: { token: string } } = await (
      await app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret })
    ).json();
    expect(JSON.stringify(finished)).not.toContain(HOME);
    const answer = await app.get("/auth/session?for=delivery", finished.session.token);
    expect(await answer.json()).toMatchObject({ purpose: "delivery", user: { address: {} } });
  });
});

describe("the state of a login for a purpose", () => {
  const settings = () => {
    const read = readSettings(openShop().env, `${SITE}/`);
    if (!("settings" in read)) throw new Error(read.faults.join());
    return read.settings;
  };
  const begun = { object: "weur-255", browser: "A".repeat(43) };

  it("brings purpose and return URL back as they were, and is no longer than without", async () => {
    const site = settings();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 255, unit: "binary" }).map((text) => `/${encodeURI(text.toWellFormed())}`),
        fc.option(fc.stringMatching(/^[a-z][a-z0-9_-]{0,29}$/), { nil: undefined }),
        fc.constantFrom("", "#", "#part", "#a#b"),
        async (path, purpose, fragment) => {
          const returnTo = path + fragment;
          fc.pre(!isTooLongToSeal(returnTo, purpose));
          const asks = { app: false, birthDate: false, purpose };
          const state = await sealState(site, "browser", { ...begun, id: newLoginId(), returnTo, asks });
          expect(state.length).toBeLessThanOrEqual(470);
          expect(await openState(site, "browser", state, Date.now())).toMatchObject({
            login: { returnTo, asks: purpose === undefined ? {} : { purpose } },
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has the return URL kept by the object where both are too long for it", async () => {
    const browser = openBrowser(openShop());
    const returnTo = `/checkout?basket=${"x".repeat(238)}`;
    expect([isTooLongToSeal(returnTo), isTooLongToSeal(returnTo, "delivery")]).toEqual([false, true]);
    const callback = await browser.atProvider(await begin(browser, "delivery", returnTo));
    expect((await browser.get(callback.href)).headers.get("location")).toBe(returnTo);
    expect((await sessionFor(browser)).purpose).toBe("delivery");
  });
});

describe("PURPOSES", () => {
  const read = (PURPOSES: unknown) => {
    const result = readSettings({ ...env, PURPOSES } as Cloudflare.Env, `${SITE}/`);
    return "settings" in result ? Object.fromEntries(result.settings.login.purposes) : result.faults;
  };

  it("is read from text, from JSON and from what TOML knows", () => {
    const both = { delivery: ["address"], invoice: ["address", "email"] };
    for (const written of [
      "delivery: address; invoice: address email",
      " delivery:address ;invoice: address,  email;",
      "delivery: address\ninvoice: address email address\n",
      '{"delivery":"address","invoice":["address","email"]}',
      ["delivery: address", "invoice: address email"],
      '["delivery: address","invoice: address email"]',
      { delivery: "address", invoice: "address, email" },
      { delivery: ["address"], invoice: ["address", "email"] },
    ])
      expect([written, read(written)]).toEqual([written, both]);
    for (const unset of [undefined, "", "  "]) expect(read(unset)).toEqual({});
  });

  it("is refused in one line where it names what it cannot bring, or nothing", () => {
    for (const wrong of [
      "delivery",
      "delivery:",
      "delivery: adress",
      "delivery: openid",
      "delivery: customFlow",
      "delivery: toString",
      "delivery: nin",
      "Delivery: address",
      "de livery: address",
      "delivery: address; delivery: email",
      `${"x".repeat(31)}: address`,
      "{broken",
      42,
      ["delivery"],
      "address; delivery: address",
      { delivery: {} },
      Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`p${at}`, "address"])),
    ])
      expect([wrong, read(wrong)]).toEqual([wrong, [expect.stringMatching(/^PURPOSES must be purposes/)]]);
  });
});
