import { describe, expect, it } from "vitest";
import { ISSUER } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

/** A callback with these `iss` parameters, and whether the metadata advertises them (RFC 9207). */
async function returnWith(advertised: boolean | string | undefined, ...issuers: string[]) {
  const hostile = openHostileSite();
  hostile.provider.document.authorization_response_iss_parameter_supported = advertised;
  const callback = hostile.provider.authorize(await hostile.browser.startLogin());
  for (const issuer of issuers) callback.searchParams.append("iss", issuer);
  return { ...hostile, response: await hostile.browser.get(callback.href) };
}

describe("R10 iss in the authorization response", () => {
  it.each([true, false, undefined])("that is the issuer is accepted, advertised %s", async (advertised) => {
    expect((await returnWith(advertised, ISSUER)).response.status).toBe(303);
  });

  it("that is absent is fine where it is not advertised", async () => {
    expect((await returnWith(undefined)).response.status).toBe(303);
    expect((await returnWith(false)).response.status).toBe(303);
  });

  it("that is absent though advertised is refused", async () => {
    const { provider, response, site, browser } = await returnWith(true);
    await expectRefusal(response, { site, browser, code: "response_issuer_mismatch" });
    expect(provider.count("token")).toBe(0);
  });

  for (const advertised of [true, false]) {
    it.each([
      ["empty", ""],
      ["without the slash", ISSUER.slice(0, -1)],
      ["with a slash more", `${ISSUER}/`],
      ["in capital letters", ISSUER.toUpperCase()],
      ["with a blank", `${ISSUER} `],
      ["the production environment", ISSUER.replace("apitest", "api")],
      ["somebody else", "https://attacker.example/"],
      ["percent-encoded twice", encodeURIComponent(ISSUER)],
    ])(`that is %s is refused, advertised ${advertised}`, async (_what, issuer) => {
      const { provider, response, site, browser } = await returnWith(advertised, issuer);
      await expectRefusal(response, { site, browser, code: "response_issuer_mismatch" });
      expect(provider.count("token")).toBe(0);
    });
  }

  it.each([
    ["the issuer's own", ISSUER, "access_denied", 403],
    ["absent", undefined, "access_denied", 403],
    ["somebody else's", "https://evil.example", "response_issuer_mismatch", 400],
    ["empty", "", "response_issuer_mismatch", 400],
  ] as const)("is judged in an error too: %s", async (_whose, issuer, code, status) => {
    const { provider, site, browser } = openHostileSite();
    const callback = provider.authorize(await browser.startLogin());
    callback.searchParams.delete("code");
    callback.searchParams.set("error", "access_denied");
    if (issuer !== undefined) callback.searchParams.set("iss", issuer);
    expect((await browser.get(callback.href)).status).toBe(status);
    expect(site.log.at(-1)).toMatchObject({ code });
    expect(provider.count("token")).toBe(0);
  });

  it("that comes twice is refused, the right one among them", async () => {
    for (const issuers of [
      [ISSUER, ISSUER],
      [ISSUER, "https://attacker.example/"],
    ]) {
      const { provider, response, site, browser } = await returnWith(true, ...issuers);
      await expectRefusal(response, { site, browser, code: "response_malformed" });
      expect(provider.count("token")).toBe(0);
    }
  });
});
