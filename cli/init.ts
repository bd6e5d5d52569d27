// `vipps-login init`: adds the login to a project that is there already. Shows every change first, changes as little
// as it can, and overwrites nothing.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { diff } from "node:util";
import { confirm, isCancel } from "@clack/prompts";
import { Command } from "@commander-js/extra-typings";
import { stringify } from "@decimalturn/toml-patch";
import { applyEdits, type JSONPath, modify, parse as parseJsonc } from "jsonc-parser";
import { loginButton, membersFolders, rulesIn, slugOf, withoutSecrets } from "../create/project.ts";
import packageJson from "../package.json" with { type: "json" };
import { CommandError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import {
  type ConfigTable,
  configName,
  isTable,
  parseConfig,
  SAFE_SINCE,
  sectionName,
  withValues,
} from "./project-config.ts";
import { isLoginReached } from "./unguarded-assets.ts";

/** The command `init`. */
export function init(context: CommandContext) {
  return new Command("init")
    .description(
      "Adds the login to a project that is there already: a folder of files, what Astro, Eleventy, Hugo, SvelteKit or Vite build, or a Worker of your own. Shows every change first and overwrites nothing.",
    )
    .option("--site <folder>", "where the built site is (else as the generator has it)")
    .option(
      "--protect <patterns>",
      'what needs a login, such as "/members/* /board/*" (else the folders that are called after members)',
    )
    .option("--package <version>", "what package.json is to name: a version or a packed file")
    .option("--dry-run", "shows the changes and makes none")
    .option("-y, --yes", "makes the changes without asking")
    .option("--json", "prints the changes as JSON")
    .action(async (options) => {
      const { root, print, tell } = context;
      const plan = planFor(root, options);
      if (options.json) print(JSON.stringify({ kind: plan.kind, changed: plan.changes.map(shortly) }));
      else for (const change of plan.changes) tell(shown(change));
      if (plan.changes.length === 0) tell("Everything is there already.");
      else if (options.dryRun !== true && (options.yes === true || (await isWanted(context)))) {
        for (const change of plan.changes) make(root, change);
        if (!options.json) for (const step of plan.next) print(step);
      }
    });
}

async function isWanted({ stdin, stdout }: CommandContext): Promise<boolean> {
  if (stdin.isTTY !== true) throw new CommandError("Say --yes to have these changes made", "usage");
  const answer = await confirm({ message: "Make these changes?", input: stdin, output: stdout });
  return !isCancel(answer) && answer;
}

/** A file before and after. */
export interface Change {
  /** From the project's folder. */
  readonly path: string;
  /** Undefined where there is none yet. */
  readonly before: string | undefined;
  readonly after: string;
}

export interface Plan {
  /** What the project is, in a word. */
  readonly kind: string;
  readonly changes: readonly Change[];
  /** What is left for a person to do. */
  readonly next: readonly string[];
}

interface Wishes {
  readonly site?: string | undefined;
  readonly protect?: string | undefined;
  readonly package?: string | undefined;
}

/**
 * What would be changed in a project, and nothing else.
 * @param root the project's folder
 * @throws {CommandError} where no site is found, or the configuration cannot be read
 */
export function planFor(root: string, wishes: Wishes = {}): Plan {
  const read = (path: string) =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined;
  const manifest = manifestChange(read("package.json"), basename(root), wishes.package);
  const config = configName(root);
  const text = read(config);
  const own = text === undefined ? staticSite(root, read, wishes) : ownWorker(config, text, read);
  const changes = [...own.changes, manifest].filter(({ before, after }) => before !== after);
  return { ...own, changes, next: ["npm install", ...own.next] };
}

type Read = (path: string) => string | undefined;

/** What builds apps of React, Vue and their like. */
const VITE = "Vite";

/** Generators by what tells them, with what they make the site `from` where that is not enough, and where they put it. */
const GENERATORS: readonly {
  readonly kind: string;
  readonly needs: string;
  readonly from?: string;
  readonly site: string;
  readonly build: string;
}[] = [
  { kind: "Astro", needs: "astro", site: "dist", build: "npx astro build" },
  { kind: "Eleventy", needs: "@11ty/eleventy", site: "_site", build: "npx @11ty/eleventy" },
  { kind: "SvelteKit", needs: "@sveltejs/kit", site: "build", build: "npx vite build" },
  { kind: "Create React App", needs: "react-scripts", site: "build", build: "npx react-scripts build" },
  { kind: VITE, needs: "vite", from: "index.html", site: "dist", build: "npx vite build" },
];

function generatorOf(
  read: Read,
): { readonly kind: string; readonly site: string; readonly build?: string } | undefined {
  const manifest: unknown = parseJsonc(read("package.json") ?? "{}");
  const named = ["dependencies", "devDependencies"].flatMap((name) =>
    isTable(manifest) && isTable(manifest[name]) ? Object.keys(manifest[name]) : [],
  );
  const known = GENERATORS.find(
    ({ needs, from }) => named.includes(needs) && (from === undefined || read(from) !== undefined),
  );
  if (known !== undefined) return known;
  if (["hugo.toml", "hugo.yaml", "hugo.json"].some((name) => read(name) !== undefined))
    return { kind: "Hugo", site: "public", build: "hugo" };
  const site = ["public", "dist", "_site", "build", "."].find(
    (folder) => read(`${folder}/index.html`) !== undefined,
  );
  return site === undefined ? undefined : { kind: "a folder of files", site };
}

/** Where the login's own code goes, beside whatever `src` is. */
const MAIN = "worker/index.ts";

/** What else is no page where the site is the project's whole folder. */
const PROJECT_FILES = ["worker", "package*.json"];

function staticSite(root: string, read: Read, { site: wanted, protect }: Wishes): Plan {
  const found = wanted === undefined ? generatorOf(read) : { kind: "a folder of files", site: wanted };
  if (found === undefined)
    throw new CommandError(`There is no site in ${root}. Name the folder of its files with --site`, "usage");
  const template = readFileSync(new URL("../template/wrangler.jsonc", import.meta.url), "utf8");
  const rules = protect === undefined ? guessedRules(join(root, found.site)) : rulesIn(protect);
  const config = template
    .replaceAll("my-site", slugOf(basename(root)))
    .replaceAll('["/members/*"]', () => `[${rules.map((rule) => JSON.stringify(rule)).join(", ")}]`)
    .replace('"main": "src/index.ts"', `"main": ${JSON.stringify(MAIN)}`)
    .replace('"directory": "public"', `"directory": ${JSON.stringify(found.site)}`);
  const files = {
    "wrangler.jsonc": config,
    [MAIN]: 'export { default, LoginAttempts, UserSessions } from "vipps-login-worker";\n',
  };
  const changes: Change[] = Object.entries(files).map(([path, after]) => {
    const before = read(path);
    return { path, before, after: before ?? after };
  });
  changes.push(
    linesAdded(read, ".gitignore", [
      "node_modules/",
      ".wrangler/",
      ".dev.vars",
      ".dev.vars.*",
      "*.report.csv",
    ]),
  );
  const build = "build" in found ? found.build : undefined;
  // A generator makes its folder anew, and puts into it what it was told to.
  if (build === undefined) {
    const path = found.site === "." ? ".assetsignore" : `${found.site.replace(/\/$/, "")}/.assetsignore`;
    const before = read(path);
    changes.push({ path, before, after: withoutSecrets(before, found.site === "." ? PROJECT_FILES : []) });
  }
  return {
    kind: found.kind,
    changes,
    next: [
      ...(build === undefined ? [] : [`${build}          # the login shows what is in ${found.site}/`]),
      ...(found.kind === VITE
        ? ['If its routes are known in the browser alone: "not_found_handling": "single-page-application".']
        : []),
      "npx vipps-login dev",
      'What needs a login says "PROTECTED_PATHS" in wrangler.jsonc. For a login button, put into your pages:',
      loginButton("en"),
    ],
  };
}

/** What of a site needs a login, until its owner says so: of one that is not built yet, what most call it. */
function guessedRules(site: string): readonly string[] {
  const found = existsSync(site) ? membersFolders(site) : [];
  return found.length === 0 ? ["/members/*"] : found;
}

function linesAdded(read: Read, path: string, lines: readonly string[]): Change {
  const before = read(path);
  const there = new Set((before ?? "").split(/\r?\n/).map((line) => line.trim().replace(/\/$/, "")));
  const missing = lines.filter((line) => !there.has(line.replace(/\/$/, "")));
  if (missing.length === 0) return { path, before, after: before ?? "" };
  const start =
    before === undefined || before.endsWith("\n") || before === "" ? (before ?? "") : `${before}\n`;
  return { path, before, after: `${start}${missing.join("\n")}\n` };
}

/** What a configuration needs beside what it has, by the list it belongs to and the name that tells members apart. */
const BINDINGS: readonly {
  readonly at: readonly string[];
  readonly key: string;
  readonly members: readonly ConfigTable[];
}[] = [
  { at: ["kv_namespaces"], key: "binding", members: [{ binding: "VIPPS_METADATA" }] },
  {
    at: ["d1_databases"],
    key: "binding",
    members: [
      {
        binding: "ACCOUNTS_DB",
        database_name: "vipps-login-accounts",
        migrations_dir: "node_modules/vipps-login-worker/migrations",
      },
    ],
  },
  {
    at: ["durable_objects", "bindings"],
    key: "name",
    members: [
      { name: "LOGIN_ATTEMPTS", class_name: "LoginAttempts" },
      { name: "USER_SESSIONS", class_name: "UserSessions" },
    ],
  },
  {
    at: ["migrations"],
    key: "tag",
    members: [{ tag: "vipps-login-1", new_sqlite_classes: ["LoginAttempts", "UserSessions"] }],
  },
];

function ownWorker(name: string, text: string, read: Read): Plan {
  const config = parseConfig(text, name);
  const changes: Change[] = [{ path: name, before: text, after: withBindings(text, name, config) }];
  const main = typeof config.main === "string" ? config.main : undefined;
  const code = main === undefined ? undefined : read(main);
  if (main === undefined || code === undefined)
    throw new CommandError(`${name} names no file as "main" that is here`);
  const { after, next } = withLogin(code);
  changes.push({ path: main, before: code, after });
  changes.push(linesAdded(read, ".gitignore", [".dev.vars", ".dev.vars.*", "*.report.csv"]));
  const past = next.length > 0 ? beforeFiles(name, config) : [];
  const { compatibility_date: date, env } = config;
  const old =
    typeof date === "string" && date < SAFE_SINCE
      ? [`Set compatibility_date of ${name}, now ${date}, to ${SAFE_SINCE} or later: the login needs it.`]
      : [];
  const environments = isTable(env)
    ? Object.keys(env).map((one) => `${sectionName(name, one)} inherits no bindings: give it the same.`)
    : [];
  const daily =
    next.length > 0
      ? ["Once a day what was kept long enough is to be deleted: docs/which-way.md says how."]
      : [];
  const left = [...next, ...past, ...daily, ...old, ...environments];
  return { kind: "a Worker of its own", changes, next: [...left, "npx vipps-login dev"] };
}

/** What a list lacks. */
interface Missing {
  readonly at: readonly string[];
  readonly member: ConfigTable | string;
}

/** @throws {CommandError} where it is written in a form that nothing can be added to */
function withBindings(text: string, name: string, config: ConfigTable): string {
  const missing: Missing[] = BINDINGS.flatMap(({ at, key, members }) => {
    const there = listAt(config, at);
    const lacks = members.filter((member) => !there.some((one) => isTable(one) && one[key] === member[key]));
    return lacks.map((member) => ({ at, member }));
  });
  const login = unreachedLogin(config);
  // A first list would take from the Worker what it does not name.
  if (login !== undefined && listAt(config, FIRST).length > 0) missing.push({ at: FIRST, member: login });
  const added = name.endsWith(".toml") ? withTable : withMember;
  return missing.reduce((changed, { at, member }) => added(changed, at, member), text);
}

/** Where the paths are that Cloudflare asks the Worker about before it looks for a file. */
const FIRST = ["assets", "run_worker_first"];

/** What has to be there for browsers to get to the login, where it is not. */
function unreachedLogin({ assets, vars }: ConfigTable): string | undefined {
  if (!isTable(assets)) return undefined;
  const { run_worker_first: first, not_found_handling: page } = assets;
  const authPath = isTable(vars) && typeof vars.AUTH_PATH === "string" ? vars.AUTH_PATH : "/auth";
  const workerFirst = Array.isArray(first) ? first.map(String) : first === true;
  const notFound = typeof page === "string" ? page : undefined;
  return isLoginReached({ workerFirst, notFound }, authPath) ? undefined : `${authPath}/*`;
}

/** What a person has to name there, who alone knows what the Worker answers. */
function beforeFiles(name: string, config: ConfigTable): readonly string[] {
  const { assets } = config;
  if (!isTable(assets) || assets.run_worker_first === true) return [];
  const login = unreachedLogin(config);
  if (login === undefined || listAt(config, FIRST).length > 0)
    return [`Name it in "run_worker_first" of ${name} too: else a file is shown before the Worker is asked.`];
  return [
    `Put into "run_worker_first" of ${name}, under assets, "${login}", what needs a login, and every path that your Worker answers, such as "/api/*". Until then browsers are shown a page in place of the login; from then on your Worker is asked about nothing else.`,
  ];
}

/** TOML with a member at the end of a list: as a table of its own, or inside what is written in brackets. */
function withTable(text: string, at: readonly string[], member: ConfigTable | string): string {
  if (typeof member !== "string") {
    const end = text.endsWith("\n") ? "" : "\n";
    const longer = `${text}${end}\n[[${at.join(".")}]]\n${stringify(member).trim()}\n`;
    try {
      parseConfig(longer, "wrangler.toml");
      return longer;
    } catch {
      // The list is in brackets.
    }
  }
  const values = parseConfig(text, "wrangler.toml");
  const [last = "", ...above] = at.toReversed();
  const table = above.reduceRight<unknown>((inner, one) => (isTable(inner) ? inner[one] : undefined), values);
  if (isTable(table)) table[last] = [...listAt(values, at), member];
  try {
    return withValues({ path: "", name: "wrangler.toml", text, values }, values);
  } catch {
    const line = typeof member === "string" ? JSON.stringify(member) : stringify(member).trim();
    throw new CommandError(
      `wrangler.toml is written in a form that nothing can be added to. Add to ${at.join(".")} by hand:\n${line}`,
    );
  }
}

function listAt(table: ConfigTable, at: readonly string[]): unknown[] {
  const value = at.reduce<unknown>((inner, name) => (isTable(inner) ? inner[name] : undefined), table);
  return Array.isArray(value) ? [...value] : [];
}

/** JSON with a member at the end of a list; comments and the form of all else stay. */
function withMember(text: string, at: readonly string[], member: ConfigTable | string): string {
  const list = listAt(parseJsonc(text) as ConfigTable, at);
  const path: JSONPath = list.length === 0 ? [...at] : [...at, list.length];
  const value = list.length === 0 ? [member] : member;
  const isInsertion = list.length > 0;
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(text),
    tabSize: 2,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
  return applyEdits(text, modify(text, path, value, { formattingOptions, isArrayInsertion: isInsertion }));
}

const CLASSES = 'export { LoginAttempts, UserSessions } from "vipps-login-worker";';

/** An app of Hono, made on a line of its own. */
const HONO = /^(?:export )?const (\w+) = new Hono(?:<.*>)?\(.*\);?[ \t]*$/m;

/** The code with the login: for Hono all of it, for any other Worker the classes alone. */
function withLogin(code: string): { readonly after: string; readonly next: readonly string[] } {
  if (/from "vipps-login-worker/.test(code)) return { after: code, next: [] };
  const end = code.endsWith("\n") ? "" : "\n";
  const app = HONO.exec(code);
  if (app === null)
    return {
      after: `${code}${end}\n${CLASSES}\n`,
      next: [
        "Put the login in front of what your Worker answers:",
        '  import { vippsLogin } from "vipps-login-worker";',
        "  export default vippsLogin({ behind: (request, env, ctx, session) => yourOwn(request, env, ctx) });",
      ],
    };
  const [line, name = ""] = app;
  const at = app.index + line.length;
  const routed = `${code.slice(0, at)}\n${name}.route("/", vippsLoginRoutes());${code.slice(at)}`;
  return {
    after: `import { vippsLoginRoutes } from "vipps-login-worker/hono";\n${routed}${end}\n${CLASSES}\n`,
    next: [`What needs a login: ${name}.use("/members/*", requireSession());`],
  };
}

function manifestChange(before: string | undefined, folder: string, wanted: string | undefined): Change {
  const start =
    before ?? `${JSON.stringify({ name: slugOf(folder), private: true, type: "module" }, null, 2)}\n`;
  const manifest: unknown = parseJsonc(start);
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(start),
    tabSize: 2,
    eol: start.includes("\r\n") ? "\r\n" : "\n",
  };
  let after = start;
  const put = (path: JSONPath, value: string) => {
    after = applyEdits(after, modify(after, path, value, { formattingOptions }));
  };
  const has = (...path: readonly string[]) =>
    path.reduce<unknown>((inner, name) => (isTable(inner) ? inner[name] : undefined), manifest) !== undefined;
  const { name, version, devDependencies } = packageJson;
  if (!has("dependencies", name) && !has("devDependencies", name))
    put(["dependencies", name], wanted ?? `^${version}`);
  if (!has("dependencies", "wrangler") && !has("devDependencies", "wrangler"))
    put(["devDependencies", "wrangler"], `^${devDependencies.wrangler}`);
  return { path: "package.json", before, after };
}

/** A change as people read it: a new file as a line, a changed one line by line. */
function shown({ path, before, after }: Change): string {
  if (before === undefined) return `+ ${path} (new, ${after.split("\n").length - 1} lines)`;
  const lines = diff(before.split("\n"), after.split("\n")).flatMap(([operation, line]) =>
    operation === 0 ? [] : [`  ${operation === 1 ? "-" : "+"} ${line}`],
  );
  return [`~ ${path}`, ...lines].join("\n");
}

function shortly({ path, before, after }: Change) {
  const lines = diff((before ?? "").split("\n"), after.split("\n"));
  const count = (wanted: number) => lines.filter(([operation]) => operation === wanted).length;
  return {
    path,
    isNew: before === undefined,
    added: count(-1),
    removed: before === undefined ? 0 : count(1),
  };
}

function make(root: string, { path, before, after }: Change): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  if (before !== undefined && readFileSync(file, "utf8") !== before)
    throw new CommandError(`${path} has changed meanwhile; nothing of it was touched.`);
  writeFileSync(file, after, { flag: before === undefined ? "wx" : "w" });
}
