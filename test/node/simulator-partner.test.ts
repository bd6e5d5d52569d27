import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import type { SalesUnit, Simulator } from "../../simulator/simulator.ts";
import {
  authorizeUrl,
  CLUB,
  codeFor,
  createClock,
  json,
  ORIGIN,
  REDIRECT_URI,
  requestToken,
  simulatorWith,
} from "./simulator-relying-party.ts";

const PARTNER: SalesUnit = {
  clientId: "partner-client",
  clientSecret: "partner-secret",
  msn: "700000",
  subscriptionKey: "partner-subscription",
  redirectUris: [],
  partner: true,
};
const MANAGED: SalesUnit = { ...CLUB, managedBy: PARTNER.clientId };
const FOREIGN: SalesUnit = { ...CLUB, clientId: "foreign-client", msn: "222222" };
const BY_POST: SalesUnit = {
  ...MANAGED,
  clientId: "post-client",
  msn: "333333",
  tokenAuth: "client_secret_post",
};

function requestPartnerToken(simulator: Simulator, changes: Record<string, string | undefined> = {}) {
  const headers = {
    client_id: PARTNER.clientId,
    client_secret: PARTNER.clientSecret,
    "Ocp-Apim-Subscription-Key": "partner-subscription",
    ...changes,
  };
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return simulator.fetch(
    new Request(`${ORIGIN}/accesstoken/get`, { method: "POST", headers: Object.fromEntries(given) }),
  );
}

const partnership = (now?: () => number) =>
  simulatorWith({ salesUnits: [PARTNER, MANAGED, FOREIGN, BY_POST], ...(now && { now }) });

describe("POST /accesstoken/get", () => {
  it("gives a token with its numbers as text", async () => {
    const clock = createClock();
    const response = await requestPartnerToken(partnership(clock.now));
    expect(response.status).toBe(200);
    const now = clock.now() / 1000;
    expect(await json(response)).toEqual({
      token_type: "Bearer",
      expires_in: "3600",
      ext_expires_in: "3600",
      expires_on: String(now + 3600),
      not_before: String(now),
      resource: "00000002-0000-0000-c000-000000000000",
      access_token: expect.stringMatching(/./),
    });
  });

  it.each([
    ["a wrong secret", { client_secret: "wrong" }],
    ["an unknown client", { client_id: "stranger" }],
    ["no secret", { client_secret: undefined }],
    ["no subscription key", { "Ocp-Apim-Subscription-Key": undefined }],
    ["another subscription key", { "Ocp-Apim-Subscription-Key": "other" }],
  ])("answers 401 to %s", async (_, changes) => {
    expect((await requestPartnerToken(partnership(), changes)).status).toBe(401);
  });
});

describe("a login with partner keys", () => {
  it("begins with the MSN, which gives way to the client_id", async () => {
    const simulator = partnership();
    const url = authorizeUrl({ client_id: undefined, msn: MANAGED.msn, market: "SE" });
    const response = await simulator.fetch(new Request(url));
    expect(response.status).toBe(302);
    const location = new URL(response.headers.get("Location") ?? "");
    expect(location.origin + location.pathname).toBe(`${ORIGIN}/access-management-1.0/access/oauth2/auth`);
    const { msn: _msn, ...others } = Object.fromEntries(url.searchParams);
    expect(Object.fromEntries(location.searchParams)).toEqual({ ...others, client_id: MANAGED.clientId });
  });

  it("ends with a token request by Bearer and MSN, and the MSN in the ID token", async () => {
    const simulator = partnership();
    const code = await codeFor(simulator, { client_id: undefined, msn: MANAGED.msn });
    const { access_token: token } = await json(requestPartnerToken(simulator));
    const headers = { Authorization: `Bearer ${token}`, "Merchant-Serial-Number": MANAGED.msn };
    const response = await requestToken(simulator, code, { headers });
    expect(response.status).toBe(200);
    expect(decodeJwt(String((await json(response)).id_token))).toMatchObject({
      msn: MANAGED.msn,
      aud: [MANAGED.clientId],
    });
  });

  it("is refused for a unit of somebody else, without an MSN, and for a unit set up for post", async () => {
    const simulator = partnership();
    const { access_token: token } = await json(requestPartnerToken(simulator));
    for (const unit of [FOREIGN, BY_POST, undefined]) {
      const clientId = unit?.clientId ?? MANAGED.clientId;
      const code = await codeFor(simulator, { client_id: clientId, redirect_uri: REDIRECT_URI });
      const headers = { Authorization: `Bearer ${token}`, "Merchant-Serial-Number": unit?.msn };
      const response = await requestToken(simulator, code, { headers });
      expect([response.status, (await json(response)).error]).toEqual([401, "invalid_client"]);
      expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
    }
  });

  it("is refused with the token of a merchant, or an expired one", async () => {
    const clock = createClock();
    const simulator = partnership(clock.now);
    const withToken = async (token: unknown) => {
      const code = await codeFor(simulator);
      const headers = { Authorization: `Bearer ${token}`, "Merchant-Serial-Number": MANAGED.msn };
      return (await requestToken(simulator, code, { headers })).status;
    };
    const merchant = { client_id: MANAGED.clientId, client_secret: MANAGED.clientSecret };
    expect(await withToken((await json(requestPartnerToken(simulator, merchant))).access_token)).toBe(401);
    const { access_token: token } = await json(requestPartnerToken(simulator));
    clock.advance(60 * 60_000 - 1);
    expect(await withToken(token)).toBe(200);
    clock.advance(1);
    expect(await withToken(token)).toBe(401);
  });

  it("ends sooner when told to", async () => {
    const clock = createClock();
    const simulator = partnership(clock.now);
    simulator.control.setBehaviour({ partnerTokenLifetime: 5 });
    const { access_token: token, expires_in: lifetime } = await json(requestPartnerToken(simulator));
    expect(lifetime).toBe("5");
    clock.advance(5000);
    const headers = { Authorization: `Bearer ${token}`, "Merchant-Serial-Number": MANAGED.msn };
    expect((await requestToken(simulator, await codeFor(simulator), { headers })).status).toBe(401);
  });

  it("works with a unit whose own keys are partner keys", async () => {
    const own = { ...CLUB, partner: true };
    const simulator = simulatorWith({ salesUnits: [own] });
    const keys = { client_id: own.clientId, client_secret: own.clientSecret };
    const { access_token: token } = await json(requestPartnerToken(simulator, keys));
    const code = await codeFor(simulator, { client_id: undefined, msn: own.msn });
    const headers = { Authorization: `Bearer ${token}`, "Merchant-Serial-Number": own.msn };
    expect((await requestToken(simulator, code, { headers })).status).toBe(200);
  });
});
