// The packages in node_modules, and a Node new enough to run them.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "./command-error.mjs";
import { isNewEnough, leastNode } from "./node-version.mjs";
import { runQuietly, say } from "./step.mjs";
import { toolsNode } from "./wrangler.mjs";

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * The packages a lockfile lists, by their place in node_modules.
 * @param {string} path
 * @returns {[string, LockedPackage][]}
 */
function lockedPackages(path) {
  /** @type {{ packages?: Record<string, LockedPackage> }} */
  const lockfile = JSON.parse(readFileSync(path, "utf8"));
  return Object.entries(lockfile.packages ?? {}).filter(([place]) => place !== "");
}

/**
 * True if node_modules holds what package-lock.json asks for. npm keeps a lockfile of its own in node_modules,
 * written when an install is complete, so one that was cut short is noticed. Optional packages may be missing:
 * most are for other platforms.
 * @param {string} root
 */
export function isInstalled(root) {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = new Map(lockedPackages(record));
  return lockedPackages(join(root, "package-lock.json")).every(([place, wanted]) => {
    const present = installed.get(place);
    if (present === undefined) return wanted.optional === true || wanted.devOptional === true;
    const same = present.version === wanted.version && present.integrity === wanted.integrity;
    return same && existsSync(join(root, place));
  });
}

/** Codes with which npm says that it didn't reach the registry. */
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

/**
 * What went wrong with `npm ci`, in one line.
 * @param {string} output
 */
function installFault(output) {
  const unreachable = output.match(UNREACHABLE)?.[1];
  if (unreachable !== undefined) {
    return `The packages can't be fetched: the npm registry is out of reach (${unreachable}). The first start needs a network, later ones don't.`;
  }
  const errors = [...output.matchAll(/^npm (?:error|ERR!) (?!code |A complete log)(.+)$/gm)];
  const first = errors[0]?.[1] ?? output.trim().split("\n").at(-1) ?? "";
  return `npm ci failed: ${first} (run "npm ci" to see all of it)`;
}

/**
 * Installs the packages of package-lock.json if node_modules isn't up to date.
 * @param {string} root the folder of both
 * @param {string} [step] what the packages are called in what is said
 * @throws {CommandError} if they can't be had
 */
export async function installDependencies(root, step = "packages") {
  if (isInstalled(root)) return say(step, "as in package-lock.json");
  const count = lockedPackages(join(root, "package-lock.json")).length;
  say(step, `installing from package-lock.json (${count} at most, some 20 seconds)`);
  const { npm_execpath: npm = npmBeside(process.execPath), npm_node_execpath: node = process.execPath } =
    process.env;
  const options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  // npm's own pauses between attempts add up to a minute without a network.
  const retries = ["--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000"];
  const args = ["ci", ...options, ...retries];
  const { code, output } =
    npm === undefined
      ? await runQuietly(step, "npm", args, { cwd: root })
      : await runQuietly(step, node, [npm, ...args], { cwd: root });
  if (code !== 0) throw new CommandError(installFault(output));
  say(step, "installed");
}

/**
 * npm's own program where it came with a Node, as it always does on Windows, where `npm` alone is no program.
 * @param {string} node
 * @returns {string | undefined}
 */
function npmBeside(node) {
  const places = [join("node_modules", "npm"), join("..", "lib", "node_modules", "npm")];
  return places
    .map((place) => join(dirname(node), place, "bin", "npm-cli.js"))
    .find((path) => existsSync(path));
}

/**
 * The version of the Node that npm's scripts run: the one in node_modules/.bin, else the one running this.
 * @param {string} root
 * @returns {string} such as `24.1.0`; empty if the one in node_modules doesn't run on this machine
 */
function scriptNodeVersion(root) {
  const bundled = toolsNode(root);
  if (bundled === process.execPath) return process.versions.node;
  try {
    return execFileSync(bundled, ["--version"], { encoding: "utf8", stdio: "pipe" }).trim().slice(1);
  } catch {
    return "";
  }
}

/**
 * Checks that npm's scripts will run on a Node that is new enough. On Linux one comes with the packages.
 * @param {string} root
 * @throws {CommandError} if not
 */
export function checkNode(root) {
  const version = scriptNodeVersion(root);
  if (isNewEnough(version)) return;
  const here = `${process.platform}-${process.arch}`;
  throw new CommandError(
    version === ""
      ? `The Node that comes with the packages doesn't run on this system (${here}, perhaps without glibc).`
      : `Node ${leastNode} or newer is needed and this is ${version}; none comes with the packages for ${here}. Install Node 24 from https://nodejs.org and try again.`,
  );
}
