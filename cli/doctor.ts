// `vipps-login doctor`: examines a configuration before customers do.

import { Command } from "@commander-js/extra-typings";
import { inFolder } from "./cloudflare-commands.ts";
import { usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { CHECK_IDS, type CheckId, checksNamed, examine, FAMILIES } from "./doctor/checks.ts";
import { readLocalSource, withRemote } from "./doctor/settings-source.ts";
import { verdictOf } from "./findings/finding.ts";
import { printerTo, summary } from "./findings/terminal.ts";

/** The command `doctor`. */
export function doctor(context: CommandContext) {
  return new Command("doctor")
    .description(
      "Examines the settings, the keys, what Vipps MobilePay says of them now, and the deployed site. Changes nothing.",
    )
    .option(
      "--env <name>",
      "an environment of the configuration, such as production (else the local settings: the configuration and .dev.vars). Its secrets are at Cloudflare; as variables of this command's environment, or in .dev.vars.<name>, they are examined too",
    )
    .option("--url <url>", "the deployed site to look at, such as https://www.example.com", readTarget)
    .option("--remote", "asks Cloudflare, through wrangler, which secrets and migrations are there")
    .option("--settings <file>", "a settings file in place of .dev.vars", context.path)
    .option("--config <file>", "another configuration than the project's", context.path)
    .option(
      "--persist-to <folder>",
      "where the local storage is, if not in wrangler's own place",
      context.path,
    )
    .option("--only <list>", "these checks or families alone, separated by commas", readChecks)
    .option("--strict", "warnings fail too")
    .option("--time-limit <seconds>", "that one request may take", readSeconds, 10)
    .option("--json", "the findings as JSON on the standard output")
    .addHelpText("after", HELP_END)
    .action(async ({ url: target, remote, only, strict = false, timeLimit, json, ...files }) => {
      const { root, stdout, print } = context;
      const environment = files.env || undefined;
      const { settings: settingsFile, config: configFile, persistTo } = files;
      const local = await readLocalSource({
        root,
        environment,
        settingsFile,
        configFile,
        persistTo,
        processEnv: context.env,
      });
      const source = remote ? await withRemote(inFolder(root), local) : local;
      if (!json) print(`Examining ${source.name}${target === undefined ? "" : ` and ${target}`}`);
      const printer = printerTo(stdout, FAMILIES);
      const findings = await examine({
        ...{ source, target, fetch, now: Date.now, timeLimit: timeLimit * 1000 },
        ...(only && { only }),
        ...(!json && { onFinding: printer.add }),
      });
      printer.end();
      const verdict = verdictOf(findings, strict);
      const { counts, isHealthy: healthy } = verdict;
      const at = Math.floor(Date.now() / 1000);
      const about = { healthy, at, environment: environment ?? null, url: target ?? null, counts };
      if (json) print(JSON.stringify({ ...about, findings }));
      else stdout.write(summary(verdict, stdout));
      context.exitCode = healthy ? 0 : 1;
    });
}

const HELP_END = `
Exit code: 0 when nothing is wrong, 1 when something is, 2 when the command cannot be understood. NO_COLOR=1 leaves
colours out. docs/doctor.md explains every check (in the repository; the package holds no documents).

Families: ${Object.keys(FAMILIES).join(", ")}
Checks: ${wrappedList(CHECK_IDS)}`;

function wrappedList(ids: readonly string[]): string {
  const lines = [""];
  for (const id of ids) {
    const line = lines.at(-1) ?? "";
    if (line.length + id.length > 100) lines.push(id);
    else lines[lines.length - 1] = line === "" ? id : `${line}, ${id}`;
  }
  return lines.join(",\n        ");
}

/** @throws {CommandError} */
function readChecks(text: string): ReadonlySet<CheckId> {
  const checks = checksNamed(text.split(",").map((word) => word.trim()));
  if (checks === undefined) throw usageError(`--only takes checks and families, not "${text}"`);
  return checks;
}

/** @throws {CommandError} */
function readSeconds(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw usageError(`--time-limit takes 1 to 999 seconds, not "${text}"`);
}

/** @throws {CommandError} */
function readTarget(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usageError(`--url takes an address such as https://www.example.com, not "${text}"`);
  return url.origin;
}
