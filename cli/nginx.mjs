// The nginx of the tests that put one before the worker: finding it, and installing it where there is none.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { runQuietly, say } from "./step.mjs";

const USUAL_PLACES = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"];

/**
 * True if the program is an nginx that can ask somebody else who may pass (`auth_request`).
 * @param {string} path
 */
function isSuitable(path) {
  const { status, stderr } = spawnSync(path, ["-V"], { encoding: "utf8", timeout: 10_000 });
  return status === 0 && stderr.includes("http_auth_request_module");
}

/**
 * The nginx to test with: what NGINX_PATH names and nothing else, or else one in a usual place.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} its program
 */
export function findNginx(env = process.env) {
  return (env.NGINX_PATH ? [env.NGINX_PATH] : USUAL_PLACES).find(isSuitable);
}

/**
 * Why there is no nginx, in words for a person.
 * @param {NodeJS.ProcessEnv} [env]
 */
export const noNginx = (env = process.env) =>
  env.NGINX_PATH
    ? `NGINX_PATH names no nginx with auth_request (${env.NGINX_PATH})`
    : "no nginx was found, and none could be installed";

/** Makes sure that there is an nginx, as far as this machine allows, and says what came of it. Never fails. */
export async function installNginx() {
  if (findNginx() === undefined && !process.env.NGINX_PATH) {
    if (existsSync("/usr/bin/apt-get") && process.getuid?.() === 0) {
      say("nginx", "installing nginx with apt-get (some 10 seconds)");
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      await runQuietly("nginx", "apt-get", ["update"], { env });
      await runQuietly("nginx", "apt-get", ["install", "-y", "--no-install-recommends", "nginx-light"], {
        env,
      });
    }
  }
  say("nginx", findNginx() ?? `none: ${noNginx()}`);
}
