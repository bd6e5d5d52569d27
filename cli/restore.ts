// `vipps-login restore`: what there is to do after the database was put back to an earlier time. Whoever was erased
// since is erased again, and the database learns again from the sites' documents what it has noted of them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { CommandError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import type { D1Target } from "./d1-command.ts";
import { databaseCommand, type PlaceOptions, targetOf } from "./d1-place.ts";
import { type D1Session, openSession } from "./d1-session.ts";
import { erase, erasedAmong, notedErasures } from "./erased-accounts.ts";
import { siteMeant } from "./member-site.ts";
import { DEFAULT_STATE } from "./migrations.mjs";
import { masterKeysIn, masterKeyText } from "./sites/master-key-place.ts";
import { type ClosedSite, openSite } from "./sites/opened-site.ts";
import { earlierKeys } from "./sites/row-key-history.ts";
import { noteRecords, type RecordChange, siteRecords } from "./sites/site-records.ts";
import { deleteRows, siteTables } from "./sites/site-rows.ts";
import { listSites, readSites } from "./sites/site-store.ts";
import { numberOf } from "./sites/sites-command.ts";
import { holdsAnything, strayRows, strayWords } from "./sites/stray-rows.ts";

/** The command `restore`. */
export function restore(context: CommandContext) {
  return new Command("restore")
    .description("What there is to do once the database was put back to an earlier time.")
    .addCommand(
      databaseCommand("erasures", context)
        .description(
          "erases again whoever was erased after the time that the database was put back to. Who that is, the worker keeps outside of the database, as digests, for 400 days: no older copy may be put back. Has the database know the present documents of all sites again, and names rows of sites that are gone. May be run any number of times",
        )
        .option("--dry-run", "only counts them")
        .option("--json", "the result as JSON on the standard output")
        .action((options) => eraseAgain(context, options)),
    )
    .addCommand(
      databaseCommand("rows", context)
        .description(
          "names rows in the database that belong to no site there is: of sites that were removed after the time that it was put back to, or with --keep-data, and of imports that were cut off",
        )
        .option("--delete <key>", "deletes those of this key")
        .option("--json", "the result as JSON on the standard output")
        .action((options) => rowsOfNoSite(context, options)),
    );
}

interface Options extends PlaceOptions {
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

interface NotedDocuments {
  readonly noted: number;
  readonly unread: number;
  readonly closed: readonly (ClosedSite & { readonly host: string })[];
}

async function eraseAgain(context: CommandContext, options: Options): Promise<void> {
  const { print, tell } = context;
  const { dryRun = false, json } = options;
  const target = targetOf(context, options);
  const session = await openInhabited(target);
  try {
    const noted = await notedErasures(session);
    if (noted.size === 0) await refuseEmpty(session, target);
    const only =
      options.site === undefined ? undefined : (await siteMeant(context, target, options, session)).key;
    const healed = await noteDocuments(context, target, options, session);
    const back = await erasedAmong(session, noted, await earlierKeys(session), only);
    if (!dryRun) for (const owner of back) await erase(session, owner, "restore");
    const strays = await strayRows(session);
    const result = {
      noted: noted.size,
      back: back.length,
      erased: dryRun ? 0 : back.length,
      closed: healed.closed,
      rows_of_no_site: strays.map(({ key, rows }) => ({ key, rows })),
    };
    for (const { host, fault } of healed.closed) tell(`${host} ${fault}. The database was not told of it.`);
    if (healed.closed.length > 0) context.exitCode = 1;
    if (healed.unread > 0)
      tell(
        `Without SITES_KEYS, what the database has noted of ${numberOf(healed.unread, "site")} was not compared with the documents.`,
      );
    if (json) return print(JSON.stringify(result));
    const people = `${back.length} of ${noted.size} erased accounts were back`;
    print(dryRun ? `${people}. Nothing was changed.` : `${people} and are erased again.`);
    if (healed.noted > 0)
      print(`The database knows the documents of ${numberOf(healed.noted, "site")} again.`);
    for (const stray of strays) print(`Rows of no site that there is: ${strayWords(stray)}`);
  } finally {
    await session.close();
  }
}

/**
 * Notes in the database what the sites' documents say: their versions, so that no older ones are believed, and the
 * keys of their rows, by which the worker finds the site of a row.
 * @returns how many were noted, how many could not be read for want of the master keys, and those that the master keys
 *   there are do not open, or that are not to be gone by.
 */
async function noteDocuments(
  { env }: CommandContext,
  { root, environment, persistTo }: D1Target,
  { settings: settingsFile, dryRun }: Options,
  session: D1Session,
): Promise<NotedDocuments> {
  const hosts = [...(await listSites(session)).keys()];
  const records = await siteRecords(session);
  if (hosts.length === 0 || records === undefined) return { noted: 0, unread: 0, closed: [] };
  const text = masterKeyText({ root, environment, persistTo, settingsFile }, env);
  if (text === undefined) return { noted: 0, unread: hosts.length, closed: [] };
  const keys = masterKeysIn(text);
  const changes: RecordChange[] = [];
  const closed: (ClosedSite & { readonly host: string })[] = [];
  for (const [host, document] of await readSites(session, hosts)) {
    const site = await openSite(keys, host, document, records);
    if ("fault" in site) {
      closed.push({ host, fault: site.fault });
      continue;
    }
    const { version, partition } = site;
    const record = records.get(host);
    if (record?.version === version && (record.site ?? host) === partition) continue;
    changes.push({ host, version, site: partition === host ? null : partition });
  }
  if (dryRun === true) return { noted: 0, unread: 0, closed };
  await noteRecords(session, changes, 0);
  return { noted: changes.length, unread: 0, closed };
}

/**
 * Opens the storage of a place that is there: here a command would make what it does not find.
 * @throws {CommandError}
 */
async function openInhabited(target: D1Target): Promise<D1Session> {
  if (!target.remote && !existsSync(folderOf(target))) throw nothingIn(target);
  return openSession(target);
}

/** @throws {CommandError} where there is nothing at all: then another place was meant. */
async function refuseEmpty(session: D1Session, target: D1Target): Promise<void> {
  if (!(await holdsAnything(session))) throw nothingIn(target);
}

const folderOf = ({ root, persistTo }: D1Target): string => persistTo ?? join(root, DEFAULT_STATE);

const nothingIn = (target: D1Target): CommandError =>
  new CommandError(
    `There is nothing ${target.remote ? "in the database and the namespaces at Cloudflare" : `in ${folderOf(target)}`}: no rows, no sites, no erasures. Was another place meant (--remote, --env, --persist-to)?`,
  );

interface RowsOptions extends PlaceOptions {
  readonly delete?: string | undefined;
  readonly json?: true | undefined;
}

async function rowsOfNoSite(context: CommandContext, options: RowsOptions): Promise<void> {
  const { print } = context;
  const { delete: key, json } = options;
  const target = targetOf(context, options);
  const session = await openInhabited(target);
  try {
    await refuseEmpty(session, target);
    const strays = await strayRows(session);
    const named = strays.map((stray) => ({ key: stray.key, rows: stray.rows }));
    if (key === undefined) {
      if (json) return print(JSON.stringify({ rows_of_no_site: named }));
      for (const stray of strays) print(strayWords(stray));
      return print(`Rows of ${numberOf(strays.length, "key")} belong to no site that there is.`);
    }
    if (!strays.some((stray) => stray.key === key))
      throw new CommandError(`There are no rows under ${key}, or they are those of a site.`);
    await deleteRows(session, await siteTables(session), key);
    if ((await strayRows(session)).some((stray) => stray.key === key))
      throw new CommandError(`The database still holds rows under ${key}. Run the same again.`);
    print(json ? JSON.stringify({ deleted: key }) : `The rows under ${key} are gone.`);
  } finally {
    await session.close();
  }
}
