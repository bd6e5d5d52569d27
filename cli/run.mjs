#!/usr/bin/env node
// `npm start` and `npm run …` of this repository: gets ready what the command needs, on whatever Node is there, and
// runs it on one that is new enough.
// Usage: node cli/run.mjs COMMAND [options]

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isPlain } from "./command-error.mjs";
import { isNewEnough } from "./node-version.mjs";
import { prepare, root } from "./prepare.mjs";
import { toolsNode } from "./wrangler.mjs";

/** @type {Readonly<Record<string, import("./prepare.mjs").Goal>>} */
const GOALS = { dev: "start", simulator: "start", checklist: "checklist" };

/**
 * What the options of a command take the place of: a file of settings, a folder of storage, or the project with both.
 * @param {readonly string[]} words
 * @returns {import("./prepare.mjs").Replaced}
 */
function replacedBy(words) {
  const isGiven = (/** @type {string} */ name) =>
    words.some((word) => word === name || word.startsWith(`${name}=`));
  const elsewhere = isGiven("--cwd");
  return { settings: elsewhere || isGiven("--settings"), database: elsewhere || isGiven("--persist-to") };
}

/**
 * The ports that a start is asked for, as far as they are ports.
 * @param {readonly string[]} words
 * @returns {import("./prepare.mjs").Ports}
 */
function portsIn(words) {
  const port = (/** @type {string} */ name) => {
    const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
    const number = Number(words[at]?.split("=")[1] ?? words[at + 1]);
    return at >= 0 && Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
  };
  const [sitePort, simulatorPort] = [port("--port"), port("--simulator-port")];
  return { ...(sitePort && { sitePort }), ...(simulatorPort && { simulatorPort }) };
}

const program = new URL("vipps-login.ts", import.meta.url);

/** Runs the command in a process of its own, which ends when this one does. */
function runOnNewerNode() {
  const guard = new URL("exit-with-parent.mjs", import.meta.url).href;
  const args = ["--import", guard, fileURLToPath(program), ...process.argv.slice(2)];
  const child = spawn(toolsNode(root), args, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  // At a terminal the command hears Ctrl-C itself; this process waits for what comes of it.
  process.on("SIGINT", () => undefined);
  for (const name of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(name, () => child.kill(name));
  child.once("exit", (code) => process.exit(code ?? 1));
}

try {
  const [command = ""] = process.argv.slice(2);
  const wantsHelp = process.argv.some((word) => word === "--help" || word === "-h");
  await prepare(
    (!wantsHelp && GOALS[command]) || "tools",
    replacedBy(process.argv),
    command === "dev" ? portsIn(process.argv) : {},
  );
  if (isNewEnough(process.versions.node)) await import(program.href);
  else runOnNewerNode();
} catch (error) {
  if (!isPlain(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
