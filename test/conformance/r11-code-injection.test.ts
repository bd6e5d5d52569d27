import { describe, expect, it } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

/** The victim's code in the attacker's callback: right state, right cookie, wrong code. */
async function inject() {
  const hostile = openHostileSite();
  const { provider, site, browser } = hostile;
  const victim = openBrowser(site);
  const victims = provider.authorize(await victim.startLogin());
  const own = provider.authorize(await browser.startLogin());
  own.searchParams.set("code", victims.searchParams.get("code") ?? "");
  return { ...hostile, injected: own.href };
}

describe("R11 the code of another login", () => {
  it("is refused by PKCE: the verifier that goes with it is that of the login it is brought to", async () => {
    const { provider, site, browser, injected } = await inject();
    const response = await browser.get(injected);
    await expectRefusal(response, { site, browser, code: "token_refused", secrets: provider.secrets });
    expect(provider.count("token")).toBe(1);
  });

  it("is refused by the nonce, should the provider not look at the verifier", async () => {
    const { provider, site, browser, injected } = await inject();
    provider.ignorePkce();
    const response = await browser.get(injected);
    await expectRefusal(response, { site, browser, code: "id_token_invalid", secrets: provider.secrets });
  });

  it("is refused when it was used before", async () => {
    const { provider, site, browser } = openHostileSite();
    const first = provider.authorize(await browser.startLogin());
    expect((await browser.get(first.href)).status).toBe(303);
    const attacker = openBrowser(site);
    const second = provider.authorize(await attacker.startLogin());
    second.searchParams.set("code", first.searchParams.get("code") ?? "");
    site.resetCounts();
    const response = await attacker.get(second.href);
    await expectRefusal(response, { site, browser: attacker, code: "token_refused" });
  });
});
