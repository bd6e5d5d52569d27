// Brings a fresh clone to where `npm start`, `npm test` and their like can run; npm calls it before each. It runs on the
// Node that is there (20 or newer), before anything is installed, so it has no dependencies.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installChromium } from "./chromium.mjs";
import { isPlain } from "./command-error.mjs";
import { DEMO_SETTINGS } from "./demo-settings.mjs";
import { checkNode, installDependencies, isInstalled } from "./dependencies.mjs";
import { completeDevVars } from "./dev-vars.mjs";
import { applyMigrations } from "./migrations.mjs";
import { say } from "./step.mjs";
import { installPrograms } from "./test-programs.mjs";

const HELP = `Usage: node cli/prepare.mjs start|check|test|bench|checklist|tools

Sets up what "npm start", "npm run check", "npm test", "npm run bench" or "npm run checklist" needs, and nothing that
is there already:
  packages   from package-lock.json, into node_modules
  settings   (not for check) .dev.vars: keys for the simulator and for signing sessions; what is there is never changed
  database   (not for check) the local D1 tables, if there are migrations
  programs   (test) nginx, Caddy, Apache, PHP, Python and Go for the tests of the examples, Firefox and WebKit; NGINX_PATH
             and FIREFOX_PATH name others
  bench      (bench) what is compared and drawn with, from bench/package-lock.json
  browser    (test, checklist) Chromium; CHROMIUM_PATH names another one
"tools" is "check" without a word where there is nothing to do.`;

/** This repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Completes .dev.vars and says so.
 * @param {Ports} ports
 */
function prepareSettings(ports) {
  const { created, added, simulator } = completeDevVars(join(root, ".dev.vars"), ports, DEMO_SETTINGS);
  const against = simulator ? "with the simulator" : "with the Vipps keys found there, without the simulator";
  if (created) say("settings", `.dev.vars made, ${against}`);
  else if (added.length > 0) say("settings", `.dev.vars: added ${added.join(", ")}; ${against}`);
  else say("settings", `.dev.vars, ${against}`);
}

/** Brings the local tables up to date and says so, if there are any. */
async function prepareDatabase() {
  const outcome = await applyMigrations(root);
  if (outcome !== "none") say("database", outcome === "applied" ? "migrations applied" : outcome);
}

/** `tools` is `check` without a word where there is nothing to do. */
const GOALS = /** @type {const} */ (["start", "check", "test", "bench", "checklist", "tools"]);

/** @typedef {(typeof GOALS)[number]} Goal */

/**
 * What of this repository a command takes from elsewhere, which then is not made here.
 * @typedef {{ settings?: boolean, database?: boolean }} Replaced
 */

/** @typedef {{ sitePort?: number, simulatorPort?: number }} Ports */

/**
 * @param {Goal} goal
 * @param {Replaced} [replaced]
 * @param {Ports} [ports] that were asked for: settings that are made here say them, for the commands that come after
 * @throws {CommandError} with what a person has to do first
 */
export async function prepare(goal, { settings = false, database = false } = {}, ports = {}) {
  if (goal !== "tools" || !isInstalled(root)) await installDependencies(root);
  checkNode(root);
  if (goal === "check" || goal === "tools") return;
  if (!settings) prepareSettings(ports);
  if (!database) await prepareDatabase();
  if (goal === "bench") await installDependencies(join(root, "bench"), "bench");
  if (goal === "test") await installPrograms();
  if (goal === "test" || goal === "checklist") await installChromium(root, { unseen: goal === "test" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [word, ...rest] = process.argv.slice(2);
  const goal = GOALS.find((known) => known === word && rest.length === 0);
  if (goal !== undefined) {
    try {
      await prepare(goal);
    } catch (error) {
      if (!isPlain(error)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    }
  } else if (word === "--help" || word === "-h") console.log(HELP);
  else {
    console.error(HELP);
    process.exitCode = 2;
  }
}
