import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { getPlatformProxy } from "wrangler";
import { openSession } from "../../cli/d1-session.ts";
import { accountSubject, ERASED } from "../../src/accounts/vipps-person.ts";
import { runCommand } from "./command-under-test.ts";
import { makeLocalState } from "./local-state.ts";
import { rowsOf, SITE } from "./rows-of-person.ts";

const folder = mkdtempSync(join(tmpdir(), "restore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("erases again, in a database that was put back, whoever was erased since, and nobody else", async () => {
  const state = join(folder, "state");
  await makeLocalState(state);
  const target = { root: process.cwd(), remote: false, environment: undefined, persistTo: state };
  const fill = await openSession(target);
  await fill.batch([
    ...rowsOf("acc_gone", "sub-gone", "browser-gone"),
    ...rowsOf("acc_stays", "sub-stays", "browser-stays"),
  ]);
  await fill.close();

  // The copy is made, then somebody is erased: all that is left of them is in KV. Then the copy is put back.
  const backup = join(folder, "backup");
  cpSync(state, backup, { recursive: true });
  const proxy = await getPlatformProxy<{
    VIPPS_METADATA: KVNamespace & { put(key: string, value: string): Promise<void> };
  }>({
    persist: { path: join(state, "v3") },
    remoteBindings: false,
    envFiles: [],
  });
  await proxy.env.VIPPS_METADATA.put(`${ERASED}${await accountSubject(SITE, "acc_gone")}`, "");
  await proxy.dispose();
  cpSync(join(backup, "v3", "d1"), join(state, "v3", "d1"), { recursive: true, force: true });

  const run = (...args: string[]) => runCommand(["restore", "erasures", "--persist-to", state, ...args]);
  expect(await run("--dry-run", "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse((await run("--dry-run", "--json")).stdout)).toEqual({
    ...{ noted: 1, back: 1, erased: 0, closed: [] },
    rows_of_no_site: [],
  });
  const done = await run();
  expect(done).toMatchObject({ code: 0, stdout: "1 of 1 erased accounts were back and are erased again.\n" });

  const look = await openSession(target);
  const [tables] = await look.batch([
    {
      sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'd1%'",
      params: [],
    },
  ]);
  const left: string[] = [];
  const kept: string[] = [];
  for (const { name } of tables?.rows ?? []) {
    const [all] = await look.batch([{ sql: `SELECT * FROM ${String(name)}`, params: [] }]);
    for (const row of all?.rows ?? []) {
      const text = JSON.stringify(row);
      if (/acc_gone|sub-gone|browser-gone/.test(text)) left.push(`${name}: ${text}`);
      if (/acc_stays|sub-stays|browser-stays/.test(text)) kept.push(String(name));
    }
  }
  await look.close();
  // The audit log says that they were erased, and when; who asked to be linked to them was somebody else.
  expect(left.filter((line) => !/"action":"erased"|stranger-acc_gone/.test(line))).toEqual([]);
  expect(left.filter((line) => line.includes('"action":"erased"'))).toHaveLength(1);
  expect(left.filter((line) => line.includes("candidates")).join()).not.toContain('"acc_gone"');
  // As many as were written, with the names, groups and requests that stand in tables of their own.
  expect(kept).toHaveLength(17);

  expect(JSON.parse((await run("--json")).stdout)).toMatchObject({ noted: 1, back: 0, erased: 0 });
});

it("leaves those alone who came back under their old id, but not who was erased anew", async () => {
  const state = join(folder, "came-back");
  await makeLocalState(state);
  const target = { root: process.cwd(), remote: false, environment: undefined, persistTo: state };
  const now = Math.floor(Date.now() / 1000);
  const erasedAt = (id: string, at: number) => ({
    sql: `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
      VALUES (?1, ?2, ?3, 'self', 'erased', ?3, '{}')`,
    params: [SITE, at, id],
  });
  const session = await openSession(target);
  await session.batch([
    ...["back", "again"].flatMap((id) => rowsOf(id, `sub-${id}`, `browser-${id}`)),
    erasedAt("back", now),
    erasedAt("again", now - 3600),
  ]);
  await session.close();
  const proxy = await getPlatformProxy<{
    VIPPS_METADATA: KVNamespace & {
      put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
    };
  }>({ persist: { path: join(state, "v3") }, remoteBindings: false, envFiles: [] });
  for (const id of ["back", "again"])
    await proxy.env.VIPPS_METADATA.put(`${ERASED}${await accountSubject(SITE, id)}`, "", {
      expirationTtl: 400 * 24 * 3600,
    });
  await proxy.dispose();

  const done = await runCommand(["restore", "erasures", "--persist-to", state]);
  expect(done).toMatchObject({ code: 0, stdout: "1 of 2 erased accounts were back and are erased again.\n" });
  const look = await openSession(target);
  const [left] = await look.batch([{ sql: "SELECT DISTINCT account_id AS id FROM consents", params: [] }]);
  await look.close();
  expect(left?.rows).toEqual([{ id: "back" }]);
});

it("says of a place where there is nothing that there is nothing, and makes none", async () => {
  const empty = join(folder, "empty");
  await makeLocalState(empty);
  const missing = join(folder, "missing");
  for (const place of [empty, missing])
    for (const words of [["erasures"], ["erasures", "--dry-run", "--json"], ["rows"], ["rows", "--json"]]) {
      const outcome = await runCommand(["restore", ...words, "--persist-to", place]);
      expect([words, outcome.code, outcome.stderr]).toEqual([
        words,
        1,
        expect.stringContaining(`There is nothing in ${place}: no rows`),
      ]);
      expect(outcome.stdout.replace(/^\{"error".*\}\n$/, "")).toBe("");
    }
  expect(existsSync(missing)).toBe(false);
});
