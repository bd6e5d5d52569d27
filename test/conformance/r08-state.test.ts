import { base64url } from "jose";
import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { keptOfLogins } from "../worker/login-objects.ts";
import { CALLBACK, openSite } from "../worker/site.ts";
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
    ["altered in its last character", (state) => [flipped(state, state.length - 1)], "state_invalid"],
    ["altered in the middle", (state) => [flipped(state, 31)], "state_invalid"],
    ["in capital letters", (state) => [state.toUpperCase()], "state_invalid"],
    ["with another key's id", (state) => [`AAAAAAAA${state.slice(8)}`], "state_invalid"],
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

  it("altered in any single bit, or cut off anywhere", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    const state = callback.searchParams.get("state") ?? "";
    const [keyId = "", text = ""] = state.split(".");
    const bytes = base64url.decode(text);
    const altered = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return `${keyId}.${base64url.encode(copy)}`;
    });
    const cut = Array.from({ length: state.length }, (_, length) => state.slice(0, length));
    // The last character carries bits that say nothing: another spelling of the same bytes is refused too.
    const spelt = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
      .map((last) => state.slice(0, -1) + last)
      .filter((other) => other !== state);
    const refused = new Map<unknown, number>();
    for (const each of [...altered, ...cut, ...spelt]) {
      const response = await browser.get(withState(callback, each), { accept: "application/json" });
      const { code } = await response.json<{ code: string }>();
      refused.set(code, (refused.get(code) ?? 0) + 1);
    }
    expect([...refused.keys()].sort()).toEqual(["state_invalid", "state_missing"]);
    expect(site.counts).toMatchObject({ fetches: [], durableObjectCalls: [], kvReads: 0, databaseCalls: [] });
    expect(provider.requests).toEqual([]);
    expect((await browser.get(callback.href)).status).toBe(303);
  });

  it("made with another site's keys, or for a site at another address", async () => {
    const foreign: string[] = [];
    for (const vars of [{ SESSION_KEYS: await otherSessionKeys() }, { AUTH_PATH: "/login" }]) {
      const path = "AUTH_PATH" in vars ? "/login/login" : "/auth/login";
      const start = await openHostileSite({ vars }).browser.get(path);
      foreign.push(new URL(start.headers.get("location") ?? "").searchParams.get("state") ?? "");
    }
    const { site, browser } = await openReturningSite();
    for (const state of foreign) {
      expect(state.length).toBeGreaterThan(100);
      const response = await browser.get(`${CALLBACK}?code=x&state=${state}`);
      await expectRefusal(response, { site, browser, code: "state_invalid" });
    }
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

describe("R8 an answer with the code is read in one way from the edge to Vipps", () => {
  it.each(["code", "state", "error", "iss", "response"])(
    "also beside a parameter named ?%s",
    async (name) => {
      const site = openSite();
      const browser = openBrowser(site);
      const callback = await browser.atProvider(await browser.startLogin());
      const response = await browser.get(`/auth/callback??${name}=x&${callback.search.slice(1)}`);
      expect(response.status).toBe(303);
      expect(site.simulator.control.journal.count("token")).toBe(1);
    },
  );
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

  it("and an error of Vipps is no use of it: nothing is called, and a code that follows makes one session", async () => {
    const { provider, site, browser, callback } = await openReturningSite();
    const state = callback.searchParams.get("state");
    const cancelled = await browser.get(`${CALLBACK}?error=access_denied&state=${state}`);
    expect(cancelled.status).toBe(403);
    expect(site.counts).toMatchObject({ fetches: [], durableObjectCalls: [], kvReads: 0 });
    expect((await browser.get(callback.href)).status).toBe(303);
    expect((await browser.get(callback.href)).status).toBe(303);
    expect(provider.count("token")).toBe(1);
    expect(site.counts.durableObjectCalls.filter((call) => call === "sessions.record")).toHaveLength(1);
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

describe("R8 a state brought again after a while", () => {
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;

  it.each([
    ["nine minutes", 9 * MINUTE, 303],
    ["ten minutes", 10 * MINUTE, 303],
    ["eleven minutes", 11 * MINUTE, 400],
    ["23 hours", 23 * HOUR, 400],
    ["25 hours", 25 * HOUR, 400],
  ] as const)("of %s: a login that was never finished", async (_what, age, status) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { provider, site, browser, callback } = await openReturningSite();
    vi.setSystemTime(Date.now() + age);
    const response = await browser.get(callback.href);
    expect(response.status).toBe(status);
    expect(provider.count("token")).toBe(status === 303 ? 1 : 0);
    if (status === 400) await expectRefusal(response, { site, browser, code: "state_expired" });
  });

  it.each([
    ["nine minutes", 9 * MINUTE, "/members/"],
    ["ten minutes", 10 * MINUTE, "/members/"],
    ["eleven minutes", 11 * MINUTE, "/members/"],
    ["23 hours", 23 * HOUR, "/members/"],
    ["25 hours", 25 * HOUR, null],
  ] as const)(
    "of %s: a login that was finished leads its browser home, and makes nothing",
    async (_what, age, home) => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const { provider, site, browser, callback } = await openReturningSite();
      expect((await browser.get(callback.href)).status).toBe(303);
      const before = (await browser.session()).session?.id;
      vi.setSystemTime(Date.now() + age);
      const stranger = openBrowser(site);
      for (const query of ["", "&error=access_denied"]) {
        const again = await browser.get(callback.href + (age > 10 * MINUTE ? query : ""));
        expect(again.headers.get("location")).toBe(home);
        expect((await stranger.get(callback.href)).status).toBe(400);
      }
      expect(provider.count("token")).toBe(1);
      expect(site.counts.durableObjectCalls.filter((call) => call === "sessions.record")).toHaveLength(1);
      expect((await browser.session()).session?.id).toBe(before);
      expect((await stranger.session()).authenticated).toBe(false);
    },
  );

  it("too late to finish anything: it is only looked at, and another code uses nothing up", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { site, browser, callback } = await openReturningSite();
    vi.setSystemTime(Date.now() + 11 * MINUTE);
    site.resetCounts();
    await browser.get(callback.href);
    expect(site.counts).toMatchObject({ durableObjectCalls: ["attempt.answer"], fetches: [], kvReads: 0 });
    expect(await keptOfLogins()).toEqual([]);
    vi.setSystemTime(Date.now() + 25 * HOUR);
    site.resetCounts();
    await browser.get(callback.href);
    expect(site.counts).toMatchObject({ durableObjectCalls: [], fetches: [], kvReads: 0 });
  });
});

describe("R8 a state that the key before sealed", () => {
  const HOUR = 3600;

  /** A login that begins with one key set and comes back to another one. */
  async function acrossRotation(before: readonly TestKey[], after: readonly TestKey[]) {
    const start = openHostileSite({ vars: { SESSION_KEYS: JSON.stringify({ keys: before }) } });
    const url = await start.browser.startLogin("/members/");
    const end = openHostileSite({ vars: { SESSION_KEYS: JSON.stringify({ keys: after }) } });
    for (const [name, value] of start.browser.cookies) end.browser.cookies.set(name, value);
    const callback = end.provider.authorize(url);
    end.site.resetCounts();
    return { ...end, response: await end.browser.get(callback.href) };
  }
  const now = () => Math.floor(Date.now() / 1000);

  it.each([
    ["a moment ago", 0],
    ["an hour ago, but for two minutes, by the clock of an isolate that has not heard of it", HOUR - 120],
  ])("is opened where it keeps its private half: it was retired %s", async (_what, ago) => {
    const [old, signing] = [await newSessionKey("old"), await newSessionKey("new")];
    const retired = { ...old, retired_at: now() - ago };
    const { response, provider, browser } = await acrossRotation([old], [signing, retired]);
    expect(response.headers.get("location")).toBe("/members/");
    expect(provider.count("token")).toBe(1);
    expect((await browser.session()).authenticated).toBe(true);
  });

  it("is refused where it was retired before it can have sealed it", async () => {
    const [old, signing] = [await newSessionKey("old"), await newSessionKey("new")];
    const retired = { ...old, retired_at: now() - HOUR - 60 };
    const refused = await acrossRotation([old], [signing, retired]);
    expect(refused.site.counts).toMatchObject({ fetches: [], durableObjectCalls: [] });
    await expectRefusal(refused.response, { ...refused, code: "state_invalid" });
  });

  it("is refused without a call where the private half is gone, and where the key is", async () => {
    const [{ d, ...old }, signing] = [await newSessionKey("old"), await newSessionKey("new")];
    for (const after of [[signing, { ...old, retired_at: now() }], [signing]]) {
      const refused = await acrossRotation([{ ...old, d }], after);
      expect(refused.site.counts).toMatchObject({ fetches: [], durableObjectCalls: [] });
      await expectRefusal(refused.response, { ...refused, code: "state_invalid" });
    }
  });
});

describe("R8 the length of a state", () => {
  it("stays below 600 characters, whatever the return URL; and leads there all the same", async () => {
    const { provider, browser } = await openReturningSite();
    const rows: string[] = [];
    for (const length of [0, 60, 200, 260, 261, 1_000, 2_000]) {
      const returnTo = length === 0 ? undefined : `/members/?${"q".repeat(length - 10)}`;
      const url = await browser.startLogin(returnTo);
      const state = url.searchParams.get("state") ?? "";
      expect(state).toMatch(/^[\w.-]+$/);
      expect(state.length).toBeLessThan(600);
      rows.push(`${String(length).padStart(6)} ${String(state.length).padStart(6)}`);
      const response = await browser.get(provider.authorize(url).href);
      expect(response.headers.get("location")).toBe(returnTo ?? "/");
      browser.cookies.clear();
    }
    console.log(`return URL  state (characters)\n${rows.join("\n")}`);
  });
});

/** A key as SESSION_KEYS holds it. */
interface TestKey {
  readonly kid: string;
  readonly kty: string;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  readonly d?: string | undefined;
  readonly retired_at?: number;
}

async function newSessionKey(kid: string): Promise<TestKey> {
  const generated = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const { kty, crv, x, y, d } = (await crypto.subtle.exportKey(
    "jwk",
    (generated as CryptoKeyPair).privateKey,
  )) as JsonWebKey;
  return { kty, crv, x, y, d, kid };
}

/** A key set as the setting takes it, of a site that has nothing to do with this one. */
async function otherSessionKeys(): Promise<string> {
  return JSON.stringify({ keys: [await newSessionKey("other")] });
}

function flipped(state: string, at: number): string {
  const other = state[at] === "0" ? "1" : "0";
  return state.slice(0, at) + other + state.slice(at + 1);
}
