import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { type Browser, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { seconds, stopClock, wait } from "./clock.ts";
import { textOf } from "./page-form.ts";
import { claimsOf, tokenOf } from "./session-tokens.ts";
import { openSite, SITE, type TestSite } from "./site.ts";

beforeEach(stopClock);

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
const LAPTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";

/** The site as a browser in a certain town reaches it. */
function seenFrom(site: TestSite, city: string, country: string): TestSite {
  const cf = { city, country, timezone: "Europe/Oslo" } as IncomingRequestCfProperties;
  return { ...site, fetch: (request) => site.fetch(new Request(request, { cf })) };
}

/** Kari's phone in Bergen and, ten minutes later, her laptop in Oslo. */
async function twoDevices(site: TestSite): Promise<{ phone: Browser; laptop: Browser }> {
  const phone = openBrowser(seenFrom(site, "Bergen", "NO"), { "user-agent": IPHONE });
  const laptop = openBrowser(seenFrom(site, "Oslo", "NO"), { "user-agent": LAPTOP });
  await phone.logIn();
  wait(600);
  await laptop.logIn();
  return { phone, laptop };
}

const idOf = (browser: Browser) => String(claimsOf(tokenOf(browser)).sid);
const asJson = { accept: "application/json" };
const listed = async (browser: Browser, headers = {}) => {
  const response = await browser.get("/auth/sessions", { ...asJson, ...headers });
  return (await response.json<{ sessions: Record<string, unknown>[] }>()).sessions;
};
const remove = (browser: Browser, path: string) =>
  browser.request(path, { method: "DELETE", headers: { ...asJson, origin: SITE } });

describe("GET /auth/sessions for a script", () => {
  it("lists where this person is logged in, the session that asks first", async () => {
    const { phone, laptop } = await twoDevices(openSite());
    const [onPhone, onLaptop] = [idOf(phone), idOf(laptop)];
    const began = seconds() - 600;
    expect(await listed(laptop)).toEqual([
      {
        id: onLaptop,
        current: true,
        device: "Firefox on Windows",
        city: "Oslo",
        country: "NO",
        started_at: seconds(),
        last_seen_at: seconds(),
        expires_at: seconds() + 604_800,
      },
      {
        id: onPhone,
        current: false,
        device: "Safari on iPhone",
        city: "Bergen",
        country: "NO",
        started_at: began,
        last_seen_at: began,
        expires_at: began + 604_800,
      },
    ]);
    const fromPhone = await listed(phone, { "accept-language": "nb" });
    expect(fromPhone.map(({ id, current, device }) => [id, current, device])).toEqual([
      [onPhone, true, "Safari på iPhone"],
      [onLaptop, false, "Firefox på Windows"],
    ]);
  });

  it("knows nothing of other people", async () => {
    const site = openSite();
    const [kari, mette] = [openBrowser(site), openBrowser(site)];
    await kari.logIn({ user: "kari" });
    await mette.logIn({ user: "mette" });
    expect(await listed(kari)).toHaveLength(1);
  });

  it("leaves out what is over though the store has not swept it yet", async () => {
    const { phone, laptop } = await twoDevices(openSite({ vars: { SESSION_IDLE: "900" } }));
    wait(300);
    expect((await listed(laptop)).map(({ id }) => id)).toEqual([idOf(laptop)]);
    expect((await phone.session()).authenticated).toBe(false);
  });

  it.each([["application/json"], ["*/*"]])("is 401 for nobody who accepts %s", async (accept) => {
    const response = await openBrowser(openSite()).get("/auth/sessions", { accept });
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ code: "session_required" });
  });

  it("is 401 at once for a session that has ended elsewhere, though its token is fresh", async () => {
    const site = openSite();
    const { laptop } = await twoDevices(site);
    const tablet = openBrowser(site);
    await tablet.logIn();
    const elsewhere = openBrowser(openSite());
    elsewhere.cookies.set(SESSION_COOKIE, tokenOf(tablet));
    await remove(laptop, "/auth/sessions");
    const response = await elsewhere.get("/auth/sessions", asJson);
    expect(response.status).toBe(401);
    expect(response.headers.get("set-cookie")).toMatch(/^__Host-vipps-session=; Max-Age=0; /);
    expect((await elsewhere.session()).authenticated).toBe(false);
  });

  it("renews a stale token on the way", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(301);
    const response = await browser.get("/auth/sessions", asJson);
    expect(response.headers.get("set-cookie")).toMatch(/^__Host-vipps-session=ey/);
  });
});

describe("the page of one's sessions", () => {
  it("says in the reader's language where and when, and has a button for each", async () => {
    const { phone, laptop } = await twoDevices(openSite({ vars: { VIPPS_MARKET: "NO" } }));
    const response = await laptop.get("/auth/sessions", { "accept-language": "nb-NO,nb;q=0.9" });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const page = await response.text();
    const text = textOf(page);
    expect(text).toContain("Her er du logget inn");
    expect(text).toMatch(/Firefox på Windows Denne enheten Oslo, Norge I bruk nå Logget inn .+ Logg ut/);
    expect(text).toMatch(/Safari på iPhone Bergen, Norge Sist brukt for 10 minutter siden Logget inn/);
    expect(page).toContain(`<input type="hidden" name="session" value="${idOf(phone)}">`);
    expect(page).not.toContain(`value="${idOf(laptop)}"`);
    expect(page).toContain('aria-label="Logg ut: Safari på iPhone"');
    expect(text).toContain("Logg ut alle andre");
  });

  it.each([
    ["nb", "Du er bare logget inn på site.example på denne enheten."],
    ["da", "Du er kun logget ind på site.example på denne enhed."],
    ["fi", "Olet kirjautuneena sivustolle site.example vain tällä laitteella."],
    ["sv", "Du är bara inloggad på site.example på den här enheten."],
    ["en", "You are logged in to site.example on this device only."],
  ])("offers nothing to end in %s where there is only this one", async (language, sentence) => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const page = await (await browser.get("/auth/sessions", { "accept-language": language })).text();
    expect(textOf(page)).toContain(sentence);
    expect(page).not.toContain('value="others"');
    expect(page).not.toContain("undefined");
  });

  it("sends who is not logged in to the login and back", async () => {
    const browser = openBrowser(openSite());
    const response = await browser.get("/auth/sessions");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/auth/login?return_to=%2Fauth%2Fsessions");
    expect((await browser.logIn({ returnTo: "/auth/sessions" })).headers.get("location")).toBe(
      "/auth/sessions",
    );
  });

  it("works without script: its forms end one, all others, and this one", async () => {
    const { phone, laptop } = await twoDevices(openSite());
    const one = await laptop.post("/auth/sessions/end", { session: idOf(phone) });
    expect([one.status, one.headers.get("location")]).toEqual([303, "/auth/sessions?ended=one"]);
    expect((await phone.session()).authenticated).toBe(false);
    const after = textOf(await (await laptop.get("/auth/sessions?ended=one")).text());
    expect(after).toContain("It may take up to 5 minutes before it notices.");

    await phone.logIn();
    const others = await laptop.post("/auth/sessions/end", { session: "others" });
    expect(others.headers.get("location")).toBe("/auth/sessions?ended=others");
    expect((await phone.session()).authenticated).toBe(false);
    expect((await laptop.session()).authenticated).toBe(true);

    const own = await laptop.post("/auth/sessions/end", { session: idOf(laptop) });
    expect([own.status, own.headers.get("location")]).toEqual([303, "/"]);
    expect([...laptop.cookies.values()]).toEqual([expect.stringMatching(/^out-\d+$/)]);
    expect((await laptop.session()).authenticated).toBe(false);
  });

  it("says how late another device may notice, as SESSION_FRESH has it", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_FRESH: "20" } }));
    await browser.logIn();
    const page = await (await browser.get("/auth/sessions?ended=others")).text();
    expect(textOf(page)).toContain("It may take up to 20 seconds before they notice.");
  });

  it("shows nothing of the query", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const page = await (await browser.get("/auth/sessions?ended=<b>one</b>")).text();
    expect(page).not.toContain("<b>");
    expect(page).not.toContain('role="status"');
  });

  it.each([[{}], [{ session: "" }]])("refuses a form that names no session: %o", async (form) => {
    const { laptop } = await twoDevices(openSite());
    expect((await laptop.post("/auth/sessions/end", form)).status).toBe(400);
    expect(await listed(laptop)).toHaveLength(2);
  });

  it("takes a second click on the same button for the first", async () => {
    const { phone, laptop } = await twoDevices(openSite());
    const form = { session: idOf(phone) };
    await laptop.post("/auth/sessions/end", form);
    expect((await laptop.post("/auth/sessions/end", form)).status).toBe(303);
  });
});

describe("DELETE /auth/sessions", () => {
  it("ends one by its id, here at once", async () => {
    const site = openSite();
    const { phone, laptop } = await twoDevices(site);
    const response = await remove(laptop, `/auth/sessions/${idOf(phone)}`);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect((await phone.session()).authenticated).toBe(false);
    expect((await laptop.session()).authenticated).toBe(true);
    expect(site.log).toContainEqual({
      level: "info",
      event: "sessions_ended",
      site: SITE,
      by: idOf(laptop),
      count: 1,
    });
  });

  it("of one's own session is a logout", async () => {
    const { laptop } = await twoDevices(openSite());
    const response = await remove(laptop, `/auth/sessions/${idOf(laptop)}`);
    expect(response.status).toBe(204);
    expect([...laptop.cookies.values()]).toEqual([expect.stringMatching(/^out-\d+$/)]);
  });

  it.each([
    ["an unknown one", () => "01890a5d-ac96-774b-bcce-b302099a8057"],
    ["junk", () => "%00%ff"],
    ["SQL", () => encodeURIComponent("' OR 1=1 --")],
    ["somebody else's", (other: Browser) => idOf(other)],
  ])("with %s ends nothing", async (_what, id) => {
    const site = openSite();
    const { phone, laptop } = await twoDevices(site);
    const other = openBrowser(site);
    await other.logIn({ user: "mette" });
    const response = await remove(laptop, `/auth/sessions/${id(other)}`);
    expect([400, 404]).toContain(response.status);
    for (const browser of [phone, laptop, other])
      expect(await listed(browser)).toHaveLength(browser === other ? 1 : 2);
  });

  it("without an id ends all but the one that asks", async () => {
    const site = openSite();
    const { phone, laptop } = await twoDevices(site);
    const tablet = openBrowser(site);
    await tablet.logIn();
    expect((await remove(laptop, "/auth/sessions")).status).toBe(204);
    const sessions = await Promise.all([phone, tablet, laptop].map((browser) => browser.session()));
    expect(sessions.map(({ authenticated }) => authenticated)).toEqual([false, false, true]);
  });

  it("asked by a session that has ended, though its token is fresh, ends nothing", async () => {
    const site = openSite();
    const { laptop } = await twoDevices(site);
    const tablet = openBrowser(site);
    await tablet.logIn();
    const stolen = tokenOf(tablet);
    await remove(laptop, "/auth/sessions");
    const thief = openBrowser(openSite());
    thief.cookies.set(SESSION_COOKIE, stolen);
    expect((await remove(thief, "/auth/sessions")).status).toBe(401);
    expect((await laptop.session()).authenticated).toBe(true);
    expect(await listed(laptop)).toHaveLength(1);
  });

  it.each([
    ["PUT", "/auth/sessions", "GET, HEAD, DELETE"],
    ["POST", "/auth/sessions", "GET, HEAD, DELETE"],
    ["GET", "/auth/sessions/end", "POST"],
    ["POST", "/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057", "DELETE"],
  ])("%s %s is 405", async (method, path, allow) => {
    const response = await openBrowser(openSite()).request(path, { method, headers: { origin: SITE } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });
});

describe("a session store that does not answer", () => {
  it("makes every one of these routes a 503", async () => {
    const stub = new Proxy({}, { get: () => () => Promise.reject(new Error("object unreachable")) });
    const broken = new Proxy(env.USER_SESSIONS, { get: () => () => stub });
    const whole = openBrowser(openSite());
    await whole.logIn();
    const browser = openBrowser(openSite({ vars: { USER_SESSIONS: broken } }));
    browser.cookies.set(SESSION_COOKIE, tokenOf(whole));
    const answers = [
      await browser.get("/auth/sessions"),
      await browser.get("/auth/sessions", asJson),
      await remove(browser, "/auth/sessions"),
      await remove(browser, `/auth/sessions/${idOf(whole)}`),
      await browser.post("/auth/sessions/end", { session: "others" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(true);
  });
});
