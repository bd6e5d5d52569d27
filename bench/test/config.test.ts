import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { capnpConfig } from "../workerd/config.ts";
import { WORKERD } from "../workerd/executable.ts";

it("writes settings that workerd reads as they are: quotes, backslashes, line ends, letters of all kinds", () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-config-"));
  const setting = `"quoted" \\ back\nnext\tline – ærøskøbing {"json":true}`;
  try {
    writeFileSync(
      join(folder, "worker.js"),
      `export default { test(_, env) { if (env.SETTING !== ${JSON.stringify(setting)}) throw new Error(env.SETTING); } };`,
    );
    const config = capnpConfig({
      services: [
        {
          name: "main",
          modules: [{ path: "worker.js", kind: "esModule" }],
          bindings: [{ name: "SETTING", text: setting }],
          durableObjects: [],
          outbound: undefined,
          compatibilityFlags: [],
        },
      ],
      main: "main",
      port: 0,
      storage: folder,
    });
    writeFileSync(join(folder, "config.capnp"), config);
    const { status, stderr } = spawnSync(WORKERD, ["test", join(folder, "config.capnp")], {
      encoding: "utf8",
    });
    expect(stderr).toContain("[ PASS ] main");
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
