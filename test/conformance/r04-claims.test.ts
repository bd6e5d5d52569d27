import { describe, expect, it } from "vitest";
import { ISSUER, SUB, signed } from "./hostile-provider.ts";
import { openHostileSite, signer } from "./hostile-site.ts";

const US = "test-client-id";
const now = () => Math.floor(Date.now() / 1000);

/** Claims that must be refused, each made when the test runs. */
const REFUSED: readonly (readonly [string, () => Record<string, unknown>])[] = [
  ["iss is somebody else", () => ({ iss: "https://attacker.example/access-management-1.0/access/" })],
  ["iss lacks the slash", () => ({ iss: ISSUER.slice(0, -1) })],
  ["iss has a slash more", () => ({ iss: `${ISSUER}/` })],
  ["iss is in capital letters", () => ({ iss: ISSUER.toUpperCase() })],
  ["iss is the production environment", () => ({ iss: ISSUER.replace("apitest", "api") })],
  ["iss begins with ours", () => ({ iss: `${ISSUER}.attacker.example/` })],
  ["iss is missing", () => ({ iss: undefined })],
  ["iss is empty", () => ({ iss: "" })],
  ["iss is null", () => ({ iss: null })],
  ["iss is a list with ours", () => ({ iss: [ISSUER] })],

  ["aud is somebody else", () => ({ aud: ["another-client"] })],
  ["aud is somebody else, as a string", () => ({ aud: "another-client" })],
  ["aud is in other case", () => ({ aud: [US.toUpperCase()] })],
  ["aud begins with ours", () => ({ aud: `${US}-2` })],
  ["aud holds ours inside", () => ({ aud: `x ${US} y` })],
  ["aud is missing", () => ({ aud: undefined })],
  ["aud is empty", () => ({ aud: "" })],
  ["aud is an empty list", () => ({ aud: [] })],
  ["aud is null", () => ({ aud: null })],
  ["aud is an object", () => ({ aud: { 0: US } })],
  ["aud is a list in a list", () => ({ aud: [[US]] })],
  ["aud holds others and there is no azp", () => ({ aud: [US, "another-client"] })],
  ["aud holds others first and there is no azp", () => ({ aud: ["another-client", US] })],
  ["aud holds others and azp is one of them", () => ({ aud: [US, "another"], azp: "another" })],
  ["aud holds others and azp is empty", () => ({ aud: [US, "another"], azp: "" })],
  ["aud holds others and azp is a list with us", () => ({ aud: [US, "another"], azp: [US] })],
  ["aud is ours but azp is another", () => ({ azp: "another-client" })],
  ["azp is null", () => ({ azp: null })],

  ["exp is missing", () => ({ exp: undefined })],
  ["exp is an hour ago", () => ({ iat: now() - 7200, exp: now() - 3600 })],
  ["exp is a second ago", () => ({ exp: now() - 1 })],
  ["exp is now", () => ({ exp: now() })],
  ["exp is zero", () => ({ exp: 0 })],
  ["exp is a string", () => ({ exp: String(now() + 3600) })],
  ["exp is null", () => ({ exp: null })],
  ["exp is a list", () => ({ exp: [now() + 3600] })],

  ["iat is missing", () => ({ iat: undefined })],
  ["iat is an hour ahead", () => ({ iat: now() + 3600 })],
  ["iat is a day ahead", () => ({ iat: now() + 86_400, exp: now() + 90_000 })],
  ["iat is two minutes ahead", () => ({ iat: now() + 120 })],
  ["iat is in milliseconds", () => ({ iat: Date.now() })],
  ["iat is a string", () => ({ iat: String(now()) })],
  ["iat is null", () => ({ iat: null })],
  ["iat is negative", () => ({ iat: -1 })],

  ["nbf is an hour ahead", () => ({ nbf: now() + 3600 })],
  ["nbf is a string", () => ({ nbf: "now" })],
  ["auth_time is a string", () => ({ auth_time: "now" })],
  ["auth_time is negative", () => ({ auth_time: -5 })],

  ["sub is missing", () => ({ sub: undefined })],
  ["sub is empty", () => ({ sub: "" })],
  ["sub is a blank", () => ({ sub: " " })],
  ["sub is a number", () => ({ sub: 4711 })],
  ["sub is null", () => ({ sub: null })],
  ["sub is true", () => ({ sub: true })],
  ["sub is a list", () => ({ sub: [SUB] })],
  ["sub is an object", () => ({ sub: { toString: SUB } })],
  ["sub has 256 characters", () => ({ sub: "s".repeat(256) })],
  ["sub has a line break", () => ({ sub: `${SUB}\r\nRemote-User: admin` })],
  ["sub is not ASCII", () => ({ sub: "kåri" })],

  ["nonce is wrong", () => ({ nonce: "A".repeat(43) })],
  ["nonce is missing", () => ({ nonce: undefined })],
  ["nonce is empty", () => ({ nonce: "" })],
  ["nonce is null", () => ({ nonce: null })],
  ["nonce is a number", () => ({ nonce: 0 })],
  ["nonce is a list", () => ({ nonce: [] })],

  ["at_hash is wrong", () => ({ at_hash: "A".repeat(22) })],
  ["at_hash is empty", () => ({ at_hash: "" })],
  ["at_hash is null", () => ({ at_hash: null })],
  ["at_hash is a number", () => ({ at_hash: 1 })],
];

describe("R4 an ID token is refused when", () => {
  it.each(REFUSED)("%s", async (_what, claims) => {
    const { provider, expectRefused } = openHostileSite();
    provider.claims = claims();
    await expectRefused("id_token_invalid");
    expect(provider.count("token")).toBe(1);
  });

  it.each([
    ["exp", "1e999"],
    ["iat", "-1e999"],
    ["auth_time", "1e999"],
  ])("%s is %s, a number and no time", async (name, value) => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = (header, claims) =>
      signed(signer, header, JSON.stringify(claims).replace(/\}$/, `,"${name}":${value}}`));
    await expectRefused("id_token_invalid");
  });

  it("its nonce is that of another login of the same browser", async () => {
    const { provider, browser, expectRefused } = openHostileSite();
    const other = await browser.startLogin();
    provider.claims = { nonce: other.searchParams.get("nonce") };
    await expectRefused("id_token_invalid");
  });

  it.each([
    ["null", "null"],
    ["a list", "[]"],
    ["a string", '"claims"'],
    ["a number", "1"],
  ])("its payload is %s", async (_what, payload) => {
    const { provider, expectRefused } = openHostileSite();
    provider.forge = (header) => signed(signer, header, payload);
    await expectRefused("id_token_invalid");
  });
});

describe("R4 an ID token is accepted when", () => {
  it.each<[string, () => Record<string, unknown>]>([
    ["aud is a list of us alone", () => ({ aud: [US] })],
    ["aud is a string", () => ({ aud: US })],
    ["aud holds others and azp is us", () => ({ aud: [US, "another-client"], azp: US })],
    ["azp is us", () => ({ azp: US })],
    ["there is no at_hash", () => ({ at_hash: undefined })],
    ["there is no auth_time", () => ({ auth_time: undefined })],
    ["the provider's clock is half a minute ahead", () => ({ iat: now() + 30, nbf: now() + 30 })],
    ["iat is an hour ago", () => ({ iat: now() - 3600 })],
    ["sub has 255 characters", () => ({ sub: "s".repeat(255) })],
    ["there are claims nobody knows", () => ({ rat: 1, sid: "x", __proto__: null, constructor: "x" })],
  ])("%s", async (_what, claims) => {
    const { provider, browser, logIn } = openHostileSite();
    provider.claims = claims();
    expect((await logIn()).status).toBe(303);
    const { user } = await browser.session();
    expect(user?.name).toBe("Kari Nordmann");
    expect(user?.sub).toEqual(expect.any(String));
  });
});
