// `npm run bench:import`: how long members take to come in, and whether a second time changes anything.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { applyMigrations } from "../cli/migrations.mjs";
import { writeMemberList } from "../test/node/member-list.ts";
import { fillRegistry, writeMixedList } from "./large-registry.ts";

const HELP = `Usage: npm run bench:import [-- options]

Imports lists of made-up members into local databases and prints time, memory and what came of them:

  --lines N    a list of N lines (100,000; a multiple of 100) into an empty registry, three times: killed half-way,
               taken up again, and once more, which must change nothing
  --into N     a list of 1,000 into a registry of N people (1,000,000; 0 leaves it out), half of whom have
               joined by a login before
  --folder DIR where the databases lie meanwhile: 2 GB for a million (the system's temporary folder)

The exit code is 1 when the third time changed the registry.`;

interface Result {
  readonly lines: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly notes: Readonly<Record<string, number>>;
  readonly accounts_added: number;
  readonly accounts_joined: number;
  readonly accounts_changed: number;
  readonly slowest_statement_ms: number;
  readonly seconds: number;
  readonly peak_memory_mib: number;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function start(list: string, state: string) {
  // Settings of nobody: whatever .dev.vars says of this machine's own site must not matter.
  const args = [list, "--persist-to", state, "--settings", join(state, "no-settings"), "--json"];
  const child = spawn(process.execPath, [join(root, "cli/vipps-login.ts"), "members", "import", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, output: () => output };
}

async function runImport(list: string, state: string): Promise<Result> {
  const { ended, output } = start(list, state);
  const code = await ended;
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  return JSON.parse(output());
}

function told(what: string, result: Result): void {
  const { accounts_added: added, accounts_joined: joined, accounts_changed: changed } = result;
  console.log(
    `${what}: ${result.seconds} s, at most ${result.peak_memory_mib} MiB, slowest statement ${result.slowest_statement_ms} ms; ${added} added, ${joined} joined, ${changed} changed`,
  );
}

/** The file in which the local database lies. */
function databaseFile(state: string): string {
  const objects = join(state, "v3/d1/miniflare-D1DatabaseObject");
  const name = readdirSync(objects).find((one) => /^[0-9a-f]{64}\.sqlite$/.test(one));
  if (name === undefined) throw new Error("the migrations made no database");
  return join(objects, name);
}

/** Whatever changes an account changes this. */
function fingerprint(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const sums = database
    .prepare("SELECT count(*) AS accounts, sum(updated_at) AS changed, sum(length(id)) AS ids FROM accounts")
    .get();
  database.close();
  return JSON.stringify(sums);
}

async function measureList(folder: string, lines: number): Promise<boolean> {
  const list = join(folder, "members.csv");
  const state = join(folder, "empty");
  writeMemberList(list, lines);
  console.log(`${lines.toLocaleString("en")} lines, ${(statSync(list).size / 2 ** 20).toFixed(1)} MiB`);
  await applyMigrations(root, state);
  const file = databaseFile(state);
  const database = new DatabaseSync(file, { readOnly: true });
  const count = () => Number(database.prepare("SELECT count(*) AS n FROM accounts").get()?.n);
  const first = start(list, state);
  const startedAt = performance.now();
  while (count() < lines / 2 && first.child.exitCode === null) await pause(50);
  first.child.kill("SIGKILL");
  await first.ended;
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`killed after ${seconds.toFixed(1)} s: ${count().toLocaleString("en")} accounts are in`);
  database.close();
  const second = await runImport(list, state);
  told("taken up again", second);
  console.log(`  refused ${JSON.stringify(second.refused)}, notes ${JSON.stringify(second.notes)}`);
  const before = fingerprint(file);
  told("once more", await runImport(list, state));
  const isSame = fingerprint(file) === before;
  console.log(isSame ? "The last time changed nothing." : "THE LAST TIME CHANGED THE REGISTRY.");
  return isSame;
}

async function measureInto(folder: string, people: number): Promise<void> {
  const state = join(folder, "large");
  await applyMigrations(root, state);
  const startedAt = performance.now();
  fillRegistry(databaseFile(state), { people, eventsEach: 0 });
  const built = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`a registry of ${people.toLocaleString("en")} people, made in ${built} s`);
  const list = join(folder, "mixed.csv");
  writeMixedList(list, 1_000);
  told("1,000 members into it, half of them there by login", await runImport(list, state));
  told("once more", await runImport(list, state));
}

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "100000" },
    into: { type: "string", default: "1000000" },
    folder: { type: "string", default: tmpdir() },
    help: { type: "boolean", short: "h" },
  },
});

if (values.help) console.log(HELP);
else {
  const folder = mkdtempSync(join(values.folder, "bench-import-"));
  try {
    const isSame = await measureList(folder, Number(values.lines));
    if (Number(values.into) > 0) await measureInto(folder, Number(values.into));
    process.exitCode = isSame ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
