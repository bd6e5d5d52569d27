import { exec } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession } from "../../cli/d1-session.ts";
import { localEntries, localFile } from "../../cli/local-storage.ts";
import { accountSubject, ERASED } from "../../src/accounts/vipps-person.ts";
import { openAccount } from "./cloudflare-api.ts";
import { runCommand } from "./command-under-test.ts";
import { makeLocalState } from "./local-state.ts";
import { rowsOf, SITE } from "./rows-of-person.ts";

const folder = mkdtempSync(join(tmpdir(), "leaving-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The parts of docs/operations.md whose commands are run here. */
let documented: string;
beforeAll(() => {
  const text = readFileSync("docs/operations.md", "utf8");
  documented = text.slice(text.indexOf("\n## Restore"), text.indexOf("\n## Rolling back"));
});

const shell = promisify(exec);

const LIST_ERASURES =
  "npx wrangler kv key list --binding VIPPS_METADATA --prefix erased: --remote --env production > listed.json";
const CONVERT_ERASURES =
  "node -p \"JSON.stringify(JSON.parse(fs.readFileSync('listed.json')).map(({ name, expiration }) => ({ key: name, value: '', expiration })))\" > erased.json";
const PUT_ERASURES =
  "npx wrangler kv bulk put erased.json --binding VIPPS_METADATA --remote --env production";

/** Asks nothing, sends nothing, and prints what it was asked for: the tests have it keep quiet otherwise. */
const WRANGLER = { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "log", NO_COLOR: "1" };

/** Runs a command of the document in a project, altered as far as this machine is none of Cloudflare's. */
async function runDocumented(
  project: string,
  command: string,
  alter: (text: string) => string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  expect(documented).toContain(`${command}\n`);
  const text = alter(command).replace(
    "npx wrangler",
    `node ${resolve("node_modules/wrangler/bin/wrangler.js")}`,
  );
  const { stdout } = await shell(text, {
    cwd: project,
    env: { ...process.env, ...WRANGLER, ...env },
  });
  return stdout;
}

/** A clone of the project, with a storage of its own. */
function makeProject(name: string): string {
  const project = join(folder, name);
  mkdirSync(project);
  for (const shared of ["node_modules", "migrations", "src", "demo"])
    symlinkSync(resolve(shared), join(project, shared));
  writeFileSync(join(project, "wrangler.toml"), readFileSync("wrangler.toml"));
  return project;
}

const stateOf = (project: string): string => join(project, ".wrangler/state");

/** Every row of every table that is ours. */
function rowsIn(project: string): Readonly<Record<string, readonly unknown[]>> {
  const database = new DatabaseSync(localFile("d1", stateOf(project), "ACCOUNTS_DB"));
  try {
    const tables = database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name",
      )
      .all();
    return Object.fromEntries(
      tables.map(({ name }) => {
        const rows = database.prepare(`SELECT * FROM ${String(name)}`).all();
        return [String(name), rows.map((row) => JSON.stringify(row)).toSorted()];
      }),
    );
  } finally {
    database.close();
  }
}

it("moves everything to another storage, the noted erasures included, by the commands of operations.md", async () => {
  const [old, other] = [makeProject("old"), makeProject("other")];
  await makeLocalState(stateOf(old));
  const session = await openSession({
    root: process.cwd(),
    remote: false,
    environment: undefined,
    persistTo: stateOf(old),
  });
  await session.batch([
    ...rowsOf("acc_gone", "sub-gone", "browser-gone"),
    ...rowsOf("acc_stays", "sub-stays", "b"),
  ]);
  await session.close();
  const local = (text: string) => text.replace("--remote", "--local").replace(" --env production", "");
  const expiration = Math.floor(Date.now() / 1000) + 400 * 86_400;
  const noted = { key: `${ERASED}${await accountSubject(SITE, "acc_gone")}`, value: "", expiration };
  writeFileSync(join(old, "noted.json"), JSON.stringify([noted]));
  await shell(
    `node ${resolve("node_modules/wrangler/bin/wrangler.js")} kv bulk put noted.json --binding VIPPS_METADATA --local`,
    { cwd: old, env: { ...process.env, ...WRANGLER } },
  );

  await runDocumented(
    old,
    "npx wrangler d1 export ACCOUNTS_DB --remote --env production --output accounts.sql",
    local,
  );
  await runDocumented(old, LIST_ERASURES, local);
  // What stands beside the documents of further sites: erasures that came with an import, and keys of rows.
  const beside = [
    { key: `${ERASED}account:brought`, value: "", expiration },
    { key: "rows:k.example/k.example~1", value: "" },
  ];
  writeFileSync(join(old, "beside.json"), JSON.stringify(beside));
  await shell(
    `node ${resolve("node_modules/wrangler/bin/wrangler.js")} kv bulk put beside.json --binding SITES --local`,
    { cwd: old, env: { ...process.env, ...WRANGLER } },
  );
  for (const [prefix, file] of [
    ["erased:", "listed-erased.json"],
    ["rows:", "listed-rows.json"],
  ])
    await runDocumented(
      old,
      `npx wrangler kv key list --binding SITES --prefix ${prefix} --remote --env production > ${file}`,
      local,
    );
  for (const file of ["accounts.sql", "listed.json", "listed-erased.json", "listed-rows.json"])
    writeFileSync(join(other, file), readFileSync(join(old, file)));

  await runDocumented(
    other,
    "npx wrangler d1 execute vipps-login-accounts-production --remote --file accounts.sql",
    (text) => local(text).replace("vipps-login-accounts-production", "ACCOUNTS_DB"),
  );
  await runDocumented(other, CONVERT_ERASURES, (text) => text);
  await runDocumented(other, PUT_ERASURES, local);
  await runDocumented(
    other,
    "node -p \"JSON.stringify(['listed-erased.json', 'listed-rows.json'].flatMap((file) => JSON.parse(fs.readFileSync(file))).map(({ name, expiration }) => ({ key: name, value: '', expiration })))\" > noted.json",
    (text) => text,
  );
  await runDocumented(
    other,
    "npx wrangler kv bulk put noted.json --binding SITES --remote --env production",
    local,
  );
  expect(localEntries(stateOf(other), "SITES", "").map(({ name }) => name)).toEqual(
    beside.map(({ key }) => key),
  );

  const rows = rowsIn(other);
  expect(rows).toEqual(rowsIn(old));
  expect(rows.accounts).toHaveLength(2);
  expect(rows.group_members).toHaveLength(2);
  expect(localEntries(stateOf(other), "VIPPS_METADATA", ERASED).map(({ name }) => name)).toEqual([noted.key]);
  const wrangler = resolve("node_modules/wrangler/bin/wrangler.js");
  const { stdout } = await shell(`node ${wrangler} d1 migrations apply ACCOUNTS_DB --local`, {
    cwd: other,
    env: { ...process.env, ...WRANGLER },
  });
  expect(stdout).toContain("No migrations to apply");
  // Whoever was erased before the move, and came along in an old copy, is erased by what came along beside it.
  const restored = await runCommand(["restore", "erasures", "--persist-to", stateOf(other), "--json"]);
  expect(JSON.parse(restored.stdout)).toMatchObject({ noted: 2, back: 1, erased: 1 });

  // Who is erased at the old one after the export is noted there alone, until it is listed once more.
  const later = { ...noted, key: `${ERASED}${await accountSubject(SITE, "acc_stays")}` };
  writeFileSync(join(old, "noted.json"), JSON.stringify([later]));
  await shell(`node ${wrangler} kv bulk put noted.json --binding VIPPS_METADATA --local`, {
    cwd: old,
    env: { ...process.env, ...WRANGLER },
  });
  await runDocumented(old, LIST_ERASURES, local);
  writeFileSync(join(other, "listed.json"), readFileSync(join(old, "listed.json")));
  await runDocumented(other, CONVERT_ERASURES, (text) => text);
  await runDocumented(other, PUT_ERASURES, local);
  expect(documented).toContain("npx vipps-login restore erasures --remote --env production\n");
  const again = await runCommand(["restore", "erasures", "--persist-to", stateOf(other), "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ noted: 3, back: 1, erased: 1 });

  // A backup goes into an empty database and no other, as "Restore" says.
  await expect(
    runDocumented(
      other,
      "npx wrangler d1 execute vipps-login-accounts-put-back --remote --file accounts.sql",
      (text) => local(text).replace("vipps-login-accounts-put-back", "ACCOUNTS_DB"),
    ),
  ).rejects.toThrow(/d1_migrations/);
}, 240_000);

it("has whoever moves look at which account they are before each change of it, and before deleting", () => {
  const move = documented.slice(
    documented.indexOf("**To another account"),
    documented.indexOf("**Deleting a deployment**"),
  );
  const steps = move.split(/^(?=\d\. )/m).slice(1);
  const unsure = steps.filter((step) => /npx wrangler login/.test(step) && !/npx wrangler whoami/.test(step));
  expect(unsure).toEqual([]);
  const deletes = steps.findIndex((step) => step.includes("Delete the old deployment"));
  expect(steps[deletes]).toMatch(/old account \(`npx wrangler login`\)[^\n]*npx wrangler whoami[^\n]*Delete/);
  const erasesAgain = steps.findIndex((step) => step.includes("npx vipps-login restore erasures"));
  expect(erasesAgain).toBeGreaterThan(steps.findIndex((step) => step.includes("--route custom-domain")));
  expect(deletes).toBeGreaterThan(erasesAgain);
  // Nobody can log in, at either, between the export and the erasures done again.
  expect(steps.findIndex((step) => step.includes("stop logins there too"))).toBe(erasesAgain - 1);
  expect(steps[erasesAgain]?.split("restore erasures")[1]).toContain("take the rule away");
  expect(steps.findIndex((step) => step.includes("three files"))).toBeGreaterThan(deletes);
});

it("deletes a deployment, by the commands of operations.md, and leaves nothing behind", async () => {
  const project = makeProject("deleted");
  const account = await openAccount();
  const env = {
    CLOUDFLARE_API_BASE_URL: account.url,
    CLOUDFLARE_API_TOKEN: "a-token",
    CLOUDFLARE_ACCOUNT_ID: "an-account",
  };
  const worker = "vipps-login-worker-production";
  const deployed = { [`${worker}-vipps-metadata`]: "kv-of-metadata", [`${worker}-sites`]: "kv-of-sites" };
  for (const [title, id] of Object.entries(deployed)) {
    expect(documented).toContain(`\`${title}\``);
    account.kv.set(title, id);
  }
  const queues = [`${worker}-events`, `${worker}-events-dead`];
  for (const queue of queues) account.queues.set(queue, `id-of-${queue}`);
  const uuid = "00000000-0000-4000-8000-000000000001";
  const name = "vipps-login-accounts-production";
  account.databases.set(name, { uuid, sqlite: new DatabaseSync(":memory:") });
  account.exists = true;
  account.secrets.set("SESSION_KEYS", "x");
  const as = (text: string) => text;
  try {
    for (const queue of queues) await runDocumented(project, `npx wrangler queues delete ${queue}`, as, env);
    await runDocumented(project, "npx wrangler delete --env production --force", as, env);
    expect(account.exists).toBe(false);
    expect(account.secrets.size).toBe(0);
    await runDocumented(project, `npx wrangler d1 delete ${name} --skip-confirmation`, as, env);
    for (const id of Object.values(deployed))
      await runDocumented(
        project,
        "npx wrangler kv namespace delete --namespace-id ID --skip-confirmation",
        (text) => text.replace("ID", id),
        env,
      );
    expect([...account.databases.keys(), ...account.kv.keys(), ...account.queues.keys()]).toEqual([]);
    expect(account.calls.filter((call) => call.startsWith("DELETE"))).toHaveLength(6);
  } finally {
    await account.close();
  }
}, 240_000);
