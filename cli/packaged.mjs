#!/usr/bin/env node
// The command `vipps-login` of the package, which people run on whatever Node they have.

import { isNewEnough, leastNode } from "./node-version.mjs";

const { node } = process.versions;
if (isNewEnough(node)) await import("./vipps-login.ts");
else {
  console.error(
    `vipps-login needs Node ${leastNode} or newer, and this is ${node}. Install Node 24 from https://nodejs.org and try again.`,
  );
  process.exitCode = 1;
}
