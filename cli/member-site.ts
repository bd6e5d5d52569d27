// Which site the members of a list belong to: the key under which the registry keeps that site's people.

import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import { siteHost, siteHostNamed } from "../src/sites/site-host.ts";
import { CommandError, usageError } from "./command-error.mjs";
import { type CommandContext, PROGRAM } from "./command-line.ts";
import type { D1Target } from "./d1-command.ts";
import type { PlaceOptions } from "./d1-place.ts";
import type { D1Session } from "./d1-session.ts";
import { readDevVars } from "./dev-vars.mjs";
import { masterKeysIn, masterKeyText } from "./sites/master-key-place.ts";
import { rowKeyOf } from "./sites/opened-site.ts";
import { siteRecords } from "./sites/site-records.ts";
import { listEntries, readSites } from "./sites/site-store.ts";
import { isSameOwnHost } from "./sites/site-values.ts";
import { OWN_SITE } from "./sites/stray-rows.ts";

/** The sites of a deployment, as far as they can be told apart by host. */
export interface KnownSites {
  /** The host of the deployment's own site, where it has one with a SITE_URL. */
  readonly own: string | undefined;
  /** The hosts of the sites in KV. */
  readonly further: readonly string[];
  /** Other addresses, and the host of the site that each is one of. */
  readonly aliases?: ReadonlyMap<string, string>;
}

/**
 * The sites of a deployment.
 * @param settingsFile where SITE_URL stands here, if not in `.dev.vars`.
 * @throws {CommandError}
 */
export async function knownSites(
  { root, environment }: D1Target,
  settingsFile: string | undefined,
  session: D1Session,
): Promise<KnownSites> {
  const usual = environment === undefined ? ".dev.vars" : `.dev.vars.${environment}`;
  const inFile = readDevVars(settingsFile ?? join(root, usual));
  const url = inFile.SITE_URL ?? session.vars.SITE_URL;
  const entries = await listEntries(session);
  const further = [...entries].flatMap(([host, { kind }]) => (kind === "site" ? [host] : []));
  return {
    own: typeof url === "string" ? siteHost(url) : undefined,
    further,
    aliases: new Map(
      [...entries].flatMap(([host, entry]) => (entry.kind === "alias" ? [[host, entry.of] as const] : [])),
    ),
  };
}

/** A site of the deployment that was named. */
export interface NamedSite {
  /** `default` for the deployment's own. */
  readonly host: string;
  /** For people. */
  readonly name: string;
}

/** A site of the deployment. */
export interface MemberSite {
  /** What the registry keeps its rows under. */
  readonly key: string;
  /** For people. */
  readonly name: string;
}

/**
 * Looks up under which key the rows of a site stand: its own document says so.
 * @throws {CommandError} where that cannot be told.
 */
export async function memberSite(
  { host, name }: NamedSite,
  session: D1Session,
  {
    target,
    settingsFile,
    env,
  }: {
    readonly target: D1Target;
    readonly settingsFile: string | undefined;
    readonly env: CommandContext["env"];
  },
): Promise<MemberSite> {
  if (host === OWN_SITE) return { key: OWN_SITE, name };
  const { root, environment, persistTo } = target;
  const master = masterKeyText({ root, environment, persistTo, settingsFile }, env);
  const [texts, records] = await Promise.all([readSites(session, [host]), siteRecords(session)]);
  const keys = master === undefined ? undefined : masterKeysIn(master);
  return { key: await rowKeyOf(keys, host, texts.get(host) ?? "", records), name };
}

/** The site that `--site` means. @throws {CommandError} for what is no site here, or none that can be gone by */
export async function siteMeant(
  { env }: CommandContext,
  target: D1Target,
  { site, settings: settingsFile }: PlaceOptions,
  session: D1Session,
): Promise<MemberSite> {
  const named = siteNamed(site, await knownSites(target, settingsFile, session));
  return memberSite(named, session, { target, settingsFile, env });
}

/**
 * Finds the site that somebody means, however it is written: a host or a URL, in any case, with or without the
 * port that goes without saying. `default` is the deployment's own.
 * @param named undefined where nothing was said: fine while there is only one site
 * @throws {CommandError} for what is no site here, and where several are and none is named
 */
export function siteNamed(named: string | undefined, { own, further, aliases }: KnownSites): NamedSite {
  const ownSite = { host: OWN_SITE, name: own ?? "the deployment's own site" };
  if (named === undefined) {
    if (further.length === 0) return ownSite;
    const others = `${further.length} further ${further.length === 1 ? "site" : "sites"}`;
    const choice = own === undefined ? "" : ` --site ${own} is the deployment's own.`;
    throw usageError(`This deployment serves ${others}: say with --site whose members these are.${choice}`);
  }
  if (named === OWN_SITE) {
    if (own !== undefined || further.length === 0) return ownSite;
    throw usageError("This deployment has no site of its own: name one of its sites with --site.");
  }
  const typed = siteHostNamed(named);
  const host = (typed && aliases?.get(typed)) ?? typed;
  if (host !== undefined && own !== undefined && isSameOwnHost(own, host)) return ownSite;
  if (host !== undefined && further.includes(host)) return { host, name: host };
  const near = [...further, ...(own === undefined ? [] : [own])].find(
    (one) => host !== undefined && withoutPort(one) === withoutPort(host),
  );
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  throw usageError(`${named} is no site here.${hint} "${PROGRAM} site list" lists them.`);
}

/** Asks on the terminal until a site of the deployment is named. */
export async function askForSite(
  known: KnownSites,
  { input, output }: { readonly input: Readable; readonly output: Writable },
): Promise<NamedSite> {
  const terminal = createInterface({ input, output });
  const without = known.own === undefined ? "" : ` (Enter for ${known.own}, the deployment's own)`;
  try {
    for (;;) {
      const answer = (await terminal.question(`Whose members are these? The site's host${without}: `)).trim();
      if (answer === "" && known.own === undefined) continue;
      try {
        return siteNamed(answer === "" ? OWN_SITE : answer, known);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        output.write(`${error.message}\n`);
      }
    }
  } finally {
    terminal.close();
  }
}

export const withoutPort = (host: string): string => host.replace(/:\d+$/, "");
