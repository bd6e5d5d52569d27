import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { openBrowser } from "./browser.ts";
import { keptOfLogins } from "./login-objects.ts";
import { openSite } from "./site.ts";

/** Tables as commits before the first release made them. */
const SESSIONS = `CREATE TABLE sessions (
  sid TEXT PRIMARY KEY, started_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL, idle INTEGER NOT NULL) WITHOUT ROWID`;
const USED_LOGINS = `CREATE TABLE used_logins (
  id TEXT PRIMARY KEY, browser TEXT NOT NULL, sid TEXT NOT NULL, used_at INTEGER NOT NULL,
  declined INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`;

it("an object whose table an earlier commit made takes a new login, and keeps the sessions it has", async () => {
  const site = openSite();
  const first = openBrowser(site);
  await first.logIn();
  const { user, session } = await first.session();
  const object = env.USER_SESSIONS.getByName(user?.sub ?? "");
  await runInDurableObject(object, (_object, { storage: { sql } }) => {
    const [row] = sql.exec("SELECT sid, started_at, last_seen_at, ends_at, idle FROM sessions").raw();
    sql.exec("DROP TABLE sessions");
    sql.exec(SESSIONS);
    sql.exec("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", ...(row ?? []));
  });
  await evictDurableObject(object);
  const second = openBrowser(site);
  expect((await second.logIn()).status).toBe(303);
  const living = await object.list({ ttl: 1e9, idle: 1e9 });
  expect(living.map(({ sid }) => sid)).toContain(session?.id);
  expect(living).toHaveLength(2);
});

it("so does one of those that finish logins, also where a table is missing", async () => {
  const site = openSite({ vars: { LOGIN_SHARDS: "1" } });
  const object = env.LOGIN_ATTEMPTS.getByName("weur-0");
  await runInDurableObject(object, (_object, { storage: { sql } }) => {
    sql.exec(USED_LOGINS);
    sql.exec("INSERT INTO used_logins VALUES ('0', 'b', 's', 1, 0)");
  });
  await evictDurableObject(object);
  const [started, other] = [openBrowser(site), openBrowser(site)];
  expect((await started.logIn()).status).toBe(303);
  // In another browser it waits for an answer, in the table that was missing.
  const callback = await started.atProvider(await openBrowser(site).startLogin());
  expect((await other.get(callback.href)).status).toBe(200);
  const tables = (await keptOfLogins()).map(({ table }) => table);
  expect(tables.filter((table) => table === "used_logins")).toHaveLength(3);
  expect(tables).toContain("waiting_logins");
});
