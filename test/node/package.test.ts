import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { build } from "esbuild";
import { parse as parseJsonc } from "jsonc-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildCreate, buildPackage, OLDEST_HONO, pack } from "../../build/package.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { freePorts } from "./free-ports.ts";
import { type Program, startServer } from "./program.ts";
import { createVisitor, redirectOf } from "./visitor.ts";

const ROOT = resolve(import.meta.dirname, "../..");

let folder = "";
/** The package as it is packed, unpacked again. */
let unpacked = "";
/** A project made with it, and nothing of this repository but what npm would have put into node_modules. */
let project = "";
let size = { files: 0, bytes: 0 };
let running: Program | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "package-"));
  size = await buildPackage(join(folder, "package"));
  await buildCreate(join(folder, "create"));
  project = join(folder, "my-site");
  const options = ["--yes", "--no-install", "--name", "Bjørns Bakeri", "--language", "fi"];
  execFileSync(process.execPath, [join(folder, "create/create.js"), project, ...options]);
  unpacked = join(project, "node_modules/vipps-login-worker");
  mkdirSync(unpacked, { recursive: true });
  const packed = pack(join(folder, "package"), folder);
  execFileSync("tar", ["-xzf", packed, "-C", unpacked, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  mkdirSync(join(project, "node_modules/@cloudflare"));
  for (const name of [...Object.keys(dependencies), "wrangler", "@cloudflare/workers-types"])
    symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name), "junction");
});
afterAll(async () => {
  await running?.end();
  rmSync(folder, { recursive: true, force: true });
});

describe("the package", () => {
  it("imports no module of the runtime that a bundler does not know", () => {
    const files = globSync("{*,shared/*}.js", { cwd: unpacked });
    const imports = files.flatMap((file) =>
      [...readFileSync(join(unpacked, file), "utf8").matchAll(/["'](cloudflare:[\w-]+)["']/g)].map(
        ([, name]) => name,
      ),
    );
    expect([...new Set(imports)]).toEqual(["cloudflare:workers"]);
  });

  it("holds what people use, and nothing of how it is made", () => {
    const manifest = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
    expect(Object.keys(manifest.dependencies)).toEqual(["hono", "jose", "oauth4webapi", "valibot"]);
    // An app's own Hono, which it may have had for a while, so that there are not two of them.
    expect(manifest.dependencies.hono).toBe(`^${OLDEST_HONO}`);
    expect(manifest).not.toHaveProperty("optionalDependencies");
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? target : Object.values(target as object),
    );
    for (const target of [...targets, ...Object.values(manifest.bin)].filter((path) => !path.includes("*")))
      expect(existsSync(join(unpacked, target)), target).toBe(true);
    const files = readdirSync(unpacked, { recursive: true, encoding: "utf8" });
    expect(
      files.filter(
        (path) => /(^|[\\/])(test|bench|demo|docs|src)[\\/].*\.ts$/.test(path) && !path.endsWith(".d.ts"),
      ),
    ).toEqual(files.filter((path) => path.endsWith(join("template", "src", "index.ts"))));
    expect(readFileSync(join(unpacked, "THIRD-PARTY-LICENSES.txt"), "utf8")).toMatch(
      /^commander \d.*\n\n.*MIT/m,
    );
    expect(size.bytes).toBeLessThan(2_000_000);
    console.log(`${size.files} files, ${size.bytes} bytes unpacked`);
  });

  it("says on a Node that is too old which one it needs, in one line", () => {
    expect(onMachinesNode(join(unpacked, "cli/vipps-login.js"), "--help")).toMatch(
      /^(Usage: vipps-login .+|vipps-login needs Node 22\.18 or newer, and this is .+\n$)/,
    );
  });

  it("maps what it holds to the lines of its sources", () => {
    const [chunk = ""] = readdirSync(join(unpacked, "shared"))
      .map((name) => join(unpacked, "shared", name))
      .filter((path) => path.endsWith(".js") && readFileSync(path, "utf8").includes("settings_invalid"));
    const code = readFileSync(chunk, "utf8");
    const at = code.indexOf("settings_invalid");
    const line = code.slice(0, at).split("\n").length - 1;
    const column = at - code.lastIndexOf("\n", at) - 1;
    const map = new SourceMap(JSON.parse(readFileSync(`${chunk}.map`, "utf8")));
    const entry = map.findEntry(line, column);
    if (!("originalSource" in entry)) throw new Error("the map does not know that place");
    const source = readFileSync(join(ROOT, entry.originalSource.replace(/^(\.\.\/)+/, "")), "utf8");
    expect(source.split("\n")[entry.originalLine]).toContain("settings_invalid");
  });

  it("compiles in a project that is strict and looks into its libraries", () => {
    writeFileSync(join(project, "src/consumer.ts"), CONSUMER);
    const compilerOptions = {
      ...{ target: "ES2022", lib: ["ES2022"], module: "ESNext", moduleResolution: "Bundler" },
      ...{ strict: true, noEmit: true, skipLibCheck: false, types: ["@cloudflare/workers-types"] },
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    expect(() =>
      execFileSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" }),
    ).not.toThrow();
  });

  it("is bundled as far as it is used, without a rule in the project's configuration", async () => {
    const { outputFiles } = await build({
      entryPoints: [join(project, "src/index.ts")],
      ...{ bundle: true, minify: true, write: false, format: "esm", external: ["cloudflare:*", "node:*"] },
    });
    const bundle = outputFiles.map(({ text }) => text).join("");
    expect(bundle).not.toContain("simulator/control");
    expect(Buffer.byteLength(bundle)).toBeLessThan(600_000);
  });
});

/** What a program prints on the Node of the machine, which may be an old one. */
function onMachinesNode(...args: readonly string[]): string {
  const paths = (process.env.PATH ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const env = { ...process.env, PATH: paths.join(delimiter) };
  const { stdout, stderr } = spawnSync("node", args, { env, encoding: "utf8" });
  return `${stdout}${stderr}`;
}

describe("a project made with it", () => {
  it("says how to get into its folder, whatever that is called", () => {
    const made = (name: string) =>
      execFileSync(process.execPath, [join(folder, "create/create.js"), name, "--yes", "--no-install"], {
        cwd: folder,
        encoding: "utf8",
      });
    expect(made("Bjørns bakeri")).toContain('cd "Bjørns bakeri" && npm install');
    expect(made("bjørns-bakeri")).toContain("cd bjørns-bakeri && npm install");
  });

  it("speaks the owner's language and carries the owner's name", () => {
    const config = readFileSync(join(project, "wrangler.jsonc"), "utf8");
    expect(parseJsonc(config)).toMatchObject({
      name: "bjorns-bakeri",
      vars: { SITE_NAME: "Bjørns Bakeri", SITE_LANGUAGE: "fi", VIPPS_MARKET: "FI" },
    });
    const page = readFileSync(join(project, "public/index.html"), "utf8");
    expect(page).toContain('<html lang="fi">');
    expect(page).toContain("Bjørns Bakeri");
    expect(page).not.toContain("{{");
  });

  it("is made on an old Node too, which is told that a newer one is needed to start it", () => {
    const folder = join(project, "..", "on-old-node");
    const options = ["--yes", "--no-install", "--name", "Club & Co", "--language", "sv"];
    expect(onMachinesNode(join(project, "../create/create.js"), folder, ...options)).toMatch(
      /^Ready\. Now: cd .+ && npm start\n(It takes Node 22\.18 or newer, and this is .+\n)?$/,
    );
    expect(readFileSync(join(folder, "public/members/index.html"), "utf8")).toMatch(
      /lang="sv"[\s\S]+Club &amp; Co/,
    );
  });

  it("takes a domain as it is copied, and an old site of which nothing was said but where it is", () => {
    const site = join(project, "..", "old-site");
    mkdirSync(join(site, "medlem"), { recursive: true });
    writeFileSync(join(site, "index.html"), "<h1>x</h1>");
    const folder = join(project, "..", "around-old-site");
    const create = (...options: string[]) =>
      spawnSync(
        process.execPath,
        [join(project, "../create/create.js"), folder, "--no-install", "-y", ...options],
        {
          encoding: "utf8",
        },
      );
    expect(create("--domain", "https://www.bakeri.no/butikk").stderr).toBe(
      "--domain: A domain is like www.example.com.\n",
    );
    expect(create("--protect", "members").stderr).toMatch(/^--protect: A pattern begins with a slash/);
    const { stdout } = create("--domain", "https://www.Bakeri.no/", "--site", site, "--language", "nb");
    expect(stdout).toContain('What needs a login: "/medlem/*" (PROTECTED_PATHS in wrangler.jsonc).');
    expect(stdout).toContain('<script src="/auth/vipps-login.js" defer></script>');
    const { vars } = parseJsonc(readFileSync(join(folder, "wrangler.jsonc"), "utf8")).env.production;
    expect(vars).toMatchObject({ SITE_URL: "https://www.bakeri.no", PROTECTED_PATHS: ["/medlem/*"] });
  });

  it("starts, and somebody logs in", async () => {
    const [site, simulator] = await freePorts();
    const command = join(unpacked, "cli/vipps-login.js");
    const args = [
      command,
      "--cwd",
      project,
      "dev",
      "--port",
      String(site),
      "--simulator-port",
      String(simulator),
    ];
    running = await startServer(process.execPath, args, `http://localhost:${site}/auth/health`);
    const visitor = createVisitor(`http://localhost:${site}`);
    expect(
      redirectOf(await visitor.request("/members/", { headers: { accept: "text/html" } })).pathname,
    ).toBe("/auth/login");
    const toVipps = redirectOf(await visitor.request("/auth/login?return_to=/members/"));
    const back = await logInAsPerson((request) => fetch(request), toVipps);
    expect(redirectOf(await visitor.request(back.href)).pathname).toBe("/members/");
    expect(await (await visitor.request("/members/")).text()).toContain(
      "Tämän sivun näkee vain kirjautunut.",
    );
    expect(await visitor.session()).toMatchObject({ authenticated: true, user: { name: "Kari Nordmann" } });
  });
});

/** What is asked of the types: an app of somebody else's, with bindings of its own, and every option. */
const CONSUMER = `import { Hono } from "hono";
import { type Registry, type VippsLoginEnv, vippsLogin } from "vipps-login-worker";
import { getSession, requireSession, vippsLoginRoutes } from "vipps-login-worker/hono";
import { createSimulator } from "vipps-login-worker/simulator";

interface Env extends VippsLoginEnv {
  MINE: KVNamespace;
  VIPPS_MSN: 123456;
}
const app = new Hono<{ Bindings: Env; Variables: { mine: string } }>();
app.route("/", vippsLoginRoutes());
app.use("/members/*", requireSession("fresh:600"));
app.get("/members/me", async (c) => c.json({ who: (await getSession(c))?.sub, mine: await c.env.MINE.get("x") }));
export { app };
declare const registry: Registry;
export const worker = vippsLogin<Env>({
  texts: { de: { logIn: "Anmelden", messages: { notFound: { title: "Hier ist nichts" } } } },
  behind: (request, env, _ctx, session) => env.MINE.get(session?.sub ?? request.url).then((text) => new Response(text)),
  registry: () => registry,
}) satisfies ExportedHandler<Env>;
const own = {
  fetch: async (request, env, ctx) => (ctx.waitUntil(env.MINE.delete("x")), new Response(request.cf?.colo)),
} satisfies ExportedHandler<Env>;
const wrapped = vippsLogin<Env>({ behind: (request, env, ctx) => own.fetch(request, env, ctx) });
export default {
  fetch: wrapped.fetch,
  queue: wrapped.queue,
  scheduled: async (event, env, ctx) => {
    await wrapped.scheduled(event, env, ctx);
  },
} satisfies ExportedHandler<Env>;
export const simulator = createSimulator({ origin: "http://127.0.0.1:8788", salesUnits: [] });
`;
