import { describe, expect, it } from "vitest";
import type { SalesUnit } from "../../simulator/simulator.ts";
import {
  basic,
  CHALLENGE,
  CLUB,
  codeFor,
  createClock,
  json,
  logIn,
  REDIRECT_URI,
  requestToken,
  requestUserinfo,
  simulatorWith,
  type Tokens,
  VERIFIER,
} from "./simulator-relying-party.ts";

const BY_POST: SalesUnit = {
  ...CLUB,
  clientId: "post-client",
  msn: "222222",
  tokenAuth: "client_secret_post",
};

describe("the token response", () => {
  it("holds an opaque access token, an ID token, the scope and no refresh token", async () => {
    const simulator = simulatorWith();
    const response = await requestToken(simulator, await codeFor(simulator));
    expect(response.status).toBe(200);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await json(response)).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}\.[\w-]{43}$/),
      expires_in: 3599,
      id_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      scope: "openid name phoneNumber email",
      token_type: "bearer",
    });
  });
});

describe("client authentication", () => {
  it.each([
    ["no authentication", { headers: { Authorization: undefined } }, null],
    ["a wrong secret", { headers: { Authorization: basic(CLUB.clientId, "wrong") } }, "Basic"],
    ["an unknown client", { headers: { Authorization: basic("stranger", CLUB.clientSecret) } }, "Basic"],
    [
      "raw credentials with a wrong secret",
      { headers: { Authorization: `Basic ${btoa(`${CLUB.clientId}:${CLUB.clientSecret}x`)}` } },
      "Basic",
    ],
    ["credentials that are no Base64", { headers: { Authorization: "Basic %%%" } }, "Basic"],
    ["another scheme", { headers: { Authorization: "Digest x" } }, "Basic"],
    ["an invented Bearer token", { headers: { Authorization: "Bearer x" } }, "Bearer"],
    [
      "the secret in the form of a unit set up for Basic",
      {
        headers: { Authorization: undefined },
        form: { client_id: CLUB.clientId, client_secret: CLUB.clientSecret },
      },
      null,
    ],
  ])("answers invalid_client to %s", async (_, changes, scheme) => {
    const simulator = simulatorWith();
    const response = await requestToken(simulator, await codeFor(simulator), changes);
    expect(response.status).toBe(401);
    expect(await json(response)).toMatchObject({ error: "invalid_client" });
    const challenge = response.headers.get("WWW-Authenticate");
    if (scheme === null) expect(challenge).toBeNull();
    else expect(challenge).toMatch(new RegExp(`^${scheme} realm=`));
  });

  it("takes the secret in the form only from a unit set up so", async () => {
    const simulator = simulatorWith({ salesUnits: [CLUB, BY_POST] });
    const client = { client_id: BY_POST.clientId };
    const form = { ...client, client_secret: BY_POST.clientSecret };
    const byPost = { headers: { Authorization: undefined }, form };
    expect((await requestToken(simulator, await codeFor(simulator, client), byPost)).status).toBe(200);
    const byBasic = { headers: { Authorization: basic(BY_POST.clientId, BY_POST.clientSecret) } };
    const refused = await requestToken(simulator, await codeFor(simulator, client), byBasic);
    expect(refused.status).toBe(401);
    expect(await json(refused)).toMatchObject({ error: "invalid_client" });
  });

  it("refuses two methods at once", async () => {
    const simulator = simulatorWith();
    const form = { client_secret: CLUB.clientSecret };
    const response = await requestToken(simulator, await codeFor(simulator), { form });
    expect([response.status, (await json(response)).error]).toEqual([400, "invalid_request"]);
  });
});

describe("a malformed token request", () => {
  it.each([
    ["no grant type", { grant_type: undefined }, "invalid_request"],
    ["another grant type", { grant_type: "refresh_token" }, "unsupported_grant_type"],
    ["no code", { code: undefined }, "invalid_request"],
    ["no redirect URI", { redirect_uri: undefined }, "invalid_request"],
    ["another client_id in the form", { client_id: "other" }, "invalid_request"],
  ])("%s", async (_, form, error) => {
    const simulator = simulatorWith();
    const response = await requestToken(simulator, await codeFor(simulator), { form });
    expect([response.status, (await json(response)).error]).toEqual([400, error]);
  });

  it("a JSON body, a parameter given twice, and GET", async () => {
    const simulator = simulatorWith();
    const url = `${simulator.issuer}oauth2/token`;
    const post = (type: string, body: string) =>
      simulator.fetch(new Request(url, { method: "POST", headers: { "Content-Type": type }, body }));
    expect((await post("application/json", "{}")).status).toBe(400);
    expect((await post("application/x-www-form-urlencoded", "code=a&code=b")).status).toBe(400);
    const get = await simulator.fetch(new Request(url));
    expect([get.status, get.headers.get("Allow")]).toEqual([405, "POST"]);
  });
});

describe("an authorization code", () => {
  it("lives two minutes", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const inTime = await codeFor(simulator);
    const late = await codeFor(simulator);
    clock.advance(2 * 60_000 - 1);
    expect((await requestToken(simulator, inTime)).status).toBe(200);
    clock.advance(1);
    const response = await requestToken(simulator, late);
    expect([response.status, (await json(response)).error]).toEqual([400, "invalid_grant"]);
  });

  it("is exchanged once, and a second attempt revokes the access token", async () => {
    const simulator = simulatorWith();
    const code = await codeFor(simulator);
    const tokens = (await json(requestToken(simulator, code))) as unknown as Tokens;
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(200);
    expect(await json(requestToken(simulator, code))).toMatchObject({ error: "invalid_grant" });
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(401);
  });

  it("is exchanged once under parallel requests", async () => {
    const simulator = simulatorWith();
    const code = await codeFor(simulator);
    const responses = await Promise.all(Array.from({ length: 8 }, () => requestToken(simulator, code)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("is bound to its client and its redirect URI", async () => {
    const other = { ...CLUB, clientId: "other", msn: "333333" };
    const simulator = simulatorWith({ salesUnits: [CLUB, other] });
    const code = await codeFor(simulator);
    for (const changes of [
      { headers: { Authorization: basic("other", other.clientSecret) } },
      { form: { redirect_uri: "club://app/callback" } },
      { form: { redirect_uri: `${REDIRECT_URI}/` } },
      { form: { code: "invented" } },
    ]) {
      const response = await requestToken(simulator, code, changes);
      expect([response.status, (await json(response)).error]).toEqual([400, "invalid_grant"]);
    }
    expect((await requestToken(simulator, code)).status).toBe(200);
  });
});

describe("PKCE", () => {
  it.each([
    ["S256 with its verifier", CHALLENGE, "S256", VERIFIER, 200],
    ["plain where no method is said", VERIFIER, undefined, VERIFIER, 200],
    ["plain", VERIFIER, "plain", VERIFIER, 200],
    ["S256 with another verifier", CHALLENGE, "S256", "x".repeat(43), 400],
    ["S256 with the challenge itself", CHALLENGE, "S256", CHALLENGE, 400],
    ["S256 without a verifier", CHALLENGE, "S256", undefined, 400],
    ["an S256 challenge without its method", CHALLENGE, undefined, VERIFIER, 400],
    ["a verifier without a challenge", undefined, undefined, VERIFIER, 400],
  ])("%s", async (_, challenge, method, verifier, status) => {
    const simulator = simulatorWith();
    const code = await codeFor(simulator, { code_challenge: challenge, code_challenge_method: method });
    const response = await requestToken(simulator, code, { form: { code_verifier: verifier } });
    expect(response.status).toBe(status);
    if (status === 400) expect(await json(response)).toMatchObject({ error: "invalid_grant" });
  });
});

describe("a spoiled token response", () => {
  it.each([
    ["noIdToken", (body: Record<string, unknown>) => !("id_token" in body)],
    ["noAccessToken", (body: Record<string, unknown>) => !("access_token" in body)],
    ["noExpiresIn", (body: Record<string, unknown>) => !("expires_in" in body)],
    ["otherCase", (body: Record<string, unknown>) => body.token_type === "BEARER"],
    ["wrongType", (body: Record<string, unknown>) => body.token_type === "mac"],
  ] as const)("%s", async (tokenResponse, isSpoiled) => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ tokenResponse });
    expect(await json(requestToken(simulator, await codeFor(simulator)))).toSatisfy(isSpoiled);
  });

  it("drops a scope outside the plan in silence when told to", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ scopeOutsidePlan: "drop" });
    const { tokens } = await logIn(simulator, { scope: "openid name nin" });
    expect(tokens.scope).toBe("openid name");
  });
});

describe("the revocation endpoint", () => {
  it("ends an access token for its own client, and only with the client's secret", async () => {
    const simulator = simulatorWith();
    const { tokens } = await logIn(simulator);
    const revoke = (secret: string) =>
      simulator.fetch(
        new Request(`${simulator.issuer}oauth2/revoke`, {
          method: "POST",
          headers: { Authorization: basic(CLUB.clientId, secret) },
          body: new URLSearchParams({ token: tokens.access_token }),
        }),
      );
    expect((await revoke("wrong")).status).toBe(401);
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(200);
    expect((await revoke(CLUB.clientSecret)).status).toBe(200);
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(401);
    expect((await revoke(CLUB.clientSecret)).status).toBe(200);
  });
});
