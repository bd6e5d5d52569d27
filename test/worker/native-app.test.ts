import { describe, expect, it, vi } from "vitest";
import { isAppRedirectUri } from "../../src/vipps/app-redirect-uri.ts";
import { openBrowser, SESSION_COOKIE } from "./browser.ts";
import { stopClock, wait } from "./clock.ts";
import { openApp } from "./native-app.ts";
import { CALLBACK, openSite, type SiteOptions } from "./site.ts";

const LINK = "https://site.example/app/logged-in";
const SCHEME = "no.fjordbyen.app:/login";

const openAppSite = (options: SiteOptions = {}) =>
  openSite({
    vars: { APP_REDIRECT_URIS: `${LINK} ${SCHEME}`, ...options.vars },
    salesUnit: { redirectUris: [CALLBACK, LINK, SCHEME] },
  });

describe("a native app", () => {
  it("is sent to Vipps with the app-to-app flow and PKCE, and gets a secret of its own", async () => {
    const app = openApp(openAppSite());
    const response = await app.post("/auth/app/start", { redirect_uri: SCHEME });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.getSetCookie()).toEqual([]);
    const start: unknown = await response.json();
    expect(start).toEqual({
      authorize_url: expect.any(String),
      state: expect.stringMatching(/^[\w.-]{100,}$/),
      app_secret: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: SCHEME,
      expires_in: 600,
    });
    const { authorize_url, state, app_secret } = start as Record<string, string>;
    const url = new URL(authorize_url ?? "");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      redirect_uri: SCHEME,
      state,
      requested_flow: "app_to_app_v2",
      final_redirect_is_app: "true",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    expect(authorize_url).not.toContain(app_secret);
    expect(authorize_url).not.toContain("code_verifier");
  });

  for (const redirectUri of [LINK, SCHEME]) {
    it(`gets its session as a Bearer token, by ${redirectUri}`, async () => {
      const site = openAppSite({ vars: { PROTECTED_PATHS: "/members/" } });
      const app = openApp(site);
      const start = await app.start(redirectUri);
      const parameters = await app.atProvider(start);
      const response = await app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret });
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.getSetCookie()).toEqual([]);
      const { session, ...rest } = await response.json<{ session: { id: string; token: string } }>();
      expect(rest).toEqual({
        authenticated: true,
        user: { sub: expect.any(String), name: "Kari Nordmann" },
        token_type: "Bearer",
      });
      expect(await (await app.get("/auth/session", session.token)).json()).toMatchObject({
        authenticated: true,
        user: { name: "Kari Nordmann" },
        session: { id: session.id },
      });
      expect((await app.get("/members/", session.token)).status).not.toBe(401);
      expect((await app.get("/members/")).status).toBe(401);
      expect(site.log).toContainEqual(
        expect.objectContaining({ event: "login_finished", sid: session.id, native_app: true }),
      );
    });
  }

  it("uses the first redirect URI of the settings where it names none", async () => {
    const app = openApp(openAppSite());
    expect((await app.start()).redirect_uri).toBe(LINK);
    expect((await app.post("/auth/app/start", "", { "content-type": "text/plain" })).status).toBe(200);
  });

  it("may not name a redirect URI of its own", async () => {
    const site = openAppSite();
    const app = openApp(site);
    for (const redirectUri of [
      CALLBACK,
      `${SCHEME}/`,
      `${LINK}?a=b`,
      SCHEME.toUpperCase(),
      "evil:/login",
      "",
    ]) {
      const response = await app.post("/auth/app/start", { redirect_uri: redirectUri });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "app_redirect_uri_unknown" });
    }
    expect(site.counts.durableObjectCalls).toEqual([]);
  });

  it("is not there where the settings allow none", async () => {
    const app = openApp(openSite());
    for (const path of ["/auth/app/start", "/auth/app/finish"]) {
      const response = await app.post(path, { app_secret: "x", state: "x" });
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(response.status).toBe(404);
    }
  });

  it("finishes once, by the app that began, within ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = openAppSite();
    const app = openApp(site);
    const start = await app.start();
    const other = await app.start();
    const parameters = await app.atProvider(start);
    const finish = (appSecret: string) =>
      app.post("/auth/app/finish", { ...parameters, app_secret: appSecret });

    for (const secret of [other.app_secret, "", `${start.app_secret}x`]) {
      const stolen = await finish(secret);
      expect(stolen.status).toBe(400);
      expect(await stolen.json()).toMatchObject({ code: "app_mismatch" });
    }
    expect(site.simulator.control.journal.count("token")).toBe(0);

    const all = await Promise.all([
      finish(start.app_secret),
      finish(start.app_secret),
      finish(start.app_secret),
    ]);
    expect(all.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
    expect(site.simulator.control.journal.count("token")).toBe(1);
    expect(await (await finish(start.app_secret)).json()).toMatchObject({ code: "state_used" });

    const late = await app.atProvider(other);
    vi.setSystemTime(Date.now() + 10 * 60_000 + 1);
    const tooLate = await app.post("/auth/app/finish", { ...late, app_secret: other.app_secret });
    expect(await tooLate.json()).toMatchObject({ status: 400, code: "state_expired" });
  });

  it("cannot finish a browser's login, nor a browser an app's", async () => {
    const site = openAppSite();
    const [app, browser] = [openApp(site), openBrowser(site)];
    const web = await browser.atProvider(await browser.startLogin());
    const start = await app.start();
    const native = await app.atProvider(start);

    const asApp = await app.post("/auth/app/finish", {
      ...Object.fromEntries(web.searchParams),
      app_secret: start.app_secret,
    });
    expect(await asApp.json()).toMatchObject({ status: 400, code: "state_invalid" });
    const asBrowser = await browser.get(`/auth/callback?${new URLSearchParams(native)}`);
    expect(asBrowser.status).toBe(400);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    expect(site.simulator.control.journal.count("token")).toBe(0);

    expect((await browser.get(web.href)).status).toBe(303);
    expect((await app.post("/auth/app/finish", { ...native, app_secret: start.app_secret })).status).toBe(
      200,
    );
  });

  it("learns why a login failed, in the phone's language, however often it asks", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const start = await app.start();
    const parameters = await app.atProvider(start, { cancelAt: "app" });
    expect(parameters.error).toBe("access_denied");
    const body = { ...parameters, app_secret: start.app_secret };
    const response = await app.post("/auth/app/finish", body, { "accept-language": "da" });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      code: "access_denied",
      title: "Du afbrød loginnet",
      reference: expect.any(String),
    });
    expect(await (await app.post("/auth/app/finish", body)).json()).toMatchObject({ code: "access_denied" });
    expect(site.simulator.control.journal.count("token")).toBe(0);
  });

  it("has lost nothing by an error that it was made to pass on, whoever is said to have sent it", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const start = await app.start();
    const parameters = await app.atProvider(start);
    const { state } = parameters;
    for (const [iss, code] of [
      [undefined, "access_denied"],
      ["https://evil.example", "response_issuer_mismatch"],
    ]) {
      const error = { app_secret: start.app_secret, state, iss, error: "access_denied" };
      expect(await (await app.post("/auth/app/finish", error)).json()).toMatchObject({ code });
    }
    const finished = await app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret });
    expect(finished.status).toBe(200);
  });

  it("is refused with what another login's code brings", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const [mine, theirs] = [await app.start(), await app.start()];
    const { code } = await app.atProvider(theirs, { user: "mette" });
    const parameters = await app.atProvider(mine);
    const body = { ...parameters, code, app_secret: mine.app_secret };
    expect((await app.post("/auth/app/finish", body)).status).toBe(502);
  });

  it("logs out with its Bearer token", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const { session } = await (await app.logIn()).json<{ session: { token: string } }>();
    const authorization = `Bearer ${session.token}`;
    expect((await app.post("/auth/logout", "", { authorization })).status).toBe(204);
    expect(await (await app.get("/auth/session", session.token)).json()).toEqual({ authenticated: false });
  });

  it("gets a new token for a stale one, for as long as the session lives", async () => {
    stopClock();
    const app = openApp(openAppSite());
    const { session } = await (await app.logIn()).json<{ session: { id: string; token: string } }>();
    wait(301);
    const answer = await app.get("/auth/session", session.token);
    expect(answer.headers.getSetCookie()).toEqual([]);
    const renewed = await answer.json<{ session: { id: string; token: string } }>();
    expect(renewed.session.id).toBe(session.id);
    expect(renewed.session.token).not.toBe(session.token);
    expect(await (await app.get("/auth/session", renewed.session.token)).json()).toMatchObject({
      authenticated: true,
    });
    wait(8 * 24 * 3600);
    expect(await (await app.get("/auth/session", renewed.session.token)).json()).toEqual({
      authenticated: false,
    });
  });

  it("is told where the person would have to be asked something first, or is no member", async () => {
    for (const { vars, code } of [
      {
        vars: { TERMS_URL: "https://site.example/terms", TERMS_VERSION: "1" },
        code: "terms_not_accepted",
      },
      { vars: { REGISTRATION: "closed" }, code: "not_member" },
    ]) {
      const site = openAppSite({ vars });
      const response = await openApp(site).logIn();
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code, reference: expect.any(String) });
      expect(site.counts.durableObjectCalls).not.toContain("sessions.record");
    }
  });

  it("leaves nothing secret in the log", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const start = await app.start();
    const parameters = await app.atProvider(start);
    await app.post("/auth/app/finish", { ...parameters, app_secret: "wrong" });
    const finished = await app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret });
    const { session } = await finished.json<{ session: { token: string } }>();
    await app.post("/auth/app/finish", { ...parameters, app_secret: start.app_secret });
    const log = JSON.stringify(site.log);
    expect(log).toContain("app_mismatch");
    for (const secret of [start.app_secret, start.state, parameters.code ?? "", session.token])
      expect(log).not.toContain(secret);
  });

  it("ends the session it had when it logs in anew", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const { session } = await (await app.logIn()).json<{ session: { token: string } }>();
    const start = await app.start();
    const parameters = await app.atProvider(start, { user: "mette" });
    const answer = await app.post(
      "/auth/app/finish",
      { ...parameters, app_secret: start.app_secret },
      { authorization: `Bearer ${session.token}` },
    );
    // Had this answer got lost, the app would have the old one still.
    expect(await (await app.get("/auth/session", session.token)).json()).toMatchObject({
      authenticated: true,
    });
    const anew = await answer.json<{ session: { token: string } }>();
    const told = await (await app.get("/auth/session", anew.session.token)).json();
    expect(told).toMatchObject({ authenticated: true });
    expect(await (await app.get("/auth/session", session.token)).json()).toEqual({ authenticated: false });
  });

  it("is answered with 4xx in JSON for anything that is not of the documented form", async () => {
    const app = openApp(openAppSite());
    const start = await app.start();
    const { app_secret, state } = start;
    for (const body of [
      "",
      "{",
      "null",
      "[]",
      JSON.stringify({ state }),
      JSON.stringify({ app_secret }),
      JSON.stringify({ app_secret, state: [state] }),
      JSON.stringify({ app_secret, state, code: 1 }),
      JSON.stringify({ app_secret, state: "invented", code: "c" }),
      JSON.stringify({ app_secret, state, code: "c".repeat(20_000) }),
      JSON.stringify({ app_secret, state, code: "c".repeat(5_000) }),
    ]) {
      const response = await app.post("/auth/app/finish", body);
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await app.post("/auth/app/start", "redirect_uri=x", form)).status).toBe(400);
    expect((await app.get("/auth/app/start")).status).toBe(405);
    expect((await app.get("/auth/app/finish")).status).toBe(405);
  });

  it("is no page: another website's request is refused", async () => {
    const site = openAppSite();
    const app = openApp(site);
    const foreign = { origin: "https://attacker.example", "sec-fetch-site": "cross-site" };
    for (const path of ["/auth/app/start", "/auth/app/finish"]) {
      const response = await app.post(path, { app_secret: "x", state: "x" }, foreign);
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(site.counts.durableObjectCalls).toEqual([]);
  });
});

describe("APP_REDIRECT_URIS", () => {
  it("takes https links and apps' own schemes with a path", () => {
    for (const uri of [
      "https://www.example.com/app/logged-in",
      "no.fjordbyen.app:/login",
      "fjordbyen://login/callback",
      "fjordbyen://callback",
    ]) {
      expect(isAppRedirectUri(uri), uri).toBe(true);
    }
  });

  it("refuses what Vipps, a browser or the phone would not hand to the app", () => {
    for (const uri of [
      "",
      "fjordbyen",
      "fjordbyen:",
      "fjordbyen://",
      "fjordbyen:login",
      "Fjordbyen://login",
      "http://www.example.com/app",
      "https:/www.example.com/app",
      "https://user@www.example.com/app",
      "https://www.example.com/app?x=1",
      "https://www.example.com/app#x",
      "https://www.example.com\\app",
      "fjordbyen://løgin",
      "javascript://alert/1",
      "intent://login/x",
      "data:/text/html",
    ]) {
      expect(isAppRedirectUri(uri), uri).toBe(false);
    }
  });

  it("names the setting when it is malformed", async () => {
    const app = openApp(openSite({ vars: { APP_REDIRECT_URIS: "http://insecure.example/x" } }));
    expect(await (await app.get("/auth/session")).json()).toMatchObject({
      code: "settings_invalid",
      errors: [expect.stringMatching(/^APP_REDIRECT_URIS must be /)],
    });
  });
});
