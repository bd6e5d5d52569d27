import { describe, expect, it } from "vitest";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { openSite } from "../worker/site.ts";
import { createProvider, createSigner, type HostileProvider, ISSUER, logInAt } from "./hostile-provider.ts";
import { openHostileSite, signer } from "./hostile-site.ts";

/** Another provider's key under the very `kid` of the first one's. */
const namesake = await createSigner(signer.kid);
const OTHER_ISSUER = "https://login.example/";

/** A provider whose every address is below another host. */
function createOtherProvider(): HostileProvider {
  const provider = createProvider(namesake);
  provider.document = JSON.parse(
    JSON.stringify(provider.document)
      .replaceAll("https://apitest.vipps.no/", OTHER_ISSUER)
      .replace(`"issuer":"${OTHER_ISSUER}access-management-1.0/access/"`, `"issuer":"${OTHER_ISSUER}"`),
  );
  provider.claims = { iss: OTHER_ISSUER };
  return provider;
}

describe("R26 two sites in one isolate", () => {
  it("that trust different issuers mix neither endpoints nor keys, not even those of one kid", async () => {
    const providers = { [ISSUER]: createProvider(signer), [OTHER_ISSUER]: createOtherProvider() };
    const provider = async (request: Request): Promise<Response> => {
      const issuer = request.url.startsWith(OTHER_ISSUER) ? OTHER_ISSUER : ISSUER;
      // Discovery of the other one is at the root of its host.
      const isDiscovery = request.url === `${OTHER_ISSUER}.well-known/openid-configuration`;
      return isDiscovery ? Response.json(providers[issuer].document) : providers[issuer].fetch(request);
    };
    const sites = [ISSUER, OTHER_ISSUER].map((issuer) => ({
      issuer: issuer as keyof typeof providers,
      site: openSite({ vars: { VIPPS_ISSUER: issuer }, provider }),
    }));
    for (let round = 0; round < 3; round += 1) {
      for (const { issuer, site } of sites) {
        const browser = openBrowser(site);
        const url = await browser.startLogin();
        expect(url.origin).toBe(new URL(issuer).origin);
        expect((await browser.get(providers[issuer].authorize(url).href)).status).toBe(303);
      }
    }
    // And a token of the one is nothing to the other, though its kid is known there.
    providers[OTHER_ISSUER].signer = signer;
    const [, other] = sites;
    if (other === undefined) throw new Error("there are two sites");
    expect((await logInAt(providers[OTHER_ISSUER], openBrowser(other.site))).status).toBe(502);
  });

  it("with other settings have their own: what one accepts, the other refuses", async () => {
    const { provider, browser } = openHostileSite({ vars: { RETURN_TO_ORIGINS: "https://shop.example" } });
    // The one that was opened last answers what both of them fetch.
    const strict = openHostileSite();
    expect((await logInAt(strict.provider, browser)).status).toBe(303);
    expect((await strict.logIn()).status).toBe(303);
    expect(provider.requests).toEqual([]);
    for (let round = 0; round < 2; round += 1) {
      const wanted = "/auth/login?return_to=https://shop.example/";
      expect((await browser.get(wanted)).headers.get("location")).toBe("https://shop.example/");
      expect((await strict.browser.get(wanted)).headers.get("location")).toBe("/");
    }
  });
});

describe("R26 requests at the same time", () => {
  it("of nine people give each their own session and nothing of another's", async () => {
    const site = openSite();
    // Per and Ingrid share an email address: who of them it is, is asked first.
    const people = site.simulator.control.users.filter(({ id }) => id !== "per" && id !== "ingrid");
    expect(people).toHaveLength(9);
    const logins = people.map(async ({ id, givenName, familyName }) => {
      const browser = openBrowser(site);
      const answer = await browser.logIn({ user: id, returnTo: `/for/${id}` });
      const { user } = await browser.session();
      return { end: answer.headers.get("location"), name: user?.name, is: `${givenName} ${familyName}`, id };
    });
    for (const { end, name, is, id } of await Promise.all(logins)) {
      expect([end, name]).toEqual([`/for/${id}`, is]);
    }
  });

  it("that fail in five languages fail each in its own, with its own reference", async () => {
    const site = openSite();
    const languages = ["nb", "da", "fi", "sv", "en"];
    const pages = await Promise.all(
      Array.from({ length: 25 }, async (_, index) => {
        const language = languages[index % 5] ?? "";
        const response = await openBrowser(site, { "accept-language": language }).get("/auth/callback");
        return { language, page: await response.text() };
      }),
    );
    for (const { language, page } of pages) expect(page).toContain(`<html lang="${language}"`);
    const references = pages.map(({ page }) => /<code>([^<]+)<\/code>/.exec(page)?.[1]);
    expect(new Set(references).size).toBe(25);
  });
});

it("R26 no browser is handed a cookie of the one that was sent to Vipps before it", async () => {
  const site = openSite();
  const known = openBrowser(site);
  await known.logIn();
  const cookiesFor = async (browser: Browser, path = "/auth/login") =>
    (await browser.get(path)).headers.getSetCookie().map((cookie) => cookie.slice(0, 70));
  const first = await cookiesFor(openBrowser(site));
  const second = await cookiesFor(openBrowser(site));
  expect(first).toHaveLength(1);
  expect(second).toHaveLength(1);
  expect(second).not.toEqual(first);
  expect(await cookiesFor(known)).toEqual([]);
  expect(await cookiesFor(openBrowser(site))).toHaveLength(1);
});
