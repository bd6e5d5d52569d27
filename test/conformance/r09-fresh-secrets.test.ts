import { describe, expect, it } from "vitest";
import { openHostileSite } from "./hostile-site.ts";

describe("R9 state, nonce and code challenge", () => {
  it("differ from login to login, in one browser too, and are long enough to guess nothing", async () => {
    const { browser } = openHostileSite();
    const seen = { state: new Set(), nonce: new Set(), code_challenge: new Set() };
    for (let login = 0; login < 10; login += 1) {
      const { searchParams } = await browser.startLogin();
      for (const [name, values] of Object.entries(seen)) {
        const value = searchParams.get(name) ?? "";
        expect(value).toMatch(name === "state" ? /^[\w.-]{100,}$/ : /^[\w-]{43}$/);
        values.add(value);
      }
    }
    for (const values of Object.values(seen)) expect(values.size).toBe(10);
  });

  it.each([
    ["says nothing of it", undefined],
    ["offers plain alone", ["plain"]],
    ["offers nothing", []],
    ["offers both", ["plain", "S256"]],
  ])("challenge is always S256, also where the metadata %s", async (_what, methods) => {
    const { provider, browser, logIn } = openHostileSite();
    provider.document.code_challenge_methods_supported = methods;
    const { searchParams } = await browser.startLogin();
    expect(searchParams.get("code_challenge_method")).toBe("S256");
    expect((await logIn()).status).toBe(303);
  });
});

it("R9 verifier, nonce, tokens and the client secret leave in no address, body, cookie or log line", async () => {
  const { provider, site, browser } = openHostileSite();
  const answers: Response[] = [await browser.get("/auth/login?return_to=/members/")];
  const toVipps = new URL(answers[0]?.headers.get("location") ?? "");
  const callback = provider.authorize(toVipps);
  const nonce = toVipps.searchParams.get("nonce") ?? "";
  answers.push(await browser.get(callback.href), await browser.get("/auth/session"));
  answers.push(await browser.get(callback.href), await browser.get("/auth/health"));
  // The state and the nonce stand in the address that leads to Vipps, and nowhere else afterwards.
  const allowed = new Set([toVipps.searchParams.get("state"), nonce]);
  const verifier = provider.requests.map(({ form }) => form.get("code_verifier")).find(Boolean) ?? "none";
  expect(verifier).toMatch(/^[\w-]{43}$/);
  for (const [index, answer] of answers.entries()) {
    const whole = `${JSON.stringify([...answer.headers])}${await answer.text()}`;
    expect(whole).not.toContain(verifier);
    expect(whole).not.toContain("test-client-secret");
    for (const secret of provider.secrets) {
      if (secret !== "" && !(index === 0 && allowed.has(secret))) expect(whole).not.toContain(secret);
    }
  }
  const log = JSON.stringify(site.log);
  for (const secret of [...provider.secrets, verifier, "test-client-secret", "kari.nordmann", "4799999901"]) {
    if (secret !== "") expect(log).not.toContain(secret);
  }
});
