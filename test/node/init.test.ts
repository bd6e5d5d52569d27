import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { parse as parseToml } from "@decimalturn/toml-patch";
import { parse as parseJsonc } from "jsonc-parser";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommandLine } from "../../cli/command-line.ts";
import { shownFiles } from "../../cli/site-files.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "init-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const read = (path: string) => readFileSync(join(root, path), "utf8");

async function init(...args: string[]): Promise<{ code: number; out: string; told: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const surroundings = { cwd: root, env: {}, stdin: new PassThrough(), stdout, stderr };
  const code = await runCommandLine(["init", ...args], surroundings);
  return { code, out: String(stdout.read() ?? ""), told: String(stderr.read() ?? "") };
}

const ASTRO = {
  "package.json":
    '{\n\t"name": "club",\n\t"scripts": { "dev": "astro dev" },\n\t"dependencies": { "astro": "7.3.5" }\n}\n',
  "astro.config.mjs": "export default {};\n",
  "src/pages/index.astro": "<h1>Club</h1>\n",
  ".gitignore": "node_modules\ndist/",
};

const PUBLIC = { "public/index.html": "<h1>x</h1>" };

const HONO = `import { Hono } from "hono";

// Ours.
const app = new Hono<{ Bindings: Env }>();
app.get("/", (c) => c.text("home"));

export default app;
`;

describe("vipps-login init", () => {
  it.each([
    ["Astro", ASTRO, "dist"],
    ["Eleventy", { "package.json": '{"devDependencies":{"@11ty/eleventy":"3.1.8"}}' }, "_site"],
    ["Hugo", { "hugo.toml": "title = 'x'\n" }, "public"],
    ["SvelteKit", { "package.json": '{"devDependencies":{"@sveltejs/kit":"2"}}' }, "build"],
    ["Create React App", { "package.json": '{"dependencies":{"react-scripts":"5"}}', ...PUBLIC }, "build"],
    ["Vite", { "package.json": '{"devDependencies":{"vite":"7"}}', "index.html": "/src/main.tsx" }, "dist"],
    // Vite for its tests or its server alone.
    ["a folder of files", { "package.json": '{"devDependencies":{"vite":"7"}}', ...PUBLIC }, "public"],
    ["a folder of files", { "public/index.html": "<h1>x</h1>" }, "public"],
    ["a folder of files", { "index.html": "<h1>x</h1>" }, "."],
  ])(
    "adds files of its own beside %s, and changes none but package.json and .gitignore",
    async (kind, files, site) => {
      write(files);
      const { code, out } = await init("--yes", "--json");
      expect(code).toBe(0);
      const { kind: seen, changed } = JSON.parse(out) as {
        kind: string;
        changed: { path: string; removed: number }[];
      };
      expect(seen).toBe(kind);
      expect(parseJsonc(read("wrangler.jsonc"))).toMatchObject({
        main: "worker/index.ts",
        assets: { directory: site },
      });
      expect(read("worker/index.ts")).toContain("LoginAttempts");
      const own = ["package.json", ".gitignore"];
      for (const [path, text] of Object.entries(files))
        if (!own.includes(path)) expect(read(path)).toBe(text);
      expect(parseJsonc(read("package.json"))).toMatchObject({
        dependencies: { "vipps-login-worker": expect.any(String) },
        devDependencies: { wrangler: expect.any(String) },
      });
      expect(changed.map(({ path }) => path)).toContain("wrangler.jsonc");
      if (kind === "a folder of files") {
        write({ [`${site}/.env`]: "KEY=x", [`${site}/.well-known/security.txt`]: "", ".dev.vars": "KEY=x" });
        expect(shownFiles(root, site)?.paths.toSorted()).toEqual([".well-known/security.txt", "index.html"]);
      }
      expect((await init("--yes")).told).toContain("Everything is there already.");
    },
  );

  it("keeps the form of what it adds to", async () => {
    write(ASTRO);
    await init("--yes");
    expect(read("package.json")).toContain('\t"scripts": { "dev": "astro dev" },\n');
    expect(read(".gitignore")).toMatch(/^node_modules\ndist\/\n\.wrangler\//);
  });

  it.each([
    [
      "wrangler.jsonc",
      '{\n  // mine\n  "name": "mine",\n  "main": "src/app.ts",\n  "kv_namespaces": [{ "binding": "CACHE" }],\n  "migrations": [{ "tag": "v1", "new_classes": ["Room"] }]\n}\n',
      parseJsonc,
    ],
    [
      "wrangler.toml",
      'name = "mine"\nmain = "src/app.ts" # here\n\n[[kv_namespaces]]\nbinding = "CACHE"\n\n[[migrations]]\ntag = "v1"\nnew_classes = ["Room"]\n',
      parseToml,
    ],
  ])("gives a Hono app with %s its routes, and leaves every line of it", async (name, config, parse) => {
    write({ [name]: config, "src/app.ts": HONO, "package.json": "{}" });
    const { told } = await init("--dry-run");
    expect(told).toContain('+ app.route("/", vippsLoginRoutes());');
    expect(read("src/app.ts")).toBe(HONO);
    const { changed } = JSON.parse((await init("--yes", "--json")).out) as {
      changed: { path: string; removed: number }[];
    };
    // Of a list in JSON the last member gets a comma.
    const most = { "wrangler.jsonc": 3, "wrangler.toml": 0, "src/app.ts": 0 } as Record<string, number>;
    for (const { path, removed } of changed) expect(removed, path).toBeLessThanOrEqual(most[path] ?? 1);
    expect(read(name)).toContain(name.endsWith("c") ? "// mine" : "# here");
    expect(parse(read(name))).toMatchObject({
      kv_namespaces: [{ binding: "CACHE" }, { binding: "VIPPS_METADATA" }],
      migrations: [
        { tag: "v1" },
        { tag: "vipps-login-1", new_sqlite_classes: ["LoginAttempts", "UserSessions"] },
      ],
      durable_objects: { bindings: [{ name: "LOGIN_ATTEMPTS" }, { name: "USER_SESSIONS" }] },
      d1_databases: [{ binding: "ACCOUNTS_DB" }],
    });
    expect(read("src/app.ts")).toContain(
      'new Hono<{ Bindings: Env }>();\napp.route("/", vippsLoginRoutes());\n',
    );
    expect((await init("--yes")).told).toContain("Everything is there already.");
  });

  it.each([
    ["wrangler.jsonc", '{\n  "main": "app.ts",\n  "assets": ASSETS // the app\n}\n'],
    ["wrangler.toml", 'main = "app.ts"\nassets = ASSETS # the app\n'],
  ])("lets browsers through to the login past the page of %s for what is no file", async (name, config) => {
    const page = '"not_found_handling": "single-page-application"';
    const firstOf = async (assets: string) => {
      const text = config.replace("ASSETS", name.endsWith("toml") ? assets.replaceAll(":", " =") : assets);
      write({ [name]: text, "app.ts": HONO });
      const { code, out } = await init("--yes");
      expect(code).toBe(0);
      expect(read(name)).toContain("the app");
      const parse = name.endsWith("toml") ? parseToml : parseJsonc;
      return { first: parse(read(name)).assets.run_worker_first, out };
    };
    // With a list, Cloudflare would ask the Worker about nothing that the list does not name.
    const without = await firstOf(`{ ${page} }`);
    expect(without.first).toBeUndefined();
    expect(without.out).toMatch(/Put into "run_worker_first" .* "\/auth\/\*", .* such as "\/api\/\*"/);
    expect((await firstOf(`{ ${page}, "run_worker_first": ["/api/*"] }`)).first).toEqual([
      "/api/*",
      "/auth/*",
    ]);
    const { first, out } = await firstOf('{ "directory": "x" }');
    expect(first).toBeUndefined();
    expect(out).toContain('Name it in "run_worker_first"');
    expect(await firstOf(`{ ${page}, "run_worker_first": true }`)).toMatchObject({
      first: true,
      out: expect.not.stringContaining("run_worker_first"),
    });
  });

  it("says what else a Worker needs: a newer date, and the same in its environments", async () => {
    const config = { main: "app.ts", compatibility_date: "2024-01-01", env: { staging: {}, production: {} } };
    write({ "wrangler.json": JSON.stringify(config), "app.ts": HONO });
    const { out } = await init("--yes");
    expect(out).toContain("now 2024-01-01, to 2025-09-01 or later");
    for (const name of ["staging", "production"])
      expect(out).toContain(`env.${name} inherits no bindings: give it the same.`);
  });

  it("adds to lists of TOML in brackets too", async () => {
    const config = `name = "mine"
main = "app.ts"
kv_namespaces = [{ binding = "CACHE", id = "1" }] # ours

[durable_objects]
bindings = [
  { name = "rooms", class_name = "Room" }, # a room
]

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Room"]
`;
    write({ "wrangler.toml": config, "app.ts": HONO });
    expect((await init("--yes")).code).toBe(0);
    for (const comment of ["# ours", "# a room"]) expect(read("wrangler.toml")).toContain(comment);
    expect(parseToml(read("wrangler.toml"))).toMatchObject({
      kv_namespaces: [{ binding: "CACHE", id: "1" }, { binding: "VIPPS_METADATA" }],
      durable_objects: {
        bindings: [{ name: "rooms" }, { name: "LOGIN_ATTEMPTS" }, { name: "USER_SESSIONS" }],
      },
      migrations: [{ tag: "v1" }, { tag: "vipps-login-1" }],
      d1_databases: [{ binding: "ACCOUNTS_DB" }],
    });
    expect((await init("--yes")).told).toContain("Everything is there already.");
  });

  it("asks before it changes anything, and says what it cannot do", async () => {
    write({ "index.html": "<h1>x</h1>" });
    const { code, told } = await init();
    expect(code).toBe(2);
    expect(told).toContain("+ wrangler.jsonc (new");
    expect(told).toContain("Say --yes");
    rmSync(join(root, "index.html"));
    expect((await init("--yes")).told).toContain("There is no site in");
  });

  it("names the Worker and the package by the folder, in letters that both take", async () => {
    const above = root;
    root = join(above, "Bjørns Bakeri");
    write({ "public/index.html": "<h1>x</h1>" });
    expect((await init("--yes")).code).toBe(0);
    expect(parseJsonc(read("wrangler.jsonc"))).toMatchObject({ name: "bjorns-bakeri" });
    expect(JSON.parse(read("package.json"))).toMatchObject({ name: "bjorns-bakeri" });
    root = above;
  });
});
