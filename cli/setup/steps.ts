import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  applyRemoteMigrations,
  createD1,
  createKv,
  databases,
  deploy,
  kvNamespaces,
  LIST_D1,
  LIST_KV,
  listSecrets,
  outputOf,
  putSecret,
  type RunCommand,
  secretNames,
  shown,
  type WranglerCommand,
} from "../cloudflare-commands.ts";
import { CommandError } from "../command-error.mjs";
import { newKeySet } from "../session-key-set.ts";
import type { Answers } from "./answers.ts";
import {
  changedLines,
  type EnvironmentConfig,
  readEnvironment,
  resourceName,
  withAnswers,
  withIds,
} from "./config-text.ts";

/** What is to be set up. */
export interface SetUp {
  /** The project's folder. */
  readonly root: string;
  readonly environment: string;
  readonly answers: Answers;
  /** Undefined where it is at Cloudflare already or not to be had. */
  readonly clientSecret: string | undefined;
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

const configPath = (root: string) => join(root, "wrangler.toml");

const readConfig = (root: string) => readFileSync(configPath(root), "utf8");

/** In one step, so that nobody ever finds half a file. */
function writeConfig(root: string, text: string): void {
  const beside = `${configPath(root)}.${process.pid}`;
  writeFileSync(beside, text, { flag: "wx" });
  renameSync(beside, configPath(root));
}

const MADE_ONCE = "only what the list lacks; the ids go into wrangler.toml";

/** The answers come first: whatever fails after them, nobody is asked again. */
export function stepsOf(setUp: SetUp): readonly Step[] {
  const { root, environment } = setUp;
  const config = readEnvironment(readConfig(root), environment);
  return [
    { title: "wrangler.toml", commands: [], perform: async () => writeAnswers(setUp) },
    {
      title: "KV namespaces",
      commands: [
        LIST_KV,
        ...missingKv(config).map(({ binding }) => createKv(resourceName(config.workerName, binding))),
      ],
      hint: MADE_ONCE,
      perform: () => makeKv(setUp),
    },
    {
      title: "Database",
      commands: [
        LIST_D1,
        ...config.d1.filter(({ id }) => id === undefined).map(({ name }) => createD1(name)),
      ],
      hint: MADE_ONCE,
      perform: () => makeD1(setUp),
    },
    {
      title: "Secrets",
      commands: [
        listSecrets(environment),
        putSecret("SESSION_KEYS", environment, "a new ES256 key, if there is none yet"),
        putSecret("VIPPS_CLIENT_SECRET", environment, "the sales unit's client secret"),
      ],
      hint: "secrets that are there already stay, unless a new one is given here",
      perform: () => putSecrets(setUp),
    },
    {
      title: "Tables",
      commands: [applyRemoteMigrations(environment)],
      perform: async () => {
        const output = await outputOf(setUp.run, applyRemoteMigrations(environment));
        const applied = new Set(output.match(/\b[\w.-]+\.sql\b/g) ?? []);
        return applied.size === 0 ? "up to date" : `applied ${[...applied].join(", ")}`;
      },
    },
    {
      title: "Worker",
      commands: [deploy(environment)],
      perform: async () => {
        await outputOf(setUp.run, deploy(environment));
        return `deployed ${config.workerName}`;
      },
    },
  ];
}

function writeAnswers({ root, environment, answers }: SetUp): string {
  const text = readConfig(root);
  const changed = withAnswers(text, environment, answers);
  if (changed === text) return `[env.${environment}] as it should be`;
  writeConfig(root, changed);
  const count = changedLines(text, changed).length;
  return `[env.${environment}] written, ${count} line${count === 1 ? "" : "s"} changed`;
}

const missingKv = ({ kv }: EnvironmentConfig) => kv.filter(({ id }) => id === undefined);

const madeOrFound = (made: readonly string[], found: readonly string[]): string =>
  [made.length > 0 && `made ${made.join(", ")}`, found.length > 0 && `found ${found.join(", ")}`]
    .filter((part) => part !== false)
    .join("; ") || "as in wrangler.toml";

async function makeKv({ root, environment, run }: SetUp): Promise<string> {
  const config = readEnvironment(readConfig(root), environment);
  const wanted = missingKv(config).map(({ binding }) => ({
    binding,
    title: resourceName(config.workerName, binding),
  }));
  if (wanted.length === 0) return "as in wrangler.toml";
  const there = await kvNamespaces(run);
  const made: string[] = [];
  for (const { binding, title } of wanted) {
    const id = there.get(title) ?? idIn(await outputOf(run, createKv(title)));
    if (!there.has(title)) made.push(title);
    // Written down at once: a later failure must not forget it.
    writeConfig(root, withIds(readConfig(root), environment, { kv: { [binding]: id }, d1: {} }));
  }
  return madeOrFound(
    made,
    wanted.map(({ title }) => title).filter((title) => there.has(title)),
  );
}

async function makeD1({ root, environment, run }: SetUp): Promise<string> {
  const config = readEnvironment(readConfig(root), environment);
  const wanted = config.d1.filter(({ id }) => id === undefined);
  if (wanted.length === 0) return "as in wrangler.toml";
  const there = await databases(run);
  const made: string[] = [];
  for (const { binding, name } of wanted) {
    const id = there.get(name) ?? idIn(await outputOf(run, createD1(name)));
    if (!there.has(name)) made.push(name);
    writeConfig(root, withIds(readConfig(root), environment, { kv: {}, d1: { [binding]: id } }));
  }
  return madeOrFound(
    made,
    wanted.map(({ name }) => name).filter((name) => there.has(name)),
  );
}

/** The id in the lines for wrangler.toml that wrangler prints when it has made something. @throws {CommandError} */
function idIn(output: string): string {
  const id = /^\s*(?:database_)?id = "([^"]+)"/m.exec(output)?.[1];
  if (id === undefined) throw new CommandError("wrangler made it but did not say its id. Run this again.");
  return id;
}

async function putSecrets({ environment, run, clientSecret }: SetUp): Promise<string> {
  const there = await secretNames(run, environment);
  const put: string[] = [];
  const give = async (name: string, value: string) => {
    await outputOf(run, putSecret(name, environment, name), value);
    put.push(name);
  };
  // New keys would log everybody out, so those that are there stay.
  if (!there.has("SESSION_KEYS")) await give("SESSION_KEYS", JSON.stringify(newKeySet()));
  if (clientSecret !== undefined) await give("VIPPS_CLIENT_SECRET", clientSecret);
  const kept = [...there].filter((name) => !put.includes(name));
  return [
    put.length > 0 && `given: ${put.join(", ")}`,
    kept.length > 0 && `there already: ${kept.join(", ")}`,
  ]
    .filter((part) => part !== false)
    .join("; ");
}

/** What a run would do, as lines; nothing is executed, not even a question to Cloudflare. */
export function dryRun(setUp: SetUp): readonly string[] {
  const { root, environment, answers } = setUp;
  const text = readConfig(root);
  const changes = changedLines(text, withAnswers(text, environment, answers));
  return stepsOf(setUp).flatMap(({ title, commands, hint }, index) => {
    const lines = commands.map((command) => `  ${shown(command)}`);
    if (index === 0)
      lines.push(...(changes.length === 0 ? ["  nothing to change"] : changes.map((line) => `  ${line}`)));
    if (hint !== undefined && lines.length > 1) lines.push(`  (${hint})`);
    return [`${index + 1}. ${title}`, ...lines, ""];
  });
}
