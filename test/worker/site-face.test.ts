import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accentStyles } from "../../src/pages/accent-colour.ts";
import { phoneWords } from "../../src/pages/phone-words.ts";
import { stylesheet } from "../../src/pages/stylesheet.ts";
import { readSettings } from "../../src/settings.ts";
import { openBrowser } from "./browser.ts";
import { desk, ENGLISH, FROM_HERE, loggedIn } from "./desk.ts";
import { textOf } from "./page-form.ts";
import { openSite, SITE } from "./site.ts";

const FACE = {
  SITE_NAME: "Fjordhagen IL",
  SUPPORT_CONTACT: "+4722334455, hjelp@fjordhagen.example, 815 49 300, /kontakt",
  LOGO_URL: "/images/emblem.svg",
  FAVICON: "https://cdn.example/icon.png",
  ACCENT_COLOR: "#0A7",
};

/** WCAG 2.2 from its definition, by a table of the 256 channels. */
const linear = Array.from({ length: 256 }, (_, channel) => {
  const part = channel / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
});
const luminance = (hex: string) => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => linear[Number(`0x${hex.slice(at, at + 2)}`)]);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (one: string, other: string) => {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

describe("the site's name and face", () => {
  it("stand on every page that a person reads, with ways to ask that can be tapped", async () => {
    const site = openSite({
      vars: { ...FACE, TERMS_URL: "/terms", TERMS_VERSION: "1", CROSS_BROWSER: "confirm" },
    });
    const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
    const terms = await browser.logIn();
    const confirm = await openBrowser(site, ENGLISH).get(
      (await openBrowser(site).atProvider(await openBrowser(site).startLogin())).href,
    );
    const failure = await browser.get("/auth/nothing-here");
    for (const response of [terms, confirm, failure]) {
      const page = await response.text();
      expect(textOf(page)).toMatch(/^Fjordhagen IL .*Need help\? \+47 22 33 44 55 hjelp@fjordhagen/);
      expect(page).not.toContain(">site.example<");
      for (const href of ["tel:+4722334455", "mailto:hjelp@fjordhagen.example", "tel:81549300", "/kontakt"])
        expect(page).toContain(`href="${href}"`);
      expect(page).toContain('<img src="/images/emblem.svg" alt="">');
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("img-src 'self' https://cdn.example;");
      expect(policy).toContain("default-src 'none'");
      expect(page).toContain("--accent:#");
    }
  });

  it("are the host's where nothing is set, and then no page loads an image", async () => {
    const site = openSite();
    const response = await openBrowser(site, ENGLISH).get("/auth/nothing-here");
    expect(textOf(await response.text())).toMatch(/^site\.example Page not found/);
    expect(response.headers.get("content-security-policy")).not.toContain("img-src");
  });

  it("leave a way out and a way to the site on my page and the console", async () => {
    const { site, staff } = await desk(FACE);
    const { browser } = await loggedIn(site, "sofie");
    for (const page of [await browser.get("/auth/me"), await staff.get("/auth/support")]) {
      const text = await page.text();
      expect(text).toContain('method="post" action="/auth/logout"');
      expect(text).toMatch(/<a [^>]*href="\/">Back to the site</);
    }
  });

  it.each<[name: string, value: string, beside?: Partial<Cloudflare.Env>]>([
    ["SUPPORT_CONTACT", "call us"],
    ["SUPPORT_CONTACT", "javascript:alert(1)"],
    ["SUPPORT_CONTACT", "http://fjordhagen.example/help"],
    ["SUPPORT_CONTACT", "//evil.example"],
    ["LOGO_URL", "http://fjordhagen.example/logo.svg"],
    ["LOGO_URL", "javascript:alert(1)"],
    ["FAVICON", "//evil.example/icon"],
    ["SUPPORT_CONTACT", "/\t/evil.example/help"],
    ["LOGO_URL", "https://a;frame-ancestors"],
    ["FAVICON", "https://a,b.example/icon.png"],
    ["TERMS_URL", "https://a;sandbox;x", { TERMS_VERSION: "1" }],
    ["ACCENT_COLOR", "red;}body{display:none"],
    ["ACCENT_COLOR", "#12345"],
    ["SITE_NAME", "x".repeat(61)],
  ])("refuse %s=%s", (name, value, beside = {}) => {
    const site = openSite();
    const read = readSettings({ ...site.env, ...beside, [name]: value }, SITE);
    expect(read).toEqual({ faults: [expect.stringContaining(name)] });
  });

  it.each([
    ["/100%.svg", "/100%.svg"],
    ["/img/a%23b.svg", "/img/a%23b.svg"],
    ["/et merke.svg", "/et%20merke.svg"],
    ["https://bilder.example/\u00e5.svg", "https://bilder.example/%C3%A5.svg"],
  ])("take the image %s for %s", (written, asked) => {
    const read = readSettings({ ...openSite().env, LOGO_URL: written, FAVICON: written }, SITE);
    if ("faults" in read) throw new Error(read.faults.join());
    expect(JSON.stringify(read.settings)).toContain(JSON.stringify(asked));
  });

  it("write phone numbers as people do", () => {
    const written = ["4799999901", "4722334455", "4512345678", "46701234567", "358401234567", "442071234567"];
    expect(written.map(phoneWords)).toEqual([
      "+47 999 99 901",
      "+47 22 33 44 55",
      "+45 12 34 56 78",
      "+46 70 123 45 67",
      "+358 40 123 4567",
      "+44 207 123 456 7",
    ]);
  });

  it("have buttons with an edge that is seen, in the dark as well", () => {
    const colours = (name: string) =>
      [...stylesheet.matchAll(new RegExp(`--${name}:(#[0-9a-f]+)`, "g"))].map(([, colour = ""]) =>
        colour.length === 4 ? colour.replace(/[^#]/g, "$&$&") : colour,
      );
    const [lines, cards] = [colours("line"), colours("card")];
    const [light = 0, dark = 0] = lines.map((line, at) => ratio(line, cards[at] ?? ""));
    expect(light).toBeGreaterThan(1.3);
    // Dark greys are told apart less well than light ones of the same ratio.
    expect(dark).toBeGreaterThan(1.9);
  });

  it("have a colour that keeps its contrast, whatever it is, in light and dark", () => {
    const corners = ["#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#777777", "#767676"];
    const anyColour = fc
      .integer({ min: 0, max: 0xffffff })
      .map((number) => `#${number.toString(16).padStart(6, "0")}`);
    fc.assert(
      fc.property(anyColour, (colour) => {
        const [light = [], dark = []] = [
          ...accentStyles(colour).matchAll(/--accent:(#\w{6});--on-accent:(#\w{6});--edge:(#\w{6})/g),
        ].map(([, ...values]) => values);
        for (const [[fill = "", ink = "", edge = ""], behind] of [
          [light, ["#ffffff", "#f6f5f2"]],
          [dark, ["#1f1f29", "#14141b"]],
        ] as const) {
          expect(ratio(fill, ink)).toBeGreaterThanOrEqual(4.5);
          for (const page of behind) expect(ratio(edge, page)).toBeGreaterThanOrEqual(3);
        }
      }),
      { numRuns: 1_000, examples: corners.map((corner) => [corner] as [string]) },
    );
  });
});
