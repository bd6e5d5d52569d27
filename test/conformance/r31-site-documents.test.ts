import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { siteKey, writeSiteDocument } from "../../src/sites/site-document.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import {
  type HostedSite,
  hostedSite,
  masterKeys,
  newMasterKey,
  newSessionKeys,
  openSites,
  storeSite,
  storeText,
} from "../worker/many-sites.ts";
import type { TestSite } from "../worker/site.ts";
import { withFailing } from "./failing-storage.ts";

const MINUTE = 60_000;
const CLUB = await hostedSite("klubb.example", 1);
const OTHER = await hostedSite("annen.example", 2);
/** What an attacker would like a document to say. */
const STOLEN = { VIPPS_ISSUER: "https://attacker.example/", SESSION_KEYS: await newSessionKeys() };

/** The club with the session keys that leaked. */
const LEAKED = { ...CLUB, values: { ...CLUB.values, SESSION_KEYS: await newSessionKeys() } };

const page = { accept: "text/html" };
const login = (site: TestSite, { origin }: HostedSite) =>
  site.fetch(new Request(`${origin}/auth/login`, { headers: page, redirect: "manual" }));

/** A worker in a new isolate's state that serves the site, whatever stands in KV. */
const newIsolate = () => openSites([], {});

async function documentText({ host, values }: HostedSite, version = Date.now(), keys = masterKeys()) {
  return JSON.stringify(await writeSiteDocument(keys, host, values, version));
}

/** Notes the least version as `npm run site` does. */
async function raise(host: string, version: number): Promise<void> {
  await accountsDatabase()
    .prepare("INSERT OR REPLACE INTO site_versions (host, version, raised_at) VALUES (?1, ?2, ?3)")
    .bind(host, version, Math.floor(Date.now() / 1000))
    .run();
}

describe("R31 a site's document that somebody else wrote", () => {
  it("sends no secret anywhere and logs nobody in, whatever it says", async () => {
    const changed = async (change: (settings: Record<string, string>) => unknown) => {
      const document = JSON.parse(await documentText(CLUB));
      return JSON.stringify({ ...document, settings: change(document.settings) });
    };
    const strangers = masterKeys(JSON.stringify({ keys: [newMasterKey("master-1")] }));
    const forgeries: Readonly<Record<string, string | null>> = {
      "another issuer": await changed((settings) => ({ ...settings, VIPPS_ISSUER: STOLEN.VIPPS_ISSUER })),
      "another place for endpoints": await changed((settings) => ({
        ...settings,
        PROVIDER_ENDPOINTS: "https://attacker.example",
      })),
      "session keys in the open": await changed((settings) => ({ ...settings, ...STOLEN })),
      "a later version": await changed((settings) => ({
        ...settings,
        DOCUMENT_VERSION: String(Date.now() + 1000),
      })),
      "no version": await changed(({ DOCUMENT_VERSION: _version, ...settings }) => settings),
      "another site's": await documentText(OTHER),
      "another site's under this name": (await documentText(OTHER)).replaceAll(OTHER.host, CLUB.host),
      "another site's secrets": JSON.stringify({
        ...JSON.parse(await documentText(CLUB)),
        sealed: JSON.parse(await documentText(OTHER)).sealed,
      }),
      "sealed with a guess": await documentText(
        { ...CLUB, values: { ...CLUB.values, ...STOLEN } },
        Date.now(),
        strangers,
      ),
      "no JSON": "{",
      deleted: null,
    };
    let [requests, served, lines] = [0, 0, 0];
    for (const text of Object.values(forgeries)) {
      const site = await openSites([CLUB, OTHER]);
      if (text === null) await env.SITES?.delete(siteKey(CLUB.host));
      else await storeText(CLUB.host, text);
      const response = await login(site, CLUB);
      served += response.status < 400 ? 1 : 0;
      requests += site.counts.fetches.length;
      lines += site.log.filter(({ event }) => event === "site_document_refused").length;
      expect(JSON.stringify(site.log)).not.toContain("secret-of-");
    }
    const count = Object.keys(forgeries).length;
    console.log(
      `${count} documents of other hands: ${requests} requests to anybody, ${served} logins begun, ${lines} log lines`,
    );
    expect({ requests, served, lines }).toEqual({ requests: 0, served: 0, lines: count - 1 });
  });

  it("changes nothing for an isolate that has seen the right one, and is told once", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([CLUB]);
    expect((await login(site, CLUB)).status).toBe(302);
    await storeText(CLUB.host, await documentText(OTHER));
    for (let minute = 0; minute < 10; minute += 1) {
      vi.setSystemTime(Date.now() + MINUTE);
      expect((await login(site, CLUB)).status).toBe(302);
    }
    expect(site.log.filter(({ event }) => event === "site_document_refused")).toHaveLength(1);
  });
});

describe("R31 an old document put back", () => {
  /** The site as it was, somebody logged in with its keys; then new keys, and time for KV to show them. */
  async function afterRotation() {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([LEAKED]);
    const old = await env.SITES?.get(siteKey(CLUB.host));
    const thief = openBrowser(site, {}, CLUB.origin);
    await thief.logIn();
    vi.setSystemTime(Date.now() + MINUTE);
    await storeSite(CLUB);
    await raise(CLUB.host, Date.now());
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    return { old: old ?? "", cookie: `${SESSION_COOKIE}=${thief.cookies.get(SESSION_COOKIE)}` };
  }

  const session = async (site: TestSite, cookie: string) => {
    const request = new Request(`${CLUB.origin}/auth/session`, {
      headers: { cookie, accept: "application/json" },
    });
    const response = await site.fetch(request);
    return response.status === 200
      ? ((await response.json()) as { authenticated: boolean })
      : response.status;
  };

  it("revives no keys: not in an isolate that knows the newer one, not in a new one", async () => {
    const { old, cookie } = await afterRotation();
    const knowing = await newIsolate();
    expect(await session(knowing, cookie)).toEqual({ authenticated: false });
    await storeText(CLUB.host, old);
    vi.setSystemTime(Date.now() + MINUTE);
    expect(await session(knowing, cookie)).toEqual({ authenticated: false });
    expect((await login(knowing, CLUB)).status).toBe(302);

    const cold = await newIsolate();
    expect(await session(cold, cookie)).toBe(500);
    expect((await login(cold, CLUB)).status).toBe(500);
    expect(cold.counts.fetches).toEqual([]);
    expect(cold.log.filter(({ event }) => event === "site_document_refused")).toEqual([
      expect.objectContaining({ site: CLUB.origin, reason: expect.stringContaining("older") }),
    ]);
  });

  it("revives no keys in an isolate that knows the newer one while the database does not answer", async () => {
    const { old, cookie } = await afterRotation();
    const knowing = await openSites([], {
      vars: { ACCOUNTS_DB: withFailing(accountsDatabase(), "first", "rejects") },
    });
    expect(await session(knowing, cookie)).toEqual({ authenticated: false });
    await storeText(CLUB.host, old);
    vi.setSystemTime(Date.now() + MINUTE);
    expect(await session(knowing, cookie)).toEqual({ authenticated: false });
  });

  it("counts for five minutes after the new one was written, while KV may still show it, and no longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([CLUB]);
    vi.setSystemTime(Date.now() + MINUTE);
    await raise(CLUB.host, Date.now());
    expect((await login(site, CLUB)).status).toBe(302);
    vi.setSystemTime(Date.now() + 4 * MINUTE);
    expect((await login(site, CLUB)).status).toBe(302);
    // Neither isolate has seen anything newer, so they have nothing to go on with.
    vi.setSystemTime(Date.now() + 2 * MINUTE);
    // The first to come is answered with what is at hand while KV is read.
    await login(site, CLUB);
    expect((await login(site, CLUB)).status).toBe(500);
    const later = await newIsolate();
    expect((await login(later, CLUB)).status).toBe(500);
  });

  it("of a site that was removed opens nowhere", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = await openSites([CLUB]);
    const old = (await env.SITES?.get(siteKey(CLUB.host))) ?? "";
    await env.SITES?.delete(siteKey(CLUB.host));
    await raise(CLUB.host, Date.now() + 1);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    await storeText(CLUB.host, old);
    expect((await login(site, CLUB)).status).toBe(500);
  });

  it("from before documents had versions counts until the first one with a version was noted", async () => {
    const site = await newIsolate();
    await storeSite(CLUB, masterKeys(), 0);
    expect((await login(site, CLUB)).status).toBe(302);
    vi.useFakeTimers({ toFake: ["Date"] });
    await raise(CLUB.host, 1);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect((await login(await newIsolate(), CLUB)).status).toBe(500);
  });

  it("costs one row of the database for each document that an isolate gets to see, and nothing for the next request", async () => {
    const site = await openSites([CLUB]);
    const ask = () =>
      site.fetch(new Request(`${CLUB.origin}/auth/session`, { headers: { accept: "application/json" } }));
    await ask();
    expect([site.counts.kvReads, site.counts.databaseCalls]).toEqual([1, [1]]);
    site.resetCounts();
    await ask();
    await site.fetch(new Request("https://nobody.example/", { headers: page }));
    expect([site.counts.kvReads, site.counts.databaseCalls]).toEqual([1, []]);
  });

  it.each(["rejects", "hangs"] as const)(
    "cannot be told while the database %s: the site is served, and asked about again",
    async (fault) => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = await openSites([CLUB], {
        vars: { ACCOUNTS_DB: withFailing(accountsDatabase(), "first", fault) },
      });
      expect((await login(site, CLUB)).status).toBe(302);
      vi.setSystemTime(Date.now() + 2 * MINUTE);
      await login(site, CLUB);
      expect(site.log.filter(({ event }) => event === "site_version_unchecked")).toHaveLength(2);
    },
  );
});
