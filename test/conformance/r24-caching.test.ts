import { describe, expect, it, vi } from "vitest";
import { forThisVisitorAlone } from "../../src/site/serve-site.ts";
import { openBrowser } from "../worker/browser.ts";
import { openOrigin } from "../worker/recording-origin.ts";
import { openSite } from "../worker/site.ts";

/** An origin that wants everything kept everywhere. */
const everywhere = () =>
  new Response("x", {
    headers: {
      "cache-control": "public, max-age=31536000, immutable",
      "cdn-cache-control": "max-age=600",
      "cloudflare-cdn-cache-control": "max-age=600",
      "surrogate-control": "max-age=600",
      expires: "Thu, 01 Jan 2099 00:00:00 GMT",
      etag: '"1"',
      vary: "Accept-Encoding",
    },
  });

const CACHE_HEADERS = ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "expires"];

function expectUnshared(response: Response) {
  expect(response.headers.get("cache-control")).toBe("private, no-store");
  expect(response.headers.get("vary")?.toLowerCase()).toContain("cookie");
  for (const name of CACHE_HEADERS) expect(response.headers.has(name)).toBe(false);
}

describe("R24: an answer that is private by itself", () => {
  const own = (headers: Record<string, string>) =>
    new Response("x", { headers: { "cache-control": "private, no-store", vary: "Cookie", ...headers } });

  it("is passed on as it is, and copied where anything is missing", () => {
    const asset = own({ etag: '"1"' });
    expect(forThisVisitorAlone(asset, undefined)).toBe(asset);
    const lacking: Record<string, string>[] = [
      { vary: "Accept-Encoding" },
      { "cache-control": "private" },
      { "cache-control": "public, private, no-store" },
      { "cdn-cache-control": "max-age=600" },
      { "some-cdn-cache-control": "max-age=600" },
      { "surrogate-control": "max-age=600" },
      { expires: "Thu, 01 Jan 2099 00:00:00 GMT" },
    ];
    for (const headers of lacking) {
      const answer = own(headers);
      const passedOn = forThisVisitorAlone(answer, undefined);
      expect(passedOn).not.toBe(answer);
      expectUnshared(passedOn);
    }
    const withCookie = forThisVisitorAlone(own({}), "a=b");
    expect(withCookie.headers.getSetCookie()).toEqual(["a=b"]);
  });
});

describe("R24: shared caches", () => {
  it("never keep a protected asset", async () => {
    const browser = openBrowser(openSite({ vars: { PROTECTED_PATHS: "/members/*" } }));
    await browser.logIn();
    const response = await browser.get("/members/");
    expect(await response.text()).toContain("The gate");
    expectUnshared(response);
  });

  it("never keep what the origin answers on a protected path, whatever it says", async () => {
    const { browser, last } = openOrigin({}, everywhere);
    await browser.logIn();
    const response = await browser.get("/members/report.pdf");
    expect(response.headers.get("vary")).toBe("Accept-Encoding, Cookie");
    expectUnshared(response);
    expect(last().cache).toBe("no-store");
  });

  it("never keep what the origin answers to somebody it knows, on a public path too", async () => {
    const { browser, last } = openOrigin({}, everywhere);
    await browser.logIn();
    expectUnshared(await browser.get("/"));
    expect(last().cache).toBe("no-store");
  });

  it("keep what the origin answers to strangers as the origin says", async () => {
    const { browser, last } = openOrigin({}, everywhere);
    const response = await browser.get("/logo.png");
    expect(Object.fromEntries(response.headers)).toEqual(Object.fromEntries(everywhere().headers));
    expect(last().cache).not.toBe("no-store");
  });

  it("keep public assets as they were, whoever asks, and no session is looked at for them", async () => {
    const site = openSite({ vars: { PROTECTED_PATHS: "/members/*", SESSION_FRESH: "60" } });
    const browser = openBrowser(site);
    const before = await browser.get("/club.css");
    await browser.logIn();
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    site.resetCounts();
    const after = await browser.get("/club.css");
    expect(after.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    expect(Object.fromEntries(after.headers)).toEqual(Object.fromEntries(before.headers));
    expect(site.counts.durableObjectCalls).toEqual([]);
  });

  it("never keep a response that renews or removes the session cookie", async () => {
    const { browser, site } = openOrigin({ SESSION_FRESH: "60" }, everywhere);
    await browser.logIn();
    const stale = browser.cookies.get("__Host-vipps-session") ?? "";
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    const renewed = await browser.get("/");
    expect(renewed.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-vipps-session=ey/)]);
    expectUnshared(renewed);

    await browser.post("/auth/logout");
    const other = openBrowser(site);
    other.cookies.set("__Host-vipps-session", stale);
    const removed = await other.get("/");
    expect(removed.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-vipps-session=; Max-Age=0/),
    ]);
    expectUnshared(removed);
  });

  it("is told nothing new where the response already varies by cookie", async () => {
    const { browser } = openOrigin({}, () => new Response("", { headers: { vary: "Accept, cookie" } }));
    await browser.logIn();
    expect((await browser.get("/")).headers.get("vary")).toBe("Accept, cookie");
  });
});
