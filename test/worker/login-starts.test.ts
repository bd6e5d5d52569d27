import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { keptOfLogins, nextLoginAlarm } from "./login-objects.ts";
import { openApp } from "./native-app.ts";
import { openSite } from "./site.ts";

const STARTS = 1_000;

/** All that is stored anywhere: objects and the rows of those that finish logins, KV, and every table of the database. */
async function everythingStored() {
  const { keys } = await env.VIPPS_METADATA.list();
  const kv = await Promise.all(
    keys.map(async (key) => [key, await env.VIPPS_METADATA.get(key.name)] as const),
  );
  const tables = await accountsDatabase()
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all<{ name: string }>();
  const database: unknown[] = [];
  for (const { name } of tables.results)
    database.push([name, (await accountsDatabase().prepare(`SELECT * FROM "${name}"`).all()).results]);
  // Looking into objects makes those that are not there yet: they are counted afterwards.
  const logins = await keptOfLogins();
  const alarm = await nextLoginAlarm();
  const ids = [
    ...(await listDurableObjectIds(env.LOGIN_ATTEMPTS)),
    ...(await listDurableObjectIds(env.USER_SESSIONS)),
  ];
  const objects = ids.map(String).sort();
  return { kv, database, objects, logins, alarm };
}

it(`${STARTS} starts of a login leave storage as it was, in browsers and in apps`, async () => {
  const redirectUri = "no.fjordbyen.app:/login";
  const site = openSite({ vars: { APP_REDIRECT_URIS: redirectUri } });
  await openBrowser(site).logIn();
  const before = await everythingStored();
  expect(before.logins).toHaveLength(1);
  site.resetCounts();
  const app = openApp(site);
  const states = new Set<string | null>();
  for (let start = 0; start < STARTS; start += 1) {
    const inApp = start % 10 === 0;
    const url = inApp
      ? new URL((await app.start()).authorize_url)
      : await openBrowser(site).startLogin(`/page/${start}?${"q".repeat(start % 200)}`);
    states.add(url.searchParams.get("state"));
  }
  expect(states.size).toBe(STARTS);
  expect(site.counts).toEqual({
    ...{ kvReads: 0, kvWrites: 0, durableObjectCalls: [], databaseCalls: [], fetches: [] },
  });
  expect(await everythingStored()).toEqual(before);
});
