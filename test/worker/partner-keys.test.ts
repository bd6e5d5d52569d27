import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { SalesUnit } from "../../simulator/simulator.ts";
import { readSettings } from "../../src/settings.ts";
import { openBrowser } from "./browser.ts";
import { openSite, SITE, type SiteOptions, type TestSite, VIPPS } from "./site.ts";

const PARTNER: SalesUnit = {
  clientId: "partner-client",
  clientSecret: "partner-secret",
  msn: "700000",
  subscriptionKey: "partner-subscription",
  redirectUris: [],
  partner: true,
};

const VARS = {
  VIPPS_KEYS: "partner",
  VIPPS_CLIENT_ID: "",
  VIPPS_CLIENT_SECRET: "",
  VIPPS_PARTNER_CLIENT_ID: PARTNER.clientId,
  VIPPS_PARTNER_CLIENT_SECRET: PARTNER.clientSecret,
  VIPPS_PARTNER_SUBSCRIPTION_KEY: "partner-subscription",
} as const;

const TOKEN_PATH = "/accesstoken/get";

const tokenRequests = (site: TestSite) => site.counts.fetches.filter((path) => path === TOKEN_PATH).length;

const openPartnerSite = ({ vars, ...options }: SiteOptions = {}) =>
  openSite({
    vars: { ...VARS, ...vars },
    salesUnit: { managedBy: PARTNER.clientId },
    salesUnits: [PARTNER],
    ...options,
  });

describe("a site with its partner's keys", () => {
  it("names the sales unit at authorize, never a client_id", async () => {
    const url = await openBrowser(openPartnerSite()).startLogin();
    expect(url.searchParams.get("msn")).toBe("123456");
    expect(url.searchParams.has("client_id")).toBe(false);
  });

  it("logs people in, with the standard headers on the token request and on the partner's", async () => {
    const site = openPartnerSite();
    const sent: Headers[] = [];
    const simulated = vi.mocked(fetch).getMockImplementation();
    vi.mocked(fetch).mockImplementation((input, init) => {
      const request = new Request(input as RequestInfo, init as RequestInit);
      if (request.method === "POST") sent.push(request.headers);
      if (simulated === undefined) throw new Error("no simulator");
      return simulated(request);
    });
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(303);
    expect(await browser.session()).toMatchObject({ authenticated: true, user: { name: "Kari Nordmann" } });
    expect(sent.map((headers) => headers.get("Merchant-Serial-Number"))).toEqual(["123456", "123456"]);
    const [, exchange] = sent;
    expect(exchange?.get("authorization")).toMatch(/^Bearer \S+$/);
    expect(exchange?.has("Ocp-Apim-Subscription-Key")).toBe(false);
  });

  it("costs a warm login one token request like any other", async () => {
    const site = openPartnerSite();
    await openBrowser(site).logIn();
    site.resetCounts();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    expect(site.counts.fetches).toEqual([]);
    await browser.get(callback.href);
    expect(site.counts.fetches).toEqual(["/access-management-1.0/access/oauth2/token"]);
  });

  it("fetches its token for the first code that comes back, not for a click", async () => {
    const site = openPartnerSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    expect(site.counts.fetches).not.toContain(TOKEN_PATH);
    expect((await browser.get(callback.href)).status).toBe(303);
    expect(tokenRequests(site)).toBe(1);
  });

  it("asks for one token when fifty people come back at once and the last one is about to expire", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = openPartnerSite();
    site.simulator.control.setBehaviour({ partnerTokenLifetime: 100 });
    await openBrowser(site).logIn();
    const browsers = Array.from({ length: 50 }, () => openBrowser(site));
    const urls = await Promise.all(browsers.map((browser) => browser.startLogin()));
    const callbacks = await Promise.all(
      browsers.map((browser, index) => browser.atProvider(urls[index] ?? new URL(VIPPS))),
    );
    expect(tokenRequests(site)).toBe(1);

    vi.setSystemTime(Date.now() + 60_000);
    site.resetCounts();
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(String(callbacks[index]))),
    );
    expect(answers.map(({ status }) => status)).toEqual(browsers.map(() => 303));
    expect(tokenRequests(site)).toBe(1);
    console.log(`50 logins at once with an expiring partner token: ${tokenRequests(site)} token request`);
  });

  it("fetches another token once Vipps has refused the one it had", async () => {
    const site = openPartnerSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    site.simulator.control.setBehaviour({
      endpoints: { token: { answer: "error", errorCode: "invalid_client", errorStatus: 401, times: 1 } },
    });
    expect((await browser.get(callback.href)).status).toBe(502);
    expect(site.log.at(-1)).toMatchObject({ code: "token_client_refused" });
    site.resetCounts();
    expect((await browser.logIn()).status).toBe(303);
    expect(tokenRequests(site)).toBe(1);
  });

  describe("revoked before it expires", () => {
    /** Vipps refuses, from now on, every partner token that it has given so far. */
    function revoking(site: TestSite) {
      const given = vi.mocked(fetch).getMockImplementation();
      const seen = new Set<string>();
      const revoked = new Set<string>();
      const codes: string[] = [];
      let trials = 0;
      vi.mocked(fetch).mockImplementation(async (input, init) => {
        const request = new Request(input as RequestInfo, init as RequestInit);
        const bearer = request.headers.get("authorization") ?? "";
        if (!bearer.startsWith("Bearer ") || request.method !== "POST" || given === undefined)
          return given?.(request) ?? new Response(null, { status: 500 });
        const code = new URLSearchParams(await request.clone().text()).get("code") ?? "";
        if (sent.has(code)) codes.push(code);
        else trials += 1;
        seen.add(bearer);
        if (!revoked.has(bearer)) return given(request);
        return Response.json({ error: "invalid_client" }, { status: 401 });
      });
      const sent = new Set<string>();
      return {
        revoke: () => {
          for (const bearer of seen) revoked.add(bearer);
        },
        /** A whole login, and the code of it. */
        async logIn() {
          const browser = openBrowser(site);
          const callback = await browser.atProvider(await browser.startLogin());
          sent.add(callback.searchParams.get("code") ?? "");
          return browser.get(callback.href);
        },
        codes,
        trials: () => trials,
      };
    }

    it("is asked for once more, and no code is sent twice", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = openPartnerSite();
      const vipps = revoking(site);
      expect((await vipps.logIn()).status).toBe(303);
      vi.setSystemTime(Date.now() + 5 * 60_000);
      vipps.revoke();
      site.resetCounts();
      expect((await vipps.logIn()).status).toBe(303);
      expect(tokenRequests(site)).toBe(1);
      expect(vipps.codes).toHaveLength(new Set(vipps.codes).size);
      expect(vipps.codes).toHaveLength(2);
      expect(site.log).toContainEqual(
        expect.objectContaining({ event: "partner_token_failed", reason: "revoked early" }),
      );
      console.log(
        `partner token revoked early: 2 logins of 2, ${vipps.codes.length} codes sent once each, ${vipps.trials()} trial without a code`,
      );
    });

    it("between the trial and the code costs that login, sends its code once, and not the next one", async () => {
      const site = openPartnerSite();
      const vipps = revoking(site);
      await vipps.logIn();
      vipps.revoke();
      expect((await vipps.logIn()).status).toBe(502);
      expect((await vipps.logIn()).status).toBe(303);
      expect(vipps.codes).toHaveLength(3);
    });

    it("is tried once for all who come at once, and not again within a minute", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = openPartnerSite();
      const vipps = revoking(site);
      await vipps.logIn();
      vi.setSystemTime(Date.now() + 5 * 60_000);
      const answers = await Promise.all(Array.from({ length: 10 }, () => vipps.logIn()));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
      expect(vipps.trials()).toBe(1);
    });
  });

  it.each([
    ["secret", { VIPPS_PARTNER_CLIENT_SECRET: "wrong" }, "the client id or the client secret"],
    ["client id", { VIPPS_PARTNER_CLIENT_ID: "wrong" }, "the client id or the client secret"],
    ["subscription key", { VIPPS_PARTNER_SUBSCRIPTION_KEY: "wrong" }, "the subscription key"],
  ] as const)("says in the log that the %s is the wrong one", async (_what, vars, which) => {
    const site = openPartnerSite({ vars });
    expect((await openBrowser(site).logIn()).status).toBe(502);
    expect(site.log.at(-1)).toMatchObject({
      code: "partner_token_refused",
      reason: `answered with 401: ${which} refused`,
    });
  });

  it.each([
    ["refuses the keys", { VIPPS_PARTNER_CLIENT_SECRET: "wrong" }, {}, "partner_token_refused"],
    ["is down", {}, { answer: "down" }, "partner_token_unavailable"],
    ["redirects", {}, { answer: "redirect" }, "partner_token_unavailable"],
    ["answers with a page", {}, { answer: "html" }, "partner_token_refused"],
    ["answers with half a body", {}, { answer: "truncated" }, "partner_token_refused"],
  ] as const)("fails clearly when the access-token endpoint %s", async (_what, vars, accesstoken, code) => {
    const site = openPartnerSite({ vars });
    site.simulator.control.setBehaviour({ endpoints: { accesstoken } });
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(502);
    expect(site.log.at(-1)).toMatchObject({ event: "request_failed", code });
    expect(JSON.stringify(site.log)).not.toMatch(/partner-secret|partner-subscription/);
    expect(await browser.session()).toEqual({ authenticated: false });
  });

  it("refuses an ID token of another sales unit", async () => {
    const site = openPartnerSite();
    site.simulator.control.setBehaviour({ idTokenFault: "wrongMsn" });
    expect((await openBrowser(site).logIn()).status).toBe(502);
    expect(site.log.at(-1)).toMatchObject({ code: "id_token_invalid", reason: "msn is somebody else" });
  });

  it.each(["extraAud", "noAud", "emptyAud"] as const)("refuses an ID token with %s", async (idTokenFault) => {
    const site = openPartnerSite();
    site.simulator.control.setBehaviour({ idTokenFault });
    expect((await openBrowser(site).logIn()).status).toBe(502);
    expect(site.log.at(-1)).toMatchObject({ code: "id_token_invalid" });
  });

  it("says which of the partner's keys is missing", () => {
    const read = readSettings({ ...env, ...VARS, VIPPS_PARTNER_SUBSCRIPTION_KEY: "" }, SITE);
    expect(read).toEqual({
      faults: ["VIPPS_PARTNER_SUBSCRIPTION_KEY is missing, which VIPPS_KEYS=partner needs"],
    });
  });
});
