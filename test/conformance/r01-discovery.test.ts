import { describe, expect, it, vi } from "vitest";
import { beginIsolate } from "../../src/isolate-state.ts";
import { writeCopy } from "../../src/vipps/metadata-store.ts";
import { openBrowser } from "../worker/browser.ts";
import { metadataStore } from "../worker/metadata-copies.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { ISSUER, logInAt } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

describe("R1 the discovery document's issuer", () => {
  it.each([
    ["without the trailing slash", ISSUER.slice(0, -1)],
    ["with another slash", `${ISSUER}/`],
    ["in capital letters", ISSUER.toUpperCase()],
    ["with the default port", ISSUER.replace(".no/", ".no:443/")],
    ["of another host", "https://attacker.example/access-management-1.0/access/"],
    ["with a path that only parses to the same", ISSUER.replace("access/", "./access/")],
    ["empty", ""],
    ["missing", undefined],
    ["a number", 4711],
    ["a list with the right one", [ISSUER]],
  ])("starts no login when it is %s", async (_how, issuer) => {
    const { provider, site, browser } = openHostileSite();
    provider.document.issuer = issuer;
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_invalid" });
    expect(site.counts.durableObjectCalls).toEqual([]);
  });

  it("is compared with the configured string, whether that has a trailing slash or not", async () => {
    const issuer = ISSUER.slice(0, -1);
    const { provider, browser } = openHostileSite({ vars: { VIPPS_ISSUER: issuer } });
    provider.document.issuer = issuer;
    expect((await browser.get("/auth/login")).status).toBe(302);
  });
});

describe("R1 a discovery document that is no use", () => {
  it.each<[string, () => Response]>([
    ["an error page", () => new Response("<h1>down</h1>", { status: 503 })],
    ["a client error", () => Response.json({ error: "nope" }, { status: 404 })],
    ["no content", () => new Response(null, { status: 204 })],
    ["a redirect", () => Response.redirect("https://attacker.example/openid-configuration", 302)],
  ])("starts no login and follows nothing when the answer is %s", async (_what, answer) => {
    const { provider, site, browser } = openHostileSite();
    provider.answers.discovery = answer;
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_unavailable" });
    expect(site.counts.fetches).toHaveLength(1);
  });

  it("starts no login when the body is huge, and does not read it to its end", async () => {
    const { provider, site, browser } = openHostileSite();
    let sent = 0;
    const chunk = new TextEncoder().encode(" ".repeat(64 * 1024));
    provider.answers.discovery = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += chunk.byteLength;
            controller.enqueue(chunk);
          },
        }),
      );
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_unavailable" });
    expect(sent).toBeLessThan(1024 * 1024);
  });

  it.each([
    ["HTML", "<!doctype html><title>Log in to the hotel network</title>"],
    ["cut short", `{"issuer":"${ISSUER}","authorization_`],
    ["nothing", ""],
    ["null", "null"],
    ["a list", "[]"],
    ["a string", '"issuer"'],
    ["nested a hundred thousand times", "[".repeat(100_000)],
  ])("starts no login when the body is %s", async (_what, body) => {
    const { provider, site, browser } = openHostileSite();
    provider.answers.discovery = () =>
      new Response(body, { headers: { "content-type": "application/json" } });
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_invalid" });
  });

  it.each([
    ["authorization_endpoint", undefined],
    ["authorization_endpoint", "javascript:alert(1)"],
    ["authorization_endpoint", "/oauth2/auth"],
    ["authorization_endpoint", "http://apitest.vipps.no/oauth2/auth"],
    ["authorization_endpoint", `${ISSUER}oauth2/auth#fragment`],
    ["authorization_endpoint", "https://user:secret@apitest.vipps.no/oauth2/auth"],
    ["authorization_endpoint", [`${ISSUER}oauth2/auth`]],
    ["token_endpoint", undefined],
    ["token_endpoint", "http://apitest.vipps.no/oauth2/token"],
    ["token_endpoint", {}],
    ["jwks_uri", undefined],
    ["jwks_uri", "data:application/json,{}"],
    ["userinfo_endpoint", "http://apitest.vipps.no/userinfo"],
  ])("starts no login when %s is %j", async (name, value) => {
    const { provider, site, browser } = openHostileSite();
    provider.document[name] = value;
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_invalid" });
  });
});

describe("R1 an endpoint on another origin than the issuer", () => {
  const ELSEWHERE = "https://login.elsewhere.example";
  const NAMES = ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"];

  it.each(
    NAMES.flatMap((name) => [
      [name, ELSEWHERE],
      [name, "https://apitest.vipps.no:8443"],
    ]),
  )("starts no login when %s is on %s", async (name = "", origin = "") => {
    const { provider, site, browser } = openHostileSite();
    provider.document[name] = `${origin}/there`;
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_invalid" });
    expect(site.log.at(-1)).toMatchObject({
      reason: `${name} is neither on the issuer's origin nor on one of PROVIDER_ENDPOINTS`,
    });
    expect(site.counts.fetches).toHaveLength(1);
  });

  it("is taken where PROVIDER_ENDPOINTS names it, and that site's copy serves no other", async () => {
    const { provider, browser } = openHostileSite({ vars: { PROVIDER_ENDPOINTS: ELSEWHERE } });
    provider.document.authorization_endpoint = `${ELSEWHERE}/authorize`;
    expect((await browser.startLogin()).origin).toBe(ELSEWHERE);
    const strict = openHostileSite();
    strict.provider.document.authorization_endpoint = `${ELSEWHERE}/authorize`;
    expect((await strict.browser.get("/auth/login")).status).toBe(502);
  });
});

describe("R1 a provider that this worker cannot log in with", () => {
  it.each([
    [
      "id_token_signing_alg_values_supported",
      ["ES256", "EdDSA"],
      "the provider signs no ID tokens with RS256",
    ],
    ["response_types_supported", ["id_token"], "the provider has no authorization code flow"],
    ["grant_types_supported", ["implicit"], "the provider has no authorization code flow"],
    ["response_modes_supported", ["form_post"], "the provider answers no authorization request in the query"],
    ["require_pushed_authorization_requests", true, "the provider demands pushed authorization requests"],
    ["require_signed_request_object", true, "the provider demands signed request objects"],
    [
      "token_endpoint_auth_methods_supported",
      ["none", "private_key_jwt"],
      "the provider does not take the client authentication of VIPPS_TOKEN_AUTH",
    ],
  ])("sends nobody there when %s is %j", async (name, value, reason) => {
    const { provider, site, browser } = openHostileSite();
    provider.document[name] = value;
    await expectRefusal(await browser.get("/auth/login"), { site, browser, code: "metadata_invalid" });
    expect(site.log.at(-1)).toMatchObject({ reason });
    expect(provider.count("token")).toBe(0);
  });

  it.each([
    [
      "of another host",
      "https://api.vipps.no/access-management-1.0/access/",
      /^issuer is at api.vipps.no, not at apitest.vipps.no$/,
    ],
    ["without its slash", ISSUER.slice(0, -1), /^issuer differs by the slash at its end$/],
    ["with another path", `${ISSUER}v2/`, /^issuer differs in its spelling or path$/],
    ["that is no address", "Vipps <script>", /^issuer is not an address$/],
    ["that is missing", undefined, /^names no issuer$/],
  ])("says in the log how an issuer %s differs", async (_how, issuer, reason) => {
    const { provider, site, browser } = openHostileSite();
    provider.document.issuer = issuer;
    await browser.get("/auth/login");
    expect(site.log.find(({ event }) => event === "metadata_refresh_failed")?.reason).toMatch(reason);
    expect(site.log.at(-1)?.reason).toMatch(reason);
  });
});

describe("R1 a discovery endpoint that is slow", () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ["never answers", () => new Promise<Response>(() => undefined)],
    ["stops after the headers", () => new Response(new ReadableStream({}))],
    [
      "sends a byte a second for ever",
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 1000));
              controller.enqueue(new TextEncoder().encode(" "));
            },
          }),
        ),
    ],
  ])("gets a page within five seconds when it %s", async (_how, answer) => {
    stopTime();
    const { provider, site, browser } = openHostileSite();
    provider.answers.discovery = answer;
    const { value: response, elapsed } = await inFakeTime(browser.get("/auth/login"));
    expect(elapsed).toBeLessThanOrEqual(5_000);
    await expectRefusal(response, { site, browser, code: "metadata_unavailable" });
  });

  it("does not make a login wait for a JWKS that never answers", async () => {
    stopTime();
    const { provider, site, browser } = openHostileSite();
    provider.answers.jwks = () => new Promise<Response>(() => undefined);
    const { value: response } = await inFakeTime(browser.get("/auth/login"));
    expect(response.status).toBe(302);
    // The fetch goes on behind the answer for its three seconds.
    expect(site.answerTimes.at(-1)).toBeLessThan(1_000);
  });
});

const ENDPOINTS = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}oauth2/auth`,
  token_endpoint: `${ISSUER}oauth2/token`,
  jwks_uri: `${ISSUER}.well-known/jwks.json`,
};

describe("R1 while discovery is down", () => {
  const down = () => new Response("down", { status: 503 });

  it("a copy in memory serves, hours later too, and nobody waits for the refresh", async () => {
    const { provider, site, browser } = openHostileSite();
    expect((await logInAt(provider, browser)).status).toBe(303);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 3 * 3600_000);
    provider.answers.discovery = down;
    provider.answers.jwks = down;
    expect((await logInAt(provider, openBrowser(site))).status).toBe(303);
  });

  it("a copy in KV serves an isolate that has just begun: a whole login", async () => {
    const { provider, site, browser } = openHostileSite();
    await browser.startLogin();
    provider.answers.discovery = down;
    provider.answers.jwks = down;
    beginIsolate();
    provider.requests.length = 0;
    expect((await logInAt(provider, browser)).status).toBe(303);
    expect(provider.requests.map(({ endpoint }) => endpoint)).toEqual(["token"]);
    expect(site.counts.kvReads).toBe(2);
  });

  it("a refresh that failed is not tried again at once", async () => {
    const { provider, browser } = openHostileSite();
    await browser.startLogin();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 2 * 3600_000);
    provider.answers.discovery = down;
    provider.requests.length = 0;
    for (let visitor = 0; visitor < 5; visitor += 1) await browser.startLogin();
    expect(provider.count("discovery")).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    await browser.startLogin();
    expect(provider.count("discovery")).toBe(2);
  });

  it("a document that became somebody else's does not replace the copy", async () => {
    const { provider, browser } = openHostileSite();
    await browser.startLogin();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 2 * 3600_000);
    provider.document = { ...provider.document, issuer: "https://attacker.example/" };
    await browser.startLogin();
    const url = await browser.startLogin();
    expect(url.href.startsWith(`${ISSUER}oauth2/auth?`)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["of another form", { discovery: {}, keys: [] }],
    ["of another issuer", { discovery: { issuer: "https://attacker.example/" } }],
    ["without endpoints", { discovery: { issuer: ISSUER } }],
    [
      "with an endpoint elsewhere",
      { discovery: { ...ENDPOINTS, token_endpoint: "https://attacker.example/" } },
    ],
    [
      "with an endpoint without TLS",
      { discovery: { ...ENDPOINTS, jwks_uri: ISSUER.replace("https", "http") } },
    ],
    ["too old", { fetchedAt: Date.now() - 8 * 24 * 3600_000 }],
    ["from the future", { fetchedAt: Date.now() + 3600_000 }],
  ])("a copy in KV that is %s is not believed, whoever wrote it", async (what, change) => {
    const { provider, site, browser } = openHostileSite();
    const now = Date.now();
    const copy = { discovery: ENDPOINTS, keys: provider.keys, fetchedAt: now, keysFetchedAt: now };
    const written =
      change === null || what === "of another form" ? change : { ...copy, ...(change as object) };
    await writeCopy(metadataStore(site), `https ${ISSUER}`, written, 3600);
    expect((await logInAt(provider, browser)).status).toBe(303);
    expect(provider.count("discovery")).toBe(1);
    expect(site.log.filter(({ event }) => event === "metadata_copy_refused")).toHaveLength(1);
  });

  it("a copy in KV whose keys are broken costs one fetch of the keys and no login", async () => {
    const { provider, site, browser } = openHostileSite();
    const now = Date.now();
    const copy = { discovery: provider.document, keys: "broken", fetchedAt: now, keysFetchedAt: now };
    await writeCopy(metadataStore(site), `https ${ISSUER}`, copy, 3600);
    expect((await logInAt(provider, browser)).status).toBe(303);
    expect(provider.requests.map(({ endpoint }) => endpoint)).toEqual(["token", "jwks"]);
  });
});

it("R1 discovery is fetched once however many cold logins begin together, and not again when warm", async () => {
  const { provider, site } = openHostileSite();
  const answers = await Promise.all(Array.from({ length: 20 }, () => openBrowser(site).get("/auth/login")));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([302]));
  for (let visitor = 0; visitor < 5; visitor += 1) await logInAt(provider, openBrowser(site));
  expect([provider.count("discovery"), provider.count("jwks")]).toEqual([1, 1]);
});
