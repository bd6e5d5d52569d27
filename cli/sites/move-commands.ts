// `vipps-login site remove`, `rename`, `export`, `import` and `receive`: a site goes, or goes elsewhere.

import { once } from "node:events";
import { createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { CommandError, usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";
import type { D1Session } from "../d1-session.ts";
import {
  type Erasures,
  erase,
  erasedAmong,
  erasedAt,
  keepErasures,
  lastOf,
  notedErasures,
} from "../erased-accounts.ts";
import { checkPlace } from "../exported-file.ts";
import { startProgress } from "../progress-bar.ts";
import { addToClaimed } from "./add-sites.ts";
import { masterKeysAt } from "./master-key-place.ts";
import { openSite, rowKeyOf } from "./opened-site.ts";
import { type Leavings, leavingsOf, removeSites, SETTLING, SETTLING_HERE } from "./remove-site.ts";
import { renameSite } from "./rename-site.ts";
import { earlierKeys, noteRowKeys, spentKeys } from "./row-key-history.ts";
import { withClaims } from "./site-claims.ts";
import { noteRecords, partitionOf, type revokedKeys, revokeKeys, siteRecords } from "./site-records.ts";
import { countRows, sitesWithRows, siteTables } from "./site-rows.ts";
import { listEntries, readSites } from "./site-store.ts";
import {
  erasuresOf,
  exportedLines,
  exportedTables,
  importRows,
  type Manifest,
  openExport,
} from "./site-transfer.ts";
import { aliasesOf } from "./site-values.ts";
import {
  deploymentOf,
  hostNamed,
  languagesAt,
  noSite,
  now,
  numberOf,
  type Options,
  withStorage,
} from "./sites-command.ts";
import { placeName } from "./sites-place.ts";
import { keysOfOthers } from "./stray-rows.ts";
import { readKey, transferKeys, writtenKey } from "./transfer-key.ts";

interface RemoveOptions extends Options {
  readonly keepData?: true | undefined;
  readonly yes?: true | undefined;
}

/** `site remove` */
export async function remove(
  context: CommandContext,
  typed: readonly string[],
  options: RemoveOptions,
): Promise<void> {
  const { print, stdin, env } = context;
  const { place, keepData = false, yes, dryRun = false, json } = options;
  const hosts = [...new Set(typed.map(hostNamed))];
  if (!yes && !dryRun && !stdin.isTTY) throw usageError("Without a terminal to ask on, remove needs --yes");
  const keys = masterKeysAt(place, env);
  await withStorage(place, async (session) => {
    const leavings = await leavingsOf(session, keys, hosts);
    for (const { host, entry, rows } of leavings)
      if (entry === undefined && Object.keys(rows).length === 0)
        throw await noSite(session, host, placeName(place));
    if (!json) for (const one of leavings) print(announced(one, placeName(place), keepData, dryRun));
    const planned = leavings.map(({ host, rows, aliases }) => ({
      host,
      rows: keepData ? {} : rows,
      aliases,
    }));
    if (dryRun) return json ? print(JSON.stringify({ dry_run: true, sites: planned })) : undefined;
    if (!yes && !(await isConfirmed(context, hosts)))
      throw new CommandError("Nothing was deleted.", "cancelled");
    const settling = place.environment === undefined ? SETTLING_HERE : SETTLING;
    const gone = await removeSites({ session, keys, keepData, now: Date.now, pause, settling }, leavings);
    if (json) {
      const sites = planned.map(({ host, aliases }) => ({ host, rows: gone.get(host) ?? {}, aliases }));
      return print(JSON.stringify({ dry_run: false, sites }));
    }
    for (const { host } of leavings) {
      const rows = Object.values(gone.get(host) ?? {}).reduce((sum, count) => sum + count, 0);
      print(`${host} is gone${keepData ? ", its rows are not" : `, ${numberOf(rows, "row")} with it`}.`);
    }
  });
}

function announced(
  { host, entry, partition, rows, aliases }: Leavings,
  where: string,
  keepData: boolean,
  dryRun: boolean,
): string {
  const begin = `${dryRun ? "Would delete" : "Deletes"} ${host} ${where}:`;
  if (entry?.kind === "alias") return `${begin}\n  that it leads to ${entry.of}; nothing else`;
  const counted = Object.entries(rows).map(([table, count]) => `  ${String(count).padStart(7)}  ${table}`);
  return [
    entry?.kind === "removed" ? `${begin} goes on where it was cut off` : begin,
    "  its settings and secrets: nobody can log in any more, and sessions end within SESSION_FRESH",
    ...(aliases.length > 0 ? [`  its other addresses: ${aliases.join(", ")}`] : []),
    ...(keepData
      ? ["  nothing in the database (--keep-data)"]
      : counted.length === 0
        ? ["  nothing in the database: there is nothing"]
        : counted),
    ...(partition === undefined || partition === host ? [] : [`  (its rows stand under ${partition})`]),
    "What Durable Objects hold of its sessions goes by itself when the last of them is over. It waits until nobody goes by the old settings any more, and deletes once more what was written until then; cut off, the same again goes on.",
  ].join("\n");
}

/** Asks for the host to be typed: a name is hard to confirm by accident. */
function isConfirmed(context: CommandContext, hosts: readonly string[]): Promise<boolean> {
  const word = hosts.length === 1 ? (hosts[0] ?? "") : String(hosts.length);
  const what = hosts.length === 1 ? "it" : `these ${word} sites`;
  return isTyped(context, word, `Type ${word} to delete ${what}: `);
}

async function isTyped({ stdin, stderr }: CommandContext, word: string, prompt: string): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr });
  lines.setPrompt(prompt);
  lines.prompt();
  const [answer] = await Promise.race([once(lines, "line"), once(lines, "close").then(() => [""])]);
  lines.close();
  return answer === word;
}

interface RenameOptions extends Options {
  readonly yes?: boolean | undefined;
  readonly redirect?: boolean | undefined;
}

/** `site rename` */
export async function rename(
  context: CommandContext,
  typedOld: string,
  typedNew: string,
  options: RenameOptions,
): Promise<void> {
  const { print, tell, env, stdin, stderr } = context;
  const { place, dryRun = false, json, redirect = true, yes = false } = options;
  const [from, to] = [hostNamed(typedOld), hostNamed(typedNew)];
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  const isLanguage = languagesAt(place);
  const { mentions, isDone } = await withStorage(place, async (session) => {
    const renaming = {
      ...{ session, keys, deployment, isLanguage, from, to },
      ...{ noRedirect: !redirect, at: now() },
    };
    const planned = await renameSite({ ...renaming, dryRun: true });
    if (planned.isDone) return planned;
    tell(
      `Before: register the redirect URI of ${to} for its sales unit at Vipps, and lead the DNS of ${to} here. Until both are done nobody can log in there.`,
    );
    if (dryRun) return planned;
    if (
      !yes &&
      !json &&
      stdin.isTTY &&
      stderr.isTTY &&
      !(await isTyped(context, to, `Type ${to} to rename: `))
    )
      throw new CommandError("Nothing was renamed.", "cancelled");
    return renameSite({ ...renaming, dryRun: false });
  });
  if (json) return print(JSON.stringify({ dry_run: dryRun, from, to, redirects: redirect, mentions }));
  if (isDone) return print(`${from} is ${to} already.`);
  print(`${dryRun ? "Would rename" : "Renamed"} ${from} to ${to} ${placeName(place)}.`);
  print("  kept: settings, keys, members, terms, consents, events, audit log, the list of sessions");
  print("  not kept: browsers keep their cookies for the old host, so people log in once more");
  print(redirect ? `  ${from} leads to ${to}` : `  ${from} leads nowhere`);
  if (mentions.length > 0) print(`  still name ${from}: ${mentions.join(", ")}`);
  if (dryRun) return;
  print(
    `Still to do: see that people can log in (site check ${to})${redirect ? `; keep the DNS of ${from} leading here as long as its links are about` : ""}; then take its old redirect URI away at Vipps.`,
  );
}

interface ExportOptions extends Options {
  readonly for: string;
  readonly out: string;
}

/** `site export` */
export async function exportSite(
  context: CommandContext,
  typed: string,
  options: ExportOptions,
): Promise<void> {
  const { print, env, path } = context;
  const { place, json } = options;
  const host = hostNamed(typed);
  const receiver = readKey(options.for);
  const out = path(options.out);
  checkPlace(out);
  if (existsSync(out) && !statSync(out).isFile())
    throw usageError(`--out takes the name of a file, and ${options.out} is none`);
  const keys = masterKeysAt(place, env);
  await withStorage(place, async (session) => {
    const text = (await readSites(session, [host])).get(host);
    if (text === undefined) throw await noSite(session, host, placeName(place));
    const records = await siteRecords(session);
    const site = await openSite(keys, host, text, records);
    if ("fault" in site) throw new CommandError(`${host} ${site.fault}.`);
    if (records === undefined) throw new CommandError("There is no database whose rows could be exported.");
    const { values: settings, partition } = site;
    // Only a whole file gets its name.
    const unfinished = `${out}.part`;
    const progress = startProgress("Exporting");
    let rows = 0;
    try {
      const lines = exportedLines({
        ...{ session, host, partition, settings, receiver, at: now() },
        revoked: await revokedOf(session, host),
        erased: await erasedAt(session, partition),
        onRows: (count) => {
          rows += count;
          progress.update(0, `${rows.toLocaleString("en")} rows`);
        },
      });
      await pipeline(writtenLines(lines), createWriteStream(unfinished, { mode: 0o600 }));
      renameSync(unfinished, out);
    } finally {
      progress.done();
      rmSync(unfinished, { force: true });
    }
    if (json) return print(JSON.stringify({ host, file: options.out, rows }));
    print(
      `${host} with ${numberOf(rows, "row")} is in ${options.out}, and only the deployment of that key can open it.`,
    );
    print("  not in it: sessions, which Durable Objects hold; people log in once more where it goes");
  });
}

async function* writtenLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function revokedOf(
  session: Parameters<typeof revokedKeys>[0],
  host: string,
): Promise<readonly string[]> {
  const [result] = await session.batch([
    { sql: "SELECT thumbprint FROM revoked_session_keys WHERE host = ?1", params: [host] },
  ]);
  return (result?.rows ?? []).map(({ thumbprint }) => String(thumbprint));
}

/** `site receive` */
export async function receive({ print, env }: CommandContext, { place, json }: Options): Promise<void> {
  const [first] = transferKeys(masterKeysAt(place, env));
  const key = writtenKey(first ?? {});
  print(json ? JSON.stringify({ key }) : key);
}

interface ImportOptions extends Options {
  readonly erasures?: string | undefined;
}

/** `site import` */
export async function importSite(
  context: CommandContext,
  typed: string,
  options: ImportOptions,
): Promise<void> {
  const { print, env, path } = context;
  const { place, dryRun = false, json } = options;
  const file = path(typed);
  if (!existsSync(file)) throw usageError(`There is no file ${typed}`);
  const keys = masterKeysAt(place, env);
  const deployment = await deploymentOf(context, place);
  const opened = await openExport(file, keys);
  const { host, id, settings, revoked, partition: source = host } = opened.manifest;
  const newer = options.erasures === undefined ? undefined : path(options.erasures);
  const brought = lastOf([
    ...erasuresOf(opened.manifest),
    ...(newer === undefined ? [] : await erasuresIn(newer, keys, opened.manifest)),
  ]);
  const claims = [host, ...aliasesOf(settings)].map((one) => ({
    host: one,
    deed: `import ${id} for ${host}`,
  }));
  const bring = async (session: D1Session) => {
    const [entries, records] = await Promise.all([listEntries(session), siteRecords(session)]);
    if (records === undefined) throw new CommandError("There is no database with all its migrations here.");
    const text = (await readSites(session, [host])).get(host);
    const candidates = importKeys(host, id, await spentKeys(session, records));
    const partition = candidates.at(-1) ?? candidates[0];
    const present =
      text === undefined || entries.get(host)?.kind !== "site"
        ? undefined
        : await rowKeyOf(keys, host, text, records);
    if (present !== undefined && candidates.includes(present)) {
      const arrived = { host, partition: present, source, brought };
      const erased = dryRun ? 0 : await leaveOutErased(session, arrived);
      if (json) return print(JSON.stringify({ host, imported: false, erased }));
      return print(`${host} has been imported already.${erasedWords(erased)}`);
    }
    if (entries.has(host))
      throw new CommandError(`${host} is here already: "site remove ${host}" takes it away.`);
    const before = partitionOf(records, host);
    if (before !== undefined && before !== partition && !keysOfOthers(entries, host).has(before)) {
      if ((await sitesWithRows(session, await siteTables(session), [before])).size > 0)
        throw new CommandError(
          `The database holds rows of a site that had the host ${host}. "site remove ${host}" deletes them.`,
        );
    }
    const request = {
      ...{ session, keys, deployment, sites: [settings], update: false, takeOver: true, at: now() },
      isLanguage: languagesAt(place),
      partitions: new Map([[host, partition]]),
    };
    const [judged] = await addToClaimed({ ...request, dryRun: true });
    if (judged?.outcome === "refused") throw new CommandError(`${host}: ${judged.faults.join("; ")}.`);
    if (dryRun) return print(json ? JSON.stringify({ dry_run: true, host }) : `Would import ${host}.`);
    // Noted first, so that whoever takes this up again knows what the rows are of.
    await noteRowKeys(session, [
      { host, key: partition },
      { host, key: source },
    ]);
    await noteRecords(session, [{ host, version: 0, site: partition }], now());
    const progress = startProgress("Importing");
    let rows = 0;
    try {
      await importRows(session, opened, partition, (count) => {
        rows += count;
        progress.update(0, `${rows.toLocaleString("en")} rows`);
      });
    } finally {
      progress.done();
    }
    if (revoked.length > 0)
      await revokeKeys(
        session,
        revoked.map((thumbprint) => ({ thumbprint, host })),
        now(),
      );
    // Before the site is served.
    const erased = await leaveOutErased(session, { host, partition, source, brought });
    if (erased > 0) rows = await rowsLeft(session, partition);
    const [added] = await addToClaimed({ ...request, dryRun: false });
    if (added?.outcome === "refused") throw new CommandError(`${host}: ${added.faults.join("; ")}.`);
    if (json) return print(JSON.stringify({ host, imported: true, rows, erased }));
    print(
      `${host} is here, with ${numberOf(rows, "row")}. The worker serves it within a minute.${erasedWords(erased)}`,
    );
    print("Lead its DNS here, see that its redirect URI is registered, and remove it where it was.");
  };
  await withStorage(place, (session) => withClaims(session, dryRun ? [] : claims, () => bring(session)));
}

/**
 * The keys under which the rows of a file may stand. The last is the first that is not spent, so that the same file goes
 * on where it was cut off, and gets another key once the site that came with it is gone or has another host.
 */
function importKeys(
  host: string,
  id: string,
  isSpent: (host: string, key: string) => boolean,
): readonly [string, ...string[]] {
  const first = `${host}~${id}`;
  const keys: [string, ...string[]] = [first];
  for (let last = first; isSpent(host, last); keys.push(last)) last = `${first}-${keys.length + 1}`;
  return keys;
}

/** Who was erased, by a newer file of the same site. @throws {CommandError} for a file of another site, or an older one */
async function erasuresIn(
  file: string,
  keys: Parameters<typeof openExport>[1],
  { host, partition, at }: Manifest,
): Promise<Erasures> {
  const { manifest, lines } = await openExport(file, keys);
  await lines.return?.();
  if (manifest.host !== host || manifest.partition !== partition || manifest.at < at)
    throw new CommandError(`${file} is no newer export of the site that is imported.`);
  return erasuresOf(manifest);
}

interface Arrived {
  readonly host: string;
  /** The key of its rows here. */
  readonly partition: string;
  /** The key of its rows where it was exported. */
  readonly source: string;
  /** Erasures that came along. */
  readonly brought: Erasures;
}

/**
 * Erases of a site that came in a file whoever was erased since it was written: as it is noted here under any key
 * that this host or the site of the file has had, and as the file or a newer one says.
 * @returns how many.
 */
async function leaveOutErased(
  session: D1Session,
  { host, partition, source, brought }: Arrived,
): Promise<number> {
  await keepErasures(session, brought, now());
  const noted = lastOf([...(await notedErasures(session)), ...brought]);
  const earlier = await earlierKeys(session);
  const keysOf = (key: string) => [source, host, ...earlier(key), ...earlier(source)];
  const back = await erasedAmong(session, noted, keysOf, partition);
  for (const owner of back) await erase(session, owner, "import");
  return back.length;
}

const erasedWords = (erased: number): string =>
  erased === 0 ? "" : ` Left out: ${numberOf(erased, "account")} erased since the export.`;

async function rowsLeft(session: D1Session, partition: string): Promise<number> {
  const counts = await countRows(session, await exportedTables(session), partition);
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
