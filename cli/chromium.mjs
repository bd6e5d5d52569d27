// The browser of the end-to-end tests: finding one, and installing one where there is none.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runQuietly, say } from "./step.mjs";
import { toolsNode } from "./wrangler.mjs";

const INSTALLED_BROWSERS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Chromium without windows, as Debian has it: opens a page in a third of the processor time. */
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";

/** How long, in milliseconds, a browser may take to say its version, on a machine that is busy. */
const START_WITHIN = 60_000;

/**
 * True if the program starts. (On Ubuntu the package `chromium-browser` is only a pointer to a snap.)
 * @param {string} path
 */
function starts(path) {
  try {
    execFileSync(path, ["--version"], { stdio: "ignore", timeout: START_WITHIN });
    return true;
  } catch {
    return false;
  }
}

/** Where Playwright's own Chromium is, or would be. Undefined as long as Playwright isn't installed. */
async function playwrightChromium() {
  try {
    const { chromium } = await import("playwright-core");
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

/**
 * The browser to test with: what CHROMIUM_PATH names and nothing else, or else Chromium, Chrome or
 * Playwright's own, whichever is here.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {{ unseen?: boolean }} [wish] unseen: one without windows and profiles will do, and is preferred
 * @returns {Promise<string | undefined>} the path of its program
 */
export async function findChromium(env = process.env, { unseen = false } = {}) {
  const named = env.CHROMIUM_PATH;
  if (named !== undefined && named !== "") return starts(named) ? named : undefined;
  if (unseen && existsSync(HEADLESS_SHELL) && starts(HEADLESS_SHELL)) return HEADLESS_SHELL;
  const installed = INSTALLED_BROWSERS.find((path) => existsSync(path) && starts(path));
  if (installed !== undefined) return installed;
  const own = await playwrightChromium();
  return own !== undefined && existsSync(own) ? own : undefined;
}

/**
 * Why there is no browser, in words for a person.
 * @param {NodeJS.ProcessEnv} [env]
 */
export const noChromium = (env = process.env) =>
  env.CHROMIUM_PATH
    ? `CHROMIUM_PATH names no browser that starts (${env.CHROMIUM_PATH})`
    : "no Chromium or Chrome was found, and none could be installed";

/**
 * Makes sure that there is a browser, as far as this machine allows, and says what came of it. Without one the
 * other tests still run, so this never fails.
 * @param {string} root
 * @param {{ unseen?: boolean }} [wish] unseen: many walks that nobody looks at will be made in it
 */
export async function installChromium(root, { unseen = false } = {}) {
  const present = await findChromium();
  if (process.env.CHROMIUM_PATH) return say("browser", present ?? `none: ${noChromium()}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const mayInstall = existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
  if (present === undefined && mayInstall) {
    say("browser", "installing Chromium with apt-get (some 30 seconds)");
    await runQuietly("browser", "apt-get", ["update"], { env });
    await runQuietly("browser", "apt-get", ["install", "-y", "chromium"], { env });
  }
  // Where it can't be had, the walks are made in the other one and take longer.
  if (unseen && mayInstall && !existsSync(HEADLESS_SHELL))
    await runQuietly("browser", "apt-get", ["install", "-y", "chromium-headless-shell"], { env });
  if ((await findChromium()) === undefined) {
    say("browser", "installing Chromium with Playwright");
    const cli = join(root, "node_modules", "@playwright", "test", "cli.js");
    await runQuietly("browser", toolsNode(root), [cli, "install", "chromium"]);
  }
  say("browser", (await findChromium()) ?? `none: ${noChromium()}`);
}
