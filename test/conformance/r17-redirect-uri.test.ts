import { describe, expect, it } from "vitest";
import { CALLBACK, SITE } from "../worker/site.ts";
import { openHostileSite } from "./hostile-site.ts";

describe("R17 the redirect URI", () => {
  it.each([
    ["host", { host: "attacker.example" }],
    ["x-forwarded-host", { "x-forwarded-host": "attacker.example" }],
    ["x-forwarded-proto", { "x-forwarded-proto": "http" }],
    ["x-original-host", { "x-original-host": "attacker.example" }],
    ["forwarded", { forwarded: "host=attacker.example;proto=http" }],
    ["x-forwarded-prefix", { "x-forwarded-prefix": "/attacker" }],
    ["origin and referer", { origin: "https://attacker.example", referer: "https://attacker.example/" }],
  ])("does not depend on %s", async (_name, headers) => {
    const { provider, browser } = openHostileSite();
    const response = await browser.get("/auth/login", headers as Record<string, string>);
    const url = new URL(response.headers.get("location") ?? "");
    expect(url.searchParams.get("redirect_uri")).toBe(CALLBACK);
    await browser.get(provider.authorize(url).href, headers as Record<string, string>);
    const [request] = provider.requests.filter(({ endpoint }) => endpoint === "token");
    expect(request?.form.get("redirect_uri")).toBe(CALLBACK);
  });

  it("does not depend on the host a request came to", async () => {
    const { browser } = openHostileSite();
    const response = await browser.get("https://attacker.example/auth/login");
    const url = new URL(response.headers.get("location") ?? "");
    expect(url.searchParams.get("redirect_uri")).toBe(CALLBACK);
  });

  it.each([
    "http://site.example",
    "https://site.example:8443",
    "https://www.site.example",
    "https://example",
  ])(
    "does not depend on %s, another name of the site: the login begins at the site's own",
    async (origin) => {
      const { browser } = openHostileSite();
      const response = await browser.get(`${origin}/auth/login?return_to=%2Fa%3Fb&prompt=login`);
      const home = `${SITE}/auth/login?return_to=%2Fa%3Fb&prompt=login&address=own`;
      expect([response.status, response.headers.get("location")]).toEqual([302, home]);
      expect(response.headers.getSetCookie()).toEqual([]);
      const next = await browser.get(home);
      expect(new URL(next.headers.get("location") ?? "").searchParams.get("redirect_uri")).toBe(CALLBACK);
    },
  );

  it("sends nobody round whose proxy asks by another name of the site", async () => {
    const { browser } = openHostileSite();
    for (const [query, headers] of [
      ["?address=own", {}],
      ["", { "x-forwarded-host": "site.example", "x-forwarded-proto": "https" }],
      ["", { "x-forwarded-host": "site.example, login.site.example" }],
      ["", { "sec-fetch-site": "same-origin", referer: `${SITE}/members/` }],
    ] as const) {
      const response = await browser.get(`https://login.site.example/auth/login${query}`, headers);
      const url = new URL(response.headers.get("location") ?? "");
      expect(url.searchParams.get("redirect_uri")).toBe(CALLBACK);
    }
    for (const headers of [
      { "x-forwarded-host": "attacker.example" },
      { "x-forwarded-host": "site.example", "x-forwarded-proto": "http" },
      { "sec-fetch-site": "same-site", referer: `${SITE}/` },
      { "sec-fetch-site": "same-origin", referer: "https://login.site.example/" },
    ]) {
      const response = await browser.get("https://login.site.example/auth/login", headers as never);
      expect(response.headers.get("location")).toBe(`${SITE}/auth/login?address=own`);
    }
  });
});

describe("R17 the login passes on no parameter of the visitor's", () => {
  const VISITORS = {
    redirect_uri: "https://attacker.example/callback",
    client_id: "attacker",
    scope: "openid nin",
    state: "chosen-by-the-visitor",
    nonce: "chosen-by-the-visitor",
    code_challenge: "chosen",
    code_challenge_method: "plain",
    response_type: "token",
    response_mode: "fragment",
    acr_values: "urn:vipps:acr:none",
    requested_flow: "app_to_app",
    final_redirect_is_app: "true",
    market: "SE",
    login_hint: "msisdn:4799999901",
    id_token_hint: "x",
    ui_locales: "se",
    max_age: "0",
    display: "popup",
    request: "eyJhbGciOiJub25lIn0.e30.",
    request_uri: "https://attacker.example/request",
    claims: "{}",
    resource: "https://attacker.example/",
    app_callback_uri: "attacker://",
    msn: "999999",
    prompt: "login",
  };

  it("in the query", async () => {
    const { browser } = openHostileSite();
    const plain = await browser.startLogin();
    const response = await browser.get(`/auth/login?${new URLSearchParams(VISITORS)}`);
    const url = new URL(response.headers.get("location") ?? "");
    expect([...url.searchParams.keys()]).toEqual([...plain.searchParams.keys()]);
    for (const [name, value] of Object.entries(VISITORS)) {
      expect(url.searchParams.getAll(name)).not.toContain(value);
    }
    expect(url.searchParams.get("redirect_uri")).toBe(CALLBACK);
    expect(url.searchParams.get("client_id")).toBe("test-client-id");
    expect(url.searchParams.get("scope")).toBe("openid name phoneNumber email");
  });

  it("hidden in the return URL", async () => {
    const { browser } = openHostileSite();
    for (const wanted of ["/&redirect_uri=https://attacker.example", "/?client_id=attacker#&scope=nin"]) {
      const url = await browser.startLogin(wanted);
      expect(url.searchParams.getAll("redirect_uri")).toEqual([CALLBACK]);
      expect(url.searchParams.getAll("client_id")).toEqual(["test-client-id"]);
    }
    expect(CALLBACK.startsWith(SITE)).toBe(true);
  });
});
