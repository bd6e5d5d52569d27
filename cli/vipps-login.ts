#!/usr/bin/env node
// The command `vipps-login`.

import { enableCompileCache } from "node:module";
import { runCommandLine } from "./command-line.ts";

// wrangler is much code, and loading it is most of what a small command takes.
enableCompileCache();

const { env, stdin, stdout, stderr } = process;
process.exitCode = await runCommandLine(process.argv.slice(2), {
  cwd: process.cwd(),
  ...{ env, stdin, stdout, stderr },
});
