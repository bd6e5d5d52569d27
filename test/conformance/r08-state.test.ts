import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { CALLBACK } from "../worker/site.ts";
import { type HostileSite, openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

/** A callback whose every parameter but the state is right, and a site that is warm. */
async function openReturningSite(vars = {}): Promise<HostileSite & { readonly callback: URL }> {
  const hostile = openHostileSite({ vars });
  const callback = hostile.provider.authorize(await hostile.browser.startLogin("/members/"));
  hostile.provider.requests.length = 0;
  hostile.site.resetCounts();
  return { ...hostile, callback };
}

function withState(callback: URL, ...states: string[]): string {
  const url = new URL(callback);
  url.searchParams.delete("state");
  for (const state of states) url.searchParams.append("state", state);
  return url.href;
}

describe("R8 a state is refused before any request to Vipps when it is", () => {
  it.each<[string, (state: string) => string[], "state_missing" | "state_invalid" | "response_malformed"]>([
    ["missing", () => [], "state_missing"],
    ["empty", () => [""], "state_missing"],
    ["altered in its first character", (state) => [flipped(state, 0)], "state_invalid"],
    ["altered in its last character", (state) => [flipped(state, 63)], "state_invalid"],
    ["altered in the middle", (state) => [flipped(state, 31)], "state_invalid"],
    ["in capital letters", (state) => [state.toUpperCase()], "state_invalid"],
    ["a character short", (state) => [state.slice(1)], "state_invalid"],
    ["a character long", (state) => [`${state}0`], "state_invalid"],
    ["padded with a blank in front", (state) => [` ${state}`], "state_invalid"],
    ["padded with a blank behind", (state) => [`${state} `], "state_invalid"],
    ["padded with a line break", (state) => [`${state}\n`], "state_invalid"],
    ["padded with a zero byte", (state) => [`${state}\u0000`], "state_invalid"],
    ["invented", () => ["f".repeat(64)], "state_invalid"],
    ["invented of zeros", () => ["0".repeat(64)], "state_invalid"],
    ["short", () => ["abc"], "state_invalid"],
    ["a path", () => ["../../health"], "state_invalid"],
    ["not ASCII", () => ["ø".repeat(64)], "state_invalid"],
    ["of full-width digits", () => ["０".repeat(64)], "state_invalid"],
    ["long", () => ["a".repeat(4_096)], "state_invalid"],
    ["very long", () => ["a".repeat(20_000)], "response_malformed"],
    ["given twice, the same", (state) => [state, state], "response_malformed"],
    ["given twice, the right one first", (state) => [state, "f".repeat(64)], "response_malformed"],
    ["given twice, the right one last", (state) => ["", state], "response_malformed"],
  ])("%s", async (_what, states, code) => {
    const { provider, site, browser, callback } = await openReturningSite();
    const state = callback.searchParams.get("state") ?? "";
    const response = await browser.get(withState(callback, ...states(state)));
    expect(site.counts).toMatchObject({ fetches: [], durableObjectCalls: [] });
    await expectRefusal(response, { site, browser, code, secrets: provider.secrets });
    // The login itself is untouched by all that.
    expect((await browser.get(callback.href)).status).toBe(303);
  });

  it("the id of an object of another kind or of one that is found by name", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    const foreign = env.USER_SESSIONS.newUniqueId().toString();
    const named = env.LOGIN_ATTEMPTS.idFromName("health").toString();
    const other = await browser.get(withState(callback, foreign));
    await expectRefusal(other, { site, browser, code: "state_invalid" });
    const health = await browser.get(withState(callback, named));
    await expectRefusal(health, { site, browser, code: "state_expired" });
    expect(provider.requests).toEqual([]);
  });

  it("of a login that never began", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    const response = await browser.get(withState(callback, env.LOGIN_ATTEMPTS.newUniqueId().toString()));
    await expectRefusal(response, { site, browser, code: "state_expired" });
    expect(provider.requests).toEqual([]);
  });

  it("expired: the code came back after ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, site, browser, callback } = await openReturningSite();
    vi.setSystemTime(Date.now() + 10 * 60_000 + 1);
    await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_expired" });
    expect(provider.requests).toEqual([]);
  });

  it("not yet expired after nine minutes and fifty-nine seconds", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { browser, callback } = await openReturningSite();
    vi.setSystemTime(Date.now() + 10 * 60_000 - 1_000);
    expect((await browser.get(callback.href)).status).toBe(303);
  });

  it("of another browser, where the policy is to deny it; the first browser may still finish", async () => {
    const { provider, site, browser, callback } = await openReturningSite({ CROSS_BROWSER: "deny" });
    const stranger = openBrowser(site);
    const response = await stranger.get(callback.href);
    await expectRefusal(response, { site, browser: stranger, code: "browser_mismatch" });
    expect(provider.requests).toEqual([]);
    expect((await browser.get(callback.href)).headers.get("location")).toBe("/members/");
  });

  it("used before, in the same browser and in another", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    expect((await browser.get(callback.href)).status).toBe(303);
    const stranger = openBrowser(site);
    site.resetCounts();
    const response = await stranger.get(callback.href);
    await expectRefusal(response, { site, browser: stranger, code: "state_used" });
    expect(provider.count("token")).toBe(1);
  });

  it("used before with another code", async () => {
    const { provider, browser, callback } = await openReturningSite();
    await browser.get(callback.href);
    browser.cookies.clear();
    const second = new URL(callback);
    second.searchParams.set("code", "another");
    expect((await browser.get(second.href)).status).toBe(400);
    expect(provider.count("token")).toBe(1);
  });
});

describe("R8 used once means once", () => {
  it("under twenty callbacks at once, in one browser and in many", async () => {
    const { provider, site, browser, callback } = await openReturningSite({ CROSS_BROWSER: "allow" });
    const browsers = [
      ...Array.from({ length: 10 }, () => browser),
      ...Array.from({ length: 10 }, () => openBrowser(site)),
    ];
    const answers = await Promise.all(browsers.map((each) => each.get(callback.href)));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19);
    expect(provider.count("token")).toBe(1);
    expect(site.counts.durableObjectCalls.filter((call) => call === "sessions.record")).toHaveLength(1);
  });

  it("also when the first use ended in an error of Vipps", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    const state = callback.searchParams.get("state");
    const cancelled = await browser.get(`${CALLBACK}?error=access_denied&state=${state}`);
    expect(cancelled.status).toBe(403);
    await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_used" });
    expect(provider.count("token")).toBe(0);
  });

  it("and without a code it never was a use of one: no token request", async () => {
    for (const query of ["", "&code=", "&id_token=x", "&access_token=x&token_type=bearer"]) {
      const { provider, site, browser, callback } = await openReturningSite();
      const state = callback.searchParams.get("state");
      const response = await browser.get(`${CALLBACK}?state=${state}${query}`);
      await expectRefusal(response, { site, browser, code: "response_malformed" });
      expect(provider.requests).toEqual([]);
    }
  });
});

function flipped(state: string, at: number): string {
  const other = state[at] === "0" ? "1" : "0";
  return state.slice(0, at) + other + state.slice(at + 1);
}
