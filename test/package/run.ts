// `npm run test:package`: the packed files in real projects, as a site owner has them. Needs the registry and a
// browser, takes minutes, and is no part of `npm test`, which tries one project (test/node/package.test.ts).
// Usage: npm run test:package -- [part …]

import { execFileSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { chromium, type Page } from "@playwright/test";
import { buildCreate, buildPackage, pack } from "../../build/package.ts";
import { findChromium } from "../../cli/chromium.mjs";
import { freePorts } from "../node/free-ports.ts";
import { type Program, startServer } from "../node/program.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "package-trials-"));
const npm = process.env.npm_execpath;
const executablePath = await findChromium();

/** Versions of what is tried. */
const TOOLS = { astro: "7.3.5", "@11ty/eleventy": "3.1.8", publint: "0.3.25", attw: "0.18.5" } as const;

function run(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function runNpm(cwd: string, ...args: string[]): string {
  return npm === undefined ? run(cwd, "npm", ...args) : run(cwd, process.execPath, npm, ...args);
}

function project(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

interface Trial {
  /** A page for everybody, what is on it, and one that needs a login. */
  readonly open: string;
  readonly says: string;
  readonly members: string;
  readonly membersSay: string;
}

/** Starts a project, and a person logs in to it in Chromium. @returns how long it took, in seconds */
async function logInTo(
  root: string,
  { open, says, members, membersSay }: Trial,
  session?: string,
): Promise<string> {
  const begun = Date.now();
  const [port, simulatorPort] = await freePorts();
  const site = `http://localhost:${port}`;
  const command = join(root, "node_modules/vipps-login-worker/cli/vipps-login.js");
  const args = [
    command,
    "--cwd",
    root,
    "dev",
    "--port",
    String(port),
    "--simulator-port",
    String(simulatorPort),
  ];
  let running: Program | undefined;
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    running = await startServer(process.execPath, args, `${site}/auth/health`);
    const context = await browser.newContext(session === undefined ? {} : { storageState: session });
    const page = await context.newPage();
    await page.goto(`${site}${open}`);
    if (!(await page.content()).includes(says)) throw new Error(`${open} does not say "${says}"`);
    await page.goto(`${site}${members}`);
    if (new URL(page.url()).origin !== site) await logInAs(page, "Kari Nordmann");
    await page.waitForURL(`${site}${members}`);
    if (!(await page.content()).includes(membersSay))
      throw new Error(`${members} does not say "${membersSay}"`);
    if (session === undefined) await context.storageState({ path: join(folder, `${basename(root)}.json`) });
    return ((Date.now() - begun) / 1000).toFixed(1);
  } finally {
    await running?.end();
    await browser.close();
  }
}

/** From the simulator's first page back to the site. */
async function logInAs(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name }).click();
  const shown = await page.getByRole("status").innerText();
  const app = page.getByRole("region", { name: /^The app of/ });
  await app.getByRole("button", { name: shown, exact: true }).click();
  await page.getByRole("button", { name: "Share and continue" }).click();
}

let packed = "";
let packedCreate = "";

async function build(): Promise<void> {
  const { files, bytes } = await buildPackage(join(folder, "package"));
  packed = pack(join(folder, "package"), folder);
  await buildCreate(join(folder, "create"));
  packedCreate = pack(join(folder, "create"), folder);
  console.log(`package   ${files} files, ${(bytes / 1e6).toFixed(2)} MB unpacked`);
}

function addLogin(root: string): string {
  const init = [
    "exec",
    "--yes",
    "--package",
    packed,
    "--",
    "vipps-login",
    "init",
    "--yes",
    "--json",
    "--package",
    packed,
  ];
  const { changed } = JSON.parse(runNpm(root, ...init)) as {
    changed: { path: string; added: number; removed: number }[];
  };
  runNpm(root, "install", "--no-audit", "--no-fund");
  return changed.map(({ path, added, removed }) => `${path} +${added} -${removed}`).join(", ");
}

function size(root: string): string {
  const bytes = (path: string) =>
    globSync("**/*", { cwd: path, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0);
  const all = bytes(join(root, "node_modules"));
  const own = ["vipps-login-worker", "hono", "jose", "oauth4webapi", "valibot"];
  const ours = own.reduce((sum, name) => sum + bytes(join(root, "node_modules", name)), 0);
  return `node_modules ${(all / 1e6).toFixed(0)} MB, ${(ours / 1e6).toFixed(1)} MB of it not wrangler's`;
}

const PAGE = (title: string) => `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n`;
const ALL: Trial = { open: "/", says: "Front page", members: "/members/", membersSay: "Members only" };

const PARTS: Readonly<Record<string, () => Promise<string> | string>> = {
  async create() {
    const root = join(folder, "my-site");
    const args = ["exec", "--yes", "--package", packedCreate, "--", "create-vipps-login", root, "--yes"];
    runNpm(folder, ...args, "--package", packed);
    const took = await logInTo(root, { ...ALL, says: "Welcome", membersSay: "For members" });
    run(root, process.execPath, "node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--env=");
    return `logged in within ${took} s of npm start; ${size(root)}`;
  },
  async folder() {
    const root = project("folder", {
      "index.html": PAGE("Front page"),
      "members/index.html": PAGE("Members only"),
    });
    return `${addLogin(root)}; logged in after ${await logInTo(root, ALL)} s`;
  },
  async astro() {
    const root = project("astro", {
      "package.json": JSON.stringify({ type: "module", dependencies: { astro: TOOLS.astro } }),
      "src/pages/index.astro": `---\nconst title = "Front page";\n---\n${PAGE("{title}")}`,
      "src/pages/members/index.astro": PAGE("Members only"),
    });
    runNpm(root, "install", "--no-audit", "--no-fund");
    run(root, process.execPath, "node_modules/astro/bin/astro.mjs", "build");
    const before = readFileSync(join(root, "dist/index.html"), "utf8");
    const lines = addLogin(root);
    run(root, process.execPath, "node_modules/astro/bin/astro.mjs", "build");
    if (readFileSync(join(root, "dist/index.html"), "utf8") !== before)
      throw new Error("Astro builds something else");
    return `${lines}; logged in after ${await logInTo(root, ALL)} s`;
  },
  async eleventy() {
    const root = project("eleventy", {
      "package.json": JSON.stringify({
        type: "module",
        devDependencies: { "@11ty/eleventy": TOOLS["@11ty/eleventy"] },
      }),
      "index.md": "# Front page\n",
      "members/index.md": "# Members only\n",
    });
    runNpm(root, "install", "--no-audit", "--no-fund");
    const lines = addLogin(root);
    run(root, process.execPath, "node_modules/@11ty/eleventy/cmd.cjs");
    return `${lines}; logged in after ${await logInTo(root, ALL)} s`;
  },
  async hono() {
    const root = project("hono", {
      "package.json": JSON.stringify({
        type: "module",
        dependencies: { hono: "4.13.19" },
        devDependencies: { wrangler: "4.155.0" },
      }),
      "wrangler.jsonc":
        '{\n  // mine\n  "name": "mine",\n  "main": "src/index.ts",\n  "compatibility_date": "2026-10-01"\n}\n',
      "src/index.ts": `import { Hono } from "hono";\n\nconst app = new Hono();\napp.get("/", (c) => c.text("Front page"));\napp.get("/members/", (c) => c.text("Members only"));\n\nexport default app;\n`,
    });
    const lines = addLogin(root);
    const path = join(root, "src/index.ts");
    const code = readFileSync(path, "utf8").replace(
      "{ vippsLoginRoutes }",
      "{ requireSession, vippsLoginRoutes }",
    );
    writeFileSync(
      path,
      code.replace("vippsLoginRoutes());", 'vippsLoginRoutes());\napp.use("/members/*", requireSession());'),
    );
    return `${lines}, and one line to protect; logged in after ${await logInTo(root, ALL)} s`;
  },
  types() {
    const tools = project("tools", { "package.json": "{}" });
    runNpm(
      tools,
      "install",
      "--no-audit",
      "--no-fund",
      `publint@${TOOLS.publint}`,
      `@arethetypeswrong/cli@${TOOLS.attw}`,
    );
    run(tools, process.execPath, "node_modules/publint/src/cli.js", join(folder, "package"), "--strict");
    run(
      tools,
      process.execPath,
      "node_modules/@arethetypeswrong/cli/dist/index.js",
      packed,
      "--profile",
      "esm-only",
    );
    return "publint --strict and the types check: nothing to say";
  },
  async update() {
    const before = join(folder, "before");
    mkdirSync(before);
    execFileSync("sh", ["-c", `git archive HEAD~1 | tar -x -C ${before}`], { cwd: ROOT });
    symlinkSync(join(ROOT, "node_modules"), join(before, "node_modules"), "junction");
    run(before, process.execPath, "build/package.ts");
    const old = join(before, "dist", basename(packed));
    const root = join(folder, "updated");
    runNpm(
      folder,
      "exec",
      "--yes",
      "--package",
      packedCreate,
      "--",
      "create-vipps-login",
      root,
      "--yes",
      "--package",
      old,
    );
    const trial = { ...ALL, says: "Welcome", membersSay: "For members" };
    await logInTo(root, trial);
    cpSync(packed, old);
    runNpm(root, "install", "--no-audit", "--no-fund", packed);
    await logInTo(root, trial, join(folder, "updated.json"));
    return "a session of the version before lives on in the next";
  },
};

const wanted = process.argv.slice(2);
try {
  await build();
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length === 0 || wanted.includes(name)) console.log(`${name.padEnd(9)} ${await part()}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
