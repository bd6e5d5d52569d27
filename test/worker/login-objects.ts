import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** The objects that finish logins, as LOGIN_LOCATION and LOGIN_SHARDS name them where nothing is set. */
const loginObjects = () =>
  Array.from({ length: 8 }, (_, shard) => env.LOGIN_ATTEMPTS.getByName(`weur-${shard}`));

/** Makes all of them load from storage anew, as after a crash of their machine or a deployment. */
export async function restartLoginObjects(): Promise<void> {
  for (const object of loginObjects()) {
    await object.ping();
    await evictDurableObject(object);
  }
}

/** From now on, until they are restarted, the databases of all of them throw this. */
export async function failLoginDatabases(message: string): Promise<void> {
  for (const object of loginObjects())
    await runInDurableObject(object, (_object, { storage: { sql } }) => {
      Object.defineProperty(sql, "exec", {
        value: () => {
          throw new Error(message);
        },
      });
    });
}

/** Runs every alarm that is set. @returns how many were. */
export async function runLoginAlarms(): Promise<number> {
  let run = 0;
  for (const object of loginObjects()) if (await runDurableObjectAlarm(object)) run += 1;
  return run;
}

/** Runs every alarm that is due by the clock as it stands. */
export async function runDueLoginAlarms(): Promise<void> {
  for (const object of loginObjects()) {
    const at = await runInDurableObject(object, (_object, state) => state.storage.getAlarm());
    if (at !== null && at <= Date.now()) await runDurableObjectAlarm(object);
  }
}

/** When the next alarm is due, in milliseconds since the epoch. */
export async function nextLoginAlarm(): Promise<number | undefined> {
  const due: number[] = [];
  for (const object of loginObjects()) {
    const at = await runInDurableObject(object, (_object, state) => state.storage.getAlarm());
    if (at !== null) due.push(at);
  }
  return due.length === 0 ? undefined : Math.min(...due);
}

/** All rows of all their tables. */
export async function keptOfLogins(): Promise<readonly Record<string, SqlStorageValue>[]> {
  const all: Record<string, SqlStorageValue>[] = [];
  for (const object of loginObjects()) {
    const rows = await runInDurableObject(object, (_object, { storage: { sql } }) =>
      tablesOf(sql).flatMap((table) => sql.exec(`SELECT '${table}' AS "table", * FROM ${table}`).toArray()),
    );
    all.push(...rows);
  }
  return all;
}

/** Empties all their tables. */
export async function forgetLogins(): Promise<void> {
  for (const object of loginObjects())
    await runInDurableObject(object, (_object, { storage: { sql } }) => {
      for (const table of tablesOf(sql)) sql.exec(`DELETE FROM ${table}`);
    });
}

function tablesOf(sql: SqlStorage): readonly string[] {
  const tables = sql.exec<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  );
  return tables.toArray().map(({ name }) => name);
}
