// `npm run doctor`: examines a configuration before customers do.

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CloudflareError, inFolder } from "./cloudflare-commands.ts";
import { CHECK_IDS, type CheckId, FAMILIES } from "./doctor/checks.ts";
import { checksNamed, examine, verdictOf } from "./doctor/examine.ts";
import { readLocalSource, SourceError } from "./doctor/local-source.ts";
import { withRemote } from "./doctor/remote-source.ts";
import { createReport, type Paper, summary } from "./doctor/report.ts";

const HELP = `Usage: npm run doctor -- [options]

Examines the settings, the keys, what Vipps MobilePay says of them now, and the deployed site. Changes nothing.

  --env NAME          an environment of wrangler.toml, such as production (else the local settings: wrangler.toml
                      and .dev.vars). Its secrets are at Cloudflare; as variables of this command's environment, or
                      in .dev.vars.NAME, they are examined too
  --url URL           the deployed site to look at, such as https://www.example.com
  --remote            asks Cloudflare, through wrangler, which secrets and migrations are there
  --settings FILE     a settings file in place of .dev.vars
  --config FILE       another wrangler.toml
  --only LIST         these checks or families alone, separated by commas
  --strict            warnings fail too
  --time-limit N      seconds that one request may take (10)
  --json              the findings as JSON on the standard output
  --help              prints this

Exit code: 0 when nothing is wrong, 1 when something is, 2 when the command cannot be understood. NO_COLOR=1 leaves
colours out. docs/doctor.md explains every check.

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

/** What cannot be understood of the command line. */
class UsageError extends Error {}

interface Options {
  readonly environment: string | undefined;
  readonly target: string | undefined;
  readonly remote: boolean;
  readonly settingsFile: string | undefined;
  readonly configFile: string | undefined;
  readonly only: ReadonlySet<CheckId> | undefined;
  readonly strict: boolean;
  /** Milliseconds. */
  readonly timeLimit: number;
  readonly json: boolean;
}

/** @returns undefined if only the help is wanted. @throws {UsageError} */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      env: { type: "string" },
      url: { type: "string" },
      remote: { type: "boolean", default: false },
      settings: { type: "string" },
      config: { type: "string" },
      only: { type: "string" },
      strict: { type: "boolean", default: false },
      "time-limit": { type: "string", default: "10" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const words = values.only?.split(",").map((word) => word.trim()) ?? [];
  const only = values.only === undefined ? undefined : checksNamed(words);
  if (values.only !== undefined && only === undefined)
    throw new UsageError(`--only takes checks and families, not "${values.only}"`);
  if (!/^\d{1,3}$/.test(values["time-limit"]) || Number(values["time-limit"]) === 0)
    throw new UsageError(`--time-limit takes 1 to 999 seconds, not "${values["time-limit"]}"`);
  return {
    environment: values.env === "" ? undefined : values.env,
    target: readTarget(values.url),
    remote: values.remote,
    settingsFile: values.settings === undefined ? undefined : resolve(values.settings),
    configFile: values.config === undefined ? undefined : resolve(values.config),
    only,
    strict: values.strict,
    timeLimit: Number(values["time-limit"]) * 1000,
    json: values.json,
  };
}

/** @throws {UsageError} */
function readTarget(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url takes an address such as https://www.example.com, not "${text}"`);
  return url.origin;
}

/** Lines longer than this are hard to read, however wide the terminal. */
const WIDEST = 110;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns the exit code */
async function run(options: Options): Promise<number> {
  const paper: Paper = { stream: process.stdout, width: Math.min(process.stdout.columns ?? WIDEST, WIDEST) };
  const { environment, settingsFile, configFile, target, json } = options;
  const local = await readLocalSource({
    root,
    environment,
    settingsFile,
    configFile,
    processEnv: process.env,
  });
  const source = options.remote ? await withRemote(inFolder(root), local) : local;
  if (!json)
    process.stdout.write(`Examining ${source.name}${target === undefined ? "" : ` and ${target}`}\n`);
  const report = createReport(paper);
  const findings = await examine({
    source,
    target,
    fetch,
    now: Date.now,
    timeLimit: options.timeLimit,
    ...(options.only && { only: options.only }),
    ...(!json && { onFinding: report.add }),
  });
  report.end();
  const verdict = verdictOf(findings, options.strict);
  if (json) {
    const { counts, isHealthy } = verdict;
    const at = Math.floor(Date.now() / 1000);
    const about = { healthy: isHealthy, at, environment: environment ?? null, url: target ?? null, counts };
    process.stdout.write(`${JSON.stringify({ ...about, findings })}\n`);
  } else process.stdout.write(summary(verdict, paper));
  return verdict.isHealthy ? 0 : 1;
}

try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else process.exitCode = await run(options);
} catch (error) {
  const usage = error instanceof UsageError || isArgumentError(error);
  if (!usage && !(error instanceof SourceError) && !(error instanceof CloudflareError)) throw error;
  console.error(`${error.message}${usage ? '. "npm run doctor -- --help" lists the options.' : ""}`);
  process.exitCode = usage ? 2 : 1;
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
