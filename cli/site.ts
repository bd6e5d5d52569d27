// `vipps-login site`: the sites that one worker serves beside its own, from their first day to their last.

import { Command } from "@commander-js/extra-typings";
import { writtenAsText } from "../src/settings/kinds.ts";
import { leadingBack } from "../src/settings/read-settings.ts";
import { isSealed } from "../src/settings/table.ts";
import {
  openSettings,
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
} from "../src/sites/site-document.ts";
import { siteHost } from "../src/sites/site-host.ts";
import { CommandError, usageError } from "./command-error.mjs";
import { type CommandContext, repeated } from "./command-line.ts";
import { FAMILIES } from "./doctor/checks.ts";
import { printerTo } from "./findings/terminal.ts";
import { fetchFromHere } from "./local-fetch.ts";
import { addSites, addToClaimed, type SiteResult } from "./sites/add-sites.ts";
import { type CheckedSite, checkSites, problemsOf } from "./sites/check-sites.ts";
import { differences, type SettingChange } from "./sites/diff-sites.ts";
import { init, rotate } from "./sites/key-commands.ts";
import { masterKeysAt, masterKeyText } from "./sites/master-key-place.ts";
import { exportSite, importSite, receive, remove, rename } from "./sites/move-commands.ts";
import { openSite, whyClosed } from "./sites/opened-site.ts";
import { writeAliases } from "./sites/site-aliases.ts";
import { withClaims } from "./sites/site-claims.ts";
import { readSiteFile } from "./sites/site-file.ts";
import { siteRecords } from "./sites/site-records.ts";
import { listEntries, listSites, readSites, type SiteEntry } from "./sites/site-store.ts";
import { ALIASES, blanked, isOwnHost, originHostOf } from "./sites/site-values.ts";
import {
  deploymentOf,
  type HostsOptions,
  hostNamed,
  hostsMeant,
  languagesAt,
  noSite,
  now,
  numberOf,
  type Options,
  refuseUnnamed,
  withStorage,
} from "./sites/sites-command.ts";
import { healthOfSites } from "./sites/sites-health.ts";
import { placedCommand, placeName, placeOf } from "./sites/sites-place.ts";
import { strayRows, strayWords } from "./sites/stray-rows.ts";

const DRY_RUN = ["--dry-run", "says what would be done and does nothing"] as const;
const JSON_OUTPUT = ["--json", "prints the outcome as JSON"] as const;
const HOST = "the site, as a host or a URL";
const FILE =
  '{"defaults": {…}, "sites": [{"SITE_URL": …}, …]} as YAML or JSON; "env:NAME" reads a value from the environment';

/** The command `site`, a command of its own for each thing that can be done to sites. */
export function site(context: CommandContext) {
  const at = <Given extends Parameters<typeof placeOf>[1]>(options: Given) => ({
    ...options,
    place: placeOf(context, options),
  });
  return new Command("site")
    .description(
      "The sites that one worker serves beside its own, each with its own sales unit (docs/many-sites.md).",
    )
    .addCommand(
      placedCommand("init")
        .description("makes the master key (SITES_KEYS) that seals the sites' secrets")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((options) => init(context, at(options))),
    )
    .addCommand(
      placedCommand("add")
        .description(
          "adds a site with its settings, or the sites of a YAML or JSON file; run again, it goes on where it stopped",
        )
        .argument("[url]", "the site's address")
        .option("--file <file>", FILE)
        .option(
          "--set <name=value>",
          "a setting; may be repeated. An empty value takes it away. With --file: for every site that says nothing else",
          repeated,
        )
        .option(
          "--secret <name>",
          "a secret, from the environment variable of that name; may be repeated. Never an argument, which other users of the machine could read",
          repeated,
        )
        .option("--update", "changes the settings given, leaves the others of the site as they are")
        .option("--partner", "the site uses the deployment's partner keys (VIPPS_KEYS=partner)")
        .option("--take-over", "a new site gets the rows that a removed one of its host left in the database")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((url, options) => add(context, url, at(options))),
    )
    .addCommand(
      placedCommand("diff")
        .description("shows what adding a file would change, and changes nothing")
        .requiredOption("--file <file>", FILE)
        .option(...JSON_OUTPUT)
        .action((options) => diff(context, at(options))),
    )
    .addCommand(
      placedCommand("alias")
        .description("gives a site further hosts, such as the one without www, which lead to it")
        .argument("<host>", HOST)
        .argument("<further...>", "the further hosts; those that it has already stay")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((host, further, options) => alias(context, host, further, at(options))),
    )
    .addCommand(
      placedCommand("list")
        .description("lists all sites")
        .option(...JSON_OUTPUT)
        .action((options) => list(context, at(options))),
    )
    .addCommand(
      placedCommand("show")
        .description("shows one site's settings, secrets blanked")
        .argument("<host>", HOST)
        .option(...JSON_OUTPUT)
        .action((host, options) => show(context, host, at(options))),
    )
    .addCommand(
      placedCommand("check")
        .description("the doctor, for some sites or all, side by side")
        .argument("[hosts...]", HOST)
        .option("--all", "every site")
        .option("--offline", "does not look at the deployed sites")
        .option(...JSON_OUTPUT)
        .action((hosts, options) => check(context, hosts, at(options))),
    )
    .addCommand(
      placedCommand("health")
        .description("asks the deployed sites whether all they depend on answers, side by side")
        .argument("[hosts...]", HOST)
        .option("--all", "every site")
        .option(...JSON_OUTPUT)
        .action((hosts, options) => health(context, hosts, at(options))),
    )
    .addCommand(
      placedCommand("rotate")
        .description(
          "gives sites a new session key, and nobody is logged out; or all of them a new master key. A minute later, --drop-old takes the old ones away that seal nothing any more",
        )
        .argument("[hosts...]", HOST)
        .option("--all", "every site")
        .option(
          "--compromised",
          "drops the old session keys at once and for good; everybody of the site must log in again",
        )
        .option("--master-key", "a new master key, and every site sealed with it")
        .option("--drop-old", "with --master-key: takes away the old ones")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((hosts, options) => rotate(context, hosts, at(options))),
    )
    .addCommand(
      placedCommand("rename")
        .description("gives a site another host; members, consents, terms and events stay with it")
        .argument("<old>", HOST)
        .argument("<new>", "its new host")
        .option("--no-redirect", "leaves nothing at the old host, where visitors are else led to the new one")
        .option("--yes", "does not ask")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((from, to, options) => rename(context, from, to, at(options))),
    )
    .addCommand(
      placedCommand("receive")
        .description("prints the key for which another deployment exports sites to this one")
        .option(...JSON_OUTPUT)
        .action((options) => receive(context, at(options))),
    )
    .addCommand(
      placedCommand("export")
        .description("writes a site with its secrets and rows to a file that only the receiver can open")
        .argument("<host>", HOST)
        .requiredOption("--for <key>", 'what "site receive" prints at the receiving deployment')
        .requiredOption("--out <file>", "where to; only you can read it")
        .option(...JSON_OUTPUT)
        .action((host, options) => exportSite(context, host, at(options))),
    )
    .addCommand(
      placedCommand("import")
        .description("takes a site in that another deployment exported; run again, it goes on")
        .argument("<file>", "the export")
        .option(
          "--erasures <file>",
          "a newer export of the same site: who was erased between the two is left out, or erased where the first was imported before",
        )
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((file, options) => importSite(context, file, at(options))),
    )
    .addCommand(
      placedCommand("remove")
        .description(
          "says what is deleted of sites, asks, and deletes it; run again, it goes on where it stopped",
        )
        .argument("<hosts...>", HOST)
        .option("--keep-data", "leaves the accounts, consents and login events in the database")
        .option("--yes", "does not ask")
        .option(...DRY_RUN)
        .option(...JSON_OUTPUT)
        .action((hosts, options) => remove(context, hosts, at(options))),
    );
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
  readonly takeOver?: true | undefined;
}

async function add(context: CommandContext, url: string | undefined, options: AddOptions): Promise<void> {
  const { env, path, print, tell } = context;
  const { place, file, update = false, takeOver = false, dryRun = false, json } = options;
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
  const given: SiteValues = { ...namedSecrets(options.secret ?? [], env), ...set };
  if (file !== undefined && given.SITE_URL !== undefined)
    throw usageError("SITE_URL is each site's own: say it in the file");
  const sites =
    file === undefined ? [{ ...given, SITE_URL: url ?? "" }] : readSiteFile(path(file), env, given);
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  const isLanguage = languagesAt(place);
  const results = await withStorage(place, (session) =>
    addSites({ session, keys, deployment, isLanguage, sites, update, takeOver, dryRun, at: now() }),
  );
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
  // Who asks beforehand wants to see every one that something would be done to.
  const isShown = ({ outcome }: SiteResult) =>
    outcome !== "refused" && (results.length <= 10 || (dryRun && outcome !== "unchanged"));
  for (const { host, outcome } of results.filter(isShown))
    print(`${host}: ${dryRun ? `would be ${outcome}` : outcome}`);
  const words = Object.entries(counts).map(
    ([outcome, number]) => `${number} ${dryRun ? `would be ${outcome}` : outcome}`,
  );
  print(`${dryRun ? "Dry run, nothing written: " : ""}${words.join(", ")} (${placeName(place)}).`);
  if (!dryRun && counts.added + counts.changed > 0) print("The worker serves them within a minute.");
}

interface DiffOptions extends Options {
  readonly file: string;
}

async function diff(context: CommandContext, { place, file, json }: DiffOptions): Promise<void> {
  const { env, path, print } = context;
  const sites = readSiteFile(path(file), env);
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  const isLanguage = languagesAt(place);
  const all = await withStorage(place, async (session) => {
    const judged = await addSites({
      ...{ session, keys, deployment, isLanguage, sites, at: now() },
      ...{ update: false, takeOver: false, dryRun: true },
    });
    const hosts = [...(await listSites(session)).keys()];
    const texts = await readSites(session, hosts);
    const opened = hosts.map(async (host) => {
      const document = readSiteDocument(texts.get(host) ?? "");
      return [host, document && (await openSiteDocument(keys, host, document))] as const;
    });
    const faults = new Map(judged.map((one) => [one.host, one.faults]));
    return differences(sites, new Map(await Promise.all(opened)), faults);
  });
  if (all.some(({ what }) => what === "refused")) context.exitCode = 1;
  if (json) return print(JSON.stringify({ sites: all }));
  for (const { host, what, changes, faults } of all) {
    if (what === "same") continue;
    print(`${host}: ${what}`);
    if (what === "changed") for (const change of changes) print(`  ${changeWords(change)}`);
    for (const fault of faults) print(`  ${fault}`);
  }
  const count = (what: (typeof all)[number]["what"]) => all.filter((one) => one.what === what).length;
  const [others, refused] = [count("not in the file"), count("refused")];
  print(
    `${count("new")} new, ${count("changed")} changed, ${count("same")} the same, ${others} not in the file${others > 0 ? " (which stay)" : ""}${refused > 0 ? `, ${refused} refused` : ""}.`,
  );
}

function changeWords({ name, before, after }: SettingChange): string {
  if (before === undefined) return `+ ${name} = ${after}`;
  if (after === undefined) return `- ${name} = ${before}`;
  return before === after ? `~ ${name} is another` : `~ ${name}: ${before} → ${after}`;
}

async function alias(
  context: CommandContext,
  typed: string,
  typedFurther: readonly string[],
  options: Options,
): Promise<void> {
  const { env, print } = context;
  const { place, dryRun = false, json } = options;
  const host = hostNamed(typed);
  const further = typedFurther.map(hostNamed);
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  await withStorage(place, async (session) => {
    const deed = `alias ${host} ${further.join(" ")}`;
    const claims = [host, ...further].map((one) => ({ host: one, deed }));
    // Which it has already is read once nobody else changes them.
    const aliases = await withClaims(session, dryRun ? [] : claims, async () => {
      const entries = await listEntries(session);
      const records = await siteRecords(session);
      const isOwn = host === siteHost(writtenAsText(deployment.SITE_URL));
      if (!isOwn && entries.get(host)?.kind !== "site") throw await noSite(session, host, placeName(place));
      const before = [...entries].flatMap(([other, one]) =>
        one.kind === "alias" && one.of === host ? [other] : [],
      );
      const all = [...new Set([...before, ...further])];
      if (isOwn) {
        const taken = further.filter(
          (other) => isTaken(entries.get(other), host) || isOwnHost(deployment, other),
        );
        const origin = writtenAsText(deployment.ORIGIN_URL);
        if (further.some((other) => other === originHostOf({ ORIGIN_URL: origin })))
          throw new CommandError(`${leadingBack(origin)}.`);
        if (taken.length > 0) throw new CommandError(`${taken.join(", ")} is a host that is in use already.`);
        const siteUrl = writtenAsText(deployment.SITE_URL);
        const sites = [{ host, siteUrl, aliases: all }];
        if (!dryRun) await writeAliases({ session, keys, at: now() }, { entries, records }, sites);
        return all;
      }
      const text = (await readSites(session, [host])).get(host) ?? "";
      const site = await openSite(keys, host, text, records);
      if ("fault" in site) throw new CommandError(`${host} ${site.fault}.`);
      const sites = [{ SITE_URL: site.values.SITE_URL ?? "", [ALIASES]: all.join(" ") }];
      const [result] = await addToClaimed({
        ...{ session, keys, deployment, sites, update: true, takeOver: false, dryRun, at: now() },
        isLanguage: languagesAt(place),
      });
      if (result?.outcome === "refused") throw new CommandError(`${host}: ${result.faults.join("; ")}.`);
      return all;
    });
    if (json) return print(JSON.stringify({ dry_run: dryRun, host, aliases }));
    print(
      `${aliases.join(", ")} ${dryRun ? "would lead" : aliases.length === 1 ? "leads" : "lead"} to ${host}.`,
    );
  });
}

const isTaken = (entry: SiteEntry | undefined, host: string): boolean =>
  entry !== undefined && !(entry.kind === "alias" && entry.of === host);

async function list({ print }: CommandContext, { place, json }: Options): Promise<void> {
  const entries = await withStorage(place, listEntries);
  const sites = [...entries].flatMap(([host, entry]) =>
    entry.kind === "site" ? [{ host, ...entry.summary }] : [],
  );
  const aliases = [...entries].flatMap(([host, entry]) =>
    entry.kind === "alias" ? [{ host, of: entry.of }] : [],
  );
  const removed = [...entries].flatMap(([host, entry]) => (entry.kind === "removed" ? [{ host }] : []));
  if (json) return print(JSON.stringify({ sites, aliases, being_removed: removed }));
  const width = Math.max(4, ...[...entries.keys()].map((host) => host.length));
  for (const { host, msn = "?", keys = "?", market = "", at } of sites) {
    const day = at === undefined ? "" : new Date(at * 1000).toISOString().slice(0, 10);
    print([host.padEnd(width), msn.padEnd(8), keys.padEnd(7), market.padEnd(2), day].join("  ").trimEnd());
  }
  for (const { host, of } of aliases) print(`${host.padEnd(width)}  leads to ${of}`);
  for (const { host } of removed)
    print(`${host.padEnd(width)}  is being removed: "site remove ${host}" goes on with it`);
  print(`${numberOf(sites.length, "site")} ${placeName(place)}.`);
}

async function show({ print, env }: CommandContext, typed: string, options: Options): Promise<void> {
  const { place, json } = options;
  const host = hostNamed(typed);
  const { text, entry } = await withStorage(place, async (session) => {
    const found = (await readSites(session, [host])).get(host);
    if (found === undefined) throw await noSite(session, host, placeName(place));
    return { text: found, entry: (await listEntries(session)).get(host) };
  });
  const document = readSiteDocument(text);
  if (entry?.kind === "alias") throw new CommandError(`${host} is another address of ${entry.of}.`);
  if (entry?.kind === "removed")
    throw new CommandError(`${host} is being removed: "site remove ${host}" goes on with it.`);
  if (document === undefined)
    throw new CommandError(`${host} is no document that can be read: add it again.`);
  // Which secrets there are can only be told by opening them; their values never leave this function.
  const keys = masterKeyText(place, env) === undefined ? undefined : masterKeysAt(place, env);
  const opened = keys && (await openSiteDocument(keys, host, document));
  const sealedNames = Object.keys(opened ?? {}).filter((name) => isSealed(name));
  const settings = blanked(openSettings(document), sealedNames);
  const closed =
    opened !== undefined
      ? undefined
      : keys === undefined
        ? `is sealed with ${document.sealed.kid}, and there is no SITES_KEYS here`
        : whyClosed(keys, text);
  if (json) {
    const { kid } = document.sealed;
    return print(
      JSON.stringify({
        host,
        settings,
        master_key: kid,
        opens: closed === undefined,
        ...(closed && { closed }),
      }),
    );
  }
  print(host);
  for (const [name, value] of Object.entries(settings)) print(`  ${name.padEnd(26)} ${value}`);
  if (closed !== undefined) print(`  (it does not open: it ${closed})`);
}

interface CheckOptions extends HostsOptions {
  readonly offline?: true | undefined;
}

async function check(
  context: CommandContext,
  typed: readonly string[],
  options: CheckOptions,
): Promise<void> {
  const { place, offline = false, json = false } = options;
  const { env, print } = context;
  refuseUnnamed(typed, options);
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  const since = performance.now();
  const { checked, strays } = await withStorage(place, async (session) => {
    const hosts = await hostsMeant(session, typed, options);
    const isDeployed = place.environment !== undefined;
    const found = await strayRows(session);
    return {
      strays: options.all ? found : found.filter(({ host }) => hosts.includes(host)),
      checked: await checkSites({
        ...{ session, keys, hosts, deployment, isDeployed, offline, fetch: fetchFromHere },
        isLanguage: languagesAt(place),
      }),
    };
  });
  const seconds = Math.round((performance.now() - since) / 100) / 10;
  const ill = checked.filter(({ healthy }) => !healthy);
  const isEmpty = checked.length === 0;
  if (ill.length > 0 || isEmpty) context.exitCode = 1;
  const counts = { sites: checked.length, healthy: checked.length - ill.length, unhealthy: ill.length };
  if (json) {
    const rows_of_no_site = strays.map(({ key, rows }) => ({ key, rows }));
    return print(
      JSON.stringify({
        healthy: ill.length === 0 && !isEmpty,
        counts,
        seconds,
        rows_of_no_site,
        sites: checked,
      }),
    );
  }
  const tellStrays = () => {
    for (const stray of strays) print(`! Rows of no site that there is: ${strayWords(stray)}`);
  };
  const [only] = checked;
  if (only !== undefined && checked.length === 1) {
    printWhole(context, only);
    return tellStrays();
  }
  for (const { host, fault } of checked) if (fault !== undefined) print(`✗ ${host} ${fault}.`);
  for (const { finding, hosts } of problemsOf(checked)) {
    print(`${finding.severity === "error" ? "✗" : "!"} ${finding.id}  ${finding.what}`);
    print(`    at ${numberOf(hosts.length, "site")}: ${shortList(hosts)}`);
    if (finding.todo !== "") print(`    Do: ${finding.todo}`);
  }
  tellStrays();
  if (isEmpty) return print("There is no site here: nothing was checked.");
  print(
    `${numberOf(counts.sites, "site")} in ${seconds} s: ${counts.healthy} in order, ${counts.unhealthy} not.${counts.unhealthy > 0 ? ' "site check HOST" shows all of one.' : ""}`,
  );
}

async function health(
  context: CommandContext,
  typed: readonly string[],
  options: HostsOptions,
): Promise<void> {
  const { print } = context;
  const { place, json = false } = options;
  refuseUnnamed(typed, options);
  const deployment = await deploymentOf(context, place);
  const asked = await withStorage(place, async (session) => {
    const hosts = await hostsMeant(session, typed, options);
    return healthOfSites({ session, hosts, deployment, fetch: fetchFromHere });
  });
  const ill = asked.filter(({ ok }) => !ok);
  if (ill.length > 0) context.exitCode = 1;
  if (json) return print(JSON.stringify({ ok: ill.length === 0, sites: asked }));
  for (const [fault, same] of Map.groupBy(ill, (one) => one.fault ?? ""))
    print(`✗ ${fault}\n    ${numberOf(same.length, "site")}: ${shortList(same.map(({ host }) => host))}`);
  print(`${numberOf(asked.length, "site")}: ${asked.length - ill.length} well, ${ill.length} not.`);
}

/** Hosts that a line names. */
const NAMED = 8;

const shortList = (hosts: readonly string[]): string =>
  hosts.length <= NAMED
    ? hosts.join(", ")
    : `${hosts.slice(0, NAMED).join(", ")} and ${hosts.length - NAMED} more`;

function printWhole({ print, stdout }: CommandContext, { host, fault, findings }: CheckedSite): void {
  print(fault === undefined ? `\n${host}` : `${host} ${fault}.`);
  const printer = printerTo(stdout, FAMILIES);
  for (const finding of findings) printer.add(finding);
  printer.end();
}
