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

/** As many as the worker takes. */
const LIMIT = 10;

/** @returns the text of SITES_KEYS, or undefined where there is none */
export function masterKeyText(place: SitesPlace): string | undefined {
  const text = process.env.SITES_KEYS ?? readDevVars(settingsFileOf(place)).SITES_KEYS;
  return text?.trim() ? text : undefined;
}

/** The master keys. @throws {CommandError} when there are none, or they are unusable */
export function masterKeysAt(place: SitesPlace): MasterKeys {
  const text = masterKeyText(place);
  const where = relative(process.cwd(), settingsFileOf(place));
  if (text === undefined)
    throw new CommandError(`There is no SITES_KEYS in ${where}. "${PROGRAM} site init" makes it.`);
  const keys = readMasterKeys(text);
  if (keys === undefined) throw new CommandError(`SITES_KEYS in ${where} is no set of 256-bit keys.`);
  return keys;
}

/** Whether there are master keys already. */
export const hasMasterKeys = (place: SitesPlace): boolean => masterKeyText(place) !== undefined;

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
 * @throws {CommandError} when there are as many as the worker takes.
 */
export function withNewMasterKey(place: SitesPlace): string {
  const present = masterKeyText(place);
  const keys: readonly unknown[] = present === undefined ? [] : JSON.parse(present).keys;
  if (keys.length >= LIMIT)
    throw new CommandError(`There are ${keys.length} master keys, and the worker takes ${LIMIT}.`);
  return JSON.stringify({ keys: [newMasterKey(), ...keys] });
}

/** The same keys without those that seal nothing any more. */
export function withoutUnused(place: SitesPlace, used: ReadonlySet<string>): string {
  const [first, ...others]: MasterJwk[] = JSON.parse(masterKeyText(place) ?? '{"keys":[]}').keys;
  return JSON.stringify({ keys: [first, ...others.filter(({ kid }) => used.has(kid))] });
}

/**
 * Writes the master keys into the settings file, which only its owner may read, and then gives them to the deployed
 * worker: what seals must never be known to the worker alone.
 * @throws {CommandError} when wrangler fails; the file holds the keys all the same.
 */
export async function writeMasterKeys(place: SitesPlace, text: string): Promise<void> {
  putSecret(settingsFileOf(place), "SITES_KEYS", text);
  const { root, environment } = place;
  if (environment === undefined) return;
  await giveSecret(inFolder(root), environment, "SITES_KEYS", text);
}
