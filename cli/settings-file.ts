// Changing one setting of a settings file.

import { chmodSync, existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { withSetting } from "./dev-vars.mjs";

/**
 * Puts a secret into a settings file and leaves everything else in it as it is. Only its owner may read it. A link
 * stays a link.
 * @param value without a single quote, which could not be written down
 */
export function putSecret(path: string, name: string, value: string): void {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const target = existsSync(path) ? realpathSync(path) : path;
  const beside = `${target}.${process.pid}`;
  // Renaming is one step: whoever reads the file, or a power cut, finds the old value or the new one.
  writeFileSync(beside, withSetting(text, name, value), { mode: 0o600, flag: "wx" });
  renameSync(beside, target);
  chmodSync(target, 0o600);
}
