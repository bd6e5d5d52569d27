// Keeps a release beside the tests: `node test/releases/keep.ts NAME [FOLDER OF ITS SOURCE]`, once it is out.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRelease, keepRelease } from "./release.ts";

const [name, tree = "."] = process.argv.slice(2);
if (name === undefined || !/^[\w.-]+$/.test(name))
  throw new Error("Which release? Its version, such as 0.2.0.");
const folder = mkdtempSync(join(tmpdir(), "release-"));
try {
  keepRelease(name, await buildRelease(tree, folder));
  console.log(`Kept as test/releases/${name}: test/node/releases.test.ts upgrades it from now on.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
