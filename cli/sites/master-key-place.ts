// Where the master keys are: in a settings file, and as a secret of the deployed worker.

import { randomBytes } from "node:crypto";
import { relative } from "node:path";
import { type MasterKeys, readMasterKeys } from "../../src/sites/master-keys.ts";
import { giveSecret, inFolder } from "../cloudflare-commands.ts";
import { CommandError } from "../command-error.mjs";
import { PROGRAM } from "../command-line.ts";
import { readDevVars } from "../dev-vars.mjs";
import { putSecret } from "../settings-file.ts";
import { type SitesPlace, settingsFileOf } from "./sites-place.ts";

/** A master key as a JSON Web Key. */
interface MasterJwk {
  readonly kty: "oct";
  readonly k: string;
  readonly kid: string;
  readonly alg: "A256GCM";
}

/** Variables of the process, by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** As many as the worker takes. */
const LIMIT = 10;

/**
 * The text of SITES_KEYS: of the environment variable, or of the settings file.
 * @returns undefined where there is none.
 * @throws {CommandError} where both are there and differ: nobody can tell which of them is the older one.
 */
export function masterKeyText(place: SitesPlace, env: Environment): string | undefined {
  const inFile = trimmed(readDevVars(settingsFileOf(place)).SITES_KEYS);
  const inEnvironment = trimmed(env.SITES_KEYS);
  if (inFile !== undefined && inEnvironment !== undefined && inFile !== inEnvironment)
    throw new CommandError(
      `SITES_KEYS of the environment is another than that of ${fileName(place)}. Take away the older one.`,
    );
  return inEnvironment ?? inFile;
}

const trimmed = (text: string | undefined): string | undefined => text?.trim() || undefined;

/** The settings file, as people know it. */
export const fileName = (place: SitesPlace): string => relative(process.cwd(), settingsFileOf(place));

/** The master keys. @throws {CommandError} when there are none, or they are unusable */
export function masterKeysAt(place: SitesPlace, env: Environment): MasterKeys {
  const text = masterKeyText(place, env);
  if (text === undefined)
    throw new CommandError(`There is no SITES_KEYS in ${fileName(place)}. "${PROGRAM} site init" makes it.`);
  return masterKeysIn(text);
}

/** @throws {CommandError} when they are unusable. */
export function masterKeysIn(text: string): MasterKeys {
  const keys = readMasterKeys(text);
  if (keys === undefined) throw new CommandError("SITES_KEYS is no set of 256-bit keys.");
  return keys;
}

function newMasterKey(): MasterJwk {
  return {
    kty: "oct",
    k: randomBytes(32).toString("base64url"),
    kid: `master-${randomBytes(6).toString("base64url")}`,
    alg: "A256GCM",
  };
}

/**
 * Puts a new key before those that are there.
 * @param present SITES_KEYS as it is, or undefined.
 * @throws {CommandError} when there are as many as the worker takes.
 */
export function withNewMasterKey(present: string | undefined): string {
  const keys: readonly unknown[] = present === undefined ? [] : JSON.parse(present).keys;
  if (keys.length >= LIMIT)
    throw new CommandError(`There are ${keys.length} master keys, and the worker takes ${LIMIT}.`);
  return JSON.stringify({ keys: [newMasterKey(), ...keys] });
}

/**
 * The same keys without those that seal nothing any more.
 * @param present SITES_KEYS as it is.
 * @throws {CommandError} where a key that is used is not among them: then these are old ones.
 */
export function withoutUnused(present: string, used: ReadonlySet<string>): string {
  const [first, ...others]: MasterJwk[] = JSON.parse(present).keys;
  const known = new Set([first, ...others].map((key) => key?.kid));
  const missing = [...used].filter((kid) => !known.has(kid));
  if (missing.length > 0)
    throw new CommandError(
      `SITES_KEYS here lacks ${missing.join(", ")}, which seals sites: it is an old one, and nothing was changed.`,
    );
  return JSON.stringify({ keys: [first, ...others.filter(({ kid }) => used.has(kid))] });
}

/**
 * Writes the master keys into the settings file, which only its owner may read, and then gives them to the deployed
 * worker: what seals must never be known to the worker alone.
 * @throws {CommandError} when wrangler fails; the file holds the keys all the same.
 */
export async function writeMasterKeys(place: SitesPlace, text: string): Promise<void> {
  putSecret(settingsFileOf(place), "SITES_KEYS", text);
  if (readDevVars(settingsFileOf(place)).SITES_KEYS !== text)
    throw new CommandError(`${fileName(place)} did not take SITES_KEYS.`);
  const { root, environment } = place;
  if (environment === undefined) return;
  await giveSecret(inFolder(root), environment, "SITES_KEYS", text);
}
