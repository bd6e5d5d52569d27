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

  it("does not depend on the host a request came to, nor on its scheme or port", async () => {
    const { browser } = openHostileSite();
    for (const origin of ["https://attacker.example", "http://site.example", "https://site.example:8443"]) {
      const response = await browser.get(`${origin}/auth/login`);
      const url = new URL(response.headers.get("location") ?? "");
      expect(url.searchParams.get("redirect_uri")).toBe(CALLBACK);
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
