// `npm run bench:import`: how long 100,000 members take to come in, and whether a second time changes anything.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type D1Target, query } from "../cli/d1-command.ts";
import { applyMigrations } from "../cli/migrations.mjs";
import { writeMemberList } from "../test/node/member-list.ts";

const HELP = `Usage: npm run bench:import [-- --lines N]

Writes a list of N made-up members (100,000; a multiple of 100), imports it twice into an empty local database
and prints time, memory and refusals of both. The exit code is 1 when the second time changed the registry.`;

interface Result {
  readonly lines: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly notes: Readonly<Record<string, number>>;
  readonly accounts_before: number;
  readonly accounts_after: number;
  readonly seconds: number;
  readonly peak_memory_mib: number;
}

const { values } = parseArgs({
  options: { lines: { type: "string", default: "100000" }, help: { type: "boolean", short: "h" } },
});

async function measure(lines: number): Promise<boolean> {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const folder = mkdtempSync(join(tmpdir(), "bench-import-"));
  try {
    const list = join(folder, "members.csv");
    const state = join(folder, "state");
    writeMemberList(list, lines);
    console.log(`${lines.toLocaleString("en")} lines, ${(statSync(list).size / 2 ** 20).toFixed(1)} MiB`);
    await applyMigrations(root, state);
    const target: D1Target = { root, remote: false, environment: undefined, persistTo: state };
    const fingerprints: unknown[] = [];
    for (const time of ["first", "second"]) {
      const args = [join(root, "cli/import-members.ts"), list, "--persist-to", state, "--json"];
      const { stdout, status } = spawnSync(process.execPath, args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (status !== 0) throw new Error(`the import ended with ${status}`);
      const result: Result = JSON.parse(stdout);
      const { accounts_before: before, accounts_after: after } = result;
      console.log(
        `${time} time: ${result.seconds} s, at most ${result.peak_memory_mib} MiB, ${before} -> ${after} accounts`,
      );
      console.log(`  refused ${JSON.stringify(result.refused)}, notes ${JSON.stringify(result.notes)}`);
      // Whatever changes an account changes this sum.
      fingerprints.push(
        await query(
          target,
          "SELECT count(*) AS accounts, sum(updated_at) AS changed, sum(length(id)) AS ids FROM accounts",
        ),
      );
    }
    const same = JSON.stringify(fingerprints[0]) === JSON.stringify(fingerprints[1]);
    console.log(same ? "The second time changed nothing." : "THE SECOND TIME CHANGED THE REGISTRY.");
    return same;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.help) console.log(HELP);
else process.exitCode = (await measure(Number(values.lines))) ? 0 : 1;
