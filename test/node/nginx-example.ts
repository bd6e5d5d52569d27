import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../cli/test-programs.mjs";
import type { ApplicationsBehindProxy } from "./applications-behind-proxy.ts";
import { type Program, startServer } from "./program.ts";

/**
 * Starts the example for nginx.
 * @param httpSettings what other files of this nginx say
 */
export function startNginx(
  applications: ApplicationsBehindProxy,
  worker: URL,
  httpSettings = "",
): Promise<Program> {
  const config = configure(applications, worker, httpSettings);
  return startServer(
    findProgram("nginx") ?? "",
    ["-p", applications.folder, "-c", config],
    applications.url.origin,
  );
}

/** A file of the example with the addresses of this test in place of the example's. */
function example(name: string, replacements: readonly (readonly [string, string])[] = []): string {
  let text = readFileSync(join("examples/nginx", name), "utf8");
  for (const [found, replacement] of replacements) {
    if (!text.includes(found)) throw new Error(`${name} no longer has: ${found}`);
    text = text.replaceAll(found, replacement);
  }
  return text;
}

/** The example as a server of this machine. */
function configure(
  { folder, root, url, appPort, cgi }: ApplicationsBehindProxy,
  worker: URL,
  httpSettings: string,
): string {
  const files = {
    "site.conf": example("site.conf", [
      ["server vipps-login-worker.example.workers.dev:443;", `server ${worker.host};`],
      ["https://vipps_login", "http://vipps_login"],
      ["listen 443 ssl;", `listen 127.0.0.1:${url.port};`],
      ["server_name www.example.com;", "server_name localhost;"],
      ["ssl_certificate /etc/ssl/www.example.com.pem;", ""],
      ["ssl_certificate_key /etc/ssl/www.example.com.key;", ""],
      ["root /var/www/www.example.com;", `root ${root};`],
      ["127.0.0.1:3000", `127.0.0.1:${appPort}`],
      ["/run/php/php-fpm.sock", cgi.phpSocket],
      // The same application twice: in Node, and in Python behind WSGI.
      [
        "  # An application in PHP, for",
        `  location ^~ /wsgi/ {
             include vipps-login-required.conf;
             include vipps-login-identity.conf;
             proxy_pass http://127.0.0.1:${cgi.wsgiPort}/app/;
           }
           location ^~ /wsgi/open/ {
             include vipps-login-identity.conf;
             proxy_pass http://127.0.0.1:${cgi.wsgiPort}/app/open/;
           }
         # An application in PHP, for`,
      ],
    ]),
    "vipps-login-required.conf": example("vipps-login-required.conf"),
    "vipps-login-identity.conf": example("vipps-login-identity.conf"),
    "vipps-login-identity-fastcgi.conf": example("vipps-login-identity-fastcgi.conf"),
    "vipps-login-worker.conf": example("vipps-login-worker.conf", [
      ["Host vipps-login-worker.example.workers.dev", `Host ${worker.host}`],
    ]),
    "nginx.conf": [
      process.getuid?.() === 0 ? "user root;" : "",
      `pid ${folder}/pid; error_log stderr warn; worker_processes 1; daemon off;`,
      "events { worker_connections 64; }",
      "http {",
      "  access_log off;",
      httpSettings,
      ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (kind) => `  ${kind}_temp_path ${folder}/temporary/${kind};`,
      ),
      "  include site.conf;",
      "}",
    ].join("\n"),
  };
  mkdirSync(join(folder, "temporary"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return join(folder, "nginx.conf");
}
