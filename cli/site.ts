// `vipps-login site`: adds, lists, shows, checks, rotates and removes the sites that one worker serves.

import { once } from "node:events";
import { relative } from "node:path";
import { createInterface } from "node:readline";
import { Command } from "@commander-js/extra-typings";
import { isSealed } from "../src/settings/table.ts";
import {
  openSettings,
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
} from "../src/sites/site-document.ts";
import { putSecret, shown } from "./cloudflare-commands.ts";
import { CommandError, usageError } from "./command-error.mjs";
import { type CommandContext, repeated } from "./command-line.ts";
import { readDevVars } from "./dev-vars.mjs";
import { addSites, type SiteResult } from "./sites/add-sites.ts";
import { type KeyChangeResult, resealSites, rotateSessionKeys } from "./sites/change-keys.ts";
import { checkSites } from "./sites/check-sites.ts";
import {
  hasMasterKeys,
  masterKeysAt,
  withNewMasterKey,
  withoutUnused,
  writeMasterKeys,
} from "./sites/master-key-place.ts";
import { leavingsOf, removeSite } from "./sites/remove-site.ts";
import { readSiteFile } from "./sites/site-file.ts";
import { listSites, readSites } from "./sites/site-store.ts";
import { blanked, hostOf } from "./sites/site-values.ts";
import { placedCommand, placeName, placeOf, type SitesPlace, settingsFileOf } from "./sites/sites-place.ts";

const DRY_RUN = ["--dry-run", "says what would be done and does nothing"] as const;
const JSON_OUTPUT = ["--json", "prints the outcome as JSON"] as const;

/** The command `site`, a command of its own for each thing that can be done to sites. */
export function site(context: CommandContext) {
  return new Command("site")
    .description(
      "The sites that one worker serves beside its own, each with its own sales unit (docs/many-sites.md).",
    )
    .addCommand(
      placedCommand("init")
        .description("makes the master key (SITES_KEYS) that seals the sites' secrets")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((options) => init(context, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("add")
        .description(
          "adds a site with its settings, or the sites of a YAML or JSON file; run again, it goes on where it stopped",
        )
        .argument("[url]", "the site's address")
        .option(
          "--file <file>",
          '{"defaults": {…}, "sites": [{"SITE_URL": …}, …]}; "env:NAME" reads a value from the environment',
        )
        .option("--set <name=value>", "a setting; may be repeated. An empty value takes it away", repeated)
        .option(
          "--secret <name>",
          "a secret, from the environment variable of that name; may be repeated. Never an argument, which other users of the machine could read",
          repeated,
        )
        .option("--update", "changes the settings given, leaves the others of the site as they are")
        .option("--partner", "the site uses the deployment's partner keys (VIPPS_KEYS=partner)")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((url, options) => add(context, url, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("list")
        .description("lists all sites")
        .option(...JSON_OUTPUT)
        .action((options) => list(context, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("show")
        .description("shows one site's settings, secrets blanked")
        .argument("<host>", "the site, as a host or a URL")
        .option(...JSON_OUTPUT)
        .action((host, options) => show(context, host, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("check")
        .description("the doctor, for one site or all")
        .argument("[host]", "the site, as a host or a URL")
        .option("--all", "every site")
        .option("--offline", "does not look at the deployed site")
        .option(...JSON_OUTPUT)
        .action((host, options) => check(context, host, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("rotate")
        .description(
          "gives a site a new session key, and nobody is logged out; or all of them a new master key. A minute later, --drop-old takes the old ones away that seal nothing any more",
        )
        .argument("[host]", "the site, as a host or a URL")
        .option("--all", "every site")
        .option(
          "--compromised",
          "drops the old session keys at once; everybody of the site must log in again",
        )
        .option("--master-key", "a new master key, and every site sealed with it")
        .option("--drop-old", "with --master-key: takes away the old ones")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((host, options) => rotate(context, host, { ...options, place: placeOf(context, options) })),
    )
    .addCommand(
      placedCommand("remove")
        .description("says what is deleted of a site, asks, and deletes it")
        .argument("<host>", "the site, as a host or a URL")
        .option("--keep-data", "leaves the accounts, consents and login events in the database")
        .option("--yes", "does not ask")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((host, options) => remove(context, host, { ...options, place: placeOf(context, options) })),
    );
}

/** What every command about sites is told. */
interface Options {
  readonly place: SitesPlace;
  readonly json?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

const now = (): number => Math.floor(Date.now() / 1000);

/** The host a command is about, however it was written: `www.example.com` or its URL. @throws {CommandError} */
function hostNamed(typed: string): string {
  const host = hostOf(typed.includes("://") ? typed : `https://${typed}`);
  if (host === undefined) throw usageError(`"${typed}" is no host`);
  return host;
}

/** The deployment's settings as far as its settings file has them. */
const deploymentOf = (place: SitesPlace): SiteValues => readDevVars(settingsFileOf(place));

async function init({ print }: CommandContext, options: Options): Promise<void> {
  const { place, dryRun, json } = options;
  const file = relative(process.cwd(), settingsFileOf(place));
  const present = hasMasterKeys(place);
  if (!present && !dryRun) await writeMasterKeys(place, withNewMasterKey(place));
  if (json) return print(JSON.stringify({ made: !present && !dryRun, file }));
  if (present) return print(`There is a master key in ${file} already. "rotate --master-key" makes another.`);
  print(`${dryRun ? "Would make" : "Made"} a master key, SITES_KEYS, in ${file}.`);
  if (place.environment !== undefined)
    print(`  ${shown(putSecret("SITES_KEYS", place.environment, "the master keys"))}`);
  print("Keep a copy of it somewhere safe: without it the secrets of all sites are lost.");
}

/** The settings that were given as NAME=VALUE. @throws {CommandError} */
function assignments(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(word) ?? [];
      if (name === undefined || value === undefined)
        throw usageError(`--set ${word.split("=")[0]} must be of the form NAME=VALUE`);
      return [name, value];
    }),
  );
}

/** The secrets that were named, from the environment. @throws {CommandError} */
function namedSecrets(names: readonly string[], env: CommandContext["env"]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const value = env[name];
      if (!isSealed(name)) throw usageError(`${name} is no secret: say it with --set`);
      if (!value) throw usageError(`The environment variable ${name} is not set`);
      return [name, value];
    }),
  );
}

interface AddOptions extends Options {
  readonly file?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly secret?: readonly string[] | undefined;
  readonly update?: true | undefined;
  readonly partner?: true | undefined;
}

async function add(context: CommandContext, url: string | undefined, options: AddOptions): Promise<void> {
  const { env, path, print, tell } = context;
  const { place, file, update = false, dryRun = false, json } = options;
  if ((url === undefined) === (file === undefined))
    throw usageError("add takes the URL of a site, or --file");
  if (update && file !== undefined)
    throw usageError("--update is for one site; a file always says all of a site's settings");
  const set: Record<string, string> = {
    ...(options.partner && { VIPPS_KEYS: "partner" }),
    ...assignments(options.set ?? []),
  };
  const secret = Object.keys(set).find((name) => isSealed(name) && set[name] !== "");
  if (secret !== undefined)
    throw usageError(`${secret} is a secret: put it into the environment and say --secret ${secret}`);
  const sites =
    file === undefined
      ? [
          {
            SITE_URL: URL.parse(url ?? "")?.origin ?? url ?? "",
            ...namedSecrets(options.secret ?? [], env),
            ...set,
          },
        ]
      : readSiteFile(path(file), env);
  const results = await addSites({
    ...{ place, keys: masterKeysAt(place), sites, update, dryRun },
    deployment: deploymentOf(place),
    at: now(),
  });
  const count = (outcome: SiteResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const counts = {
    added: count("added"),
    changed: count("changed"),
    unchanged: count("unchanged"),
    refused: count("refused"),
  };
  if (counts.refused > 0) context.exitCode = 1;
  if (json) return print(JSON.stringify({ dry_run: dryRun, ...counts, sites: results }));
  for (const { host, faults } of results) for (const fault of faults) tell(`${host}: ${fault}`);
  const few = results.length <= 10 ? results.filter(({ outcome }) => outcome !== "refused") : [];
  for (const { host, outcome } of few) print(`${host}: ${dryRun ? `would be ${outcome}` : outcome}`);
  const words = Object.entries(counts).map(([outcome, number]) => `${number} ${outcome}`);
  print(`${dryRun ? "Dry run, nothing written: " : ""}${words.join(", ")} (${placeName(place)}).`);
  if (!dryRun && counts.added + counts.changed > 0) print("The worker serves them within a minute.");
}

async function list({ print }: CommandContext, { place, json }: Options): Promise<void> {
  const sites = [...(await listSites(place))].map(([host, summary]) => ({ host, ...summary }));
  if (json) return print(JSON.stringify({ sites }));
  const width = Math.max(4, ...sites.map(({ host }) => host.length));
  for (const { host, msn = "?", keys = "?", market = "", at } of sites) {
    const day = at === undefined ? "" : new Date(at * 1000).toISOString().slice(0, 10);
    print([host.padEnd(width), msn.padEnd(8), keys.padEnd(7), market.padEnd(2), day].join("  ").trimEnd());
  }
  print(`${sites.length} ${sites.length === 1 ? "site" : "sites"} ${placeName(place)}.`);
}

async function show({ print }: CommandContext, typed: string, options: Options): Promise<void> {
  const host = hostNamed(typed);
  const document = readSiteDocument((await readSites(options.place, [host])).get(host) ?? "");
  if (document === undefined) throw new CommandError(`${host} is no site ${placeName(options.place)}.`);
  // Which secrets there are can only be told by opening them; their values never leave this function.
  const opened = hasMasterKeys(options.place)
    ? await openSiteDocument(masterKeysAt(options.place), host, document)
    : undefined;
  const sealedNames = Object.keys(opened ?? {}).filter((name) => isSealed(name));
  const settings = blanked(openSettings(document), sealedNames);
  if (options.json)
    return print(
      JSON.stringify({ host, settings, master_key: document.sealed.kid, opens: opened !== undefined }),
    );
  print(host);
  for (const [name, value] of Object.entries(settings)) print(`  ${name.padEnd(26)} ${value}`);
  if (opened === undefined)
    print(`  (its secrets are sealed with ${document.sealed.kid}, which SITES_KEYS here does not hold)`);
}

interface HostsOptions extends Options {
  readonly all?: true | undefined;
}

/** The sites that are meant: the one that was typed, or all. @throws {CommandError} */
async function hostsMeant(
  typed: string | undefined,
  { all, place }: HostsOptions,
): Promise<readonly string[]> {
  if ((typed === undefined) === (all === undefined)) throw usageError("Say the host of a site, or --all");
  return typed === undefined ? [...(await listSites(place)).keys()] : [hostNamed(typed)];
}

interface RotateOptions extends HostsOptions {
  readonly compromised?: true | undefined;
  readonly masterKey?: true | undefined;
  readonly dropOld?: true | undefined;
}

async function rotate(
  context: CommandContext,
  typed: string | undefined,
  options: RotateOptions,
): Promise<void> {
  const { place, dryRun = false, compromised = false, masterKey } = options;
  if (masterKey && (typed !== undefined || options.all))
    throw usageError("rotate takes the host of a site, --all or --master-key");
  if (masterKey) return rotateMasterKey(context, options);
  const hosts = await hostsMeant(typed, options);
  const change = { place, keys: masterKeysAt(place), hosts, dryRun, at: now() };
  const result = await rotateSessionKeys(change, compromised);
  report(
    context,
    options,
    result,
    compromised ? "new session keys, everybody logged out" : "a new session key",
  );
}

/** First the worker knows the new key, then the sites are sealed with it; the old one goes in a run of its own. */
async function rotateMasterKey(context: CommandContext, options: RotateOptions): Promise<void> {
  const { place, dryRun = false, dropOld, json } = options;
  const sites = await listSites(place);
  if (dropOld)
    return dropOldMasterKeys(
      context,
      options,
      new Set([...sites.values()].map((summary) => summary?.kid ?? "")),
    );
  const hosts = [...sites.keys()];
  const what = "secrets sealed with a new master key";
  if (dryRun) {
    masterKeysAt(place);
    return report(context, options, { changed: hosts, failed: [] }, what);
  }
  await writeMasterKeys(place, withNewMasterKey(place));
  const result = await resealSites({ place, keys: masterKeysAt(place), hosts, dryRun, at: now() });
  report(context, options, result, what);
  if (!json && result.failed.length === 0)
    context.print(
      'In a minute no copy of the old documents is left: "rotate --master-key --drop-old" then ends it.',
    );
}

/** @param used the master keys that seal a site. */
async function dropOldMasterKeys(
  { print }: CommandContext,
  { place, dryRun = false, json }: Options,
  used: ReadonlySet<string>,
): Promise<void> {
  const before = masterKeysAt(place).all.length;
  const text = withoutUnused(place, used);
  const dropped = before - JSON.parse(text).keys.length;
  if (dropped > 0 && !dryRun) await writeMasterKeys(place, text);
  if (json) return print(JSON.stringify({ dry_run: dryRun, dropped }));
  const keys = dropped === 1 ? "1 old master key" : `${dropped} old master keys`;
  print(dropped === 0 ? "Every master key is needed." : `${dryRun ? "Would drop" : "Dropped"} ${keys}.`);
}

function report(
  context: CommandContext,
  { json, dryRun = false }: Options,
  { changed, failed }: KeyChangeResult,
  what: string,
): void {
  const { print, tell } = context;
  if (failed.length > 0) context.exitCode = 1;
  if (json) {
    print(JSON.stringify({ dry_run: dryRun, changed, failed }));
    return;
  }
  for (const { host, fault } of failed) tell(`${host} ${fault}`);
  print(
    `${changed.length} ${changed.length === 1 ? "site" : "sites"}: ${dryRun ? "would get " : ""}${what}.`,
  );
}

interface RemoveOptions extends Options {
  readonly keepData?: true | undefined;
  readonly yes?: true | undefined;
}

async function remove(context: CommandContext, typed: string, options: RemoveOptions): Promise<void> {
  const { print, stdin } = context;
  const { place, keepData, yes, dryRun, json } = options;
  const host = hostNamed(typed);
  if (!yes && !dryRun && !stdin.isTTY) throw usageError("Without a terminal to ask on, remove needs --yes");
  if (!(await listSites(place)).has(host)) throw new CommandError(`${host} is no site ${placeName(place)}.`);
  const leavings = keepData ? {} : await leavingsOf(place, host);
  const rows = Object.entries(leavings).map(([table, count]) => `  ${String(count).padStart(7)}  ${table}`);
  if (!json) {
    print(`${dryRun ? "Would delete" : "Deletes"} ${host} ${placeName(place)}:`);
    print("  its settings and secrets: nobody can log in any more, and sessions end within SESSION_FRESH");
    if (keepData) print("  nothing in the database (--keep-data)");
    else print(rows.length === 0 ? "  nothing in the database: there is nothing" : rows.join("\n"));
    print("What Durable Objects hold of its sessions goes by itself when the last of them is over.");
  }
  if (dryRun) return json ? print(JSON.stringify({ dry_run: true, host, rows: leavings })) : undefined;
  if (!yes && !(await isConfirmed(context, host))) throw new CommandError("Nothing was deleted.");
  await removeSite(place, host, leavings);
  print(json ? JSON.stringify({ dry_run: false, host, rows: leavings }) : `${host} is gone.`);
}

/** Asks for the host to be typed: a name is hard to confirm by accident. */
async function isConfirmed({ stdin, stderr }: CommandContext, host: string): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr });
  lines.setPrompt(`Type ${host} to delete it: `);
  lines.prompt();
  const [answer] = await Promise.race([once(lines, "line"), once(lines, "close").then(() => [""])]);
  lines.close();
  return answer === host;
}

interface CheckOptions extends HostsOptions {
  readonly offline?: true | undefined;
}

async function check(
  context: CommandContext,
  typed: string | undefined,
  options: CheckOptions,
): Promise<void> {
  const hosts = await hostsMeant(typed, options);
  const keys = masterKeysAt(options.place);
  const { place, offline = false, json = false } = options;
  const healthy = await checkSites({
    ...{ context, place, keys, hosts, offline, json },
    deployment: deploymentOf(place),
  });
  if (!healthy) context.exitCode = 1;
}
