import { describe, expect, it } from "vitest";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { logInAt } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });
const text =
  (body: string, type = "application/json") =>
  () =>
    new Response(body, { headers: { "content-type": type } });

describe("R5 a token endpoint that refuses or talks nonsense ends the login with a page", () => {
  it.each([
    ["invalid_grant", json({ error: "invalid_grant" }, 400), "token_refused"],
    ["invalid_request", json({ error: "invalid_request" }, 400), "token_refused"],
    ["invalid_client", json({ error: "invalid_client" }, 401), "token_client_refused"],
    ["unauthorized_client", json({ error: "unauthorized_client" }, 400), "token_client_refused"],
    ["an error of its own", json({ error: "<script>alert(1)</script>" }, 400), "token_refused"],
    ["an error that is no string", json({ error: { code: 1 } }, 400), "token_refused"],
    ["an error with status 200", json({ error: "invalid_grant" }), "token_refused"],
    ["403 and HTML", () => new Response("<h1>no</h1>", { status: 403 }), "token_refused"],
    ["404", () => new Response(null, { status: 404 }), "token_refused"],
    ["429", json({ error: "slow_down" }, 429), "token_refused"],
    ["201", json({ access_token: "x", token_type: "bearer" }, 201), "token_refused"],
    ["204", () => new Response(null, { status: 204 }), "token_refused"],
    ["500", json({ error: "server_error" }, 500), "token_unavailable"],
    ["503 and HTML", () => new Response("<h1>down</h1>", { status: 503 }), "token_unavailable"],
    ["HTML", text("<!doctype html><h1>Welcome</h1>", "text/html"), "token_malformed"],
    ["nothing", text(""), "token_malformed"],
    ["null", text("null"), "token_malformed"],
    ["a list", text("[]"), "token_malformed"],
    ["truncated JSON", text('{"access_token":"abc","id_tok'), "token_malformed"],
    ["bytes that are no text", () => new Response(new Uint8Array([255, 254, 0, 1])), "token_malformed"],
  ] as const)("%s", async (_what, answer, code) => {
    const { provider, expectRefused } = openHostileSite();
    provider.answers.token = answer;
    await expectRefused(code);
    expect(provider.count("token")).toBe(1);
    expect(provider.count("userinfo")).toBe(0);
  });

  it.each([
    ["no id_token", { id_token: undefined }],
    ["an empty id_token", { id_token: "" }],
    ["null for an id_token", { id_token: null }],
    ["a list for an id_token", { id_token: ["a.b.c"] }],
    ["no access_token", { access_token: undefined }],
    ["an empty access_token", { access_token: "" }],
    ["a number for an access_token", { access_token: 7 }],
    ["an access_token with a line break", { access_token: "abc\r\nX-Evil: 1" }],
    ["no token_type", { token_type: undefined }],
    ["another token_type", { token_type: "mac" }],
    ["the token_type of another protocol", { token_type: "DPoP" }],
    ["a number for a token_type", { token_type: 1 }],
  ])("%s", async (_what, tokens) => {
    const { provider, expectRefused } = openHostileSite();
    provider.tokens = tokens;
    await expectRefused("token_malformed");
  });

  it("an id_token beside an error", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.tokens = { error: "access_denied" };
    await expectRefused("token_refused");
  });
});

const lost = (message: string) => () => Promise.reject<Response>(new Error(message));

describe("R5 the log says why there were no tokens", () => {
  it.each<[string, () => Response | Promise<Response>, string]>([
    ["down", () => new Response(null, { status: 503 }), "answered with 503"],
    ["elsewhere", () => Response.redirect("https://attacker.example/", 302), "answered with a redirect"],
    ["endless", () => new Response("x".repeat(300 * 1024)), "answer is too large"],
    ["no JSON", text("hello"), "not a JSON object"],
    ["without an ID token", json({ access_token: "a", token_type: "bearer" }), "no ID token"],
    ["behind a bad certificate", lost("TLS peer's certificate is not trusted"), "no connection: TLS failed"],
    ["without a name", lost("internal error; DNS lookup failed"), "no connection: the name was not found"],
    ["closed", lost("connect(): Connection refused"), "no connection: refused"],
    ["far away", lost("connection timed out"), "no connection: timed out"],
    ["cut off", lost("Network connection lost."), "the connection broke off"],
    ["gone some other way", lost("secret-of-mine: what now?"), "no connection"],
  ])("an endpoint that is %s", async (_what, answer, reason) => {
    const { provider, site, logIn } = openHostileSite();
    provider.answers.token = answer;
    await logIn();
    expect(site.log.at(-1)).toMatchObject({ stage: "token", reason });
    expect(JSON.stringify(site.log)).not.toContain("secret-of-mine");
  });
});

describe("R5 is no matter:", () => {
  it.each([
    ["token_type Bearer", { token_type: "Bearer" }],
    ["token_type BEARER", { token_type: "BEARER" }],
    ["no expires_in", { expires_in: undefined }],
    ["an expires_in of nonsense", { expires_in: "soon" }],
    ["a scope of nonsense", { scope: ["openid"] }],
    ["a refresh_token", { refresh_token: "r" }],
  ])("%s", async (_what, tokens) => {
    const { provider, logIn } = openHostileSite();
    provider.tokens = tokens;
    expect((await logIn()).status).toBe(303);
  });

  it.each(["text/plain", "application/json; charset=utf-8", "APPLICATION/JSON", ""])(
    "content type %j",
    async (type) => {
      const { provider, logIn } = openHostileSite();
      provider.answers.token = async (_request, proper) =>
        new Response(await (await proper()).text(), { headers: { "content-type": type } });
      expect((await logIn()).status).toBe(303);
    },
  );
});

describe("R5 redirects are never followed", () => {
  it.each([301, 302, 303, 307, 308])("%i, which would carry code and secret elsewhere", async (status) => {
    const { provider, site, expectRefused } = openHostileSite();
    const headers = { location: "https://attacker.example/steal" };
    provider.answers.token = () => new Response(null, { status, headers });
    await expectRefused("token_unavailable");
    expect(site.counts.fetches).not.toContain("/steal");
  });
});

describe("R5 bodies are bounded", () => {
  it("an endless body is given up after a quarter of a megabyte", async () => {
    const { provider, expectRefused } = openHostileSite();
    let sent = 0;
    provider.answers.token = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 64 * 1024;
            controller.enqueue(new TextEncoder().encode("x".repeat(64 * 1024)));
          },
        }),
        { headers: { "content-type": "application/json" } },
      );
    await expectRefused("token_unavailable");
    expect(sent).toBeLessThan(1024 * 1024);
  });

  it("so is an endless error", async () => {
    const { provider, expectRefused } = openHostileSite();
    provider.answers.token = () => new Response(`{"error":"${"x".repeat(300 * 1024)}"}`, { status: 400 });
    await expectRefused("token_unavailable");
  });
});

const never = () => new Promise<Response>(() => undefined);
const headersOnly = () => new Response(new ReadableStream({}), { status: 200 });
const dripping = () =>
  new Response(
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        controller.enqueue(new TextEncoder().encode(" "));
      },
    }),
  );

describe("R5 times are bounded", () => {
  it.each([
    ["never answers", never],
    ["sends headers and nothing more", headersOnly],
    ["sends a byte every half second", dripping],
  ])("a page within six seconds when the endpoint %s", async (_how, answer) => {
    const { provider, site, browser } = openHostileSite();
    const callback = provider.authorize(await browser.startLogin());
    provider.answers.token = answer;
    stopTime();
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(elapsed).toBeLessThanOrEqual(6_000);
    await expectRefusal(response, { site, browser, code: "token_unavailable", secrets: provider.secrets });
    expect(provider.count("token")).toBe(1);
  });

  it("a page within ten seconds when token, keys and userinfo are all slow, each within its own limit", async () => {
    const { provider, site, browser } = openHostileSite();
    provider.answers.jwks = () => new Response("down", { status: 503 });
    const callback = provider.authorize(await browser.startLogin());
    for (const [endpoint, milliseconds] of [
      ["token", 4_500],
      ["jwks", 2_800],
      ["userinfo", 2_900],
    ] as const) {
      provider.answers[endpoint] = async (_request, proper) => {
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        return proper();
      };
    }
    provider.claims = { name: undefined };
    stopTime();
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(elapsed).toBeLessThan(10_000);
    expect(response.status).toBe(502);
    expect((await browser.session()).authenticated).toBe(false);
    expect(site.counts.durableObjectCalls).not.toContain("sessions.record");
  });
});

describe("R5 a code is sent at most once", () => {
  it("with its verifier and redirect URI, in a form, with the secret in the header alone", async () => {
    const { provider, logIn } = openHostileSite();
    await logIn();
    const [request] = provider.requests.filter(({ endpoint }) => endpoint === "token");
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: "authorization_code",
      code: expect.any(String),
      redirect_uri: "https://site.example/auth/callback",
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(request?.headers.get("authorization")).toBe(`Basic ${btoa("test-client-id:test-client-secret")}`);
    expect(request?.headers.get("content-type")).toMatch(/^application\/x-www-form-urlencoded/);
  });

  it("whatever became of it: a second callback after a failure sends nothing", async () => {
    const { provider, site, browser } = openHostileSite();
    const callback = provider.authorize(await browser.startLogin());
    provider.answers.token = () => new Response("down", { status: 503 });
    expect((await browser.get(callback.href)).status).toBe(502);
    delete provider.answers.token;
    for (let time = 0; time < 3; time += 1) {
      await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_used" });
    }
    expect(provider.count("token")).toBe(1);
    // And nobody is stuck: the next login works.
    expect((await logInAt(provider, browser)).status).toBe(303);
  });
});
