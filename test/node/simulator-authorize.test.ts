import { describe, expect, it } from "vitest";
import { createSimulator } from "../../simulator/simulator.ts";
import {
  authorize,
  authorizeUrl,
  CHALLENGE,
  CLUB,
  json,
  ORIGIN,
  parametersOf,
  REDIRECT_URI,
  simulatorWith,
} from "./simulator-relying-party.ts";

describe("discovery", () => {
  it("names endpoints at its own origin, may be cached for an hour", async () => {
    const simulator = simulatorWith();
    const response = await simulator.fetch(
      new Request(`${simulator.issuer}.well-known/openid-configuration`),
    );
    expect(response.headers.get("Cache-Control")).toBe("max-age=3600");
    const document = await json(response);
    expect(document).toMatchObject({
      issuer: "https://apitest.vipps.no/access-management-1.0/access/",
      authorization_endpoint: `${ORIGIN}/access-management-1.0/access/oauth2/auth`,
      token_endpoint: `${ORIGIN}/access-management-1.0/access/oauth2/token`,
      userinfo_endpoint: `${ORIGIN}/vipps-userinfo-api/userinfo`,
      jwks_uri: `${ORIGIN}/access-management-1.0/access/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
    });
    expect(document).not.toHaveProperty("authorization_response_iss_parameter_supported");
  });

  it("states another issuer, none, or the promise of iss when told to", async () => {
    const simulator = simulatorWith();
    const discover = () =>
      json(simulator.fetch(new Request(`${simulator.issuer}.well-known/openid-configuration`)));
    simulator.control.setBehaviour({ discoveryIssuer: "withoutSlash", advertiseIss: true });
    expect(await discover()).toMatchObject({
      issuer: "https://apitest.vipps.no/access-management-1.0/access",
      authorization_response_iss_parameter_supported: true,
    });
    simulator.control.setBehaviour({ discoveryIssuer: "missing" });
    expect(await discover()).not.toHaveProperty("issuer");
    simulator.control.setBehaviour({ discoveryIssuer: "other" });
    expect((await discover()).issuer).not.toBe(simulator.issuer);
  });
});

describe("an authorize request that gets an error page instead of a redirect", () => {
  it.each([
    ["an unknown client", { client_id: "stranger" }, 401, "invalid_client"],
    ["no client", { client_id: undefined }, 401, "invalid_client"],
    ["an unknown MSN", { client_id: undefined, msn: "999999" }, 401, "invalid_client"],
    ["no redirect URI", { redirect_uri: undefined }, 400, "invalid_request"],
    ["another redirect URI", { redirect_uri: "https://attacker.example/" }, 400, "invalid_request"],
    ["a trailing slash too many", { redirect_uri: `${REDIRECT_URI}/` }, 400, "invalid_request"],
    ["other capitals", { redirect_uri: REDIRECT_URI.replace("club", "Club") }, 400, "invalid_request"],
    ["a query string behind it", { redirect_uri: `${REDIRECT_URI}?a=b` }, 400, "invalid_request"],
    [
      "another encoding of it",
      { redirect_uri: REDIRECT_URI.replace("auth", "%61uth") },
      400,
      "invalid_request",
    ],
  ])("%s", async (_, changes, status, code) => {
    const response = await authorize(simulatorWith(), changes);
    expect(response.status).toBe(status);
    expect(response.headers.get("Location")).toBeNull();
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    const page = await response.text();
    expect(page).toContain(code);
    expect(page).toContain("Nobody real logs in here.");
  });

  it("a redirect URI given twice", async () => {
    const url = authorizeUrl();
    url.searchParams.append("redirect_uri", REDIRECT_URI);
    expect((await simulatorWith().fetch(new Request(url))).status).toBe(400);
  });

  it("shows hostile text as text", async () => {
    const response = await authorize(simulatorWith(), {
      redirect_uri: "https://x/<script>alert(1)</script>",
    });
    expect(await response.text()).not.toContain("<script>alert");
  });
});

describe("an authorize request that is sent back with an error", () => {
  it.each([
    ["no response type", { response_type: undefined }, "unsupported_response_type"],
    ["another response type", { response_type: "token" }, "unsupported_response_type"],
    ["no state", { state: undefined }, "invalid_state"],
    ["a state of seven characters", { state: "1234567" }, "invalid_state"],
    ["no scope", { scope: undefined }, "invalid_scope"],
    ["a scope without openid", { scope: "name" }, "invalid_scope"],
    ["an unknown scope", { scope: "openid profile" }, "invalid_scope"],
    ["a scope outside the plan", { scope: "openid nin" }, "invalid_scope"],
    ["a challenge of 42 characters", { code_challenge: "a".repeat(42) }, "invalid_request"],
    ["a challenge with a forbidden character", { code_challenge: `${"a".repeat(43)}=` }, "invalid_request"],
    [
      "an unknown challenge method",
      { code_challenge: CHALLENGE, code_challenge_method: "S512" },
      "invalid_request",
    ],
    ["a challenge method alone", { code_challenge_method: "S256" }, "invalid_request"],
    ["an unknown flow", { requested_flow: "web" }, "invalid_request"],
    ["app to app without PKCE", { requested_flow: "app_to_app_v2" }, "invalid_request"],
    ["old app to app without a callback", { requested_flow: "app_to_app" }, "invalid_app_callback_uri"],
    [
      "old app to app with a foreign callback",
      { requested_flow: "app_to_app", app_callback_uri: "other://app" },
      "app_callback_uri_not_registered",
    ],
    ["a final redirect neither true nor false", { final_redirect_is_app: "1" }, "invalid_request"],
    ["an unknown market", { market: "DE" }, "invalid_request"],
    ["acr_values outside the paid tier", { acr_values: "urn:vipps:acr:app_auth" }, "invalid_request"],
    ["another response mode", { response_mode: "form_post" }, "invalid_request"],
    ["a request object", { request: "e30.e30." }, "request_not_supported"],
    ["a request object by reference", { request_uri: "https://club.example/r" }, "request_uri_not_supported"],
    ["no one remembered for prompt=none", { prompt: "none" }, "login_required"],
  ])("%s", async (_, changes, code) => {
    const response = await authorize(simulatorWith(), changes);
    expect(response.status).toBe(302);
    const location = response.headers.get("Location");
    expect(location).toMatch(`${REDIRECT_URI}?`);
    const parameters = parametersOf(location);
    expect(parameters.error).toBe(code);
    expect(parameters.error_description).toMatch(/\w/);
    expect(parameters.state).toBe(authorizeUrl(changes).searchParams.get("state") ?? undefined);
    expect(parameters).not.toHaveProperty("code");
  });

  it("a parameter given twice", async () => {
    const url = authorizeUrl();
    url.searchParams.append("scope", "openid");
    const response = await simulatorWith().fetch(new Request(url));
    expect(parametersOf(response.headers.get("Location")).error).toBe("invalid_request");
  });
});

describe("an authorize request that begins a login", () => {
  it.each([
    ["the plainest one", {}],
    ["PKCE with S256", { code_challenge: CHALLENGE, code_challenge_method: "S256" }],
    ["PKCE with no method said", { code_challenge: CHALLENGE }],
    ["automatic return", { requested_flow: "automatic_return_from_vipps_app" }],
    [
      "app to app",
      { requested_flow: "app_to_app_v2", code_challenge: CHALLENGE, final_redirect_is_app: "true" },
    ],
    ["old app to app", { requested_flow: "app_to_app", app_callback_uri: "club://app/callback" }],
    ["a native redirect URI", { redirect_uri: "club://app/callback" }],
    ["a market", { market: "FI" }],
    ["every scope of the plan", { scope: "openid name phoneNumber email address birthDate customFlow" }],
  ])("%s", async (_, changes) => {
    const response = await authorize(simulatorWith(), changes);
    expect(response.status).toBe(302);
    expect(response.headers.get("Location")).toMatch(/^\/simulator\/login\/[\w-]{43}$/);
    expect(response.headers.get("Set-Cookie")).toMatch(/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it("with acr_values in the paid tier", async () => {
    const simulator = simulatorWith({ salesUnits: [{ ...CLUB, inAppConfirmation: true }] });
    const response = await authorize(simulator, { acr_values: "urn:vipps:acr:app_auth" });
    expect(response.headers.get("Location")).toMatch(/^\/simulator\/login\//);
  });

  it("with a scope by application that the plan has", async () => {
    const simulator = simulatorWith({ salesUnits: [{ ...CLUB, scopes: ["openid", "nin"] }] });
    const response = await authorize(simulator, { scope: "openid nin" });
    expect(response.headers.get("Location")).toMatch(/^\/simulator\/login\//);
  });

  it("is asked for with GET", async () => {
    const response = await simulatorWith().fetch(new Request(authorizeUrl(), { method: "POST", body: "" }));
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("GET");
  });
});

describe("setting up a sales unit", () => {
  it.each([
    "http://club.example/callback",
    "https://club.example/callback?next=1",
    "https://club.example/callback#top",
    "club://",
    "not a URI",
    "https://club.example/ø",
  ])("refuses the redirect URI %s", (uri) => {
    const unit = { ...CLUB, redirectUris: [uri] };
    expect(() => createSimulator({ origin: ORIGIN, salesUnits: [unit] })).toThrow(uri);
  });

  it.each([
    "https://club.example",
    "http://localhost:8787/auth/callback",
    "http://127.0.0.1/cb",
    "club://path",
  ])("accepts the redirect URI %s", (uri) => {
    const unit = { ...CLUB, redirectUris: [uri] };
    expect(() => createSimulator({ origin: ORIGIN, salesUnits: [unit] })).not.toThrow();
  });

  it("refuses a client_id or an MSN used twice", () => {
    const twin = { ...CLUB, clientId: "twin" };
    expect(() => createSimulator({ origin: ORIGIN, salesUnits: [CLUB, twin] })).toThrow("msn 123456");
  });
});
