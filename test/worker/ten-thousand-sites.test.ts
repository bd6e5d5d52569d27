import { createScheduledController } from "cloudflare:test";
import { afterAll, describe, expect, it } from "vitest";
import { firstIdOf } from "../../src/accounts/login-events.ts";
import { runScheduledWork } from "../../src/scheduled-work.ts";
import { siteKey, writeSiteDocument } from "../../src/sites/site-document.ts";
import { openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { hostedSite, masterKeys, openSites } from "./many-sites.ts";

const SITES = 10_000;
const hostOf = (number: number) => `site-${number}.example`;
/** What the parts of the test have counted. */
const told: string[] = [];
afterAll(() => console.log(`${SITES.toLocaleString("en")} sites in KV: ${told.join("; ")}`));

/** As many keys KV lists at a time. */
const PAGE = 1_000;

/** A namespace in memory that counts its calls by what they do: ten thousand writes to a real one take a minute. */
function countedStore(values: ReadonlyMap<string, { readonly text: string; readonly metadata: object }>) {
  const calls: string[] = [];
  const names = [...values.keys()].toSorted();
  const store = {
    get: async (name: string) => {
      calls.push("get");
      return values.get(name)?.text ?? null;
    },
    list: async ({ prefix = "", cursor = "0" }: { prefix?: string; cursor?: string }) => {
      calls.push("list");
      const all = names.filter((name) => name.startsWith(prefix));
      const end = Number(cursor) + PAGE;
      const keys = all
        .slice(Number(cursor), end)
        .map((name) => ({ name, metadata: values.get(name)?.metadata }));
      return end < all.length
        ? { keys, list_complete: false, cursor: String(end) }
        : { keys, list_complete: true };
    },
  };
  return { store: store as unknown as KVNamespace, calls };
}

describe("a deployment with ten thousand sites", () => {
  it("asks KV as much for a request as one with a single site, and lists the keys once for the cron", async () => {
    const one = await hostedSite(hostOf(1), 1);
    const document = await writeSiteDocument(masterKeys(), one.host, one.values, Date.now());
    const values = new Map([[siteKey(one.host), { text: JSON.stringify(document), metadata: {} }]]);
    // What a document holds matters to its own site alone: the others have the key and what is listed with it.
    for (let number = 2; number <= SITES; number += 1)
      values.set(siteKey(hostOf(number)), { text: "{}", metadata: { days: 30 + (number % 2) } });
    const { store, calls } = countedStore(values);
    const site = await openSites([], { vars: { SITES: store }, salesUnits: [one.salesUnit] });
    const ofStep = async (name: string, step: () => Promise<unknown>) => {
      calls.length = 0;
      site.resetCounts();
      await step();
      const kinds = Map.groupBy(calls, (call) => call);
      const kv = ["get", "list"].map((kind) => `${kinds.get(kind)?.length ?? 0} ${kind}`).join(", ");
      told.push(`${name}: KV ${kv}; ${site.counts.databaseCalls.length} calls to the database`);
      return [...calls];
    };
    const browser = openBrowser(site, {}, one.origin);
    expect(await ofStep("the first request", () => browser.session())).toEqual(["get"]);
    expect(await ofStep("a later one", () => browser.session())).toEqual([]);
    expect(await ofStep("a login", () => browser.logIn())).toEqual([]);

    // Every site has an event that is old enough to go by what it says itself: after 30 days, or after 31.
    const database = accountsDatabase();
    const old = firstIdOf(Math.floor(Date.now() / 1000) - 32 * 24 * 3600);
    await database
      .prepare(
        `WITH RECURSIVE n(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < ?2)
         INSERT INTO logins (site, id, outcome) SELECT 'site-' || value || '.example', ?1, 'logged_in' FROM n`,
      )
      .bind(old, SITES)
      .run();
    const listed = await ofStep("the daily clearing", () =>
      runScheduledWork(createScheduledController(), site.env),
    );
    expect(listed).toEqual(Array(SITES / PAGE).fill("list"));
    expect(site.counts.databaseCalls.length).toBeLessThan(60);
    expect(
      await database.prepare("SELECT count(*) AS left FROM logins WHERE id = ?").bind(old).first(),
    ).toEqual({ left: 0 });
    // Nothing of it fails on the way.
    expect(site.log.filter(({ level }) => level !== "info")).toEqual([]);
  });
});
