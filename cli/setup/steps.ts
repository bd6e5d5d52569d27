import { renameSync, writeFileSync } from "node:fs";
import {
  applyRemoteMigrations,
  createQueue,
  deploy,
  deployInOrder,
  giveSecret,
  kvNamespaces,
  LIST_D1,
  listSecrets,
  makeQueues,
  putSecret,
  type RunCommand,
  shown,
  type WranglerCommand,
} from "../cloudflare-commands.ts";
import { CommandError } from "../command-error.mjs";
import { readDevVars } from "../dev-vars.mjs";
import { newEventSecret } from "../event-secret.ts";
import { type ProjectConfig, parseConfig, readConfig, sectionName } from "../project-config.ts";
import { newKeySet } from "../session-key-set.ts";
import { putSecret as putFileSecret } from "../settings-file.ts";
import { masterKeyText, withNewMasterKey, writeMasterKeys } from "../sites/master-key-place.ts";
import { type SitesPlace, settingsFileOf } from "../sites/sites-place.ts";
import type { Answers } from "./answers.ts";
import { changedLines, readEnvironment, withAnswers, withKvIds } from "./config-text.ts";

/** What is to be set up. */
export interface SetUp {
  /** The project's folder. */
  readonly root: string;
  /** The empty name is the top level. */
  readonly environment: string;
  readonly answers: Answers;
  /** Undefined where it is at Cloudflare already or not to be had. */
  readonly clientSecret: string | undefined;
  /** The names of the secrets that are at Cloudflare already. */
  readonly secrets: ReadonlySet<string>;
  readonly run: RunCommand;
}

/** One step, which may be done again at any time: what is there already it leaves alone. */
export interface Step {
  readonly title: string;
  /** The commands it may run, for the dry run. */
  readonly commands: readonly WranglerCommand[];
  /** What the dry run says below them. */
  readonly hint?: string;
  /** @returns what was done, in a line. @throws {CommandError} */
  readonly perform: () => Promise<string>;
}

/** The answers come first: whatever fails after them, nobody is asked again. */
export function stepsOf(setUp: SetUp): readonly Step[] {
  const { root, environment, answers } = setUp;
  const config = readConfig(root);
  const { workerName, d1 } = readEnvironment(config, environment);
  const wanted = parseConfig(withAnswers(config, environment, answers, root), config.name);
  const { queues } = readEnvironment({ ...config, values: wanted }, environment);
  return [
    { title: config.name, commands: [], perform: async () => writeAnswers(setUp) },
    {
      title: "Secrets",
      commands: [
        listSecrets(environment),
        ...(answers.sitesOnly
          ? [putSecret("SITES_KEYS", environment, "the master key, which is kept in the settings file too")]
          : [
              putSecret("SESSION_KEYS", environment, "a new ES256 key, if there is none yet"),
              putSecret("VIPPS_CLIENT_SECRET", environment, "the sales unit's client secret"),
              ...(tellsEvents(answers)
                ? [putSecret("EVENTS_SECRET", environment, "a new secret, if there is none yet")]
                : []),
            ]),
      ],
      hint: "secrets that are there already stay, unless a new one is given here",
      perform: () => putSecrets(setUp),
    },
    {
      title: "Worker",
      commands: [
        ...queues.map(createQueue),
        ...[LIST_D1, applyRemoteMigrations(environment), deploy(environment)],
      ],
      hint: "the deployment makes the KV namespaces and the database that the bindings lack; where there is no database yet, it comes before the tables",
      perform: async () => {
        await makeQueues(setUp.run, queues);
        const deployAll = () => deployInOrder(setUp.run, environment, d1);
        const { applied } = await deployAll().catch(async (error: unknown) => {
          if (!isLeftover(error)) throw error;
          await connectLeftovers(setUp);
          return deployAll();
        });
        const tables = applied.length === 0 ? "tables up to date" : `applied ${applied.join(", ")}`;
        return `deployed ${workerName}; ${tables}`;
      },
    },
  ];
}

/** Whether the answers name a receiver of events. */
const tellsEvents = ({ values }: Answers): boolean => (values.EVENTS_URL ?? "").trim() !== "";

function writeAnswers({ root, environment, answers }: SetUp): string {
  const config = readConfig(root);
  const name = sectionName(config.name, environment);
  const changed = withAnswers(config, environment, answers, root);
  if (changed === config.text) return `${name} as it should be`;
  writeConfig(config, changed);
  const count = changedLines(config.text, changed).length;
  return `${name} written, ${count} line${count === 1 ? "" : "s"} changed`;
}

/** In one step, so that nobody ever finds half a file. */
function writeConfig({ path }: ProjectConfig, text: string): void {
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, text, { flag: "wx" });
  renameSync(beside, path);
}

/** Whether it was a namespace that could not be made: one of its name may be there. */
const isLeftover = (error: unknown): boolean =>
  error instanceof CommandError && /kv\/namespaces\b/.test(error.message);

/**
 * Writes down the ids of namespaces that a deployment made before it failed: the next one would make them again. A
 * database has a name by which it is found.
 */
async function connectLeftovers({ root, environment, run }: SetUp): Promise<void> {
  const config = readConfig(root);
  const { kv } = readEnvironment(config, environment);
  const namespaces = await kvNamespaces(run);
  const ids = [...kv].flatMap(([binding, title]) => {
    const id = namespaces.get(title);
    return id === undefined ? [] : [[binding, id] as const];
  });
  if (ids.length > 0) writeConfig(config, withKvIds(config, environment, Object.fromEntries(ids)));
}

async function putSecrets({
  root,
  environment,
  answers,
  run,
  secrets: there,
  clientSecret,
}: SetUp): Promise<string> {
  const put: string[] = [];
  const give = async (name: string, value: string) => {
    await giveSecret(run, environment, name, value);
    put.push(name);
  };
  const place: SitesPlace = { root, environment, persistTo: undefined, settingsFile: undefined };
  if (answers.sitesOnly && !there.has("SITES_KEYS")) {
    // What seals the sites' secrets must never be known to the worker alone.
    const present = masterKeyText(place, process.env);
    if (present !== undefined) await give("SITES_KEYS", present);
    else {
      await writeMasterKeys(place, withNewMasterKey(undefined));
      put.push(
        `SITES_KEYS (keep a copy of ${settingsFileOf(place)}: without it the secrets of all sites are lost)`,
      );
    }
  }
  // New keys would log everybody out, so those that are there stay.
  if (!answers.sitesOnly && !there.has("SESSION_KEYS"))
    await give("SESSION_KEYS", JSON.stringify(newKeySet()));
  if (tellsEvents(answers) && !there.has("EVENTS_SECRET")) {
    const file = settingsFileOf(place);
    const present = readDevVars(file).EVENTS_SECRET;
    const secret = present || newEventSecret();
    if (!present) putFileSecret(file, "EVENTS_SECRET", secret);
    await giveSecret(run, environment, "EVENTS_SECRET", secret);
    put.push(`EVENTS_SECRET (the receiver needs it too: it is in ${file})`);
  }
  if (clientSecret !== undefined) await give("VIPPS_CLIENT_SECRET", clientSecret);
  const kept = [...there].filter((name) => !put.includes(name));
  return [
    ...(put.length > 0 ? [`given: ${put.join(", ")}`] : []),
    ...(kept.length > 0 ? [`there already: ${kept.join(", ")}`] : []),
  ].join("; ");
}

/** What a run would do, as lines; nothing is executed, not even a question to Cloudflare. */
export function dryRun(setUp: SetUp): readonly string[] {
  const { root, environment, answers } = setUp;
  const config = readConfig(root);
  const changes = changedLines(config.text, withAnswers(config, environment, answers, root));
  return stepsOf(setUp).flatMap(({ title, commands, hint }, index) => {
    const lines = commands.map((command) => `  ${shown(command)}`);
    if (index === 0)
      lines.push(...(changes.length === 0 ? ["  nothing to change"] : changes.map((line) => `  ${line}`)));
    if (hint !== undefined) lines.push(`  (${hint})`);
    return [`${index + 1}. ${title}`, ...lines, ""];
  });
}
