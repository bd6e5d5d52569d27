import { describe, expect, it, vi } from "vitest";
import { settlesAtOnce } from "../../src/waiting.ts";
import { openBrowser } from "./browser.ts";
import { openSite } from "./site.ts";

describe("whether work settles at once", () => {
  const digest = () => crypto.subtle.digest("SHA-256", new Uint8Array(1));

  it("does not depend on how: with a value, an error, or after a few digests", async () => {
    expect(await settlesAtOnce(Promise.resolve())).toBe(true);
    expect(await settlesAtOnce(Promise.reject(new Error("expected")))).toBe(true);
    expect(await settlesAtOnce(digest().then(digest).then(digest))).toBe(true);
  });

  it("is denied of what waits for a timer, and of what never comes", async () => {
    expect(await settlesAtOnce(new Promise((wake) => setTimeout(wake, 0)))).toBe(false);
    expect(await settlesAtOnce(new Promise(() => undefined))).toBe(false);
  });
});

it("no timer is set for the start of a login in a warm isolate, one for a callback", async () => {
  const site = openSite();
  await openBrowser(site).logIn();
  const browser = openBrowser(site);
  const timers = vi.spyOn(globalThis, "setTimeout");
  const atVipps = await browser.startLogin("/members/");
  expect(timers).not.toHaveBeenCalled();
  const { href } = await browser.atProvider(atVipps);
  timers.mockClear();
  await browser.get(href);
  expect(timers).toHaveBeenCalled();
});
