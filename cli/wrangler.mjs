// How the scripts call wrangler: through the right Node, and without any network of its own.

import { existsSync } from "node:fs";
import { join } from "node:path";

/** Keeps wrangler from metrics, update checks, a copy of Cloudflare's request data and log files. */
export const WRANGLER_OFFLINE = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** wrangler's own program, run with a Node. */
export const wranglerProgram = (/** @type {string} */ root) =>
  join(root, "node_modules", "wrangler", "bin", "wrangler.js");

/**
 * The Node to run the development tools with: the one that comes with the packages, else the one running this.
 * @param {string} root
 */
export function toolsNode(root) {
  const bundled = join(root, "node_modules", ".bin", "node");
  return existsSync(bundled) ? bundled : process.execPath;
}
