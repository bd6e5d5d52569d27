// Brings a fresh clone to where `npm start`, `npm test` and their like can run; npm calls it before each. It runs on the
// Node that is there (20 or newer), before anything is installed, so it has no dependencies.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installChromium } from "./chromium.mjs";
import { checkNode, installDependencies } from "./dependencies.mjs";
import { completeDevVars } from "./dev-vars.mjs";
import { applyMigrations } from "./migrations.mjs";
import { PreparationError, say } from "./step.mjs";
import { installPrograms } from "./test-programs.mjs";

const HELP = `Usage: node cli/prepare.mjs start|check|test|checklist

Sets up what "npm start", "npm run check", "npm test" or "npm run checklist" needs, and nothing that is there already:
  packages   from package-lock.json, into node_modules
  settings   (not for check) .dev.vars: keys for the simulator and for signing sessions; what is there is never changed
  database   (not for check) the local D1 tables, if there are migrations
  programs   (test) nginx, Caddy, Apache, PHP, Python and Go for the tests of the examples; NGINX_PATH names another nginx
  browser    (test, checklist) Chromium; CHROMIUM_PATH names another one`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Completes .dev.vars and says so. */
function prepareSettings() {
  const { created, added, simulator } = completeDevVars(join(root, ".dev.vars"));
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

const GOALS = /** @type {const} */ (["start", "check", "test", "checklist"]);

/** @param {(typeof GOALS)[number]} goal */
async function prepare(goal) {
  process.chdir(root);
  await installDependencies(root);
  checkNode(root);
  if (goal === "check") return;
  prepareSettings();
  await prepareDatabase();
  if (goal === "test") await installPrograms();
  if (goal !== "start") await installChromium(root);
}

/** The goal asked for; undefined if the arguments ask for something else. */
function readGoal() {
  try {
    const { values, positionals } = parseArgs({
      options: { help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    if (values.help) return "help";
    const [goal, ...rest] = positionals;
    if (rest.length === 0) return GOALS.find((known) => known === goal);
  } catch {
    // An unknown option: the help says which there are.
  }
  return undefined;
}

const goal = readGoal();
if (goal === undefined) {
  console.error(HELP);
  process.exitCode = 2;
} else if (goal === "help") {
  console.log(HELP);
} else {
  try {
    await prepare(goal);
  } catch (error) {
    if (!(error instanceof PreparationError) && !isFileError(error)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * True for what the file system refuses (no rights, no space): the message says it all.
 * @param {unknown} error
 * @returns {error is Error}
 */
function isFileError(error) {
  return error instanceof Error && "syscall" in error;
}
