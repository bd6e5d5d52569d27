// What every command about sites needs: where they are, their storage, and how it speaks.

import type { DeploymentValues } from "../../src/sites/deployment-settings.ts";
import { siteHostNamed } from "../../src/sites/site-host.ts";
import { CommandError, usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";
import type { D1Target } from "../d1-command.ts";
import { type D1Session, keepSession, openSession } from "../d1-session.ts";
import { readDeployment } from "../doctor/settings-source.ts";
import { withoutPort } from "../member-site.ts";
import { mainOf, readConfig } from "../project-config.ts";
import { languagesOf } from "../project-languages.ts";
import { listEntries, listSites, sitesAmong } from "./site-store.ts";
import type { SitesPlace } from "./sites-place.ts";

/** What every command about sites is told. */
export interface Options {
  readonly place: SitesPlace;
  readonly json?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);

/** The host a command is about, however it was written: `www.example.com` or its URL. @throws {CommandError} */
export function hostNamed(typed: string): string {
  const host = siteHostNamed(typed);
  if (host === undefined)
    throw usageError(`"${typed}" is no host that a site can have: letters, digits, hyphens and dots`);
  return host;
}

const targetOf = ({ root, environment, persistTo }: SitesPlace): D1Target => ({
  ...{ root, persistTo },
  remote: environment !== undefined,
  environment: environment || undefined,
});

/** Opens the storage of a place for one command. @throws {CommandError} */
export async function withStorage<Result>(
  place: SitesPlace,
  use: (session: D1Session) => Promise<Result>,
): Promise<Result> {
  const session = await openSession(targetOf(place));
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/**
 * Opens the storage of a place for all commands of this process that follow: opening it is most of what a small one
 * takes.
 * @param session in place of the storage of the place.
 * @returns the storage, which its `close` takes away again.
 * @throws {CommandError}
 */
export async function keepStorage(
  place: Omit<SitesPlace, "settingsFile">,
  session?: D1Session,
): Promise<D1Session> {
  return keepSession(targetOf({ ...place, settingsFile: undefined }), session);
}

/** The deployment's settings, as far as they can be had on this machine. @throws {CommandError} */
export async function deploymentOf({ env }: CommandContext, place: SitesPlace): Promise<DeploymentValues> {
  const { root, environment, settingsFile } = place;
  return readDeployment({ root, environment, settingsFile, processEnv: env });
}

/** Whether the Worker can show pages in a language, as far as the project's code says. @throws {CommandError} */
export function languagesAt({ root, environment }: SitesPlace): (code: string) => boolean {
  return languagesOf(mainOf(readConfig(root), environment));
}

export interface HostsOptions extends Options {
  readonly all?: true | undefined;
}

/** The sites that are meant: those that were typed, or all. @throws {CommandError} */
export async function hostsMeant(
  session: D1Session,
  typed: readonly string[],
  { all }: HostsOptions,
): Promise<readonly string[]> {
  if ((typed.length === 0) === (all === undefined)) throw usageError("Say the host of a site, or --all");
  return all ? [...(await listSites(session)).keys()] : [...new Set(typed.map(hostNamed))];
}

/** Looks at a typed list before anything is opened. @throws {CommandError} */
export function refuseUnnamed(typed: readonly string[], { all }: HostsOptions): void {
  if ((typed.length === 0) === (all === undefined)) throw usageError("Say the host of a site, or --all");
  for (const host of typed) hostNamed(host);
}

/** `1 site`, `2 sites`. */
export const numberOf = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/**
 * What is said of a host that is no site of its own: whose other address it is, or which site was meant, where only
 * the port is missing or another.
 */
export async function whyNoSite(session: D1Session, host: string, where = "here"): Promise<string> {
  const entries = await listEntries(session);
  const entry = entries.get(host);
  if (entry?.kind === "alias") return `is another address of ${entry.of}`;
  if (entry?.kind === "removed") return `is being removed: "site remove ${host}" goes on with it`;
  const sites = [...sitesAmong(entries).keys()];
  const near = sites.find((site) => withoutPort(site) === withoutPort(host));
  return `is no site ${where}${near === undefined ? "" : `; did you mean ${near}?`}`;
}

/** @throws {CommandError} */
export async function noSite(session: D1Session, host: string, where: string): Promise<CommandError> {
  return new CommandError(`${host} ${await whyNoSite(session, host, where)}`);
}
