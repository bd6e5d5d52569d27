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
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import { build, type Metafile, type Plugin } from "esbuild";
import { leastNode } from "../cli/node-version.mjs";
import packageJson from "../package.json" with { type: "json" };
import { editorSchema } from "./settings.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Under what name and version both packages are published: the one place where it stands. */
export const PUBLISHED = { name: packageJson.name, version: packageJson.version } as const;

/** The oldest Hono that an app may have: `npm run test:package -- hono` logs in to an app of it. */
export const OLDEST_HONO = "4.8.0";

/** What people import: the name of the export, and where it is. */
const ENTRIES = {
  ".": "src/index.ts",
  "./hono": "src/hono.ts",
  "./simulator": "simulator/simulator.ts",
} as const;

/** What only the command line runs, built beside the entries so that it shares their code. */
const SIMULATOR_SERVER = "simulator/server.ts";

/** Which Node the command line runs on. */
const NODE = `>=${leastNode}`;

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

/**
 * A module of the runtime that bundlers do not know by name yet: Vite with Cloudflare's plugin (1.64) cannot build what
 * imports it. So the package asks for it by a name that no bundler reads, and goes without where there is none: it only
 * allows the platform to repeat a call.
 */
const newerBuiltins: Plugin = {
  name: "newer-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^cloudflare:durable-objects$/ }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `const name = ${JSON.stringify(path.split(":"))}.join(":");
        export const { retryable } = await import(/* @vite-ignore */ name).catch(() => ({ retryable() {} }));`,
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

/** The command line takes the simulator that is in the package already. */
const packagedSimulator: Plugin = {
  name: "packaged-simulator",
  setup({ onResolve }) {
    onResolve({ filter: /simulator\/server\.ts$/ }, () => ({
      path: "../simulator-server.js",
      external: true,
    }));
  },
};

/**
 * A source map that knows lines and no columns: what a stack trace needs, at a fifth of the bytes.
 * @param text the map as esbuild writes it
 * @param path where it goes
 * @param folder that of the package, below which sources are named as they are in the repository
 */
function withoutColumns(text: string, path: string, folder: string): string {
  const { sourcesContent: _, names: __, ...map } = JSON.parse(text);
  const sources = (map.sources as string[]).map((source) => {
    const place = relative(ROOT, resolve(dirname(path), source));
    return relative(dirname(path), join(folder, place)).replaceAll("\\", "/");
  });
  const lines = decode(map.mappings).map((line) => {
    let last: SourceMapSegment | undefined;
    return line.filter((segment) => {
      const isSame = last !== undefined && segment[1] === last[1] && segment[2] === last[2];
      last = segment;
      return !isSame;
    });
  });
  const mappings = lines.map((line) =>
    line.map<SourceMapSegment>(([column, source, at]) =>
      source === undefined || at === undefined ? [column] : [column, source, at, 0],
    ),
  );
  return JSON.stringify({ ...map, sources, names: [], mappings: encode(mappings) });
}

/**
 * Builds the package into a folder.
 * @returns how many files it has, and how many bytes they are.
 */
export async function buildPackage(folder: string): Promise<{ files: number; bytes: number }> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const built = [await buildLibrary(folder), await buildCommandLine(folder)];
  writeFileSync(join(folder, LICENSES), licensesOf(built));
  buildDeclarations(folder);
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
async function buildLibrary(folder: string): Promise<Metafile> {
  const entryPoints = Object.entries(ENTRIES).map(([name, path]) => ({
    in: join(ROOT, path),
    out: name === "." ? "index" : name.slice(2),
  }));
  entryPoints.push({ in: join(ROOT, SIMULATOR_SERVER), out: "simulator-server" });
  const { outputFiles, metafile } = await build({
    entryPoints,
    metafile: true,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    external: [...Object.keys(packageJson.dependencies), "cloudflare:*", "node:*"],
    chunkNames: "shared/[name]-[hash]",
    plugins: [newerBuiltins, clientScripts],
    minify: true,
    // For the files and lines of a stack trace; the sources themselves are in the repository.
    sourcemap: true,
    sourcesContent: false,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    write: false,
  });
  // The simulator runs where its user looks on: whoever reports a fault of it needs no line of it.
  const ofSimulator = new Set(
    Object.entries(metafile.outputs)
      .filter(([, { inputs }]) => Object.keys(inputs).some((input) => input.startsWith("simulator/")))
      .map(([path]) => resolve(path)),
  );
  for (const { path, text } of outputFiles) {
    if (ofSimulator.has(path.replace(/\.map$/, "")) && path.endsWith(".map")) continue;
    mkdirSync(dirname(path), { recursive: true });
    if (path.endsWith(".map")) writeFileSync(path, withoutColumns(text, path, folder));
    else
      writeFileSync(
        path,
        ofSimulator.has(path) ? text.replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n") : text,
      );
  }
  return metafile;
}

/** The command line with what it needs, but for wrangler, and for a browser where one is driven. */
async function buildCommandLine(folder: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [{ in: join(ROOT, "cli/packaged.mjs"), out: "vipps-login" }],
    metafile: true,
    outdir: join(folder, "cli"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    mainFields: ["module", "main"],
    external: ["wrangler", "@playwright/test", "playwright-core", ...Object.keys(packageJson.dependencies)],
    plugins: [packagedSimulator, placesOfSources, clientScripts],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    banner: {
      // What was written for CommonJS asks for it.
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    logLevel: "warning",
  });
  return metafile;
}

/** Where the licences of what is built in stand. */
const LICENSES = "THIRD-PARTY-LICENSES.txt";

/** The licences of the packages whose code was built in: each asks for its text to go with it. */
function licensesOf(built: readonly Metafile[]): string {
  const inputs = built.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((one) => Object.keys(one.inputs)),
  );
  const packages = new Set(
    inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[0] ?? []),
  );
  const texts = new Map<string, string[]>();
  for (const path of [...packages].sort()) {
    const place = resolve(path);
    const { name, version } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
    const [file] = readdirSync(place)
      .filter((file) => /^licen[cs]e/i.test(file))
      .sort();
    if (file === undefined) throw new Error(`${name} ${version} brings no licence`);
    const text = readFileSync(join(place, file), "utf8").trim();
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
  }
  return [...texts]
    .map(([text, names]) => `${names.join(", ")}\n\n${text}\n`)
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** Classes that a project exports for Cloudflare and never calls: what they answer to is nobody's but ours. */
const OPAQUE: Readonly<Record<string, string>> = {
  "src/login/login-attempts.d.ts": "LoginAttempts",
  "src/session/user-sessions.d.ts": "UserSessions",
};

/** A class of Durable Objects as a project sees it. */
const declarationOf = (name: string, text: string): string => {
  const doc =
    new RegExp(`/\\*\\*(?:(?!\\*/).)*\\*/\\n(?=export declare class ${name} )`, "s").exec(text)?.[0] ?? "";
  return `import { DurableObject } from "cloudflare:workers";\n${doc}export declare class ${name} extends DurableObject {}\n`;
};

/** The table of settings as a project sees it: which there are and what they are, not whose. */
const declaredSettings = (text: string): string =>
  text.replace(/^\t\treadonly (?:scope|encrypted|secret|personal|atMost): .*\n/gm, "");

/** Declarations of what the entries export, and of nothing that no declaration names. */
function buildDeclarations(folder: string): void {
  const types = join(folder, "types");
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const config = join(ROOT, "build/tsconfig.declarations.json");
  execFileSync(process.execPath, [compiler, "-p", config, "--outDir", types], { stdio: "inherit" });
  const wanted = new Set(Object.values(ENTRIES).map((path) => path.replace(/\.ts$/, ".d.ts")));
  for (const path of wanted) {
    const opaque = OPAQUE[path];
    const declared = readFileSync(join(types, path), "utf8");
    const text = (opaque === undefined ? declared : declarationOf(opaque, declared))
      // Cloudflare's types are there by themselves where a Worker is compiled.
      .replace(/^import type \{[^}]*\} from "@cloudflare\/workers-types";\n/gm, "")
      .replaceAll("Cloudflare.Env[", `import("${depthOf(path)}src/environment.js").VippsLoginEnv[`)
      .replace(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4))
      .replace(/(from |import\()"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"');
    writeFileSync(join(types, path), path === "src/settings/table.d.ts" ? declaredSettings(text) : text);
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
    // A project has one Hono and one JOSE: within a major version they fit together. Of Hono it is the app's own, which
    // may be older: with two of them the routes are of another type than the app.
    dependencies: {
      ...Object.fromEntries(Object.entries(dependencies).map(([name, version]) => [name, `^${version}`])),
      hono: `^${OLDEST_HONO}`,
    },
    peerDependencies: { wrangler: `^${packageJson.devDependencies.wrangler}` },
  };
}

/** Builds create-vipps-login, which has no dependencies, into a folder. */
export async function buildCreate(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [join(ROOT, "create/create.ts")],
    metafile: true,
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    define: { PACKAGE: JSON.stringify({ ...PUBLISHED, wrangler: packageJson.devDependencies.wrangler }) },
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  cpSync(join(ROOT, "template"), join(folder, "template"), { recursive: true });
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, LICENSES), licensesOf([metafile]));
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
