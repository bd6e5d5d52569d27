// `npm run test:package`: the packed files in real projects, as a site owner has them. Needs the registry, git and a
// browser, takes minutes, and is no part of `npm test`, which tries one project (test/node/package.test.ts). Once a
// project is installed, it runs without any network but the machine's own, where the system can take it away (Linux).

import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildCreate, buildPackage, OLDEST_HONO, PUBLISHED, pack } from "../../build/package.ts";
import { memoryFolder } from "../memory-folder.ts";
import { freePorts } from "../node/free-ports.ts";
import { canCutNetwork, type Seen, type Visit, withoutNetwork } from "./log-in.ts";
import { startRegistry } from "./registry.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(memoryFolder() ?? tmpdir(), "package-trials-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const npm = process.env.npm_execpath;

/** Versions of what is tried. */
const TOOLS = {
  astro: "7.3.5",
  "@11ty/eleventy": "3.1.8",
  svelte: "5.57.3",
  "@sveltejs/kit": "3.2.0",
  "@sveltejs/adapter-static": "4.0.1",
  "@sveltejs/vite-plugin-svelte": "7.3.1",
  vite: "8.4.0",
  typescript: "6.0.3",
  publint: "0.3.25",
  "@arethetypeswrong/cli": "0.18.5",
} as const;

/** The longest that any one program may take, in milliseconds. */
const PATIENCE = 240_000;

/** Runs a program. @returns what it printed @throws {Error} with all of it, when it fails or takes too long */
function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: PATIENCE, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new Error(`${command} ${args.join(" ")}: code ${error.code ?? error.signal}\n${stdout}\n${stderr}`),
        );
    });
    child.stdin?.end();
  });
}

const node = (cwd: string, ...args: string[]) => run(cwd, process.execPath, args);

/** npm as a program and its first arguments. */
const NPM: readonly [string, ...string[]] = npm === undefined ? ["npm"] : [process.execPath, npm];

function runNpm(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const [command, ...first] = NPM;
  return run(cwd, command, [...first, ...args], env);
}

const INSTALL = ["install", "--no-audit", "--no-fund", "--prefer-offline"];

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function project(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  write(root, files);
  return root;
}

/** Who the commits of trials are by. */
const IDENTITY = ["-c", "user.name=trial", "-c", "user.email=trial@example.com"];

/** node_modules of the project before, whose packages the next one need not unpack again. */
let kept: string | undefined;

const DEV = [...NPM, "exec", "--offline", "--", "vipps-login", "dev"];

/** Somebody logs in to a project in Chromium. @returns how long after its start, in seconds */
async function logInTo(
  root: string,
  visit: Omit<Visit, "root" | "start" | "session"> & Partial<Visit>,
): Promise<string> {
  const session = { to: join(root, ".session.json") };
  const whole: Visit = { root, start: DEV, session, ...visit };
  const args = [join(import.meta.dirname, "log-in.ts"), JSON.stringify(whole)];
  return (await run(ROOT, ...withoutNetwork(process.execPath, args))).trim();
}

let packed = "";
let packedCreate = "";

async function build(): Promise<void> {
  const { files, bytes } = await buildPackage(join(folder, "package"));
  packed = pack(join(folder, "package"), folder);
  await buildCreate(join(folder, "create"));
  packedCreate = pack(join(folder, "create"), folder);
  console.log(
    `package   ${files} files, ${megabytes(bytes, 2)} unpacked, ${megabytes(statSync(packed).size, 2)} packed`,
  );
  if (!canCutNetwork) console.log("package   the network stays: it can be taken away on Linux alone");
}

const megabytes = (bytes: number, digits: number) => `${(bytes / 1e6).toFixed(digits)} MB`;

/** `npm create vipps-login` from the packed files. */
async function create(
  root: string,
  args: readonly string[] = [],
  wanted = packed,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const command = ["exec", "--yes", "--package", packedCreate, "--", "create-vipps-login", root, "--yes"];
  await runNpm(folder, [...command, "--package", wanted, ...args], {
    npm_config_prefer_offline: "true",
    ...env,
  });
}

/** Adds the login as docs/which-way.md says. @returns the lines that this changed, as git counts them */
async function addLogin(root: string): Promise<string> {
  const git = (...args: readonly string[]) => run(root, "git", [...IDENTITY, ...args]);
  await git("init", "--quiet");
  const own = [
    "node_modules",
    "package-lock.json",
    ".session.json",
    "dist",
    "_site",
    "public",
    "build",
    ".svelte-kit",
  ];
  writeFileSync(join(root, ".git/info/exclude"), `${own.join("\n")}\n.astro\n.hugo_build.lock\nresources\n`);
  await git("add", "--all");
  await git("commit", "--quiet", "--allow-empty", "--message", "as it is");
  if (kept !== undefined && !existsSync(join(root, "node_modules"))) {
    renameSync(kept, join(root, "node_modules"));
    kept = undefined;
  }
  await runNpm(root, [...INSTALL, packed]);
  await runNpm(root, ["exec", "--offline", "--", "vipps-login", "init", "--yes"]);
  await runNpm(root, INSTALL);
  await git("add", "--all");
  const lines = (await git("diff", "--cached", "--numstat")).trim().split("\n");
  return lines.map((line) => line.replace(/^(\d+)\t(\d+)\t(.+)$/, "$3 +$1 -$2")).join(", ");
}

function bytesBelow(path: string): number {
  return globSync("**/*", { cwd: path, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** How large node_modules is, and how much of it wrangler would not have brought. */
function size(root: string): string {
  const modules = join(root, "node_modules");
  const own = ["vipps-login-worker", "hono", "jose", "oauth4webapi", "valibot"];
  const ours = own.reduce((sum, name) => sum + bytesBelow(join(modules, name)), 0);
  return `node_modules ${megabytes(bytesBelow(modules), 0)}, ${megabytes(ours, 1)} of it not wrangler's`;
}

/** One figure for all files of a folder. */
function digestOf(root: string): string {
  const hash = createHash("sha256");
  for (const path of globSync("**/*", { cwd: root }).sort())
    if (statSync(join(root, path)).isFile()) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

/** Builds a site, adds the login, builds it again: its pages must be what they were, on disk and when asked for. */
async function addToGenerator(
  root: string,
  site: string,
  buildSite: () => Promise<unknown>,
): Promise<string> {
  await buildSite();
  const before = digestOf(join(root, site));
  const lines = await addLogin(root);
  await buildSite();
  if (digestOf(join(root, site)) !== before) throw new Error("the generator builds something else");
  const shown = globSync("**/*", { cwd: join(root, site) }).filter(
    (path) =>
      !/^members\b/.test(path) &&
      statSync(join(root, site, path)).isFile() &&
      readFileSync(join(root, site, path), "utf8").includes(ALL.members.says),
  );
  if (shown.length > 0) throw new Error(`anybody can read what is for members in ${shown.join(", ")}`);
  const untouched = ["about/index.html", "index.html"].map((page) => ({
    path: `/${page.replace("index.html", "")}`,
    says: readFileSync(join(root, site, page), "utf8"),
  }));
  return `${lines}; pages as before; logged in after ${await logInTo(root, { ...ALL, untouched })} s`;
}

const PAGE = (title: string) => `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n`;
const seen = (path: string, says: string): Seen => ({ path, says });
const ALL = { open: seen("/", "Front page"), members: seen("/members/", "Members only") };
const NEW = { open: seen("/", "Welcome"), members: seen("/members/", "For members") };

const PARTS: Readonly<Record<string, () => Promise<string>>> = {
  async create() {
    const root = join(folder, "my-site");
    const begun = performance.now();
    await create(root);
    const made = ((performance.now() - begun) / 1000).toFixed(1);
    const took = await logInTo(root, { ...NEW, start: [...NPM, "start", "--"] });
    const wrangler = [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--env="];
    const printed = await run(root, ...withoutNetwork(process.execPath, wrangler));
    const upload = /Total Upload: .*/.exec(printed)?.[0] ?? "";
    return `made and installed in ${made} s, logged in ${took} s after npm start; dry run: ${upload}; ${size(root)}`;
  },
  async folder() {
    const pages = { "index.html": PAGE("Front page"), "about/index.html": PAGE("About us") };
    const root = project("folder", { ...pages, "members/index.html": PAGE("Members only") });
    const untouched = [seen("/about/", pages["about/index.html"]), seen("/", pages["index.html"])];
    return `${await addLogin(root)}; pages as before; logged in after ${await logInTo(root, { ...ALL, untouched })} s`;
  },
  async astro() {
    const root = project("astro", {
      "package.json": JSON.stringify({ type: "module", dependencies: { astro: TOOLS.astro } }),
      "src/pages/index.astro": `---\nconst title = "Front page";\n---\n${PAGE("{title}")}`,
      "src/pages/about/index.astro": PAGE("About us"),
      "src/pages/members/index.astro": PAGE("Members only"),
    });
    await runNpm(root, INSTALL);
    return addToGenerator(root, "dist", () => node(root, "node_modules/astro/bin/astro.mjs", "build"));
  },
  async eleventy() {
    const devDependencies = { "@11ty/eleventy": TOOLS["@11ty/eleventy"] };
    const root = project("eleventy", {
      "package.json": JSON.stringify({ type: "module", devDependencies }),
      "index.md": "# Front page\n",
      "about/index.md": "# About us\n",
      "members/index.md": "# Members only\n",
    });
    await runNpm(root, INSTALL);
    return addToGenerator(root, "_site", () => node(root, "node_modules/@11ty/eleventy/cmd.cjs"));
  },
  async hugo() {
    if (spawnSync("hugo", ["version"]).status !== 0)
      return "left out: there is no hugo here (apt-get install hugo)";
    const root = project("hugo", {
      "hugo.toml":
        'baseURL = "https://www.example.com/"\ntitle = "Front page"\n\n# A feed would hold what is for members.\n[outputs]\nhome = ["HTML"]\nsection = ["HTML"]\n',
      "layouts/index.html": "<h1>{{ .Title }}</h1>\n",
      "layouts/_default/single.html": "<h1>{{ .Title }}</h1>\n",
      "content/about.md": "---\ntitle: About us\n---\n",
      "content/members.md": "---\ntitle: Members only\n---\n",
    });
    return addToGenerator(root, "public", () => run(root, "hugo", ["--config", "hugo.toml"]));
  },
  async sveltekit() {
    const names = [
      ...(["svelte", "@sveltejs/kit", "@sveltejs/adapter-static", "@sveltejs/vite-plugin-svelte"] as const),
      ...(["vite", "typescript"] as const),
    ];
    const devDependencies = Object.fromEntries(names.map((name) => [name, TOOLS[name]]));
    const root = project("sveltekit", {
      "package.json": JSON.stringify({ type: "module", devDependencies }),
      "vite.config.js":
        'import adapter from "@sveltejs/adapter-static";\nimport { sveltekit } from "@sveltejs/kit/vite";\nexport default { plugins: [sveltekit({ adapter: adapter(), version: { name: "one" } })] };\n',
      "src/app.html":
        '<!doctype html>\n<html lang="en"><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
      "src/routes/+layout.js": 'export const prerender = true;\nexport const trailingSlash = "always";\n',
      "src/routes/+page.svelte":
        '<h1>Front page</h1><a href="/members/" data-sveltekit-reload>Members</a><a href="/about/">About</a>\n',
      "src/routes/about/+page.svelte": "<h1>About us</h1>\n",
      // What is written in the component itself would be in a script that anybody can get.
      "src/routes/members/+page.server.js": 'export const load = () => ({ text: "Members only" });\n',
      "src/routes/members/+page.svelte":
        "<script>\n  let { data } = $props();\n</script>\n\n<h1>{data.text}</h1>\n",
    });
    await runNpm(root, INSTALL);
    return addToGenerator(root, "build", () => node(root, "node_modules/vite/bin/vite.js", "build"));
  },
  async hono() {
    const dependencies = { hono: OLDEST_HONO };
    const devDependencies = { wrangler: "4.155.0" };
    const root = project("hono", {
      "package.json": JSON.stringify({ type: "module", dependencies, devDependencies }),
      "wrangler.jsonc": `{
  // mine
  "name": "mine",
  "main": "src/index.ts",
  "compatibility_date": "2026-10-01"
}
`,
      "src/index.ts": `import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.text("Front page"));
app.get("/members/", (c) => c.text("Members only"));
app.get("/api/shoes/:size", (c) => c.json({ size: c.req.param("size"), colour: c.req.query("colour") }));
app.get("/broken", () => {
  throw new Error("a shoe without a sole");
});
app.notFound((c) => c.text("No such shoe", 404));
app.onError((error, c) => c.text(\`Sorry: \${error.message}\`, 500));

export default app;
`,
    });
    const lines = await addLogin(root);
    const path = join(root, "src/index.ts");
    const code = readFileSync(path, "utf8").replace(
      "{ vippsLoginRoutes }",
      "{ requireSession, vippsLoginRoutes }",
    );
    const guard = 'vippsLoginRoutes());\napp.use("/members/*", requireSession());';
    writeFileSync(path, code.replace("vippsLoginRoutes());", guard));
    const untouched = [
      seen("/api/shoes/43?colour=red", '{"size":"43","colour":"red"}'),
      seen("/nothing", "No such shoe"),
      seen("/broken", "Sorry: a shoe without a sole"),
    ];
    const took = await logInTo(root, { ...ALL, untouched });
    return `${lines}, and one line to protect; routes, 404 and errors as before; logged in after ${took} s`;
  },
  async texts() {
    const root = join(folder, "uimaseura");
    await create(root, ["--name", "Lahden Uimaseura", "--language", "fi"]);
    write(root, {
      "src/index.ts": `import { vippsLogin } from "vipps-login-worker";
import { de } from "./texts/de.ts";

export { LoginAttempts, UserSessions } from "vipps-login-worker";

export default vippsLogin({
  texts: {
    de,
    fi: {
      loggedOut: {
        title: "Heippa, uimari!",
        done: "Olet kirjautunut ulos. Laituri odottaa, nähdään pian taas.",
        again: "Takaisin altaaseen",
      },
    },
  },
});
`,
      "src/texts/de.ts": `import type { LanguageTexts } from "vipps-login-worker";

export const de: LanguageTexts = {
  backToSite: "Zurück zur Website",
  loggedOut: {
    title: "Sie sind abgemeldet",
    done: "Sie sind in diesem Browser von {site} abgemeldet.",
    again: "Wieder anmelden",
  },
};
`,
    });
    const config = join(root, "wrangler.jsonc");
    const named = '"SITE_NAME": "Lahden Uimaseura",\n    "SITE_LANGUAGE"';
    writeFileSync(config, readFileSync(config, "utf8").replace('"SITE_LANGUAGE"', named));
    const picture = values.pictures ? join(ROOT, "docs/images/own-words-fi.png") : join(root, "fi.png");
    const took = await logInTo(root, {
      open: seen("/", "Tervetuloa"),
      members: seen("/members/", "Tämän sivun näkee vain kirjautunut."),
      words: [
        { locale: "fi-FI", picture, ...seen("/auth/logged-out", "Heippa, uimari!") },
        { locale: "de-DE", ...seen("/auth/logged-out", "Sie sind abgemeldet") },
        { locale: "de-DE", ...seen("/auth/nothing", "Page not found") },
        { locale: "nb-NO", ...seen("/auth/logged-out", "Du er logget ut") },
      ],
    });
    return `a sentence changed, a sixth language as one file, nothing of the package; logged in after ${took} s`;
  },
  async types() {
    const tools = project("tools", { "package.json": "{}" });
    const wanted = (["publint", "@arethetypeswrong/cli"] as const).map((name) => `${name}@${TOOLS[name]}`);
    await runNpm(tools, [...INSTALL, ...wanted]);
    await node(tools, "node_modules/publint/src/cli.js", join(folder, "package"), "--strict");
    await node(tools, "node_modules/@arethetypeswrong/cli/dist/index.js", packed, "--profile", "esm-only");
    return "publint --strict and the types check: nothing to say";
  },
  /** A setting more: its row and a right value of it; everything else is made from the row. */
  async setting() {
    const root = join(folder, "clone");
    const files = (await run(ROOT, "git", ["ls-files", "-z"])).split("\0");
    for (const path of files)
      if (path !== "" && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile())
        cpSync(join(ROOT, path), join(root, path));
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"), "junction");
    const git = (...args: string[]) => run(root, "git", [...IDENTITY, ...args]);
    await git("init", "--quiet");
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "as it is");
    const insert = (path: string, before: string, added: string) => {
      const text = readFileSync(join(root, path), "utf8");
      if (!text.includes(before)) throw new Error(`${path} does not hold "${before}"`);
      writeFileSync(join(root, path), text.replace(before, `${added}${before}`));
    };
    const row = `    /** A line at the foot of our pages, at most 80 characters. */
    PAGE_FOOT: { kind: () => textOfAtMost(80), scope: "site" },
`;
    insert("src/settings/table.ts", "    /** An image beside the site's name", row);
    insert("test/node/settings-table.test.ts", "  LOGO_URL: ", '  PAGE_FOOT: "post@fjordhagen.example",\n');
    await node(root, "build/settings.ts");
    for (const config of ["tsconfig.json", "tsconfig.node.json"])
      await node(root, "node_modules/typescript/bin/tsc", "-p", config);
    const test = ["run", "--project", "node", "test/node/settings-table.test.ts"];
    await node(root, "node_modules/vitest/vitest.mjs", ...test);
    const changed = (await git("diff", "--name-only")).trim().split("\n");
    const expected = ["docs/configuration.md", "src/settings/table.ts", "test/node/settings-table.test.ts"];
    if (changed.join() !== expected.join()) throw new Error(`changed: ${changed.join(", ")}`);
    const lines = (await git("diff", "--unified=0")).split("\n").filter((line) => /^[+-]/.test(line));
    return `one row and one test; docs/configuration.md, types, schema, doctor and set-up follow\n${lines.join("\n")}`;
  },
  /** \`npm update\` from the version before to the next, from a registry that has both. */
  async update() {
    const before = join(folder, "before");
    mkdirSync(before);
    const archive = join(folder, "before.tar");
    await run(ROOT, "git", ["archive", "--output", archive, "HEAD~1"]);
    await run(before, "tar", ["-xf", archive]);
    symlinkSync(join(ROOT, "node_modules"), join(before, "node_modules"), "junction");
    await node(before, "build/package.ts");
    const { version } = PUBLISHED;
    const next = version.replace(/\d+$/, (patch) => String(Number(patch) + 1));
    const manifest = join(folder, "package/package.json");
    writeFileSync(
      manifest,
      readFileSync(manifest, "utf8").replace(`"version": "${version}"`, `"version": "${next}"`),
    );
    const upstream = (await runNpm(folder, ["config", "get", "registry"])).trim();
    const registry = await startRegistry(PUBLISHED.name, upstream);
    const env = { npm_config_registry: registry.url };
    try {
      registry.publish(
        join(before, "dist/package/package.json"),
        join(before, "dist", `${PUBLISHED.name}-${version}.tgz`),
      );
      const root = join(folder, "updated");
      await create(root, [], `^${version}`, env);
      const session = join(root, ".session.json");
      const ports = await freePorts();
      await logInTo(root, { ...NEW, ports, session: { to: session } });
      registry.publish(manifest, pack(join(folder, "package"), folder));
      await runNpm(root, ["update", PUBLISHED.name, "--no-audit", "--no-fund"], env);
      const installed = JSON.parse(
        readFileSync(join(root, "node_modules", PUBLISHED.name, "package.json"), "utf8"),
      );
      if (installed.version !== next) throw new Error(`npm update brought ${installed.version}, not ${next}`);
      const took = await logInTo(root, { ...NEW, ports, session: { from: session } });
      return `npm update: ${version} to ${next}; a session of before opens /members/ ${took} s after the next start`;
    } finally {
      await registry.close();
    }
  },
};

const HELP = `Usage: npm run test:package -- [options] [part …]

Puts the packed files into real projects, as a site owner would, and logs in. Ends with code 1 when a part fails.

  part         ${Object.keys(PARTS).join(", ")}; all of them where none is named
  --pictures   takes docs/images/own-words-fi.png anew
  --help       prints this`;

/** What was asked for; whoever asks for what there is not is told what there is. */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        pictures: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

const { values, positionals } = readArguments();
if (values.help) {
  console.log(HELP);
  process.exit();
}
const unknown = positionals.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(", ")}. There are ${Object.keys(PARTS).join(", ")}.`);
  process.exit(2);
}
let failed = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await build();
for (const [name, part] of Object.entries(PARTS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  try {
    console.log(`${name.padEnd(9)} ${await part()}`);
  } catch (error) {
    failed += 1;
    console.log(`${name.padEnd(9)} FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
  for (const path of globSync("*/node_modules", { cwd: folder })) {
    const modules = join(folder, path);
    if (lstatSync(modules).isSymbolicLink()) unlinkSync(modules);
    else if (kept !== undefined || !existsSync(join(modules, "wrangler")))
      rmSync(modules, { recursive: true });
    else {
      kept = join(folder, "kept_modules");
      renameSync(modules, kept);
    }
  }
}
// What npm exec keeps of the packed files.
const cache = (await runNpm(folder, ["config", "get", "cache"])).trim();
for (const path of globSync("_npx/*/package.json", { cwd: cache }))
  if (readFileSync(join(cache, path), "utf8").includes(basename(folder)))
    rmSync(dirname(join(cache, path)), { recursive: true, force: true });
if (failed > 0) process.exitCode = 1;
