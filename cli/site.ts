// `npm run site`: adds, lists, shows, checks, rotates and removes the sites that one worker serves.

import { once } from "node:events";
import { relative } from "node:path";
import { createInterface } from "node:readline";
import { isSealed } from "../src/settings/table.ts";
import {
  openSettings,
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
} from "../src/sites/site-document.ts";
import { D1Error } from "./d1-command.ts";
import { readDevVars } from "./dev-vars.mjs";
import { addSites, type SiteResult } from "./sites/add-sites.ts";
import { type KeyChangeResult, resealSites, rotateSessionKeys } from "./sites/change-keys.ts";
import { checkSites } from "./sites/check-sites.ts";
import {
  hasMasterKeys,
  MasterKeyError,
  masterKeysAt,
  secretCommand,
  withNewMasterKey,
  withoutUnused,
  writeMasterKeys,
} from "./sites/master-key-place.ts";
import { leavingsOf, removeSite } from "./sites/remove-site.ts";
import { readSiteFile, SiteFileError } from "./sites/site-file.ts";
import {
  HELP,
  type Options,
  placeName,
  readOptions,
  settingsFileOf,
  UsageError,
} from "./sites/site-options.ts";
import { listSites, readSites, StoreError } from "./sites/site-store.ts";
import { blanked, hostOf } from "./sites/site-values.ts";

/** Something is wrong with a site. The message is one line. */
class SiteError extends Error {}

const now = (): number => Math.floor(Date.now() / 1000);

/** The host a command is about, however it was written: `www.example.com` or its URL. */
function hostNamed({ site = "" }: Options): string {
  const host = hostOf(site.includes("://") ? site : `https://${site}`);
  if (host === undefined) throw new UsageError(`"${site}" is no host`);
  return host;
}

/** The deployment's settings as far as its settings file has them. */
const deploymentOf = ({ place }: Options): SiteValues => readDevVars(settingsFileOf(place));

async function init(options: Options): Promise<void> {
  const { place, dryRun, json } = options;
  const file = relative(process.cwd(), settingsFileOf(place));
  const present = hasMasterKeys(place);
  if (!present && !dryRun) await writeMasterKeys(place, withNewMasterKey(place));
  if (json) return console.log(JSON.stringify({ made: !present && !dryRun, file }));
  if (present)
    return console.log(`There is a master key in ${file} already. "rotate --master-key" makes another.`);
  console.log(`${dryRun ? "Would make" : "Made"} a master key, SITES_KEYS, in ${file}.`);
  if (place.environment !== undefined)
    console.log(`  wrangler ${secretCommand(place.environment).join(" ")}`);
  console.log("Keep a copy of it somewhere safe: without it the secrets of all sites are lost.");
}

/** The secrets that were named, from the environment. @throws {UsageError} */
function namedSecrets({ secrets }: Options): Record<string, string> {
  return Object.fromEntries(
    secrets.map((name) => {
      const value = process.env[name];
      if (!isSealed(name)) throw new UsageError(`${name} is no secret: say it with --set`);
      if (!value) throw new UsageError(`The environment variable ${name} is not set`);
      return [name, value];
    }),
  );
}

async function add(options: Options): Promise<void> {
  const { place, site, file, set, update, dryRun, json } = options;
  const secret = Object.keys(set).find((name) => isSealed(name) && set[name] !== "");
  if (secret !== undefined)
    throw new UsageError(`${secret} is a secret: put it into the environment and say --secret ${secret}`);
  const sites =
    file === undefined
      ? [{ SITE_URL: URL.parse(site ?? "")?.origin ?? site ?? "", ...namedSecrets(options), ...set }]
      : readSiteFile(file, process.env);
  const results = await addSites({
    ...{ place, keys: masterKeysAt(place), sites, update, dryRun },
    deployment: deploymentOf(options),
    at: now(),
  });
  const count = (outcome: SiteResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const counts = {
    added: count("added"),
    changed: count("changed"),
    unchanged: count("unchanged"),
    refused: count("refused"),
  };
  if (counts.refused > 0) process.exitCode = 1;
  if (json) return console.log(JSON.stringify({ dry_run: dryRun, ...counts, sites: results }));
  for (const { host, faults } of results) for (const fault of faults) console.error(`${host}: ${fault}`);
  const few = results.length <= 10 ? results.filter(({ outcome }) => outcome !== "refused") : [];
  for (const { host, outcome } of few) console.log(`${host}: ${dryRun ? `would be ${outcome}` : outcome}`);
  const words = Object.entries(counts).map(([outcome, number]) => `${number} ${outcome}`);
  console.log(`${dryRun ? "Dry run, nothing written: " : ""}${words.join(", ")} (${placeName(place)}).`);
  if (!dryRun && counts.added + counts.changed > 0) console.log("The worker serves them within a minute.");
}

async function list({ place, json }: Options): Promise<void> {
  const sites = [...(await listSites(place))].map(([host, summary]) => ({ host, ...summary }));
  if (json) return console.log(JSON.stringify({ sites }));
  const width = Math.max(4, ...sites.map(({ host }) => host.length));
  for (const { host, msn = "?", keys = "?", market = "", at } of sites) {
    const day = at === undefined ? "" : new Date(at * 1000).toISOString().slice(0, 10);
    console.log(
      [host.padEnd(width), msn.padEnd(8), keys.padEnd(7), market.padEnd(2), day].join("  ").trimEnd(),
    );
  }
  console.log(`${sites.length} ${sites.length === 1 ? "site" : "sites"} ${placeName(place)}.`);
}

async function show(options: Options): Promise<void> {
  const host = hostNamed(options);
  const document = readSiteDocument((await readSites(options.place, [host])).get(host) ?? "");
  if (document === undefined) throw new SiteError(`${host} is no site ${placeName(options.place)}.`);
  // Which secrets there are can only be told by opening them; their values never leave this function.
  const opened = hasMasterKeys(options.place)
    ? await openSiteDocument(masterKeysAt(options.place), host, document)
    : undefined;
  const sealedNames = Object.keys(opened ?? {}).filter((name) => isSealed(name));
  const settings = blanked(openSettings(document), sealedNames);
  if (options.json)
    return console.log(
      JSON.stringify({ host, settings, master_key: document.sealed.kid, opens: opened !== undefined }),
    );
  console.log(host);
  for (const [name, value] of Object.entries(settings)) console.log(`  ${name.padEnd(26)} ${value}`);
  if (opened === undefined)
    console.log(
      `  (its secrets are sealed with ${document.sealed.kid}, which SITES_KEYS here does not hold)`,
    );
}

async function hostsMeant(options: Options): Promise<readonly string[]> {
  return options.all ? [...(await listSites(options.place)).keys()] : [hostNamed(options)];
}

async function rotate(options: Options): Promise<void> {
  const { place, dryRun, compromised } = options;
  if (options.masterKey) return rotateMasterKey(options);
  const hosts = await hostsMeant(options);
  const change = { place, keys: masterKeysAt(place), hosts, dryRun, at: now() };
  const result = await rotateSessionKeys(change, compromised);
  report(options, result, compromised ? "new session keys, everybody logged out" : "a new session key");
}

/** First the worker knows the new key, then the sites are sealed with it; the old one goes in a run of its own. */
async function rotateMasterKey(options: Options): Promise<void> {
  const { place, dryRun, dropOld, json } = options;
  const sites = await listSites(place);
  if (dropOld)
    return dropOldMasterKeys(options, new Set([...sites.values()].map((summary) => summary?.kid ?? "")));
  const hosts = [...sites.keys()];
  const what = "secrets sealed with a new master key";
  if (dryRun) {
    masterKeysAt(place);
    return report(options, { changed: hosts, failed: [] }, what);
  }
  await writeMasterKeys(place, withNewMasterKey(place));
  const result = await resealSites({ place, keys: masterKeysAt(place), hosts, dryRun, at: now() });
  report(options, result, what);
  if (!json && result.failed.length === 0)
    console.log(
      'In a minute no copy of the old documents is left: "rotate --master-key --drop-old" then ends it.',
    );
}

/** @param used the master keys that seal a site. */
async function dropOldMasterKeys({ place, dryRun, json }: Options, used: ReadonlySet<string>): Promise<void> {
  const before = masterKeysAt(place).all.length;
  const text = withoutUnused(place, used);
  const dropped = before - JSON.parse(text).keys.length;
  if (dropped > 0 && !dryRun) await writeMasterKeys(place, text);
  if (json) return console.log(JSON.stringify({ dry_run: dryRun, dropped }));
  const keys = dropped === 1 ? "1 old master key" : `${dropped} old master keys`;
  console.log(
    dropped === 0 ? "Every master key is needed." : `${dryRun ? "Would drop" : "Dropped"} ${keys}.`,
  );
}

function report({ json, dryRun }: Options, { changed, failed }: KeyChangeResult, what: string): void {
  if (failed.length > 0) process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify({ dry_run: dryRun, changed, failed }));
    return;
  }
  for (const { host, fault } of failed) console.error(`${host} ${fault}`);
  console.log(
    `${changed.length} ${changed.length === 1 ? "site" : "sites"}: ${dryRun ? "would get " : ""}${what}.`,
  );
}

async function remove(options: Options): Promise<void> {
  const { place, keepData, yes, dryRun, json } = options;
  const host = hostNamed(options);
  if (!yes && !dryRun && !process.stdin.isTTY)
    throw new UsageError("Without a terminal to ask on, remove needs --yes");
  if (!(await listSites(place)).has(host)) throw new SiteError(`${host} is no site ${placeName(place)}.`);
  const leavings = keepData ? {} : await leavingsOf(place, host);
  const rows = Object.entries(leavings).map(([table, count]) => `  ${String(count).padStart(7)}  ${table}`);
  if (!json) {
    console.log(`${dryRun ? "Would delete" : "Deletes"} ${host} ${placeName(place)}:`);
    console.log(
      "  its settings and secrets: nobody can log in any more, and sessions end within SESSION_FRESH",
    );
    if (keepData) console.log("  nothing in the database (--keep-data)");
    else console.log(rows.length === 0 ? "  nothing in the database: there is nothing" : rows.join("\n"));
    console.log("What Durable Objects hold of its sessions goes by itself when the last of them is over.");
  }
  if (dryRun) return json ? console.log(JSON.stringify({ dry_run: true, host, rows: leavings })) : undefined;
  if (!yes && !(await isConfirmed(host))) throw new SiteError("Nothing was deleted.");
  await removeSite(place, host, leavings);
  console.log(json ? JSON.stringify({ dry_run: false, host, rows: leavings }) : `${host} is gone.`);
}

/** Asks for the host to be typed: a name is hard to confirm by accident. */
async function isConfirmed(host: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.setPrompt(`Type ${host} to delete it: `);
  lines.prompt();
  const [answer] = await Promise.race([once(lines, "line"), once(lines, "close").then(() => [""])]);
  lines.close();
  return answer === host;
}

async function check(options: Options): Promise<void> {
  const hosts = await hostsMeant(options);
  const keys = masterKeysAt(options.place);
  const { place, offline, json } = options;
  const healthy = await checkSites({ place, keys, hosts, deployment: deploymentOf(options), offline, json });
  if (!healthy) process.exitCode = 1;
}

const RUN = { init, add, list, show, check, rotate, remove } as const;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else await RUN[options.command](options);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage =
    error instanceof UsageError || String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
  const isKnown = [SiteError, SiteFileError, StoreError, MasterKeyError, D1Error].some(
    (kind) => error instanceof kind,
  );
  if (!isUsage && !isKnown && !("syscall" in error)) throw error;
  console.error(`${error.message}${isUsage ? '. "npm run site -- --help" lists the options.' : ""}`);
  process.exitCode = isUsage ? 2 : 1;
}
