import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../cli/test-programs.mjs";
import { freePorts } from "./free-ports.ts";
import { type Program, startServer } from "./program.ts";

/** Tells its variables, as every application behind CGI, FastCGI or WSGI gets them. */
const PHP = `<?php
header('Content-Type: application/json');
echo json_encode(array_filter($_SERVER, 'is_string'));
`;

const WSGI = `import json

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: value for name, value in environ.items() if isinstance(value, str)}).encode()]
`;

export interface CgiApplications {
  /** The socket of php-fpm. */
  readonly phpSocket: string;
  /** The port of gunicorn. */
  readonly wsgiPort: number;
  readonly end: () => Promise<void>;
}

/**
 * Starts php-fpm and gunicorn with an application each that tells its variables.
 * @param folder for sockets and settings.
 * @param root of the site; the PHP application is put at `/php/who.php` and `/php/open/who.php` below it.
 */
export async function startCgiApplications(folder: string, root: string): Promise<CgiApplications> {
  const [wsgiPort] = await freePorts();
  const phpSocket = join(folder, "php.sock");
  mkdirSync(join(root, "php/open"), { recursive: true });
  for (const place of ["php", "php/open"]) writeFileSync(join(root, place, "who.php"), PHP);
  writeFileSync(join(folder, "who.py"), WSGI);
  const settings = [
    "[global]",
    `error_log = ${join(folder, "php-fpm.log")}`,
    "daemonize = no",
    "[www]",
    ...(process.getuid?.() === 0 ? ["user = root"] : []),
    `listen = ${phpSocket}`,
    "pm = static",
    "pm.max_children = 2",
  ];
  writeFileSync(join(folder, "php-fpm.conf"), settings.join("\n"));
  const php = await startServer(
    findProgram("phpFpm") ?? "",
    ["-R", "-F", "-y", join(folder, "php-fpm.conf")],
    () => existsSync(phpSocket),
  );
  const arguments_ = ["--chdir", folder, "--bind", `127.0.0.1:${wsgiPort}`, "who:application"];
  const wsgi: Program = await startServer(
    findProgram("gunicorn") ?? "",
    arguments_,
    `http://127.0.0.1:${wsgiPort}`,
  );
  return {
    phpSocket,
    wsgiPort,
    end: async () => {
      await php.end();
      await wsgi.end();
    },
  };
}
