// `vipps-login consents export`: who consented to what, for a newsletter, a case, or an auditor.

import { once } from "node:events";
import { chmodSync, createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command, Option } from "@commander-js/extra-typings";
import { exportedConsents, type RunQuery, writtenConsents } from "../src/accounts/consents-export.ts";
import type { CommandContext } from "./command-line.ts";
import { databaseCommand, type PlaceOptions, targetOf } from "./d1-place.ts";
import { openSession } from "./d1-session.ts";
import { knownSites, siteNamed } from "./member-site.ts";

/** The command `consents`. */
export function consents(context: CommandContext) {
  return new Command("consents").description("What people consented to, at Vipps and here.").addCommand(
    databaseCommand("export", context)
      .description(
        "writes everybody's consents, those given at Vipps and those given here, to a file that only you can read: one row for each person and consent, as it stands now. CSV is safe to open in a spreadsheet; JSON is exact. The audit log notes the export before it begins",
      )
      .argument("<file>", "where they are written")
      .addOption(
        new Option("--format <name>", "csv or json (else by the name of the file, else csv)").choices([
          "csv",
          "json",
        ]),
      )
      .option("--history", "every answer ever given, the oldest of each consent first")
      .option("--json", "the result as JSON on the standard output")
      .action((file, options) => exportConsents(context, file, options)),
  );
}

/** Rows of one statement. */
const PORTION = 20_000;

interface Options extends PlaceOptions {
  readonly format?: "csv" | "json" | undefined;
  readonly history?: true | undefined;
  readonly json?: true | undefined;
}

async function exportConsents(context: CommandContext, typed: string, options: Options): Promise<void> {
  const file = context.path(typed);
  const { settings, json, history = false } = options;
  const format = options.format ?? (file.toLowerCase().endsWith(".json") ? "json" : "csv");
  const target = targetOf(context, options);
  const session = await openSession(target);
  try {
    const { key: site, name } = siteNamed(options.site, await knownSites(target, settings, session));
    const run: RunQuery = async (sql, params) => (await session.batch([{ sql, params }]))[0]?.rows ?? [];
    await run(
      `INSERT INTO audit_log (site, at, actor, actor_role, action, details)
       VALUES (?1, ?2, 'consents:export', 'system', 'exported', ?3)`,
      [
        site,
        Math.floor(Date.now() / 1000),
        JSON.stringify({ consents: history ? "history" : "current", format }),
      ],
    );
    let rows = 0;
    async function* counted() {
      for await (const portion of exportedConsents(run, { site, history, portion: PORTION })) {
        rows += portion.length;
        yield portion;
      }
    }
    const output = createWriteStream(file, { mode: 0o600 });
    await once(output, "open");
    // The mode is for new files alone.
    chmodSync(file, 0o600);
    for await (const piece of writtenConsents(counted(), format)) {
      if (!output.write(piece)) await once(output, "drain");
    }
    output.end();
    await finished(output);
    const result = { file: typed, format, history, site: name, rows };
    context.print(
      json
        ? JSON.stringify(result)
        : `${rows.toLocaleString("en")} ${history ? "answers" : "consents"} of ${name} in ${typed}. They are personal data: delete the file when it has served.`,
    );
  } finally {
    await session.close();
  }
}
