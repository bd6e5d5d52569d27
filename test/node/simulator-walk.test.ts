import { describe, expect, it } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import {
  authorizeUrl,
  CHALLENGE,
  CLUB,
  createClock,
  logIn,
  ORIGIN,
  parametersOf,
  REDIRECT_URI,
  simulatorWith,
} from "./simulator-relying-party.ts";

/** A browser that keeps cookies and follows nothing. */
function openBrowser(simulator: Simulator) {
  const jar = new Map<string, string>();
  const visit = async (path: string | URL, form?: Record<string, string>) => {
    const cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
    const response = await simulator.fetch(
      new Request(new URL(path, ORIGIN), {
        headers: { Cookie: cookie },
        ...(form && { method: "POST", body: new URLSearchParams(form) }),
      }),
    );
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, value);
    }
    return response;
  };
  /** Begins a login and returns the path of its page. */
  const begin = async (changes: Record<string, string> = {}) =>
    (await visit(authorizeUrl(changes))).headers.get("Location") ?? "";
  return { jar, visit, begin };
}

/** The pages a login goes through, by the step of the form on each. */
async function stepsOf(simulator: Simulator, url: URL, choices: Parameters<typeof logInAsPerson>[2]) {
  const steps: string[] = [];
  const watching = async (request: Request) => {
    const response = await simulator.fetch(request);
    const step = /data-step="(\w+)"/.exec(await response.clone().text())?.[1];
    if (step !== undefined) steps.push(step);
    return response;
  };
  const back = await logInAsPerson(watching, url, choices);
  return { steps, back };
}

describe("a person's walk", () => {
  it("goes through landing, app and consent, and back with code, state and scope", async () => {
    const { steps, back } = await stepsOf(simulatorWith(), authorizeUrl(), {});
    expect(steps).toEqual(["landing", "app", "consent"]);
    expect(back.href).toMatch(`${REDIRECT_URI}?`);
    expect(parametersOf(back)).toEqual({
      code: expect.stringMatching(/^[\w-]{43}\.[\w-]{43}$/),
      state: "state-of-24-characters-x",
      scope: "openid name phoneNumber email",
    });
  });

  it("asks for consent once per person and sales unit", async () => {
    const other = { ...CLUB, clientId: "other", msn: "654321" };
    const simulator = simulatorWith({ salesUnits: [CLUB, other] });
    const walk = async (changes?: Record<string, string>, user = "kari") =>
      (await stepsOf(simulator, authorizeUrl(changes), { user })).steps;
    expect(await walk()).toContain("consent");
    expect(await walk()).toEqual(["landing", "app"]);
    expect(await walk({}, "asa")).toContain("consent");
    expect(await walk({ client_id: "other" })).toContain("consent");
    expect(await walk({ scope: "openid name birthDate" })).toContain("consent");
    simulator.control.forgetConsents({ user: "kari", clientId: "other" });
    expect(await walk({ client_id: "other" })).toContain("consent");
    expect(await walk()).toEqual(["landing", "app"]);
  });

  it("shows what is shared, and only what is not yet agreed to", async () => {
    const simulator = simulatorWith();
    await logIn(simulator, { scope: "openid name" });
    const { visit, begin } = openBrowser(simulator);
    const login = await begin({ scope: "openid name email address" });
    await visit(`${login}/landing`, { user: "kari" });
    const shown = /data-challenge>(\d+)/.exec(await (await visit(login)).text())?.[1] ?? "";
    await visit(`${login}/app`, { number: shown });
    const page = await (await visit(login)).text();
    expect(page).toContain("kari.nordmann@example.com");
    expect(page).toContain("Solveien 1, 0150, OSLO, NO");
    expect(page).not.toContain("<dt>Name</dt>");
  });

  it("has no consent screen for openid alone", async () => {
    const { steps } = await stepsOf(simulatorWith(), authorizeUrl({ scope: "openid" }), {});
    expect(steps).toEqual(["landing", "app"]);
  });

  it("finds the person by a typed phone number, however it is typed", async () => {
    for (const [phone, market, found] of [
      ["99 99 99 01", "NO", true],
      ["+47 99999901", "NO", true],
      ["004799999901", "SE", true],
      ["070-174 06 05", "SE", true],
      ["0509999903", "FI", true],
      ["99 99 99 01", "DK", false],
      ["", "NO", false],
    ] as const) {
      const { visit, begin } = openBrowser(simulatorWith());
      const login = await begin({ market });
      const response = await visit(`${login}/landing`, { phone, action: "continue" });
      expect([phone, response.status]).toEqual([phone, found ? 303 : 422]);
    }
  });

  it.each(["landing", "app", "consent"] as const)("can be cancelled at %s", async (cancelAt) => {
    const back = await logInAsPerson(simulatorWith().fetch, authorizeUrl(), { cancelAt });
    expect(parametersOf(back)).toEqual({
      error: "access_denied",
      error_description: "user cancelled the login",
      state: "state-of-24-characters-x",
    });
  });

  it("ends with wrong_challenge when the wrong number is picked", async () => {
    const back = await logInAsPerson(simulatorWith().fetch, authorizeUrl(), { wrongNumber: true });
    expect(parametersOf(back)).toMatchObject({ error: "wrong_challenge", state: "state-of-24-characters-x" });
  });

  it("offers three different numbers, one of them shown, whatever the dice say", async () => {
    for (let byte = 0; byte < 256; byte += 5) {
      const simulator = simulatorWith({ random: (length) => new Uint8Array(length).fill(byte) });
      const { visit, begin } = openBrowser(simulator);
      const login = await begin();
      await visit(`${login}/landing`, { user: "kari" });
      const page = await (await visit(login)).text();
      const offered = [...page.matchAll(/name="number" value="(\d\d)"/g)].map(([, number]) => number);
      expect(new Set(offered).size).toBe(3);
      expect(offered).toContain(/data-challenge>(\d+)/.exec(page)?.[1]);
    }
  });
});

describe("on a phone", () => {
  const phone = {
    headers: { "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148" },
  };

  it("confirms without a number", async () => {
    const simulator = simulatorWith();
    const pages: string[] = [];
    const watching = async (request: Request) => {
      const response = await simulator.fetch(request);
      pages.push(await response.clone().text());
      return response;
    };
    const back = await logInAsPerson(watching, authorizeUrl(), phone);
    expect(parametersOf(back)).toHaveProperty("code");
    expect(pages.join()).not.toContain("data-challenge");
  });

  it("the app-to-app flow always counts as a phone and returns to the app", async () => {
    const back = await logInAsPerson(
      simulatorWith().fetch,
      authorizeUrl({
        requested_flow: "app_to_app_v2",
        code_challenge: CHALLENGE,
        code_challenge_method: "S256",
        redirect_uri: "club://app/callback",
        final_redirect_is_app: "true",
      }),
    );
    expect(back.href).toMatch("club://app/callback?code=");
  });
});

describe("a remembered browser", () => {
  it("skips landing and app, and consent too once it is given", async () => {
    const simulator = simulatorWith();
    const jar = new Map<string, string>();
    await logInAsPerson(simulator.fetch, authorizeUrl(), { remember: true, user: "aino", jar });
    const again = await stepsOf(simulator, authorizeUrl(), { jar });
    expect(again.steps).toEqual([]);
    expect(parametersOf(again.back)).toHaveProperty("code");
    const more = await stepsOf(simulator, authorizeUrl({ scope: "openid address" }), { jar });
    expect(more.steps).toEqual(["consent"]);
    const silent = await stepsOf(simulator, authorizeUrl({ prompt: "none" }), { jar });
    expect(parametersOf(silent.back)).toHaveProperty("code");
  });

  it("is another one for prompt=login, without the tick, in another browser or once forgotten", async () => {
    const simulator = simulatorWith();
    const jar = new Map<string, string>();
    await logInAsPerson(simulator.fetch, authorizeUrl(), { remember: true, jar });
    expect((await stepsOf(simulator, authorizeUrl(), {})).steps).toEqual(["landing", "app"]);
    simulator.control.forgetBrowsers();
    expect((await stepsOf(simulator, authorizeUrl(), { jar, remember: true })).steps).toEqual([
      "landing",
      "app",
    ]);
    const asked = await stepsOf(simulator, authorizeUrl({ prompt: "login" }), { jar, remember: false });
    expect(asked.steps).toEqual(["landing", "app"]);
    expect((await stepsOf(simulator, authorizeUrl(), { jar })).steps).toEqual(["landing", "app"]);
  });

  it("still confirms in the app when the relying party insists, and stays remembered", async () => {
    const simulator = simulatorWith({ salesUnits: [{ ...CLUB, inAppConfirmation: true }] });
    const jar = new Map<string, string>();
    await logInAsPerson(simulator.fetch, authorizeUrl(), { remember: true, jar });
    const insisting = authorizeUrl({ acr_values: "urn:vipps:acr:app_auth" });
    expect((await stepsOf(simulator, insisting, { jar })).steps).toEqual(["landing", "app"]);
    expect((await stepsOf(simulator, authorizeUrl(), { jar })).steps).toEqual([]);
  });
});

describe("the forms of one login", () => {
  async function atConsent(simulator: Simulator) {
    const browser = openBrowser(simulator);
    const login = await browser.begin();
    await browser.visit(`${login}/landing`, { user: "kari" });
    const shown = /data-challenge>(\d+)/.exec(await (await browser.visit(login)).text())?.[1] ?? "";
    await browser.visit(`${login}/app`, { number: shown });
    return { ...browser, login };
  }

  it("a double click on the last button returns the same code, not a second one", async () => {
    const { visit, login } = await atConsent(simulatorWith());
    const clicks = await Promise.all([1, 2, 3].map(() => visit(`${login}/consent`, { action: "share" })));
    const locations = new Set(clicks.map((response) => response.headers.get("Location")));
    expect(clicks.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(locations.size).toBe(1);
    expect([...locations][0]).toMatch(/\?code=/);
  });

  it("cancel after the end changes nothing, nor does an earlier form", async () => {
    const { visit, login } = await atConsent(simulatorWith());
    const done = (await visit(`${login}/consent`, { action: "share" })).headers.get("Location");
    for (const [step, form] of [
      ["consent", { action: "cancel" }],
      ["app", { action: "cancel" }],
      ["app", { number: "11" }],
      ["landing", { action: "cancel" }],
      ["landing", { user: "asa" }],
    ] as const) {
      expect((await visit(`${login}/${step}`, form)).headers.get("Location")).toBe(done);
    }
    expect((await visit(login)).headers.get("Location")).toBe(done);
  });

  it("belong to the browser the login began in", async () => {
    const simulator = simulatorWith();
    const { login } = await atConsent(simulator);
    const stranger = openBrowser(simulator);
    expect((await stranger.visit(login)).status).toBe(403);
    expect((await stranger.visit(`${login}/consent`, { action: "share" })).status).toBe(403);
  });

  it("expire after ten minutes", async () => {
    const clock = createClock();
    const { visit, login } = await atConsent(simulatorWith({ now: clock.now }));
    clock.advance(10 * 60_000);
    expect((await visit(login)).status).toBe(200);
    clock.advance(1);
    expect((await visit(login)).status).toBe(410);
  });

  it("answer 404 for a login that never was, and survive any body", async () => {
    const { visit, login } = await atConsent(simulatorWith());
    expect((await visit("/simulator/login/nobody")).status).toBe(404);
    expect((await visit(`${login}/consent`, { "%": "\u0000" })).status).toBeLessThan(500);
  });
});

describe("the pages", () => {
  it("say that they are a simulator and load nothing from elsewhere", async () => {
    const simulator = simulatorWith();
    const { visit, begin } = openBrowser(simulator);
    const login = await begin({ market: "DK" });
    for (const path of [login, "/simulator/control", "/nowhere"]) {
      const response = await visit(path);
      expect(response.headers.get("Content-Security-Policy")).toMatch(
        /^default-src 'none'; style-src 'self'/,
      );
      const page = await response.text();
      expect(page).toContain("This is a simulator of Vipps MobilePay Login. Nobody real logs in here.");
      expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
      expect(page).not.toMatch(/<script>|style="|onclick/);
    }
    expect(await (await visit(login)).text()).toContain('data-market="DK"');
    const style = await visit("/simulator/style.css");
    expect(style.headers.get("Content-Type")).toBe("text/css; charset=utf-8");
    expect(await style.text()).not.toMatch(/url\(|@import/);
  });
});
