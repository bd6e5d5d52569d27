// R18: the session cookie's attributes and size, and what may not win over it.

import { beforeEach, describe, expect, it } from "vitest";
import { TEST_USERS, type TestUser } from "../../simulator/users.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { stopClock, wait } from "../worker/clock.ts";
import { claimsOf, keysOf, newKey, signedToken, tokenOf } from "../worker/session-tokens.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

beforeEach(stopClock);

const HOST_COOKIE = /^__Host-vipps-session=[\w.-]*; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/;

const sessionLines = (response: Response) =>
  response.headers.getSetCookie().filter((line) => line.includes("vipps-session"));

describe("R18 attributes", () => {
  it("are those of a host cookie at login, at renewal and on deletion", async () => {
    const browser = openBrowser(openSite());
    const login = await browser.logIn();
    wait(301);
    const renewal = await browser.get("/auth/session");
    const logout = await browser.post("/auth/logout");
    for (const response of [login, renewal, logout]) {
      expect(sessionLines(response)).toEqual([expect.stringMatching(HOST_COOKIE)]);
    }
    expect(sessionLines(logout)[0]).toMatch(/^__Host-vipps-session=; Max-Age=0; /);
  });

  it("delete the cookie of a session that has ended elsewhere", async () => {
    const site = openSite();
    const [browser, thief] = [openBrowser(site), openBrowser(site)];
    await browser.logIn();
    thief.cookies.set(SESSION_COOKIE, tokenOf(browser));
    await browser.post("/auth/logout");
    expect(sessionLines(await thief.get("/auth/session"))[0]).toMatch(/=; Max-Age=0; /);
  });

  it("name the domain and the __Secure- prefix where the session is shared with subdomains", async () => {
    const vars = { SITE_URL: "https://www.club.example", SESSION_COOKIE_DOMAIN: "club.example" };
    const site = openSite({
      vars,
      salesUnit: { redirectUris: ["https://www.club.example/auth/callback"] },
    });
    const browser = openBrowser(site);
    const shape =
      /^__Secure-vipps-session=[\w.-]*; Max-Age=\d+; Domain=club\.example; Path=\/; HttpOnly; Secure; SameSite=Lax$/;
    expect(sessionLines(await browser.logIn())).toEqual([expect.stringMatching(shape)]);
    expect((await browser.session()).authenticated).toBe(true);
    wait(301);
    expect(sessionLines(await browser.get("/auth/session"))).toEqual([expect.stringMatching(shape)]);
    const headers = { origin: "https://www.club.example" };
    expect(sessionLines(await browser.post("/auth/logout", {}, headers))).toEqual([
      expect.stringMatching(shape),
    ]);
    expect((await browser.session()).authenticated).toBe(false);
  });
});

describe("R18 size", () => {
  const [kari] = TEST_USERS as readonly [TestUser];
  const ALL =
    "name given_name family_name email email_verified phone_number phone_number_verified birthdate address";

  /** A person whose texts are as long as the worker believes them, four bytes to the character. */
  const wordy = (characters: number): TestUser => {
    const text = "𝓐".repeat(characters / 2);
    const address = { ...kari.address, street_address: text, region: text, formatted: text };
    return { ...kari, givenName: text, familyName: text, email: `${text}@example.com`, address };
  };

  it.each([40, 200, 480])("stays below 4096 bytes with claims of %i characters", async (characters) => {
    const site = openSite({
      users: [wordy(characters)],
      vars: { SESSION_CLAIMS: ALL, VIPPS_SCOPE: "openid name phoneNumber email birthDate address" },
    });
    const browser = openBrowser(site);
    const [line = ""] = sessionLines(await browser.logIn());
    expect(new TextEncoder().encode(line).byteLength).toBeLessThan(4096);
    expect(await browser.session()).toMatchObject({
      authenticated: true,
      user: { birthdate: "1984-03-21", phone_number: "4799999901" },
    });
    wait(301);
    const [renewed = ""] = sessionLines(await browser.get("/auth/session"));
    expect(renewed.length).toBeGreaterThan(200);
    expect(new TextEncoder().encode(renewed).byteLength).toBeLessThan(4096);
  });

  it("leaves out whole claims, later ones first to go, and says in the log which", async () => {
    const site = openSite({
      users: [wordy(480)],
      vars: {
        SESSION_CLAIMS: "given_name family_name address birthdate",
        VIPPS_SCOPE: "openid name birthDate address",
      },
    });
    const browser = openBrowser(site);
    await browser.logIn();
    const claims = claimsOf(tokenOf(browser));
    expect(claims.given_name).toBe("𝓐".repeat(240));
    expect(claims.birthdate).toBe("1984-03-21");
    expect([claims.family_name === undefined, claims.address === undefined]).toEqual([false, true]);
    expect(site.log).toContainEqual({
      level: "warn",
      event: "session_claims_left_out",
      site: SITE,
      sid: claims.sid,
      claims: ["address"],
    });
  });
});

describe("R18 duplicates", () => {
  const asks = async (site: TestSite, cookie: string) => {
    const response = await openBrowser(site).get("/auth/session", { cookie });
    return response.json<{ authenticated: boolean; user?: { name: string } }>();
  };

  it("of the same name never win, wherever they stand", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const real = tokenOf(browser);
    const stranger = await newKey(keysOf(site)[0].kid);
    const planted = [
      "",
      "x",
      real.slice(0, -4),
      `${real}x`,
      `"${real}"`,
      real.replace(/\.[^.]+$/, "."),
      await signedToken(stranger, { claims: { name: "Mallory" } }),
    ];
    for (const other of planted) {
      for (const pair of [
        [other, real],
        [real, other],
        [other, real, other],
      ]) {
        const cookie = pair.map((value) => `${SESSION_COOKIE}=${value}`).join("; ");
        expect(await asks(site, cookie)).toMatchObject({ user: { name: "Kari Nordmann" } });
      }
    }
  });

  it("in any number never hide the real one as long as they are not even signed", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const junk = Array.from({ length: 100 }, (_, index) => `${SESSION_COOKIE}=junk${index}`).join("; ");
    expect(await asks(site, `${junk}; ${SESSION_COOKIE}=${tokenOf(browser)}`)).toMatchObject({
      authenticated: true,
    });
  });

  it("with another living session make nobody out of the two, and the next login ends both", async () => {
    const site = openSite();
    const [victim, attacker] = [openBrowser(site), openBrowser(site)];
    await victim.logIn({ user: "kari" });
    await attacker.logIn({ user: "mette" });
    const [own, planted] = [tokenOf(victim), tokenOf(attacker)];
    const both = `${SESSION_COOKIE}=${planted}; ${SESSION_COOKIE}=${own}`;
    expect(await asks(site, both)).toEqual({ authenticated: false });

    const callback = await victim.atProvider(await openedLogin(victim));
    const browserCookie = `__Host-vipps-browser=${victim.cookies.get("__Host-vipps-browser")}`;
    await victim.get(callback.href, { cookie: `${browserCookie}; ${both}` });
    const now = `${SESSION_COOKIE}=${planted}; ${SESSION_COOKIE}=${tokenOf(victim)}`;
    expect(await asks(site, now)).toMatchObject({ user: { name: "Kari Nordmann" } });
  });

  it("whose session is over do not stand in the way of the one that lives", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const former = tokenOf(browser);
    const elsewhere = openBrowser(openSite());
    elsewhere.cookies.set(SESSION_COOKIE, former);
    await elsewhere.post("/auth/logout");
    wait(301);
    const site = openSite();
    const again = openBrowser(site);
    await again.logIn();
    const cookie = `${SESSION_COOKIE}=${former}; ${SESSION_COOKIE}=${tokenOf(again)}`;
    expect(await asks(site, cookie)).toMatchObject({ authenticated: true });
  });

  it.each([
    ["a no-break space before it", "\u00a0__Host-vipps-session"],
    ["a no-break space after it", "__Host-vipps-session\u00a0"],
    ["a next-line character before it", "\u0085__Host-vipps-session"],
    ["another case", "__host-vipps-session"],
    ["no prefix", "vipps-session"],
    ["the other prefix", "__Secure-vipps-session"],
    ["quotes", '"__Host-vipps-session"'],
  ])("under a name with %s are other cookies", async (_what, name) => {
    const site = openSite();
    const [victim, attacker] = [openBrowser(site), openBrowser(site)];
    await victim.logIn({ user: "kari" });
    await attacker.logIn({ user: "mette" });
    const planted = `${name}=${tokenOf(attacker)}`;
    expect(await asks(site, planted)).toEqual({ authenticated: false });
    for (const cookie of [
      `${planted}; ${SESSION_COOKIE}=${tokenOf(victim)}`,
      `${SESSION_COOKIE}=${tokenOf(victim)}; ${planted}`,
    ]) {
      expect(await asks(site, cookie)).toMatchObject({ user: { name: "Kari Nordmann" } });
    }
  });
});

/** A login that a browser begins although it is logged in. */
async function openedLogin(browser: ReturnType<typeof openBrowser>): Promise<URL> {
  const response = await browser.get("/auth/login?prompt=login");
  return new URL(response.headers.get("location") ?? SITE);
}
