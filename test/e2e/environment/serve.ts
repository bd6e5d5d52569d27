// What the browser tests run against: `npm start` with settings and storage of its own, gone afterwards. The
// developer's .dev.vars and .wrangler are neither read nor changed.
// Usage: [E2E_STATE=FOLDER] node test/e2e/environment/serve.ts SITE_PORT SIMULATOR_PORT [SETTING=VALUE ...]
// With E2E_STATE the storage is in that folder and stays there.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [sitePort = "", simulatorPort = "", ...settings] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "vipps-login-worker-e2e-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "settings"), settings.map((setting) => `${setting}\n`).join(""));

process.argv.length = 2;
process.argv.push("dev", "--quiet", "--port", sitePort, "--simulator-port", simulatorPort);
process.argv.push(
  "--persist-to",
  process.env.E2E_STATE ?? join(folder, "state"),
  "--settings",
  join(folder, "settings"),
);
await import("../../../cli/vipps-login.ts");
