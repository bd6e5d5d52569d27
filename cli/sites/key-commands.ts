// `vipps-login site init` and `rotate`: the master key, and the session keys of sites.

import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { openSiteDocument, readSiteDocument } from "../../src/sites/site-document.ts";
import { putSecret, shown } from "../cloudflare-commands.ts";
import { CommandError, usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";
import type { D1Session } from "../d1-session.ts";
import { type KeyChangeResult, replaceLeakedKeys, resealSites, rotateSessionKeys } from "./change-keys.ts";
import {
  fileName,
  masterKeysAt,
  masterKeysIn,
  masterKeyText,
  withNewMasterKey,
  withoutUnused,
  writeMasterKeys,
} from "./master-key-place.ts";
import { withClaims } from "./site-claims.ts";
import { listEntries, listSites, readSites } from "./site-store.ts";
import { thumbprintsOf } from "./site-values.ts";
import {
  type HostsOptions,
  hostsMeant,
  now,
  numberOf,
  type Options,
  refuseUnnamed,
  withStorage,
} from "./sites-command.ts";

/** `site init` */
export async function init({ print, env }: CommandContext, options: Options): Promise<void> {
  const { place, dryRun, json } = options;
  const file = fileName(place);
  const present = masterKeyText(place, env) !== undefined;
  if (!present && !dryRun) await writeMasterKeys(place, withNewMasterKey(undefined));
  if (json) return print(JSON.stringify({ made: !present && !dryRun, file }));
  if (present)
    return print(`There is a master key in ${file} already. "site rotate --master-key" makes another.`);
  print(`${dryRun ? "Would make" : "Made"} a master key, SITES_KEYS, in ${file}.`);
  if (place.environment !== undefined)
    print(`  ${shown(putSecret("SITES_KEYS", place.environment, "the master keys"))}`);
  print("Keep a copy of it somewhere safe: without it the secrets of all sites are lost.");
}

interface RotateOptions extends HostsOptions {
  readonly compromised?: true | undefined;
  readonly masterKey?: true | undefined;
  readonly dropOld?: true | undefined;
}

/** `site rotate` */
export async function rotate(
  context: CommandContext,
  typed: readonly string[],
  options: RotateOptions,
): Promise<void> {
  const { place, dryRun = false, compromised = false, masterKey, dropOld } = options;
  if (masterKey && (typed.length > 0 || options.all || compromised))
    throw usageError("rotate takes hosts, --all or --master-key");
  if (dropOld && !masterKey) throw usageError("--drop-old goes with --master-key");
  if (!masterKey) refuseUnnamed(typed, options);
  const keys = masterKeysAt(place, context.env);
  await withStorage(place, async (session) => {
    if (masterKey && dropOld) return dropOldMasterKeys(context, session, options);
    if (masterKey) return rotateMasterKey(context, session, options);
    const hosts = await hostsMeant(session, typed, options);
    const change = { session, keys, hosts, dryRun, at: now() };
    const others = compromised ? await sharingKeys(session, keys, hosts) : [];
    const result = await (compromised ? replaceLeakedKeys(change) : rotateSessionKeys(change));
    report(
      context,
      options,
      result,
      compromised ? "new session keys, everybody logged out" : "a new session key",
    );
    if (others.length > 0) context.exitCode = 1;
    for (const other of others)
      context.tell(`${other} signs with a key that has leaked too: "site rotate ${other} --compromised".`);
  });
}

/** Other sites that have one of the session keys of these, as a copied file makes it. */
async function sharingKeys(
  session: D1Session,
  keys: MasterKeys,
  hosts: readonly string[],
): Promise<readonly string[]> {
  const all = [...(await listSites(session)).keys()];
  const texts = await readSites(session, all);
  const byHost = new Map<string, readonly string[]>();
  for (const host of all) {
    const document = readSiteDocument(texts.get(host) ?? "");
    const values = document && (await openSiteDocument(keys, host, document));
    byHost.set(host, await thumbprintsOf(values?.SESSION_KEYS));
  }
  const leaked = new Set(hosts.flatMap((host) => byHost.get(host) ?? []));
  return all.filter((host) => !hosts.includes(host) && byHost.get(host)?.some((key) => leaked.has(key)));
}

/** First the worker knows the new key, then the sites are sealed with it; the old one goes in a run of its own. */
async function rotateMasterKey(
  context: CommandContext,
  session: D1Session,
  options: RotateOptions,
): Promise<void> {
  const { env, print, tell } = context;
  const { place, dryRun = false, json } = options;
  const sites = await listSites(session);
  const hosts = [...sites.keys()];
  const what = "secrets sealed with a new master key";
  if (dryRun) return report(context, options, { changed: hosts, failed: [] }, what);
  const present = masterKeyText(place, env) ?? "";
  const { sealing, all } = masterKeysIn(present);
  // A run that was cut off has made a key that does not seal everything yet: it goes on with that.
  const isUnfinished = all.length > 1 && [...sites.values()].some((summary) => summary?.kid !== sealing.kid);
  const text = isUnfinished ? present : withNewMasterKey(present);
  if (isUnfinished && !json) print("Goes on with the master key that was made before.");
  const keys = masterKeysIn(text);
  // Of two at once, each would take the other's key away that sites are sealed with.
  const claims = [{ host: "the master keys", deed: `seal with ${keys.sealing.kid}` }];
  const result = await withClaims(session, claims, async () => {
    if ((masterKeyText(place, env) ?? "") !== present)
      throw new CommandError(
        "SITES_KEYS has been changed in the meantime. Nothing was changed; run the same again.",
      );
    await writeMasterKeys(place, text);
    return resealSites({ session, keys, hosts, dryRun, at: now() });
  });
  report(context, options, result, what);
  if (env.SITES_KEYS !== undefined && env.SITES_KEYS.trim() !== text)
    tell(
      `The environment variable SITES_KEYS still holds the old master keys: put those of ${fileName(place)} in their place.`,
    );
  if (!json && result.failed.length === 0)
    print('In a minute no copy of the old documents is left: "rotate --master-key --drop-old" then ends it.');
}

async function dropOldMasterKeys(
  { env, print }: CommandContext,
  session: D1Session,
  { place, dryRun = false, json }: Options,
): Promise<void> {
  const present = masterKeyText(place, env) ?? "";
  const before = masterKeysIn(present).all.length;
  const text = withoutUnused(present, await usedKeys(session));
  const dropped = before - masterKeysIn(text).all.length;
  if (dropped > 0 && place.environment !== undefined) await refuseWhileCopiesServe(session);
  if (dropped > 0 && !dryRun) await writeMasterKeys(place, text);
  if (json) return print(JSON.stringify({ dry_run: dryRun, dropped }));
  const keys = dropped === 1 ? "1 old master key" : `${dropped} old master keys`;
  print(dropped === 0 ? "Every master key is needed." : `${dryRun ? "Would drop" : "Dropped"} ${keys}.`);
}

/** How long Cloudflare may go on handing out a document that was written anew, in seconds. */
const COPIES_SERVE = 60;

/** The sites would be away for a minute: nobody could open what is still handed out. @throws {CommandError} */
async function refuseWhileCopiesServe(session: D1Session): Promise<void> {
  const written = [...(await listSites(session)).values()].map((summary) => summary?.at ?? 0);
  const left = Math.max(...written, 0) + COPIES_SERVE - now();
  if (left > 0)
    throw new CommandError(
      `Copies of documents that an old master key seals may be about for ${left} seconds yet. Nothing was dropped; run the same again then.`,
    );
}

/** The names of the master keys that seal anything, by the documents themselves. @throws {CommandError} */
async function usedKeys(session: D1Session): Promise<ReadonlySet<string>> {
  const hosts = [...(await listEntries(session)).keys()];
  const texts = await readSites(session, hosts);
  const unread = hosts.filter((host) => readSiteDocument(texts.get(host) ?? "") === undefined);
  if (unread.length > 0)
    throw new CommandError(
      `${unread.join(", ")} cannot be read, so nobody knows what seals it. Nothing was dropped.`,
    );
  return new Set([...texts.values()].map((text) => readSiteDocument(text)?.sealed.kid ?? ""));
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
  print(`${numberOf(changed.length, "site")}: ${dryRun ? "would get " : ""}${what}.`);
}
