import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isInstalled } from "../../cli/dependencies.mjs";
import { readDevVars } from "../../cli/dev-vars.mjs";
import packageJson from "../../package.json" with { type: "json" };

/** A project as `git clone` leaves it: the set-up scripts, and a lockfile of its own. */
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "prepare-"));
  cpSync("cli", join(project, "cli"), { recursive: true });
  writeJson("package.json", { name: "project", version: "1.0.0", dependencies: { local: "file:local" } });
  writeJson("package-lock.json", LOCKFILE);
  writeJson("local/package.json", { name: "local", version: "1.0.0" });
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

/** A lockfile whose only package is a folder beside it, so that it installs without a network. */
const LOCKFILE = {
  name: "project",
  version: "1.0.0",
  lockfileVersion: 3,
  requires: true,
  packages: {
    "": { name: "project", version: "1.0.0", dependencies: { local: "file:local" } },
    local: { version: "1.0.0" },
    "node_modules/local": { resolved: "local", link: true },
  },
};

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

const writeJson = (path: string, value: unknown) => write(path, JSON.stringify(value));

function prepare(goal: readonly string[], environment: Record<string, string> = {}) {
  const env: NodeJS.ProcessEnv = { ...process.env, npm_config_cache: join(project, "cache"), ...environment };
  for (const name of ["npm_execpath", "npm_node_execpath"]) delete env[name];
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/prepare.mjs", ...goal], {
    cwd: project,
    env,
    encoding: "utf8",
  });
  const lines = `${stdout}${stderr}`.trim().split("\n");
  return { status, said: lines.filter((line) => !line.includes("still at it")) };
}

describe("preparing a fresh clone", () => {
  test("installs, makes the settings, and says so; the second time there is nothing to do", () => {
    expect(prepare(["start"])).toEqual({
      status: 0,
      said: [
        "packages  installing from package-lock.json (2 at most, some 20 seconds)",
        "packages  installed",
        "settings  .dev.vars made, with the simulator",
      ],
    });
    const settings = readFileSync(join(project, ".dev.vars"), "utf8");
    expect(prepare(["start"])).toEqual({
      status: 0,
      said: ["packages  as in package-lock.json", "settings  .dev.vars, with the simulator"],
    });
    expect(readFileSync(join(project, ".dev.vars"), "utf8")).toBe(settings);
  });

  test("writes down the ports that a first start is asked for, where the doctor and the others look", () => {
    // The start itself gets no further: the packages of this project are not there.
    const run = (...words: string[]) =>
      spawnSync(process.execPath, ["cli/run.mjs", ...words], { cwd: project });
    run("dev", "--port=9123", "--simulator-port", "9124");
    const settings = readDevVars(join(project, ".dev.vars"));
    expect(settings.SITE_URL).toBe("http://localhost:9123");
    expect(settings.VIPPS_ISSUER).toMatch(/^http:\/\/127\.0\.0\.1:9124\//);
    rmSync(join(project, ".dev.vars"));
    run("dev", "--port", "many");
    expect(readDevVars(join(project, ".dev.vars")).SITE_URL).toBe("http://localhost:8787");
  });

  test("names the settings it adds, and leaves the simulator out for someone with keys", () => {
    write(".dev.vars", "VIPPS_CLIENT_ID=mine\n");
    expect(prepare(["start"]).said.at(-1)).toBe(
      "settings  .dev.vars: added SITE_URL, SESSION_KEYS; with the Vipps keys found there, without the simulator",
    );
    expect(readFileSync(join(project, ".dev.vars"), "utf8")).not.toContain("VIPPS_ISSUER");
  });

  test("says in one line that the registry is out of reach", () => {
    writeJson("package-lock.json", {
      ...LOCKFILE,
      packages: {
        "": { name: "project", version: "1.0.0", dependencies: { valibot: "1.5.0" } },
        "node_modules/valibot": { version: "1.5.0", integrity: "sha512-AAAA" },
      },
    });
    writeJson("package.json", { name: "project", version: "1.0.0", dependencies: { valibot: "1.5.0" } });
    const { status, said } = prepare(["start"], { npm_config_registry: "http://127.0.0.1:9/" });
    expect({ status, last: said.at(-1) }).toEqual({
      status: 1,
      last: "The packages can't be fetched: the npm registry is out of reach (ECONNREFUSED). The first start needs a network, later ones don't.",
    });
    expect(existsSync(join(project, ".dev.vars"))).toBe(false);
  });

  test("says in one line what npm has against the lockfile", () => {
    writeJson("package.json", { name: "project", version: "1.0.0", dependencies: { other: "file:other" } });
    const { status, said } = prepare(["start"]);
    expect(status).toBe(1);
    expect(said.at(-1)).toMatch(/^npm ci failed: .+ \(run "npm ci" to see all of it\)$/);
  });

  test.each([
    [
      "too old",
      "#!/bin/sh\necho v20.11.1\n",
      /^Node 22\.18 or newer is needed and this is 20\.11\.1; .+ Install Node 24 .+$/,
    ],
    [
      "for another system",
      "not a program",
      /^The Node that comes with the packages doesn't run on this system .+$/,
    ],
  ])("says in one line that the Node it finds is %s", (_what, program, message) => {
    prepare(["start"]);
    write("node_modules/.bin/node", program);
    chmodSync(join(project, "node_modules/.bin/node"), 0o755);
    const { status, said } = prepare(["start"]);
    expect(status).toBe(1);
    expect(said.at(-1)).toMatch(message);
  });

  test("installs what only the benchmarks need into their own folder, for them alone", () => {
    const bench = { name: "bench", version: "1.0.0", dependencies: { drawing: "file:drawing" } };
    const packages = {
      "": bench,
      drawing: { version: "1.0.0" },
      "node_modules/drawing": { resolved: "drawing", link: true },
    };
    writeJson("bench/package.json", bench);
    writeJson("bench/package-lock.json", { ...LOCKFILE, name: "bench", packages });
    writeJson("bench/drawing/package.json", { name: "drawing", version: "1.0.0" });
    prepare(["start"]);
    expect(existsSync(join(project, "bench/node_modules"))).toBe(false);
    expect(prepare(["bench"])).toMatchObject({
      status: 0,
      said: expect.arrayContaining(["bench     installed"]),
    });
    expect(existsSync(join(project, "bench/node_modules/drawing/package.json"))).toBe(true);
    expect(prepare(["bench"]).said).toContain("bench     as in package-lock.json");
  });

  test("makes nothing of the project that the options of a command replace", () => {
    write("cli/vipps-login.ts", "console.log('runs');\n");
    write("migrations/0001_one.sql", "");
    const made = (...options: string[]) => {
      write("node_modules/wrangler/package.json", "{}");
      write("node_modules/wrangler/bin/wrangler.js", "");
      for (const path of [".dev.vars", ".wrangler"])
        rmSync(join(project, path), { recursive: true, force: true });
      const { stdout, stderr } = spawnSync(process.execPath, ["cli/run.mjs", "dev", ...options], {
        ...{ cwd: project, encoding: "utf8" },
      });
      const said = `${stdout}${stderr}`.split("\n");
      expect(said).toContain("runs");
      const paths = [".dev.vars", ".wrangler"].filter((path) => existsSync(join(project, path)));
      const words = ["settings", "database"].filter((word) =>
        said.some((line) => line.startsWith(`${word} `)),
      );
      return [...paths, ...words];
    };
    prepare(["check"]);
    expect(made()).toEqual([".dev.vars", ".wrangler", "settings", "database"]);
    expect(made("--settings", "other")).toEqual([".wrangler", "database"]);
    expect(made("--persist-to=elsewhere")).toEqual([".dev.vars", "settings"]);
    expect(made("--settings=other", "--persist-to", "elsewhere")).toEqual([]);
    expect(made("--cwd", "elsewhere")).toEqual([]);
  });

  test("goes on without a browser, and says so", () => {
    expect(prepare(["test"], { CHROMIUM_PATH: "/no/such/browser" })).toMatchObject({
      status: 0,
      said: expect.arrayContaining([
        "browser   none: CHROMIUM_PATH names no browser that starts (/no/such/browser)",
      ]),
    });
  });

  test("uses the browser that CHROMIUM_PATH names", () => {
    write("browser", "#!/bin/sh\necho Browser 1\n");
    const path = join(project, "browser");
    chmodSync(path, 0o755);
    for (const goal of ["test", "checklist"])
      expect(prepare([goal], { CHROMIUM_PATH: path }).said.at(-1)).toBe(`browser   ${path}`);
    const steps = prepare(["checklist"], { CHROMIUM_PATH: path }).said.map((line) => line.split(" ")[0]);
    expect(steps).toContain("settings");
    expect(steps).not.toContain("programs");
  });

  test("explains itself", () => {
    expect(prepare(["--help"])).toMatchObject({ status: 0 });
    for (const mistake of [[], ["deploy"], ["start", "test"], ["start", "--now"]]) {
      const { status, said } = prepare(mistake);
      expect(status).toBe(2);
      expect(said[0]).toMatch(/^Usage: node cli\/prepare\.mjs start\|check\|test/);
    }
  });
});

describe("what is installed", () => {
  const PACKAGES = {
    "": { name: "project" },
    "node_modules/one": { version: "1.0.0", integrity: "sha512-one" },
    "node_modules/for-macos": { version: "1.0.0", integrity: "sha512-mac", optional: true },
  };

  function install(packages: Record<string, object>): void {
    writeJson("node_modules/.package-lock.json", { packages });
    for (const place of Object.keys(packages)) mkdirSync(join(project, place), { recursive: true });
  }

  beforeEach(() => writeJson("package-lock.json", { packages: PACKAGES }));

  const { "": _root, "node_modules/one": one, "node_modules/for-macos": forMacos } = PACKAGES;

  test.each([
    ["is right with all packages", { "node_modules/one": one, "node_modules/for-macos": forMacos }, true],
    ["is right without those for other platforms", { "node_modules/one": one }, true],
    ["is wrong without a package", { "node_modules/for-macos": forMacos }, false],
    ["is wrong with another version", { "node_modules/one": { ...one, version: "0.9.0" } }, false],
    ["is wrong with another build of it", { "node_modules/one": { ...one, integrity: "sha512-two" } }, false],
    [
      "is wrong with an old optional one",
      { "node_modules/one": one, "node_modules/for-macos": { ...forMacos, version: "0" } },
      false,
    ],
  ])("%s", (_what, installed, right) => {
    install(installed);
    expect(isInstalled(project)).toBe(right);
  });

  test("is wrong if an install was cut short, or a package's folder is gone", () => {
    expect(isInstalled(project)).toBe(false);
    install({ "node_modules/one": one });
    rmSync(join(project, "node_modules/one"), { recursive: true });
    expect(isInstalled(project)).toBe(false);
  });
});

test("the scripts that run before anything is installed load on the Node of the machine, which may be an old one", () => {
  const paths = (process.env.PATH ?? "").split(":").filter((path) => !path.includes("node_modules"));
  const { status, stdout, stderr } = spawnSync("node", [join(process.cwd(), "cli/prepare.mjs"), "--help"], {
    cwd: tmpdir(),
    env: { PATH: paths.join(":") },
    encoding: "utf8",
  });
  // A machine without a Node of its own has nothing to show here but the one of the packages.
  if (status === null) return;
  expect(stderr).toBe("");
  expect(stdout).toContain("Usage: node cli/prepare.mjs");
});

test("every command of the README brings what it needs with it, on a clone where nothing is installed", () => {
  const { scripts } = packageJson as { scripts: Readonly<Record<string, string>> };
  const readme = readFileSync("README.md", "utf8");
  const named = new Set(
    [...readme.matchAll(/\bnpm (?:run )?([a-z]+(?::[a-z]+)*)/g)].map(([, name = ""]) => name),
  );
  const commands = [...named].filter((name) => Object.hasOwn(scripts, name));
  expect(commands.length).toBeGreaterThan(15);
  const unprepared = commands.filter((name) => {
    const first = scripts[`pre${name}`] ?? scripts[name] ?? "";
    return !/^node cli\/(prepare|run)\.mjs /.test(first);
  });
  expect(unprepared).toEqual([]);
});
