import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import {
  createClock,
  json,
  logIn,
  ORIGIN,
  requestUserinfo,
  simulatorWith,
} from "./simulator-relying-party.ts";

const ALL = { scope: "openid name phoneNumber email address birthDate" };

describe("userinfo", () => {
  it("brings the claims of the scopes, as plain JSON", async () => {
    const simulator = simulatorWith();
    const { tokens, claims } = await logIn(simulator, ALL);
    const response = await requestUserinfo(simulator, tokens.access_token);
    expect(response.headers.get("Content-Type")).toMatch("application/json");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await json(response)).toEqual({
      sub: claims.sub,
      sid: claims.sid,
      name: "Kari Nordmann",
      given_name: "Kari",
      family_name: "Nordmann",
      phone_number: "4799999901",
      phone_number_verified: true,
      email: "kari.nordmann@example.com",
      email_verified: true,
      birthdate: "1984-03-21",
      address: {
        address_type: "home",
        street_address: "Solveien 1",
        postal_code: "0150",
        region: "OSLO",
        country: "NO",
        formatted: "Solveien 1\n0150\nOSLO\nNO",
      },
      other_addresses: [expect.objectContaining({ address_type: "work", street_address: "Havnegata 5" })],
    });
  });

  it.each([
    ["no token", {}, ""],
    ["an invented token", { Authorization: "Bearer invented" }, ""],
    ["the token as Basic", { Authorization: "Basic TOKEN" }, ""],
    ["the token in the URL", {}, "?access_token=TOKEN"],
    [
      "a subscription key beside the token",
      { Authorization: "Bearer TOKEN", "Ocp-Apim-Subscription-Key": "k" },
      "",
    ],
  ])("answers 401 to %s", async (_, headers, query) => {
    const simulator = simulatorWith();
    const { tokens } = await logIn(simulator);
    const filled = (text: string) => text.replace("TOKEN", tokens.access_token);
    const response = await simulator.fetch(
      new Request(`${ORIGIN}/vipps-userinfo-api/userinfo${filled(query)}`, {
        headers: Object.entries(headers).map(([name, value]): [string, string] => [name, filled(value)]),
      }),
    );
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer .*error="invalid_token"$/);
  });

  it("opens for ten minutes", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const { tokens } = await logIn(simulator);
    clock.advance(10 * 60_000 - 1);
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(200);
    clock.advance(1);
    expect((await requestUserinfo(simulator, tokens.access_token)).status).toBe(401);
  });

  it("can name another sub, none, or be signed by a stranger", async () => {
    const simulator = simulatorWith();
    const { tokens, claims } = await logIn(simulator);
    simulator.control.setBehaviour({ userinfo: "otherSub" });
    const other = await json(requestUserinfo(simulator, tokens.access_token));
    expect(other.sub).toMatch(/^[\da-f-]{36}$/);
    expect(other.sub).not.toBe(claims.sub);
    simulator.control.setBehaviour({ userinfo: "noSub" });
    expect(await json(requestUserinfo(simulator, tokens.access_token))).not.toHaveProperty("sub");
    simulator.control.setBehaviour({ userinfo: "signed" });
    const signed = await requestUserinfo(simulator, tokens.access_token);
    expect(signed.headers.get("Content-Type")).toBe("application/jwt");
    expect(decodeJwt(await signed.text()).sub).toBe(claims.sub);
  });
});

describe("people", () => {
  const claimsOf = async (user: string) => (await logIn(simulatorWith(), ALL, { user })).claims;

  it("come with every case the linking must tell apart", async () => {
    expect(await claimsOf("jonas")).toMatchObject({ email: "jonas.berg@example.com", email_verified: false });
    const tor = await claimsOf("tor");
    expect(tor).not.toHaveProperty("email");
    expect(tor.email_verified).toBe(false);
    const empty = {
      address_type: "",
      street_address: "",
      postal_code: "",
      region: "",
      country: "",
      formatted: "",
    };
    expect(await claimsOf("sofie")).toMatchObject({ address: empty, other_addresses: [] });
    expect((await claimsOf("asa")).address).toMatchObject({ street_address: "Björkgatan 9\nvåning 3" });
    expect((await claimsOf("mette")).name).toBe("Mette-Marie Østergaard-Sørensen");
    expect((await claimsOf("per")).email).toBe((await claimsOf("ingrid")).email);
    const { users } = simulatorWith().control;
    const henrik = users.find(({ id }) => id === "henrik");
    expect((await claimsOf("espen")).phone_number).toBe(henrik?.formerPhoneNumber);
  });

  it("have different phone numbers, of the form of an MSISDN", () => {
    const numbers = simulatorWith().control.users.map(({ phoneNumber }) => phoneNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^(47|45|46|358)\d{8,9}$/);
  });

  it("get faults in their data, one or everyone, with the same sub", async () => {
    const simulator = simulatorWith();
    const proper = await logIn(simulator, ALL);
    simulator.control.setBehaviour({
      userFaults: { kari: ["changedPhoneNumber", "emptyAddress"], everyone: ["unverifiedEmail"] },
    });
    const kari = await logIn(simulator, ALL);
    expect(kari.claims).toMatchObject({
      sub: proper.claims.sub,
      phone_number: "4799999977",
      email_verified: false,
    });
    expect(kari.claims.address).toMatchObject({ street_address: "" });
    const asa = await logIn(simulator, ALL, { user: "asa" });
    expect(asa.claims).toMatchObject({ phone_number: "46701740605", email_verified: false });
    simulator.control.setBehaviour({ userFaults: { kari: ["noEmail"] } });
    expect((await logIn(simulator, ALL)).claims).not.toHaveProperty("email");
  });
});

describe("the sales unit's own questions", () => {
  const scope = "openid name customFlow";
  const accept = ["membership-terms"];
  const timeOfConsent = "2026-11-22T12:00:00Z";

  it("are answered once and delivered by userinfo in that login only", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const first = await logIn(simulator, { scope }, { accept });
    const [terms, newsletter] = [
      { type: "checkbox", id: "membership-terms", checked: true, required: true },
      { type: "checkbox", id: "newsletter", checked: false, required: false },
    ].map((element) => ({ ...element, title: expect.any(String), readMore: null }));
    const info = await json(requestUserinfo(simulator, first.tokens.access_token));
    expect(info.flowResult).toEqual({
      language: "EN",
      screens: [
        {
          title: "Welcome to The club",
          description: expect.any(String),
          terms: { links: [{ title: "Terms", url: "https://example.com/terms" }] },
          elements: [terms, newsletter],
        },
      ],
      timeOfConsent,
    });
    expect(info).not.toHaveProperty("delegatedConsents");
    expect(first.claims).not.toHaveProperty("flowResult");
    const second = await logIn(simulator, { scope });
    const later = await json(requestUserinfo(simulator, second.tokens.access_token));
    expect(later).not.toHaveProperty("flowResult");
  });

  it("come in the older form for the older scope", async () => {
    const clock = createClock();
    const simulator = simulatorWith({ now: clock.now });
    const first = await logIn(simulator, { scope: "openid delegatedConsents" }, { accept });
    const [terms, newsletter] = [
      { id: "membership-terms", accepted: true, required: true },
      { id: "newsletter", accepted: false, required: false },
    ].map((consent) => ({ ...consent, textDisplayedToUser: expect.any(String) }));
    const expected = {
      heading: "Consents for The club",
      timeOfConsent,
      links: { termsLinkUrl: "https://example.com/terms" },
      consents: [terms, newsletter],
    };
    expect(first.claims.delegatedConsents).toMatchObject(expected);
    const info = await json(requestUserinfo(simulator, first.tokens.access_token));
    expect(info.delegatedConsents).toMatchObject(expected);
    expect(info).not.toHaveProperty("flowResult");
    const second = await logIn(simulator, { scope: "openid delegatedConsents" });
    expect(second.claims).not.toHaveProperty("delegatedConsents");
  });

  it("hold the login back while a required one is unanswered", async () => {
    await expect(logIn(simulatorWith(), { scope }, { accept: ["newsletter"] })).rejects.toThrow("422");
  });
});
