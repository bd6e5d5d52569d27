import { describe, expect, it } from "vitest";
import { openHostileSite } from "./hostile-site.ts";

const APP_AUTH = "urn:vipps:acr:app_auth";
const vars = { VIPPS_REQUIRE_APP: "true" };

describe("R7 acr", () => {
  it("is asked for, and the login is finished, when the person confirmed in the app", async () => {
    const { provider, browser, logIn } = openHostileSite({ vars });
    expect((await browser.startLogin()).searchParams.get("acr_values")).toBe(APP_AUTH);
    provider.claims = { acr: APP_AUTH };
    expect((await logIn()).status).toBe(303);
  });

  it.each([
    ["is missing", undefined],
    ["is empty", ""],
    ["is another", "urn:vipps:acr:remembered"],
    ["is in other case", APP_AUTH.toUpperCase()],
    ["begins like it", `${APP_AUTH}_not`],
    ["is null", null],
    ["is a list with it", [APP_AUTH]],
  ])("is refused when it %s though it was asked for", async (_what, acr) => {
    const { provider, expectRefused } = openHostileSite({ vars });
    provider.claims = { acr };
    await expectRefused("id_token_invalid");
  });

  it.each([undefined, "", "urn:vipps:acr:remembered"])(
    "is not asked for by default, and %j is fine",
    async (acr) => {
      const { provider, browser, logIn } = openHostileSite();
      expect((await browser.startLogin()).searchParams.has("acr_values")).toBe(false);
      provider.claims = { acr };
      expect((await logIn()).status).toBe(303);
    },
  );
});
