import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../cli/test-programs.mjs";
import type { ApplicationsBehindProxy } from "./applications-behind-proxy.ts";
import { type Program, startServer } from "./program.ts";

const WSGI_BEFORE = "\t\t# A part of an application in PHP";

/** The same application once more, in Python behind WSGI. */
const WSGI = `
      handle /wsgi/open/* {
        reverse_proxy {$WSGI}
      }
      handle /wsgi* {
        import vipps-login-required
        reverse_proxy {$WSGI}
      }
      ${WSGI_BEFORE}`;

/** Starts the example for Caddy. */
export function startCaddy(applications: ApplicationsBehindProxy, worker: URL): Promise<Program> {
  const { folder, root, url, adminPort, appPort, cgi } = applications;
  const example = readFileSync("examples/caddy/Caddyfile", "utf8");
  if (!example.includes(WSGI_BEFORE)) throw new Error(`Caddyfile no longer has: ${WSGI_BEFORE}`);
  const config = join(folder, "Caddyfile");
  writeFileSync(config, example.replace(WSGI_BEFORE, WSGI));
  const args = ["run", "--config", config, "--adapter", "caddyfile"];
  return startServer(findProgram("caddy") ?? "", args, url.origin, {
    WORKER: worker.origin,
    SITE: url.origin,
    ROOT: root,
    APP: `127.0.0.1:${appPort}`,
    PHP: `unix/${cgi.phpSocket}`,
    WSGI: `127.0.0.1:${cgi.wsgiPort}`,
    CADDY_ADMIN: `127.0.0.1:${adminPort}`,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  });
}
