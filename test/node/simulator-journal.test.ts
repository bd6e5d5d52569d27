import { describe, expect, it } from "vitest";
import { logIn, simulatorWith } from "./simulator-relying-party.ts";

describe("the journal", () => {
  it("counts requests per endpoint and keeps what was sent, the last thousand", async () => {
    const simulator = simulatorWith();
    await logIn(simulator);
    expect(simulator.control.journal.counts()).toEqual({
      discovery: 0,
      jwks: 0,
      authorize: 1,
      token: 1,
      userinfo: 0,
      accesstoken: 0,
      revocation: 0,
      backchannel: 0,
      redirectTarget: 0,
    });
    expect(simulator.control.journal.entries.at(-1)).toMatchObject({
      endpoint: "token",
      method: "POST",
      path: "/access-management-1.0/access/oauth2/token",
      form: { grant_type: "authorization_code" },
      status: 200,
    });
    const discovery = `${simulator.issuer}.well-known/openid-configuration`;
    for (let index = 0; index < 1010; index += 1) await simulator.fetch(new Request(discovery));
    expect(simulator.control.journal.count("discovery")).toBe(1010);
    expect(simulator.control.journal.count()).toBe(1012);
    expect(simulator.control.journal.entries).toHaveLength(1000);
    simulator.control.journal.clear();
    expect(simulator.control.journal.count()).toBe(0);
  });
});
