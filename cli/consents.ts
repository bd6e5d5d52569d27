// `vipps-login consents export`: who consented to what, for a newsletter, a case, or an auditor.

import { Command } from "@commander-js/extra-typings";
import { consentsExport } from "../src/accounts/consents-export.ts";
import type { CommandContext } from "./command-line.ts";
import { databaseCommand } from "./d1-place.ts";
import {
  type ExportCommandOptions,
  formatOption,
  PORTION,
  semicolonOption,
  writeExport,
} from "./exported-file.ts";

/** The command `consents`. */
export function consents(context: CommandContext) {
  return new Command("consents").description("What people consented to, at Vipps and here.").addCommand(
    databaseCommand("export", context)
      .description(
        "writes everybody's consents, those given at Vipps and those given here, to a file that only you can read: one row for each person and consent, as it stands now. CSV is safe to open in a spreadsheet; JSON is exact. The audit log notes the export before it begins, and its size",
      )
      .argument("<file>", "where they are written")
      .addOption(formatOption())
      .addOption(semicolonOption())
      .option("--history", "every answer ever given, the oldest of each consent first")
      .option("--json", "the result as JSON on the standard output")
      .action((file, options) => exportConsents(context, file, options)),
  );
}

interface Options extends ExportCommandOptions {
  readonly history?: true | undefined;
}

async function exportConsents(context: CommandContext, typed: string, options: Options): Promise<void> {
  const { json, history = false } = options;
  const { format, site, rows } = await writeExport(context, context.path(typed), options, {
    actor: "consents:export",
    details: { list: "consents", consents: history ? "history" : "current" },
    open: (run, key) => consentsExport(run, { site: key, history, portion: PORTION }),
  });
  context.print(
    json
      ? JSON.stringify({ file: typed, format, history, site, rows })
      : `${rows.toLocaleString("en")} ${history ? "answers" : "consents"} of ${site} in ${typed}. They are personal data: delete the file when it has served.`,
  );
}
