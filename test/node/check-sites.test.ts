import { expect, it } from "vitest";
import { addSites } from "../../cli/sites/add-sites.ts";
import { checkSites, problemsOf } from "../../cli/sites/check-sites.ts";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { createSimulator } from "../../simulator/simulator.ts";
import { isLanguage } from "../../src/pages/language.ts";
import { openMemoryStorage } from "./memory-storage.ts";

const VIPPS = "https://api.vipps.no";
const SITES = 40;

it("checks many sites side by side, asks once for what they share, and sums up what is wrong with how many", async () => {
  const session = openMemoryStorage();
  const keys = masterKeysIn(JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] }));
  const hosts = Array.from({ length: SITES }, (_, index) => `www.site-${index}.example`);
  const deployment = {
    VIPPS_ENVIRONMENT: "production",
    VIPPS_PARTNER_CLIENT_ID: "the-partner",
    VIPPS_PARTNER_CLIENT_SECRET: "secret-of-the-partner",
    VIPPS_PARTNER_SUBSCRIPTION_KEY: "key-of-the-partner",
  };
  const added = await addSites({
    ...{ session, keys, deployment, isLanguage, update: false, takeOver: false, dryRun: false, at: 1 },
    sites: hosts.map((host, index) => ({
      ...{ SITE_URL: `https://${host}`, VIPPS_KEYS: "partner", VIPPS_MSN: String(200_000 + index) },
    })),
  });
  expect(new Set(added.map(({ outcome }) => outcome))).toEqual(new Set(["added"]));
  // Two sales units have no redirect URI of theirs registered.
  const simulator = createSimulator({
    origin: VIPPS,
    salesUnits: [
      {
        ...{ clientId: "the-partner", clientSecret: "secret-of-the-partner", msn: "999999" },
        ...{ redirectUris: [], partner: true, subscriptionKey: "key-of-the-partner" },
      },
      ...hosts.map((host, index) => ({
        ...{ clientId: `of-${index}`, clientSecret: "of-the-partner", msn: String(200_000 + index) },
        redirectUris: [`https://${index < 2 ? "another.example" : host}/auth/callback`],
        managedBy: "the-partner",
      })),
    ],
  });
  const asked: string[] = [];
  let underWay = 0;
  let most = 0;
  const ask: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    expect(new URL(request.url).origin).toBe(VIPPS);
    asked.push(new URL(request.url).pathname);
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((wake) => setTimeout(wake, 5));
    return simulator.fetch(request).finally(() => {
      underWay -= 1;
    });
  };
  const checked = await checkSites({
    ...{ session, keys, hosts, deployment, isLanguage, isDeployed: true, offline: true, fetch: ask },
  });
  expect(checked.map(({ host }) => host)).toEqual(hosts);
  const times = (part: string) => asked.filter((path) => path.includes(part)).length;
  expect([times("openid-configuration"), times("accesstoken"), times("jwks")]).toEqual([1, 1, 1]);
  expect(most).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(12);
  expect(checked.filter(({ healthy }) => !healthy).map(({ host }) => host)).toEqual(hosts.slice(0, 2));
  // What differs in its words is the host alone.
  expect(problemsOf(checked).map((problem) => problem.hosts)).toEqual([hosts.slice(0, 2)]);
  expect(problemsOf(checked)[0]?.finding.what).toContain("https://HOST/auth/callback");
  await session.close();
});

it("judges a site by what it has from the deployment, in the worker's words, and knows its other addresses", async () => {
  const session = openMemoryStorage();
  const keys = masterKeysIn(JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] }));
  const SITE_URL = "https://www.bakeri.example";
  await addSites({
    ...{ session, keys, deployment: {}, isLanguage, update: false, takeOver: false, dryRun: false, at: 1 },
    sites: [
      {
        ...{ SITE_URL, VIPPS_MSN: "200001", VIPPS_CLIENT_ID: "id", VIPPS_CLIENT_SECRET: "any" },
        SITE_ALIASES: "bakeri.example",
      },
    ],
  });
  const found = async (SITE_DEFAULTS: unknown) => {
    const [checked] = await checkSites({
      ...{ session, keys, hosts: ["www.bakeri.example"], isLanguage, isDeployed: true, offline: true },
      ...{ deployment: { SITE_DEFAULTS }, fetch: () => Promise.reject(new Error("nobody is there")) },
    });
    const of = (id: string) => checked?.findings.filter((one) => one.id === id && one.severity !== "ok");
    expect(of("settings-names")).toEqual([]);
    return of("settings")?.map(({ what }) => what);
  };
  expect(await found({ SESSION_TTL: 86_400 })).toEqual([]);
  for (const [defaults, what] of [
    [{ SESSION_TTL: -5 }, "SESSION_TTL must be at least 1 seconds."],
    [{ SESSION_TTL: "abc" }, "SESSION_TTL must be a whole number of seconds."],
    [{ FOO: 1 }, "SITE_DEFAULTS: FOO is no setting that sites can share."],
    [{ VIPPS_MSN: "1" }, "SITE_DEFAULTS: VIPPS_MSN is no setting that sites can share."],
    [{ SITE_LANGUAGE: "xx" }, "SITE_LANGUAGE is xx, a language without texts here."],
    ["nonsense", expect.stringContaining("SITE_DEFAULTS must be a table of settings")],
  ] as const)
    expect(await found(defaults)).toEqual([what]);
  await session.close();
});
