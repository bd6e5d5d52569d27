// A database that was put back to an earlier time says of the sites what was so then. The documents decide.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import type { D1Session } from "../../cli/d1-session.ts";
import { siteTables } from "../../cli/sites/site-rows.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { accountSubject, ERASED } from "../../src/accounts/vipps-person.ts";
import { marksOf, readSiteDocument } from "../../src/sites/site-document.ts";
import { runCommand } from "./command-under-test.ts";
import { openMemoryStorage } from "./memory-storage.ts";

const ROOT = process.cwd();
const SECRET = { VIPPS_CLIENT_SECRET: "any" };

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** A deployment of its own, and its commands. */
async function openDeployment() {
  const folder = mkdtempSync(join(tmpdir(), "put-back-"));
  const [state, settings] = [join(folder, "state"), join(folder, "settings")];
  mkdirSync(state);
  writeFileSync(settings, "VIPPS_ISSUER='https://127.0.0.1:1/'\nSITE_URL='https://www.byraa.example'\n");
  const erased = new Set<string>();
  const storage = await keepStorage(
    { root: ROOT, environment: undefined, persistTo: state },
    openMemoryStorage(erased),
  );
  opened.push({
    close: async () => {
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
  const run = (words: readonly string[], settingsFile = settings) =>
    runCommand([...words, "--persist-to", state, "--settings", settingsFile], { env: SECRET });
  const done = async (...words: string[]) => {
    const outcome = await run(words);
    expect([words, outcome.code, outcome.stderr]).toEqual([words, 0, expect.any(String)]);
    return outcome.stdout;
  };
  const add = (host: string) =>
    done(
      ...["site", "add", `https://${host}`, "--set", "VIPPS_MSN=200009"],
      ...["--set", "VIPPS_CLIENT_ID=client-9", "--secret", "VIPPS_CLIENT_SECRET"],
    );
  // A removal waits until nobody goes by the old settings any more.
  const remove = async (host: string) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const clock = setInterval(() => vi.setSystemTime(Date.now() + 30_000), 5);
    await done("site", "remove", host, "--yes").finally(() => clearInterval(clock));
  };
  const file = (name: string, content?: string) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  };
  await done("site", "init");
  return { storage, erased, run, done, add, remove, file };
}

type Deployment = Awaited<ReturnType<typeof openDeployment>>;

/** The whole database, and what puts it back. */
async function copyOf(storage: D1Session): Promise<() => Promise<void>> {
  const names = [...(await siteTables(storage)).map(({ name }) => name), "site_versions"].filter(
    (name) => name !== "account_names" && name !== "group_members" && name !== "link_candidates",
  );
  const tables = await storage.batch(names.map((name) => ({ sql: `SELECT * FROM ${name}`, params: [] })));
  return async () => {
    await storage.batch(names.map((name) => ({ sql: `DELETE FROM ${name}`, params: [] })));
    for (const [index, { rows }] of tables.entries())
      for (const row of rows) {
        const columns = Object.keys(row).filter((column) => row[column] !== null);
        const values = columns.map((_, at) => `?${at + 1}`).join(", ");
        await storage.batch([
          {
            sql: `INSERT INTO ${names[index]} (${columns.join(", ")}) VALUES (${values})`,
            params: columns.map((column) => row[column] as string | number),
          },
        ]);
      }
  };
}

async function peopleUnder({ storage }: Deployment, key: string) {
  const [result] = await storage.batch([
    { sql: "SELECT name FROM accounts WHERE site = ?1 ORDER BY name", params: [key] },
  ]);
  return (result?.rows ?? []).map(({ name }) => name);
}

async function keyOf({ storage }: Deployment, host: string): Promise<string> {
  const text = (await storage.sites.read([`site:${host}`])).get(`site:${host}`) ?? "";
  const document = readSiteDocument(text);
  return (document && marksOf(document).partition) ?? host;
}

it("goes by the document of a site, whatever a database that was put back says of its host", async () => {
  const deployment = await openDeployment();
  const { storage, done, run, add, remove, file } = deployment;
  const host = "k.example";
  await add(host);
  const one = file("one.csv", "name,email\nKari Nordmann,kari@example.com\n");
  await done("members", "import", one, "--site", host);
  const putBack = await copyOf(storage);
  await remove(host);
  await add(host);
  const two = file("two.csv", "name,email\nMette Hansen,mette@example.com\n");
  await done("members", "import", two, "--site", host);
  const key = await keyOf(deployment, host);
  expect(key).toMatch(/^k\.example~/);
  await putBack();

  // The second customer's list comes to the second customer's rows, and nobody else's come out.
  await done("members", "import", two, "--site", host);
  expect([await peopleUnder(deployment, host), await peopleUnder(deployment, key)]).toEqual([
    ["Kari Nordmann"],
    ["Mette Hansen"],
  ]);
  for (const list of ["members", "consents"]) {
    await done(list, "export", file("out.csv"), "--site", host);
    expect(readFileSync(file("out.csv"), "utf8")).not.toContain("Kari");
  }
  expect(await run(["members", "export", "-", "--site", host])).toMatchObject({ code: 2 });
  await done("members", "export", file("out.csv"), "--site", host);
  expect(readFileSync(file("out.csv"), "utf8")).toContain("Mette");
  await storage.batch([
    {
      sql: "INSERT INTO events (site, about, id, type, data, due_at) VALUES (?1, 'acc_1', '1', 'account.created', '{}', 1)",
      params: [host],
    },
  ]);
  expect(JSON.parse(await done("events", "list", "--site", host, "--json")).events).toEqual([]);
  expect(JSON.parse(await done("events", "replay", "--site", host, "--json")).events).toBe(0);

  // Without the master key nobody can tell whether the document or the database is right.
  const without = file("without", "SITE_URL='https://www.byraa.example'\n");
  const exported = await run(["members", "export", file("out.csv"), "--site", host], without);
  expect(exported).toMatchObject({ code: 1, stderr: expect.stringContaining("name different rows") });

  // What belongs to nobody is named; the database learns again what stands in KV.
  const stray = { key: host, rows: expect.objectContaining({ accounts: 1 }) };
  const restored = JSON.parse(await done("restore", "erasures", "--json"));
  expect(restored.rows_of_no_site).toEqual([stray]);
  const [record] = await storage.batch([
    { sql: "SELECT site FROM site_versions WHERE host = ?1", params: [host] },
  ]);
  expect(record?.rows).toEqual([{ site: key }]);
  const checked = await run(["site", "check", host, "--offline", "--json"]);
  expect(JSON.parse(checked.stdout).rows_of_no_site).toEqual([stray]);
  expect((await run(["site", "check", host, "--offline"])).stdout).toMatch(/k\.example: .*1 in accounts/);

  const planned = JSON.parse(await done("site", "remove", host, "--dry-run", "--json"));
  expect(planned.sites).toMatchObject([{ host, rows: { accounts: 1 } }]);
  expect(await run(["restore", "rows", "--delete", key])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("they are those of a site"),
  });
  await done("restore", "rows", "--delete", host);
  expect(await peopleUnder(deployment, host)).toEqual([]);
  await remove(host);
  expect(await peopleUnder(deployment, key)).toEqual([]);
}, 60_000);

it("removes, renames and exports the rows of the document, after the database was put back", async () => {
  const deployment = await openDeployment();
  const { storage, done, add, remove, file } = deployment;
  const host = "h.example";
  await add(host);
  const one = file("one.csv", "name,email\nKari Nordmann,kari@example.com\n");
  await done("members", "import", one, "--site", host);
  const putBack = await copyOf(storage);
  await remove(host);
  await add(host);
  const key = await keyOf(deployment, host);
  await putBack();
  const two = file("two.csv", "name,email\nMette Hansen,mette@example.com\nOla Dahl,ola@example.com\n");
  await done("members", "import", two, "--site", host);

  const receiver = (await done("site", "receive")).trim();
  const out = file("h.export");
  const exported = JSON.parse(await done("site", "export", host, "--for", receiver, "--out", out, "--json"));
  expect(exported.rows).toBe(2);
  await done("site", "rename", host, "h2.example");
  expect(await keyOf(deployment, "h2.example")).toBe(key);

  // A new site at the old host gets no rows that the renamed one has, even where the database knows of no renaming.
  await remove(host);
  await storage.batch([{ sql: "DELETE FROM site_versions", params: [] }]);
  await done("restore", "rows", "--delete", host);
  await storage.batch([
    {
      sql: "INSERT INTO site_versions (host, version, raised_at, site) VALUES (?1, 1, 0, ?2)",
      params: [host, key],
    },
  ]);
  await add(host);
  expect(await keyOf(deployment, host)).not.toBe(key);
  await storage.batch([{ sql: "UPDATE site_versions SET site = ?2 WHERE host = ?1", params: [host, key] }]);
  await remove(host);
  expect(await peopleUnder(deployment, key)).toEqual(["Mette Hansen", "Ola Dahl"]);
  await remove("h2.example");
  expect(await peopleUnder(deployment, key)).toEqual([]);
}, 60_000);

it("brings nobody back who was erased since the file was written", async () => {
  const [here, there] = [await openDeployment(), await openDeployment()];
  const host = "m.example";
  await here.add(host);
  const list = here.file("l.csv", "name,email\nMette Hansen,mette@example.com\nOla Dahl,ola@example.com\n");
  await here.done("members", "import", list, "--site", host);
  const exportFor = async (deployment: Deployment, name: string) => {
    const key = (await deployment.done("site", "receive")).trim();
    const out = here.file(name);
    await here.done("site", "export", host, "--for", key, "--out", out);
    return out;
  };
  const [old, elsewhere] = [await exportFor(here, "old"), await exportFor(there, "elsewhere")];
  // As the worker erases somebody.
  const erase = async (name: string, key: string) => {
    const [found] = await here.storage.batch([
      { sql: "SELECT id FROM accounts WHERE site = ?1 AND name = ?2", params: [key, name] },
    ]);
    const id = String(found?.rows[0]?.id);
    here.erased.add(`${ERASED}${await accountSubject(key, id)}`);
    await here.storage.batch([
      { sql: "DELETE FROM accounts WHERE site = ?1 AND id = ?2", params: [key, id] },
      {
        sql: "INSERT INTO audit_log (site, at, actor, actor_role, action, account_id) VALUES (?1, ?3, ?2, 'self', 'erased', ?2)",
        params: [key, id, Math.floor(Date.now() / 1000)],
      },
    ]);
  };
  await erase("Mette Hansen", host);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 5_000);
  const newer = await exportFor(there, "newer");
  await here.remove(host);
  expect(await here.done("site", "import", old)).toContain("Left out: 1 account erased since the export.");
  const key = await keyOf(here, host);
  expect(await peopleUnder(here, key)).toEqual(["Ola Dahl"]);
  // Nor once more, from the key that it had then.
  await erase("Ola Dahl", key);
  await here.remove(host);
  expect(JSON.parse(await here.done("site", "import", old, "--json"))).toMatchObject({ erased: 2 });
  expect(await peopleUnder(here, key)).toEqual([]);

  // At another deployment, by a newer file of the same site, before the older one and after it.
  expect(await there.run(["site", "import", newer, "--erasures", elsewhere])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is no newer export"),
  });
  await there.done("site", "import", elsewhere);
  const moved = await keyOf(there, host);
  expect(await peopleUnder(there, moved)).toEqual(["Mette Hansen", "Ola Dahl"]);
  expect(JSON.parse(await there.done("site", "import", elsewhere, "--erasures", newer, "--json"))).toEqual({
    ...{ host, imported: false, erased: 1 },
  });
  expect(await peopleUnder(there, moved)).toEqual(["Ola Dahl"]);
  // What came along stays known: the older file brings nobody back, nor does a copy of the database.
  await there.remove(host);
  expect(JSON.parse(await there.done("site", "import", elsewhere, "--json"))).toMatchObject({ erased: 1 });
  expect(JSON.parse(await there.done("restore", "erasures", "--site", host, "--json"))).toMatchObject({
    ...{ noted: 1, back: 0 },
  });
  expect(await there.run(["restore", "erasures", "--site", "ingen.example"])).toMatchObject({ code: 2 });
}, 60_000);

it("takes along who came back after an erasure", async () => {
  const [here, there] = [await openDeployment(), await openDeployment()];
  const host = "m.example";
  await here.add(host);
  const list = here.file("l.csv", "name,email\nMette Hansen,mette@example.com\n");
  await here.done("members", "import", list, "--site", host);
  await here.storage.batch([
    {
      sql: "INSERT INTO audit_log (site, at, actor, actor_role, action, account_id) SELECT site, ?2, id, 'self', 'erased', id FROM accounts WHERE site = ?1",
      params: [host, Math.floor(Date.now() / 1000) - 3600],
    },
  ]);
  const out = here.file("moved");
  await here.done(
    "site",
    "export",
    host,
    "--for",
    (await there.done("site", "receive")).trim(),
    "--out",
    out,
  );
  expect(JSON.parse(await there.done("site", "import", out, "--json"))).toMatchObject({ erased: 0 });
  // Nor does what came along have her erased later.
  const restored = JSON.parse(await there.done("restore", "erasures", "--site", host, "--json"));
  expect(restored).toMatchObject({ noted: 1, back: 0 });
  expect(await peopleUnder(there, await keyOf(there, host))).toEqual(["Mette Hansen"]);
}, 60_000);

it("serves sites again whose rows moved without their documents, added with --take-over or imported", async () => {
  const deployment = await openDeployment();
  const { storage, run, done, add, remove, file } = deployment;
  const hosts = ["first.example", "again.example", "sent.example"];
  for (const host of hosts) await add(host);
  // One whose rows stand under a key of their own.
  await done(
    "members",
    "import",
    file("gone.csv", "name,email\nKari Nordmann,kari@example.com\n"),
    "--site",
    "again.example",
  );
  await remove("again.example");
  await add("again.example");
  const people = file("people.csv", "name,email\nMette Hansen,mette@example.com\nOla Dahl,ola@example.com\n");
  for (const host of hosts) await done("members", "import", people, "--site", host);
  const keys = await Promise.all(hosts.map((host) => keyOf(deployment, host)));
  const sent = file("sent.export");
  await done(
    "site",
    "export",
    "sent.example",
    "--for",
    (await done("site", "receive")).trim(),
    "--out",
    sent,
  );
  const named = async (prefix: string) => (await storage.sites.list(prefix)).map(({ name }) => name);
  const documents = await named("site:");
  expect(documents).toHaveLength(hosts.length);

  // The database came over, and what is noted of keys: no document.
  await storage.sites.delete(documents);
  const strays = JSON.parse(await done("restore", "rows", "--json"));
  expect(JSON.stringify(strays)).toContain("first.example");

  for (const host of hosts.slice(0, 2)) {
    const words = [
      "site",
      "add",
      `https://${host}`,
      "--set",
      "VIPPS_MSN=200009",
      "--set",
      "VIPPS_CLIENT_ID=client-9",
    ];
    const refused = await run([...words, "--secret", "VIPPS_CLIENT_SECRET"]);
    expect([host, refused.code, refused.stdout + refused.stderr]).toEqual([
      host,
      1,
      expect.stringContaining("--take-over gives them to this site"),
    ]);
    await done(...words, "--secret", "VIPPS_CLIENT_SECRET", "--take-over");
  }
  expect(await run(["site", "import", sent])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"site remove sent.example" deletes them'),
  });
  await remove("sent.example");
  await done("site", "import", sent);

  const now = await Promise.all(hosts.map((host) => keyOf(deployment, host)));
  expect(now.slice(0, 2)).toEqual(keys.slice(0, 2));
  for (const [index, host] of hosts.entries()) {
    expect([host, await peopleUnder(deployment, now[index] ?? "")]).toEqual([
      host,
      ["Mette Hansen", "Ola Dahl"],
    ]);
    await done("members", "export", file("out.csv"), "--site", host);
    expect(readFileSync(file("out.csv"), "utf8")).toContain("Mette Hansen");
  }
  expect(JSON.parse(await done("restore", "erasures", "--json")).rows_of_no_site).toEqual([]);
}, 60_000);

it("names the documents that the master keys do not open, and does not end well", async () => {
  const { run, done, add, file } = await openDeployment();
  for (const host of ["one.example", "two.example"]) await add(host);
  expect(JSON.parse(await done("restore", "erasures", "--json")).closed).toEqual([]);
  const key = { kty: "oct", k: "B".repeat(43), kid: "another" };
  const wrong = file(
    "wrong",
    `SITE_URL='https://www.byraa.example'\nSITES_KEYS='${JSON.stringify({ keys: [key] })}'\n`,
  );
  for (const words of [[], ["--dry-run"]]) {
    const outcome = await run(["restore", "erasures", ...words], wrong);
    expect(outcome.code).toBe(1);
    for (const host of ["one.example", "two.example"])
      expect(outcome.stderr).toMatch(new RegExp(`^${host} is sealed with \\S+, which SITES_KEYS here`, "m"));
    const told = await run(["restore", "erasures", "--json", ...words], wrong);
    expect(JSON.parse(told.stdout).closed).toMatchObject([{ host: "one.example" }, { host: "two.example" }]);
  }
});

it("does not call all well where there is no site", async () => {
  const { run, done } = await openDeployment();
  const outcome = await run(["site", "check", "--all", "--offline"]);
  expect(outcome).toMatchObject({ code: 1, stdout: "There is no site here: nothing was checked.\n" });
  const told = await run(["site", "check", "--all", "--offline", "--json"]);
  expect([told.code, JSON.parse(told.stdout)]).toMatchObject([1, { healthy: false, counts: { sites: 0 } }]);
  expect(await done("site", "list")).toContain("0 sites");
});
