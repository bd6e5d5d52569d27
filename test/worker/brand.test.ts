import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "./browser.ts";
import { openSite } from "./site.ts";

/** What a page, and the login element, call the service at a moment. */
async function namesAt(time: string, vars: Partial<Cloudflare.Env>, language: string) {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(new Date(time));
  const browser = openBrowser(openSite({ vars }), { "accept-language": language });
  const page = await (await browser.get("/auth/callback?error=server_error&state=x")).text();
  const { headers, text } = await browser
    .get("/auth/vipps-login.js")
    .then(async (response) => ({ headers: response.headers, text: await response.text() }));
  return {
    brand: /data-brand="([^"]+)"/.exec(page)?.[1],
    saysMobilePay: page.replace(/<style.*<\/style>/s, "").includes("MobilePay"),
    element: /MOBILEPAY = "(\w+)"/.exec(text)?.[1],
    caching: headers.get("cache-control"),
  };
}

const before = { brand: "MobilePay", element: "mobilepay" };
const after = { brand: "Vipps", saysMobilePay: false, element: "vipps" };

describe("the day on which MobilePay becomes Vipps", () => {
  it.each<[string, string, Partial<Cloudflare.Env>, string, object]>([
    ["2027-01-11T23:59:59+01:00", "Copenhagen", { VIPPS_MARKET: "DK" }, "da", before],
    ["2027-01-12T00:00:00+01:00", "Copenhagen", { VIPPS_MARKET: "DK" }, "da", after],
    ["2027-01-12T00:00:00+01:00", "Copenhagen, in Finnish", { VIPPS_MARKET: "DK" }, "fi", after],
    ["2027-01-11T23:59:59+02:00", "Helsinki", { VIPPS_MARKET: "FI" }, "fi", before],
    ["2027-01-12T00:00:00+02:00", "Helsinki", { VIPPS_MARKET: "FI" }, "fi", after],
    ["2027-01-12T00:00:00+02:00", "Helsinki, in English", { VIPPS_MARKET: "FI" }, "en", after],
    ["2027-01-11T23:59:59+01:00", "no market, in Danish", {}, "da", before],
    ["2027-01-12T00:00:00+01:00", "no market, in Danish", {}, "da", after],
    ["2027-01-11T23:59:59+02:00", "no market, in Finnish", {}, "fi", { brand: "MobilePay" }],
    ["2027-01-12T00:00:00+02:00", "no market, in Finnish", {}, "fi", { brand: "Vipps" }],
    ["2026-11-29T12:00:00Z", "no market, in English", {}, "en", { brand: "Vipps MobilePay" }],
    ["2027-01-12T12:00:00Z", "no market, in English", {}, "en", after],
    ["2026-11-29T12:00:00Z", "Norway", { VIPPS_MARKET: "NO" }, "nb", { brand: "Vipps" }],
    ["2026-11-29T12:00:00Z", "Sweden", { VIPPS_MARKET: "SE" }, "da", { brand: "Vipps" }],
    ["2026-11-29T12:00:00Z", "an earlier day", { VIPPS_MARKET: "DK", BRAND_DATE: "2026-11-29" }, "da", after],
    ["2027-02-01T12:00:00Z", "a later day", { VIPPS_MARKET: "FI", BRAND_DATE: "2027-02-02" }, "fi", before],
    // Midnight in summer is another hour.
    [
      "2027-06-30T22:00:00Z",
      "a day in summer",
      { VIPPS_MARKET: "DK", BRAND_DATE: "2027-07-01" },
      "da",
      after,
    ],
    [
      "2027-06-30T20:59:59Z",
      "a day in summer",
      { VIPPS_MARKET: "FI", BRAND_DATE: "2027-07-01" },
      "fi",
      before,
    ],
  ])("at %s, %s", async (time, _where, vars, language, expected) => {
    expect(await namesAt(time, vars, language)).toMatchObject(expected);
  });

  it("is not slept through in a browser's cache", async () => {
    const vars = { VIPPS_MARKET: "DK" } as const;
    const usual = "public, max-age=3600, stale-while-revalidate=86400";
    expect((await namesAt("2027-01-10T12:00:00Z", vars, "da")).caching).toBe(usual);
    expect((await namesAt("2027-01-11T12:00:00Z", vars, "da")).caching).toBe("public, max-age=60");
    expect((await namesAt("2027-01-12T12:00:00Z", vars, "da")).caching).toBe(usual);
  });

  it("can only be set to a day", async () => {
    const page = await openBrowser(openSite({ vars: { BRAND_DATE: "12.1.2027" } })).get("/auth/me");
    expect(await page.text()).toContain("BRAND_DATE must be a day such as 2027-01-12");
  });
});
