// Builds what is published, below dist/: the package vipps-login-worker, the package create-vipps-login, and both
// packed. Nothing of it is needed to work on this repository.
// Usage: npm run build:package

import { execFileSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import packageJson from "../package.json" with { type: "json" };
import { editorSchema } from "./settings.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Under what name and version both packages are published: the one place where it stands. */
export const PUBLISHED = { name: packageJson.name, version: packageJson.version } as const;

/** What people import: the name of the export, and where it is. */
const ENTRIES = {
  ".": "src/index.ts",
  "./hono": "src/hono.ts",
  "./simulator": "simulator/simulator.ts",
} as const;

/** Which Node the command line runs on. */
const NODE = ">=22.18";

/** Text imports of the Worker are text in the package too, without a rule in anybody's configuration. */
const clientScripts: Plugin = {
  name: "client-scripts",
  setup({ onLoad }) {
    onLoad({ filter: /\.client\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8"),
      loader: "text",
    }));
  },
};

/** Code that looks for files beside itself finds them from one folder too: `dist` is flat, the sources are not. */
const placesOfSources: Plugin = {
  name: "places-of-sources",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:cli|simulator)[\\/].*\.m?ts$|[\\/]cli[\\/].*\.mjs$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const place = relative(join(ROOT, "cli"), path).replaceAll("\\", "/");
      const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
      return {
        contents: source.replaceAll("import.meta.url", url),
        loader: path.endsWith(".ts") ? "ts" : "js",
      };
    });
  },
};

/**
 * Builds the package into a folder.
 * @returns how many files it has, and how many bytes they are.
 */
export async function buildPackage(folder: string): Promise<{ files: number; bytes: number }> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildLibrary(folder);
  buildDeclarations(folder);
  await buildCommandLine(folder);
  cpSync(join(ROOT, "cli/exit-with-parent.mjs"), join(folder, "cli/exit-with-parent.mjs"));
  cpSync(join(ROOT, "src/site/vipps-login.client.js"), join(folder, "element.js"));
  writeFileSync(join(folder, "element.d.ts"), "export {};\n");
  cpSync(join(ROOT, "template"), join(folder, "template"), { recursive: true });
  cpSync(join(ROOT, "migrations"), join(folder, "migrations"), { recursive: true });
  for (const name of ["LICENSE", "CHANGELOG.md", "SECURITY.md"]) cpSync(join(ROOT, name), join(folder, name));
  cpSync(join(ROOT, "build/README.md"), join(folder, "README.md"));
  const schema = editorSchema("../wrangler/config-schema.json");
  writeFileSync(join(folder, "settings.schema.json"), JSON.stringify(schema));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
  const files = globSync("**/*", { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  const bytes = files.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
  return { files: files.length, bytes };
}

/** The Worker's side and the simulator, in modules from which a bundler takes what is used. */
async function buildLibrary(folder: string): Promise<void> {
  const entryPoints = Object.entries(ENTRIES).map(([name, path]) => ({
    in: join(ROOT, path),
    out: name === "." ? "index" : name.slice(2),
  }));
  await build({
    entryPoints,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    external: [...Object.keys(packageJson.dependencies), "cloudflare:*", "node:*"],
    chunkNames: "shared/[name]-[hash]",
    plugins: [clientScripts],
    // For the files and lines of a stack trace; the sources themselves are in the repository.
    sourcemap: true,
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
  });
}

/** The command line with what it needs, but for wrangler, and for a browser where one is driven. */
async function buildCommandLine(folder: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, "cli/vipps-login.ts")],
    outdir: join(folder, "cli"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    mainFields: ["module", "main"],
    external: ["wrangler", "@playwright/test", "playwright-core", ...Object.keys(packageJson.dependencies)],
    plugins: [placesOfSources, clientScripts],
    minify: true,
    legalComments: "none",
    banner: {
      // What was written for CommonJS asks for it.
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    logLevel: "warning",
  });
}

/** Declarations of what the entries export, and of nothing that no declaration names. */
function buildDeclarations(folder: string): void {
  const types = join(folder, "types");
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const config = join(ROOT, "build/tsconfig.declarations.json");
  execFileSync(process.execPath, [compiler, "-p", config, "--outDir", types], { stdio: "inherit" });
  const wanted = new Set(Object.values(ENTRIES).map((path) => path.replace(/\.ts$/, ".d.ts")));
  for (const path of wanted) {
    const text = readFileSync(join(types, path), "utf8")
      // Cloudflare's types are there by themselves where a Worker is compiled.
      .replace(/^import type \{[^}]*\} from "@cloudflare\/workers-types";\n/gm, "")
      .replaceAll("Cloudflare.Env[", `import("${depthOf(path)}src/environment.js").VippsLoginEnv[`)
      .replace(/(from |import\()"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"');
    writeFileSync(join(types, path), text);
    for (const [, target = ""] of text.matchAll(/(?:from |import\()"(\.{1,2}\/[^"]+)\.js"/g))
      wanted.add(join(dirname(path), `${target}.d.ts`));
  }
  for (const path of globSync("**/*.d.ts", { cwd: types })) if (!wanted.has(path)) rmSync(join(types, path));
}

/** The way from a file up to the folder of all. */
const depthOf = (path: string): string => "../".repeat(path.split("/").length - 1);

function manifest(): object {
  const { description, license, dependencies } = packageJson;
  const entry = (name: string, path: string) => ({
    types: `./types/${path.replace(/\.ts$/, ".d.ts")}`,
    default: `./${name === "." ? "index" : name.slice(2)}.js`,
  });
  return {
    ...PUBLISHED,
    description,
    keywords: [
      "vipps",
      "mobilepay",
      "vippsmobilepay",
      "login",
      "openid-connect",
      "cloudflare-workers",
      "hono",
    ],
    license,
    type: "module",
    engines: { node: NODE },
    sideEffects: ["./element.js", "./cli/*"],
    bin: { "vipps-login": "cli/vipps-login.js" },
    exports: {
      ...Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, entry(name, path)])),
      "./element": { types: "./element.d.ts", default: "./element.js" },
      "./settings.schema.json": "./settings.schema.json",
      "./migrations/*": "./migrations/*",
      "./package.json": "./package.json",
    },
    // A project has one Hono and one JOSE: within a major version they fit together.
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([name, version]) => [name, `^${version}`]),
    ),
    peerDependencies: { wrangler: `^${packageJson.devDependencies.wrangler}` },
  };
}

/** Builds create-vipps-login, which has no dependencies, into a folder. */
export async function buildCreate(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    entryPoints: [join(ROOT, "create/create.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    define: { PACKAGE: JSON.stringify({ ...PUBLISHED, wrangler: packageJson.devDependencies.wrangler }) },
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  cpSync(join(ROOT, "template"), join(folder, "template"), { recursive: true });
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const { license } = packageJson;
  const text = {
    name: "create-vipps-login",
    version: PUBLISHED.version,
    description: "A website with Vipps MobilePay Login in a minute: npm create vipps-login",
    license,
    type: "module",
    engines: { node: ">=20" },
    bin: { "create-vipps-login": "create.js" },
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(text, null, 2)}\n`);
}

/** Packs a folder as npm publishes it. @returns the path of the packed file. */
export function pack(folder: string, into: string): string {
  const npm = process.env.npm_execpath;
  const args = ["pack", folder, "--pack-destination", into, "--json", "--ignore-scripts"];
  const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const output = execFileSync(program, [...first, ...args], { encoding: "utf8" });
  const [packed] = JSON.parse(output) as [{ filename: string }];
  return join(into, packed.filename);
}

if (import.meta.main) {
  const dist = join(ROOT, "dist");
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (name.endsWith(".tgz")) rmSync(join(dist, name));
  const { files, bytes } = await buildPackage(join(dist, "package"));
  console.log(
    `${PUBLISHED.name} ${PUBLISHED.version}: ${files} files, ${(bytes / 1e6).toFixed(2)} MB unpacked`,
  );
  console.log(relative(ROOT, pack(join(dist, "package"), dist)));
  await buildCreate(join(dist, "create"));
  console.log(relative(ROOT, pack(join(dist, "create"), dist)));
}
