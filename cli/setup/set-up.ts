import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Writable } from "node:stream";
import { intro, log, note, outro, spinner } from "@clack/prompts";
import { settingTable } from "../../src/settings/table.ts";
import { type RunCommand, secretNames } from "../cloudflare-commands.ts";
import { CommandError, usageError } from "../command-error.mjs";
import { PROGRAM } from "../command-line.ts";
import { examine } from "../doctor/checks.ts";
import { readLocalSource } from "../doctor/settings-source.ts";
import { verdictOf } from "../findings/finding.ts";
import {
  type ConfigTable,
  configName,
  environmentIn,
  isTable,
  readConfig,
  sectionName,
  tablesIn,
} from "../project-config.ts";
import { type Answers, FIELDS, faultsIn } from "./answers.ts";
import {
  askAnswers,
  askClientSecret,
  askEnvironment,
  askSitesOnly,
  askToGoOn,
  type Terminal,
} from "./ask.ts";
import { readEnvironment } from "./config-text.ts";
import type { Options } from "./options.ts";
import { dryRun, type SetUp, stepsOf } from "./steps.ts";

/** Where the set-up happens. */
export interface Surroundings {
  /** The project's folder. */
  readonly root: string;
  readonly run: RunCommand;
  /** Undefined where nobody can be asked. */
  readonly terminal: Terminal | undefined;
  /** Where it is said what is done. */
  readonly output: Writable;
  /** The client secret that a script gave. */
  readonly clientSecret: string | undefined;
}

/** @returns whether all is set up and the doctor found no error. @throws {CommandError} */
export async function setUp(options: Options, surroundings: Surroundings): Promise<boolean> {
  const { root, run, output } = surroundings;
  const terminal = options.yes ? undefined : surroundings.terminal;
  if (terminal === undefined && !options.yes)
    throw usageError("There is no terminal to ask on: give the answers as options, and --yes");
  if (terminal) intro("Setting up Vipps MobilePay Login", { output });
  const config = readConfig(root);
  const environment =
    options.environment ?? (isTable(config.values.env) ? terminal && (await askEnvironment(terminal)) : "");
  if (environment === undefined) throw usageError("Say which environment: --env production");
  const present = readEnvironment(config, environment).vars;
  const unbound = unboundIn(environmentIn(config, environment), present.ACCOUNTS);
  if (unbound.length > 0)
    throw new CommandError(
      `${sectionName(config.name, environment)} does not bind ${unbound.join(", ")}: an environment inherits no bindings. Copy them there from the top level; what is deployed without them cannot log anybody in.`,
    );

  // Asked first, so that nobody answers questions for nothing when there is no way to Cloudflare.
  const secrets = options.dryRun ? new Set<string>() : await secretNames(run, environment);
  const given = {
    ...options.answers,
    sitesOnly: await isWithoutSite(options, { present, secrets }, terminal),
  };
  const answers = terminal ? await askAnswers(terminal, { given, present }) : given;
  const faults = faultsIn({ ...answers, values: { ...presentFields(present), ...answers.values } });
  const { behind } = answers;
  if (behind?.kind === "assets" && !existsSync(resolve(root, behind.directory)))
    throw usageError([...faults, `There is no folder ${behind.directory}`].join("; "));
  if (faults.length > 0) throw usageError(faults.join("; "));

  const isMissing =
    !answers.sitesOnly && surroundings.clientSecret === undefined && !secrets.has("VIPPS_CLIENT_SECRET");
  if (isMissing && !terminal && !options.dryRun)
    throw usageError("The client secret is missing: set VIPPS_CLIENT_SECRET, or --client-secret-file");
  const clientSecret =
    isMissing && terminal && !options.dryRun ? await askClientSecret(terminal) : surroundings.clientSecret;
  const plan: SetUp = { root, environment, answers, clientSecret, secrets, run };

  if (options.dryRun) {
    output.write("A dry run: nothing of this is executed.\n\n");
    for (const line of dryRun(plan)) output.write(`${line}\n`);
    if (options.doctor)
      output.write(`4. Doctor\n  ${doctorCommand(environment, siteOf(answers, present))}\n`);
    return true;
  }
  if (terminal)
    await askToGoOn(terminal, `Set up ${sectionName(config.name, environment)} at Cloudflare now?`);
  await perform(plan, surroundings, terminal !== undefined);
  const site = siteOf(answers, present);
  tellWhatIsNext(site, present.AUTH_PATH, plan, output);
  const isHealthy = options.doctor ? await runDoctor(plan, site, output) : true;
  if (terminal) outro(isHealthy ? "Done." : "Set up, but see above.", { output });
  return isHealthy;
}

/** What no login works without, and an environment does not bind. */
function unboundIn(section: ConfigTable, accounts: string | undefined): readonly string[] {
  const objects = isTable(section.durable_objects) ? section.durable_objects.bindings : undefined;
  const named = [section.kv_namespaces, section.d1_databases, objects].flatMap(tablesIn);
  const bound = new Set(named.map(({ binding, name }) => binding ?? name));
  const needed = ["VIPPS_METADATA", "LOGIN_ATTEMPTS", "USER_SESSIONS"];
  return [...needed, ...((accounts || "d1") === "d1" ? ["ACCOUNTS_DB"] : [])].filter(
    (one) => !bound.has(one),
  );
}

const presentFields = (present: Readonly<Record<string, string>>): Answers["values"] =>
  Object.fromEntries(
    FIELDS.flatMap(({ name }) => (present[name] === undefined ? [] : [[name, present[name]]])),
  );

/** Whether the deployment is one without a site of its own: as it was said, as it is, or as somebody answers. */
async function isWithoutSite(
  { answers }: Options,
  { present, secrets }: { present: Readonly<Record<string, string>>; secrets: ReadonlySet<string> },
  terminal: Terminal | undefined,
): Promise<boolean> {
  const isOwn = answers.values.SITE_URL !== undefined || present.SITE_URL !== undefined;
  if (answers.sitesOnly || isOwn) return answers.sitesOnly;
  return secrets.has("SITES_KEYS") || (terminal !== undefined && askSitesOnly(terminal));
}

/** The deployment's own site, an origin; undefined where it has none. */
const siteOf = ({ values }: Answers, present: Readonly<Record<string, string>>): string | undefined =>
  URL.parse(values.SITE_URL ?? present.SITE_URL ?? "")?.origin;

const doctorCommand = (environment: string, site: string | undefined) =>
  `${PROGRAM} doctor${environment && ` --env ${environment}`} --remote${site === undefined ? "" : ` --url ${site}`}`;

/** Each step in turn. @throws {CommandError} which says what the failed step was and how to go on */
async function perform(plan: SetUp, { output }: Surroundings, isLive: boolean): Promise<void> {
  for (const { title, perform: performStep } of stepsOf(plan)) {
    // A moving line is for a person; a script gets one line for each step.
    const moving = isLive ? spinner({ output }) : undefined;
    moving?.start(title);
    try {
      const done = await performStep();
      if (moving) moving.stop(`${title}: ${done}`);
      else output.write(`${title.padEnd(16)}${done}\n`);
    } catch (error) {
      moving?.error(title);
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(
        `${title}: ${error.message}\nWhat was done before this stays; run the same again to go on from here.`,
        error.code,
      );
    }
  }
}

function tellWhatIsNext(
  site: string | undefined,
  authPath: string | undefined,
  { root, environment }: SetUp,
  output: Writable,
): void {
  const next =
    site === undefined
      ? `Now add the sites that it serves (docs/many-sites.md):\n\n${PROGRAM} site add https://www.example.com --env ${environment || '""'} --set …`
      : `Register this redirect URI for the sales unit, exactly, in the portal\n(portal.vippsmobilepay.com, Developer, Setup login):\n\n${site}${authPath || settingTable().AUTH_PATH.default}/callback`;
  note(next, `${sectionName(configName(root), environment)} is deployed`, { output });
}

/** @returns whether it found no error */
async function runDoctor(plan: SetUp, site: string | undefined, output: Writable): Promise<boolean> {
  const { root, environment, clientSecret } = plan;
  const local = await readLocalSource({
    root,
    environment: environment || undefined,
    settingsFile: undefined,
    configFile: undefined,
    processEnv: { VIPPS_CLIENT_SECRET: clientSecret },
  });
  const deployedSecrets = [...(await secretNames(plan.run, environment))];
  const source = { ...local, deployedSecrets, pendingMigrations: [] };
  const findings = await examine({ source, target: site, fetch, now: Date.now });
  const { counts, isHealthy } = verdictOf(findings, false);
  for (const { severity, id, what, todo, link } of findings) {
    if (severity === "error") log.error(`${id}: ${what}\n${todo}\n${link}`, { output });
    if (severity === "warning") log.warn(`${id}: ${what}\n${todo}\n${link}`, { output });
  }
  log.info(
    `Doctor: ${counts.error} errors, ${counts.warning} warnings, ${counts.ok} in order.${isHealthy ? "" : " A new address may need some minutes."} Again: ${doctorCommand(environment, site)}`,
    { output },
  );
  return isHealthy;
}
