// What the browser tests run against: `npm start` with settings and storage of its own, gone afterwards. The
// developer's .dev.vars and .wrangler are neither read nor changed.
// Usage: [E2E_STATE=FOLDER] node test/e2e/environment/serve.ts SITE_PORT SIMULATOR_PORT [SETTING=VALUE ...]
// With E2E_STATE the storage is in that folder and stays there.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeLocalDatabase } from "../../../cli/local-storage.ts";
import { localDatabase } from "../../../cli/project-config.ts";

const [sitePort = "", simulatorPort = "", ...settings] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "vipps-login-worker-e2e-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "settings"), settings.map((setting) => `${setting}\n`).join(""));
// Wrangler would make the same tables, in seconds for each of the sites; start.test.ts has it do so.
const state = process.env.E2E_STATE ?? join(folder, "state");
makeLocalDatabase(state, localDatabase(fileURLToPath(new URL("../../..", import.meta.url))));

process.argv.length = 2;
process.argv.push("dev", "--quiet", "--port", sitePort, "--simulator-port", simulatorPort);
process.argv.push("--persist-to", state, "--settings", join(folder, "settings"));
await import("../../../cli/vipps-login.ts");
