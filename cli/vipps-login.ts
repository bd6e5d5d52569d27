#!/usr/bin/env node
// The command `vipps-login`.

import { enableCompileCache } from "node:module";
import { runCommandLine } from "./command-line.ts";

// wrangler is much code, and loading it is most of what a small command takes.
enableCompileCache();

const { env, stdin, stdout, stderr } = process;
// Whoever reads may stop reading (`| head -1`). What was begun is finished all the same.
for (const output of [stdout, stderr])
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
process.exitCode = await runCommandLine(process.argv.slice(2), {
  cwd: process.cwd(),
  ...{ env, stdin, stdout, stderr },
});
