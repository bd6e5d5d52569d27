// Programs that only tests need, because the examples are tested with the real servers: finding them, and installing
// what is not there.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runQuietly, say } from "./step.mjs";

/**
 * @typedef {object} Wanted
 * @property {string} what in words for a person
 * @property {readonly string[]} packages of Debian and its like
 * @property {readonly string[]} places names and paths, the best first; with `*` for a version
 * @property {readonly string[]} asked arguments with which it says whether it is the right one
 * @property {string} [says] what it has to say then
 * @property {string} [variable] of the environment, naming another one
 */

const PROGRAMS = /** @satisfies {Record<string, Wanted>} */ ({
  nginx: {
    what: "nginx with auth_request",
    packages: ["nginx-light"],
    places: ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"],
    asked: ["-V"],
    says: "http_auth_request_module",
    variable: "NGINX_PATH",
  },
  caddy: { what: "Caddy", packages: ["caddy"], places: ["caddy"], asked: ["version"] },
  apache: {
    what: "Apache with mod_auth_openidc",
    packages: ["apache2-bin", "libapache2-mod-auth-openidc", "openssl"],
    places: ["/usr/sbin/apache2"],
    asked: ["-t", "-f", "/etc/apache2/mods-available/auth_openidc.load"],
    says: "Syntax OK|no listening sockets|AH00534",
  },
  phpFpm: {
    what: "php-fpm",
    packages: ["php-fpm"],
    places: ["php-fpm", "/usr/sbin/php-fpm*"],
    asked: ["-v"],
  },
  php: {
    what: "PHP with phpseclib 3",
    packages: ["php-cli", "php-phpseclib3"],
    places: ["/usr/bin/php", "php"],
    asked: ["-r", "require 'phpseclib3/autoload.php'; echo PHP_VERSION;"],
    says: "^8",
  },
  python: {
    what: "Python with PyJWT",
    packages: ["python3", "python3-jwt", "python3-cryptography"],
    places: ["/usr/bin/python3", "python3"],
    asked: ["-c", "import jwt, cryptography; print(jwt.__version__)"],
  },
  faketime: { what: "faketime", packages: ["faketime"], places: ["faketime"], asked: ["--version"] },
  gunicorn: { what: "gunicorn", packages: ["gunicorn"], places: ["gunicorn"], asked: ["--version"] },
  firefox: {
    what: "Firefox",
    packages: ["firefox-esr"],
    places: ["firefox-esr", "firefox"],
    asked: ["--version"],
    says: "Firefox",
    variable: "FIREFOX_PATH",
  },
  webkit: {
    what: "WebKit with its driver",
    packages: ["webkit2gtk-driver"],
    places: ["WebKitWebDriver", "/usr/bin/WebKitWebDriver"],
    asked: ["--help"],
    says: "WebKitWebDriver",
  },
  miniBrowser: {
    what: "WebKit's MiniBrowser",
    packages: ["webkit2gtk-driver"],
    places: [
      "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
      "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
      "/usr/libexec/webkit2gtk-4.1/MiniBrowser",
    ],
    asked: ["--help"],
    says: "MiniBrowser",
  },
  xvfb: {
    what: "a screen without a screen (xvfb-run)",
    packages: ["xvfb", "xauth"],
    places: ["xvfb-run"],
    asked: ["--help"],
    says: "xvfb-run",
  },
  go: { what: "Go", packages: ["golang-go"], places: ["go", "/usr/local/go/bin/go"], asked: ["version"] },
});

/** @typedef {keyof typeof PROGRAMS} ProgramName */

/**
 * @param {string} path
 * @param {Wanted} wanted
 */
function isSuitable(path, { asked, says = "" }) {
  const { status, stdout, stderr } = spawnSync(path, asked, { encoding: "utf8", timeout: 60_000 });
  return status !== null && (status === 0 || says !== "") && new RegExp(says).test(stdout + stderr);
}

/** @type {Map<string, string | undefined>} */
const found = new Map();

/**
 * The program to test with: what the environment names and nothing else, or else one in a usual place.
 * @param {ProgramName} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} its path
 */
export function findProgram(name, env = process.env) {
  /** @type {Wanted} */
  const wanted = PROGRAMS[name];
  const named = wanted.variable === undefined ? undefined : env[wanted.variable];
  const key = `${name} ${named ?? ""}`;
  if (!found.has(key)) {
    const places = named
      ? [named]
      : wanted.places.flatMap((place) => (place.includes("*") ? versionsOf(place) : place));
    found.set(
      key,
      places.find((path) => isSuitable(path, wanted)),
    );
  }
  return found.get(key);
}

/**
 * What there is of a path whose last part has a `*` for a version, the newest first. Node 20 has no globSync.
 * @param {string} place
 */
function versionsOf(place) {
  const [before = "", behind = ""] = basename(place).split("*");
  try {
    const names = readdirSync(dirname(place));
    const fitting = names.filter((name) => name.startsWith(before) && name.endsWith(behind));
    return fitting
      .sort()
      .reverse()
      .map((name) => join(dirname(place), name));
  } catch {
    return [];
  }
}

/**
 * Why a program is not there, in words for a person.
 * @param {ProgramName} name
 * @param {NodeJS.ProcessEnv} [env]
 */
export function whyMissing(name, env = process.env) {
  /** @type {Wanted} */
  const { what, variable } = PROGRAMS[name];
  const named = variable === undefined ? undefined : env[variable];
  return named
    ? `${variable} names no ${what} (${named})`
    : `no ${what} was found, and none could be installed`;
}

/**
 * How apt-get is run here without asking anybody: by root, or by whoever may become root, which is only made use of on
 * a machine that is there for tests alone. Undefined where it can't be.
 * @returns {readonly string[] | undefined}
 */
function aptGet() {
  if (!existsSync("/usr/bin/apt-get")) return undefined;
  if (process.getuid?.() === 0) return ["apt-get"];
  const isTestMachine = !["", "0", "false", undefined].includes(process.env.CI);
  const mayBeRoot = isTestMachine && spawnSync("sudo", ["-n", "true"]).status === 0;
  return mayBeRoot ? ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND,RUNLEVEL", "apt-get"] : undefined;
}

/** Whether what is missing could have been installed: then its absence on a machine for tests is a failure. */
export const canInstall = () => aptGet() !== undefined;

/** Makes sure that the programs are there, as far as this machine allows, and says what came of it. Never fails. */
export async function installPrograms() {
  const names = /** @type {ProgramName[]} */ (Object.keys(PROGRAMS));
  const missing = names.filter((name) => findProgram(name) === undefined);
  const [command, ...before] = aptGet() ?? [];
  if (missing.length > 0 && command !== undefined) {
    const packages = missing.flatMap((name) => PROGRAMS[name].packages);
    say("programs", `installing ${packages.join(", ")} with apt-get (a minute at most)`);
    // Run level 1 keeps the packages from starting servers: the tests start their own.
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await runQuietly("programs", command, [...before, "update"], { env });
    const install = [...before, "install", "-y", "--no-install-recommends"];
    const { code } = await runQuietly("programs", command, [...install, ...packages], { env });
    // One that this system does not know keeps apt-get from installing any.
    if (code !== 0)
      for (const one of new Set(packages)) await runQuietly("programs", command, [...install, one], { env });
    found.clear();
  }
  const still = names.filter((name) => findProgram(name) === undefined);
  say(
    "programs",
    still.length === 0 ? "for the tests of the examples" : still.map((name) => whyMissing(name)).join("; "),
  );
}
