import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { firstIdOf } from "../../src/accounts/login-events.ts";
import { runScheduledWork } from "../../src/scheduled-work.ts";
import { siteKey, writeSiteDocument } from "../../src/sites/site-document.ts";
import { openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import {
  hostedSite,
  masterKeys,
  newMasterKey,
  openSites,
  removeSite,
  SITES_KEYS,
  storeSite,
  storeText,
} from "./many-sites.ts";
import { openSite, SITE, type TestSite } from "./site.ts";

const BAKERY = await hostedSite("bakeri.example", 1, { VIPPS_MARKET: "NO" });
const CAFE = await hostedSite("kahvila.example", 2, { VIPPS_MARKET: "FI", BRAND_DATE: "2099-12-31" });

const ask = (site: TestSite, url: string, headers: Record<string, string> = {}) =>
  site.fetch(new Request(url, { headers, redirect: "manual" }));

const page = { accept: "text/html" };

describe("many sites on one worker", () => {
  it("log people in with their own sales units, brands and languages", async () => {
    const site = await openSites([BAKERY, CAFE]);
    for (const [hosted, language, brand] of [
      [BAKERY, "nb", "Vipps"],
      [CAFE, "fi", "MobilePay"],
    ] as const) {
      const browser = openBrowser(site, {}, hosted.origin);
      const url = await browser.startLogin();
      expect(url.searchParams.get("client_id")).toBe(hosted.salesUnit.clientId);
      expect(url.searchParams.get("redirect_uri")).toBe(`${hosted.origin}/auth/callback`);
      expect((await browser.get(String(await browser.atProvider(url)))).status).toBe(303);
      expect(await browser.session()).toMatchObject({ authenticated: true, user: { name: "Kari Nordmann" } });
      const failed = await browser.get("/auth/callback?error=access_denied&state=x");
      const text = await failed.text();
      expect(text).toContain(`lang="${language}"`);
      expect(text).toContain(`data-brand="${brand}"`);
    }
  });

  it("speak the site's language to a browser that asks for none of ours", async () => {
    const swedish = await hostedSite("kafe.example", 7, {
      VIPPS_MARKET: "FI",
      SITE_LANGUAGE: "sv",
      BRAND_DATE: "2099-12-31",
    });
    const site = await openSites([swedish]);
    const pageIn = async (language: string) => {
      const headers = { ...page, "accept-language": language };
      return (await ask(site, `${swedish.origin}/auth/callback`, headers)).text();
    };
    expect(await pageIn("fr")).toContain('lang="sv" data-brand="MobilePay"');
    expect(await pageIn("fi")).toContain('lang="fi" data-brand="MobilePay"');
  });

  it("leave the deployment's own site as it is", async () => {
    const site = await openSites([BAKERY]);
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(303);
    expect(await browser.session()).toMatchObject({ authenticated: true });
  });

  it("keep people apart though they share a sales unit, and so a sub, by mistake", async () => {
    const origin = "https://tvilling.example";
    const salesUnit = {
      ...BAKERY.salesUnit,
      redirectUris: [...BAKERY.salesUnit.redirectUris, `${origin}/auth/callback`],
    };
    const site = await openSites([{ ...BAKERY, salesUnit }]);
    await storeSite({ ...BAKERY, host: "tvilling.example", values: { ...BAKERY.values, SITE_URL: origin } });
    const [one, other] = [openBrowser(site, {}, BAKERY.origin), openBrowser(site, {}, origin)];
    await one.logIn();
    await other.logIn();
    const accounts = await accountsDatabase().prepare("SELECT site, id FROM accounts ORDER BY site").all();
    expect(accounts.results).toEqual([
      { site: "bakeri.example", id: (await one.session()).user?.sub },
      { site: "tvilling.example", id: (await other.session()).user?.sub },
    ]);
    expect(new Set(accounts.results.map(({ id }) => id)).size).toBe(2);
    const events = accountsDatabase().prepare("SELECT site, account_id AS id FROM logins ORDER BY site");
    expect((await events.all()).results).toEqual(accounts.results);
  });

  it.each(["/", "/auth/login", "/auth/health", "/auth/.well-known/jwks.json", "/members/"])(
    "tell a stranger's host nothing at %s",
    async (path) => {
      const site = await openSites([BAKERY]);
      const response = await ask(site, `https://nobody.example${path}`, page);
      expect(response.status).toBe(404);
      expect(await response.text()).toBe("Not found\n");
      expect(Object.fromEntries(response.headers)).toEqual({
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
      });
      expect(site.log).toMatchObject([{ code: "host_unknown", level: "info" }]);
    },
  );

  it.each([
    "https://bakeri.example.evil.example/",
    "https://xn--bakeri-xya.example/",
    "https://bakeri.example:8443/",
    "https://bakeri.example../",
    "https://a_b.example/",
    `https://${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}/`,
    "https://[::1]/",
  ])("take no other host for one of theirs: %s", async (url) => {
    const site = await openSites([BAKERY]);
    expect((await ask(site, url, page)).status).toBe(404);
  });

  it.each([
    ["https://BAKERI.example./members/?a=b", "https://bakeri.example/members/?a=b"],
    [
      "https://www.bakeri.example//evil.example/a%2Fb?x=%0d%0a",
      "https://bakeri.example//evil.example/a%2Fb?x=%0d%0a",
    ],
    ["https://example.com./auth/login", "https://example.com/auth/login"],
  ])("lead from another address of a site to it: %s", async (url, there) => {
    const site = await openSites([BAKERY], { vars: { SITE_URL: "https://example.com" } });
    const alias = { host: "www.bakeri.example", values: { SITE_URL: BAKERY.origin } };
    await storeSite(alias, masterKeys(), Date.now(), { aliasOf: BAKERY.host });
    for (const method of ["GET", "POST"]) {
      const response = await site.fetch(new Request(url, { method, redirect: "manual" }));
      expect([response.status, response.headers.get("location")]).toEqual([308, there]);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  it("lead nowhere that the document does not say itself", async () => {
    const site = await openSites([BAKERY]);
    const alias = { host: "www.bakeri.example", values: { SITE_URL: "https://evil.example" } };
    await storeSite(alias, masterKeys(), Date.now(), { aliasOf: BAKERY.host });
    expect((await ask(site, "https://www.bakeri.example/", page)).status).toBe(404);
    await storeSite(
      alias,
      { ...masterKeys(), sealing: { kid: "master-1", bytes: new Uint8Array(32) } },
      Date.now(),
      {
        aliasOf: "evil.example",
      },
    );
    expect((await ask(site, "https://www.bakeri.example/a", page)).headers.get("location")).toBeNull();
  });

  it("are gone at once with the document that says so, and know nobody when the host is somebody else's", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([BAKERY]);
    const browser = openBrowser(site, {}, BAKERY.origin);
    await browser.logIn();
    const { user } = await browser.session();
    await storeSite({ host: BAKERY.host, values: {} }, masterKeys(), Date.now() + 1, { isRemoved: true });
    vi.setSystemTime(Date.now() + 31_000);
    for (const path of ["/", "/auth/session", "/auth/login"])
      expect((await browser.get(path)).status).toBe(404);
    // The next one of this host has rows of its own, though the old ones are still there.
    const next = await hostedSite(BAKERY.host, 1);
    await storeSite(next, masterKeys(), Date.now() + 2, { partition: `${BAKERY.host}~2` });
    vi.setSystemTime(Date.now() + 31_000);
    expect(await browser.session()).toMatchObject({ authenticated: false });
    await browser.logIn();
    const again = await browser.session();
    expect(again).toMatchObject({ authenticated: true });
    expect(again.user?.sub).not.toBe(user?.sub);
    const accounts = await accountsDatabase().prepare("SELECT site FROM accounts ORDER BY site").all();
    expect(accounts.results).toEqual([{ site: BAKERY.host }, { site: `${BAKERY.host}~2` }]);
  });

  it("keep their people under another host", async () => {
    const site = await openSites([BAKERY]);
    const browser = openBrowser(site, {}, BAKERY.origin);
    await browser.logIn();
    const { user } = await browser.session();
    const origin = "https://bakeriet.example";
    const renamed = await openSites([
      { ...BAKERY, salesUnit: { ...BAKERY.salesUnit, redirectUris: [`${origin}/auth/callback`] } },
    ]);
    await storeSite(
      { host: "bakeriet.example", values: { ...BAKERY.values, SITE_URL: origin } },
      masterKeys(),
      Date.now(),
      {
        partition: BAKERY.host,
      },
    );
    const there = openBrowser(renamed, {}, origin);
    await there.logIn();
    expect((await there.session()).user?.sub).toBe(user?.sub);
    const sessions = await (await there.get("/auth/sessions", { accept: "application/json" })).json<{
      sessions: unknown[];
    }>();
    expect(sessions.sessions).toHaveLength(2);
  });

  it("are what the deployment says where they say nothing themselves, and only that", async () => {
    const SITE_DEFAULTS = {
      SITE_LANGUAGE: "sv",
      VIPPS_MARKET: "FI",
      SESSION_IDLE: 86_400,
      BRAND_DATE: "2099-12-31",
    };
    const plain = await hostedSite("enkel.example", 8);
    const vars = { SITE_DEFAULTS } as Partial<Cloudflare.Env>;
    const site = await openSites([plain, BAKERY], { vars });
    const shown = async (origin: string) => (await ask(site, `${origin}/auth/callback`, page)).text();
    expect(await shown(plain.origin)).toContain('lang="sv" data-brand="MobilePay"');
    expect(await shown(BAKERY.origin)).toContain('lang="sv" data-brand="Vipps"');
    const own = openBrowser(site);
    expect(await (await own.get("/auth/callback", page)).text()).not.toContain('lang="sv"');
    for (const [wrong, why] of [
      [{ SESSION_KEYS: "{}" }, "SITE_DEFAULTS: SESSION_KEYS is no setting that sites can share"],
      [{ SITE_URL: "https://x.example" }, "SITE_DEFAULTS: SITE_URL is"],
      [{ SUPPORT_STAFF: "+4799999901" }, "SITE_DEFAULTS: SUPPORT_STAFF is"],
      [{ SITES_KEYS: "{}" }, "SITE_DEFAULTS: SITES_KEYS is"],
      [{ SESSION_IDLE: "soon" }, "SESSION_IDLE must"],
      ["nonsense", "SITE_DEFAULTS must be a table"],
    ] as const) {
      const faulty = await openSites([plain], { vars: { SITE_DEFAULTS: wrong } as Partial<Cloudflare.Env> });
      const response = await ask(faulty, `${plain.origin}/auth/session`, { accept: "application/json" });
      expect([response.status, await response.text()]).toEqual([500, expect.stringContaining(why)]);
    }
  });

  it("never serve the deployment's assets on another site", async () => {
    const origin = vi.fn(() => new Response("the bakery's own page"));
    const site = await openSites([BAKERY], { origin });
    const response = await ask(site, `${BAKERY.origin}/`, page);
    expect(await response.text()).toBe("the bakery's own page");
  });
});

describe("the document of a site", () => {
  const open = async (change: (document: string) => string, keys = SITES_KEYS) => {
    const site = await openSites([], { vars: { SITES_KEYS: keys } });
    const document = await writeSiteDocument(masterKeys(), BAKERY.host, BAKERY.values, Date.now());
    await storeText(BAKERY.host, change(JSON.stringify(document)));
    return site;
  };

  it("holds no secret in the open", async () => {
    const values = { ...BAKERY.values, SUPPORT_STAFF: "+4799999901", CONSENT_WEBHOOK_SECRET: "w".repeat(20) };
    const text = JSON.stringify(await writeSiteDocument(masterKeys(), BAKERY.host, values, Date.now()));
    expect(text).not.toMatch(/secret-of-1|4799999901|wwww|"d"/);
    expect(text).toContain('"VIPPS_CLIENT_ID":"client-1"');
  });

  it.each([
    [
      "its issuer was changed",
      (text: string) => text.replace('"VIPPS_MSN"', '"VIPPS_ISSUER":"https://evil.example/","VIPPS_MSN"'),
    ],
    [
      "its sealed part was changed",
      (text: string) => text.replace(/"data":"(.)/, (_, first) => `"data":"${first === "A" ? "B" : "A"}`),
    ],
    ["its key is unknown", (text: string) => text.replace("master-1", "master-0")],
    ["it is no JSON", () => "{"],
    ["it is of another version", (text: string) => text.replace('"version":1', '"version":2')],
    ["it is another site's", (text: string) => text.replaceAll("bakeri.example", "kahvila.example")],
  ])("serves nobody when %s", async (_what, change) => {
    const site = await open(change);
    const response = await ask(site, `${BAKERY.origin}/auth/login`, page);
    expect(response.status).toBe(500);
    expect(site.log.at(-1)).toMatchObject({ code: "settings_invalid" });
    expect(JSON.stringify(site.log)).not.toContain("secret-of-1");
  });

  it("is worthless under another host's key", async () => {
    const site = await openSites([]);
    await storeText(
      CAFE.host,
      JSON.stringify(await writeSiteDocument(masterKeys(), BAKERY.host, BAKERY.values, Date.now())),
    );
    expect((await ask(site, `${CAFE.origin}/auth/login`, page)).status).toBe(500);
  });

  it("serves nobody when it says that it is another site's, rightly sealed or not", async () => {
    const site = await openSites([{ ...CAFE, values: BAKERY.values }]);
    expect((await ask(site, `${CAFE.origin}/auth/login`, page)).status).toBe(500);
    expect(site.log.at(-1)).toMatchObject({ details: ["SITE_URL is not this host's"] });
  });

  it("opens with a key that sealed before, and not once that is gone", async () => {
    const rotated = JSON.stringify({ keys: [newMasterKey("master-2"), ...JSON.parse(SITES_KEYS).keys] });
    const later = await open((text) => text, rotated);
    expect((await ask(later, `${BAKERY.origin}/auth/login`, page)).status).toBe(302);
    const gone = await open((text) => text, JSON.stringify({ keys: [newMasterKey("master-2")] }));
    expect((await ask(gone, `${BAKERY.origin}/auth/login`, page)).status).toBe(500);
  });

  it("names all its faults at once", async () => {
    const faulty = await hostedSite("feil.example", 4, { VIPPS_MSN: "x", SESSION_TTL: "y" });
    const site = await openSites([faulty]);
    const response = await ask(site, `${faulty.origin}/auth/login`, { accept: "application/json" });
    expect(await response.json()).toMatchObject({
      errors: [expect.stringContaining("VIPPS_MSN"), expect.stringContaining("SESSION_TTL")],
    });
  });

  it.each(["VIPPS_ISSUER", "VIPPS_ENVIRONMENT"])(
    "cannot send the partner's keys elsewhere by %s",
    async (name) => {
      const value = name === "VIPPS_ISSUER" ? "https://evil.example/" : "production";
      const partnered = await hostedSite("kunde.example", 5, { VIPPS_KEYS: "partner", [name]: value });
      const site = await openSites([partnered], {
        vars: {
          VIPPS_PARTNER_CLIENT_ID: "partner",
          VIPPS_PARTNER_CLIENT_SECRET: "partner-secret",
          VIPPS_PARTNER_SUBSCRIPTION_KEY: "subscription",
        },
      });
      expect((await ask(site, `${partnered.origin}/auth/login`, page)).status).toBe(500);
      expect(site.counts.fetches).toEqual([]);
    },
  );

  it.each([
    ["SITES_KEYS is no key set", "{}", true],
    ["SITES is not bound", SITES_KEYS, false],
  ])("is not looked for when %s", async (_what, keys, bound) => {
    const site = openSite({ vars: { SITES_KEYS: keys } });
    if (!bound) delete site.env.SITES;
    expect((await ask(site, `${BAKERY.origin}/auth/login`, page)).status).toBe(500);
    expect((await ask(site, `${SITE}/auth/login`, page)).status).toBe(302);
  });
});

describe("the daily clearing", () => {
  it("keeps each site's login events as long as the site says, the own site's too", async () => {
    const short = await hostedSite("kort.example", 6, { LOGIN_EVENTS_DAYS: "10" });
    const site = await openSites([BAKERY, CAFE, short]);
    const database = accountsDatabase();
    const at = (days: number) => Math.floor(Date.now() / 1000) - days * 24 * 3600;
    const everySite = ["default", BAKERY.host, CAFE.host, short.host, "removed.example"];
    const insert = database.prepare("INSERT INTO logins (site, id, outcome) VALUES (?, ?, 'logged_in')");
    await database.batch(
      everySite.flatMap((name) => [5, 11, 91].map((days) => insert.bind(name, firstIdOf(at(days))))),
    );
    await runScheduledWork(createScheduledController(), site.env);
    const { results } = await database
      .prepare("SELECT site, COUNT(*) AS kept FROM logins GROUP BY site ORDER BY site")
      .all();
    expect(results).toEqual([
      { site: "bakeri.example", kept: 2 },
      { site: "default", kept: 2 },
      { site: "kahvila.example", kept: 2 },
      { site: "kort.example", kept: 1 },
      // Nobody says any more how long: as long as a site that says nothing.
      { site: "removed.example", kept: 2 },
    ]);
    expect(site.log).toEqual([
      expect.objectContaining({ event: "retention_done", sites: 1, login_events: 1 }),
      expect.objectContaining({ event: "retention_done", sites: 3, login_events: 3 }),
      expect.objectContaining({ event: "retention_done", sites: 1, login_events: 2 }),
    ]);
    // By what is in the database, also where nobody knows any further site, or KV fails.
    const { SITES: _sites, SITES_KEYS: _keys, ...without } = site.env;
    await database.batch([insert.bind("removed.example", firstIdOf(at(100)))]);
    await runScheduledWork(createScheduledController(), without as Cloudflare.Env);
    const old = "SELECT COUNT(*) AS count FROM logins WHERE site = 'removed.example'";
    expect(await database.prepare(old).first()).toEqual({ count: 2 });
    const defaults = { SITE_DEFAULTS: { LOGIN_EVENTS_DAYS: 10 } } as Partial<Cloudflare.Env>;
    await runScheduledWork(createScheduledController(), { ...site.env, ...defaults });
    expect(await database.prepare(old).first()).toEqual({ count: 1 });
  });
});

describe("what KV is asked for", () => {
  const login = (site: TestSite) =>
    ask(site, `${BAKERY.origin}/auth/session`, { accept: "application/json" });

  it("is one value for the first request to a site and none for the next", async () => {
    const site = await openSites([BAKERY]);
    await login(site);
    expect(site.counts.kvReads).toBe(1);
    await login(site);
    expect(site.counts.kvReads).toBe(1);
  });

  it("is one value when a hundred requests come at once", async () => {
    const site = await openSites([BAKERY]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(site)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(site.counts.kvReads).toBe(1);
  });

  it("is one value for a hundred requests to a stranger's host", async () => {
    const site = await openSites([]);
    for (let request = 0; request < 100; request += 1) await ask(site, "https://nobody.example/", page);
    expect(site.counts.kvReads).toBe(1);
  });

  it("is refreshed behind the answer, and a change bites within a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([BAKERY]);
    expect((await login(site)).status).toBe(200);
    await removeSite(BAKERY.host);
    vi.setSystemTime(Date.now() + 20_000);
    expect((await login(site)).status).toBe(200);
    expect(site.counts.kvReads).toBe(2);
    expect((await login(site)).status).toBe(404);

    await storeSite(BAKERY);
    // KV may keep its own copy for thirty seconds more: together that is the minute.
    vi.setSystemTime(Date.now() + 30_000);
    expect((await login(site)).status).toBe(200);
  });

  it("is waited for when the copy in memory is old, however long nobody came", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([BAKERY]);
    await login(site);
    await removeSite(BAKERY.host);
    vi.setSystemTime(Date.now() + 3600_000);
    expect((await login(site)).status).toBe(404);
  });

  it("does not end a session when the settings are read anew or change", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([BAKERY]);
    const browser = openBrowser(site, {}, BAKERY.origin);
    await browser.logIn();
    await storeSite({ ...BAKERY, values: { ...BAKERY.values, SESSION_IDLE: "5000" } });
    vi.setSystemTime(Date.now() + 31_000);
    expect(await browser.session()).toMatchObject({ authenticated: true });
  });

  it("can be missing for ten minutes for a site that was there, and not for ever", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { SITES } = env as Cloudflare.Env;
    if (SITES === undefined) throw new Error("wrangler.toml binds no SITES");
    let down = false;
    const store = new Proxy(SITES, {
      get: (target, name) =>
        name === "get" && down
          ? () => Promise.reject(new Error("KV is down"))
          : Reflect.get(target, name).bind(target),
    });
    const site = await openSites([BAKERY], { vars: { SITES: store } });
    expect((await login(site)).status).toBe(200);
    down = true;
    vi.setSystemTime(Date.now() + 60_000);
    expect((await login(site)).status).toBe(200);
    expect(site.log.at(-1)).toMatchObject({ event: "sites_store_failed" });
    expect((await ask(site, `${CAFE.origin}/auth/session`, page)).status).toBe(503);
    vi.setSystemTime(Date.now() + 600_000);
    expect((await login(site)).status).toBe(503);
    down = false;
    vi.setSystemTime(Date.now() + 6_000);
    expect((await login(site)).status).toBe(200);
    expect(await SITES.get(siteKey(BAKERY.host))).not.toBeNull();
  });
});
