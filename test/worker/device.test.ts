import { describe, expect, it } from "vitest";
import { deviceOf, placeOf, visitorTimeZone } from "../../src/http/request.ts";
import { readSettings } from "../../src/settings.ts";
import { openSite, SITE } from "./site.ts";

const WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
const BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)";
const ANDROID = "Mozilla/5.0 (Linux; Android 10; K)";
const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
const UBUNTU = "Mozilla/5.0 (X11; Linux x86_64)";

describe("a device", () => {
  it.each([
    [`${IPHONE} ${WEBKIT} Version/26.0 Mobile/15E148 Safari/604.1`, "Safari", "iPhone"],
    [`${IPHONE} ${WEBKIT} CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1`, "Chrome", "iPhone"],
    [`${IPHONE} ${WEBKIT} FxiOS/144.0 Mobile/15E148 Safari/605.1.15`, "Firefox", "iPhone"],
    [`${IPHONE} ${WEBKIT} Version/18.0 EdgiOS/142.0 Mobile/15E148 Safari/604.1`, "Edge", "iPhone"],
    [`${IPHONE} ${WEBKIT} GSA/390.0 Mobile/15E148 Safari/604.1`, "Google", "iPhone"],
    [`${IPHONE} ${WEBKIT} Mobile/15E148 Instagram 400.0.0 (iPhone14,5)`, "Instagram", "iPhone"],
    [`${IPHONE} ${WEBKIT} Mobile/15E148 [FBAN/FBIOS;FBAV/530.0;FBDV/iPhone14,5]`, "Facebook", "iPhone"],
    [`${IPHONE} ${WEBKIT} Mobile/15E148`, undefined, "iPhone"],
    [
      `Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) ${WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1`,
      "Safari",
      "iPad",
    ],
    [`${ANDROID} ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36`, "Chrome", "Android"],
    [
      `${ANDROID} ${BLINK} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
      "Samsung Internet",
      "Android",
    ],
    [`${ANDROID} ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0`, "Edge", "Android"],
    [`${ANDROID} ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36 OPR/92.0.0.0`, "Opera", "Android"],
    ["Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0", "Firefox", "Android"],
    [
      `Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) ${BLINK} Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36`,
      undefined,
      "Android",
    ],
    [`${WINDOWS} ${BLINK} Chrome/142.0.0.0 Safari/537.36`, "Chrome", "Windows"],
    [`${WINDOWS} ${BLINK} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`, "Edge", "Windows"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
      "Firefox",
      "Windows",
    ],
    [`${MAC} ${WEBKIT} Version/26.0 Safari/605.1.15`, "Safari", "Mac"],
    [`${MAC} ${BLINK} Chrome/142.0.0.0 Safari/537.36`, "Chrome", "Mac"],
    [
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${BLINK} Chrome/142.0.0.0 Safari/537.36`,
      "Chrome",
      "Chromebook",
    ],
    [`${UBUNTU} ${BLINK} HeadlessChrome/142.0.0.0 Safari/537.36`, "Chrome", "Linux"],
    ["okhttp/5.1.0", undefined, "Android"],
    ["curl/8.14.1", undefined, undefined],
    ["", undefined, undefined],
  ])("is read from %s", (userAgent, browser, system) => {
    expect(deviceOf(userAgent)).toEqual({ browser, system });
  });

  it("is unknown without a User-Agent, and one that never ends is not read to its end", () => {
    expect(deviceOf(null)).toEqual({ browser: undefined, system: undefined });
    expect(deviceOf(`${"x ".repeat(5_000)}iPhone`)).toEqual({ browser: undefined, system: undefined });
  });
});

describe("a place", () => {
  const settingsFor = (url: string) => {
    const read = readSettings({ ...openSite().env, SITE_URL: url }, url);
    if ("faults" in read) throw new Error(read.faults.join());
    return read.settings;
  };
  const from = (cf: object) => new Request(SITE, { cf: cf as IncomingRequestCfProperties });
  const site = settingsFor(SITE);

  it("is what Cloudflare says of the address", () => {
    expect(placeOf(site, from({ city: "Tromsø", country: "NO" }))).toEqual({ city: "Tromsø", country: "NO" });
    expect(visitorTimeZone(site, from({ timezone: "Europe/Oslo" }))).toBe("Europe/Oslo");
  });

  it.each([
    ["nothing known", {}],
    ["no country", { country: "XX" }],
    ["the Tor network", { country: "T1" }],
    ["an empty city", { city: "" }],
  ])("is unknown with %s", (_what, cf) => {
    expect(placeOf(site, from(cf))).toEqual({ city: undefined, country: undefined });
  });

  it("is unknown on localhost, where there is only an example", () => {
    const local = settingsFor("http://localhost:8787");
    const request = from({ city: "Austin", country: "US", timezone: "America/Chicago" });
    expect(placeOf(local, request)).toEqual({ city: undefined, country: undefined });
    expect(visitorTimeZone(local, request)).toBeUndefined();
  });
});
