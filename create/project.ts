// The project of a site owner: the files of template/, with the answers in their places.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type SiteLanguage, WORDS } from "./words.ts";

/** What a new project is made of. */
export interface Project {
  /** Absolute; not there yet, or empty. */
  readonly folder: string;
  /** What the site calls itself. */
  readonly name: string;
  /** Its domain, such as `www.example.com`; empty where it has none yet. */
  readonly domain: string;
  readonly language: SiteLanguage;
  /** A folder of files that is the site already, absolute; undefined for a new one. */
  readonly site: string | undefined;
  /** What of it needs a login: patterns, each followed by what it requires, if anything; none for an open site. */
  readonly protect: readonly string[];
  /** What `npm install` is to take for the package and for wrangler. */
  readonly versions: Readonly<Record<"vipps-login-worker" | "wrangler", string>>;
}

/** What of a site's folder is no page of it. Cloudflare shows everything else; `.well-known` is meant to be read. */
const NO_PAGES = [
  ".*",
  "!.well-known",
  "node_modules",
  "wrangler.*",
  "*.pem",
  "*.key",
  "id_rsa*",
  "id_ed25519*",
  // Of an import of members: who was refused, and why.
  "*.report.csv",
];

/**
 * An `.assetsignore` that leaves out what is no page. What stands there already comes after it, and so has the last
 * word.
 * @param before what it says; undefined where there is none
 * @param more what is to be left out besides
 */
export function withoutSecrets(before: string | undefined, more: readonly string[] = []): string {
  const there = new Set((before ?? "").split(/\r?\n/).map((line) => line.trim().replace(/\/$/, "")));
  const missing = [...NO_PAGES, ...more].filter((line) => !there.has(line));
  return missing.length === 0 ? (before ?? "") : `${missing.join("\n")}\n${before ?? ""}`;
}

/** The project cannot be made; the message is one line. */
export class CreateError extends Error {}

/**
 * Writes a new project. Of a site that is there already nothing is changed, but that an `.assetsignore` in its folder
 * keeps what is no page from being shown.
 * @param template the folder of the template
 * @throws {CreateError} where there is something in its folder
 */
export function writeProject(template: string, project: Project): void {
  const { folder, name, domain, language, site, protect, versions } = project;
  if (existsSync(folder) && readdirSync(folder).some((file) => file !== ".git"))
    throw new CreateError(
      `${folder} is not empty. In a project that is there already, npx vipps-login init adds the login.`,
    );
  mkdirSync(folder, { recursive: true });
  const skip = site === undefined ? undefined : join(template, "public");
  cpSync(template, folder, {
    recursive: true,
    filter: (from) => skip === undefined || !from.startsWith(skip),
  });
  // npm takes no file of that name into a package.
  renameSync(join(folder, "gitignore"), join(folder, ".gitignore"));

  const slug = slugOf(name);
  const pages = assetsFolder(folder, site);
  change(folder, "package.json", (text) => {
    const manifest = { ...JSON.parse(text), name: slug };
    manifest.dependencies = { "vipps-login-worker": versions["vipps-login-worker"] };
    manifest.devDependencies = { wrangler: versions.wrangler };
    return `${JSON.stringify(manifest, null, 2)}\n`;
  });
  change(folder, "wrangler.jsonc", (text) => {
    const market = { nb: "NO", da: "DK", sv: "SE", fi: "FI", en: undefined }[language];
    const vars = [
      `"SITE_NAME": ${JSON.stringify(name)}`,
      `"SITE_LANGUAGE": "${language}"`,
      ...(market === undefined ? [] : [`"VIPPS_MARKET": "${market}"`]),
    ];
    let production = 0;
    return text
      .replaceAll("my-site", slug)
      .replace('"directory": "public"', () => `"directory": ${JSON.stringify(pages)}`)
      .replace(/^( +)"PROTECTED_PATHS": .*$/gm, (_, indent: string) => {
        production += 1;
        const own = domain === "" || production === 1 ? vars : [...vars, `"SITE_URL": "https://${domain}"`];
        const rules = `"PROTECTED_PATHS": [${protect.map((rule) => JSON.stringify(rule)).join(", ")}]`;
        return [rules, ...own].map((setting) => `${indent}${setting}`).join(",\n");
      });
  });
  const ignoring = join(site ?? join(folder, "public"), ".assetsignore");
  writeFileSync(ignoring, withoutSecrets(existsSync(ignoring) ? readFileSync(ignoring, "utf8") : undefined));
  change(folder, "README.md", (text) =>
    text
      .replace("# my-site", () => `# ${name}`)
      .replace("{{pages}}", () => `${pages}/`)
      .replace("{{begin}}", () => (site === undefined ? "press the button" : `open ${firstAddress(protect)}`))
      .replace("{{button}}", () => loginButton(language)),
  );
  const made = site === undefined ? readdirSync(join(folder, "public"), FILES) : [];
  for (const page of made.filter((path) => path.endsWith(".html")))
    change(folder, join("public", page), (text) =>
      filled(text.replace('lang="en"', `lang="${language}"`), { ...WORDS[language], name }),
    );
}

/** An address that leads to the login: of what is protected, or the login's own. */
function firstAddress(protect: readonly string[]): string {
  const [rule = ""] = protect.filter((one) => !one.startsWith("!"));
  const path = rule.split(" ", 1)[0]?.replace(/\*$/, "") ?? "";
  return path === "" || path.includes("*") ? "`/auth/login?return_to=/`" : `\`${path}\``;
}

/** What a page needs for a login button, in HTML. */
export const loginButton = (language: SiteLanguage): string =>
  `<script src="/auth/vipps-login.js" defer></script>
<vipps-login logout-to="/" me><a href="/auth/login?return_to=/">${WORDS[language].logIn}</a></vipps-login>`;

/** A list of patterns as people write it, with blanks or commas between; what a pattern requires stays with it. */
export function rulesIn(text: string): readonly string[] {
  const rules: string[] = [];
  for (const word of text.split(/[\s,]+/).filter((one) => one !== "")) {
    const before = /^!?\//.test(word) ? undefined : rules.pop();
    rules.push(before === undefined ? word : `${before} ${word}`);
  }
  return rules;
}

/** What members' pages are called, in the languages of a site. */
const MEMBERS = /^(?:members?|medlem|medlemm[ae]r|medlems.*|j[aä]sen.*)$/i;

/** A guess at what of a site needs a login: its folders that are called after members. */
export function membersFolders(site: string): readonly string[] {
  return readdirSync(site, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && MEMBERS.test(entry.name.normalize("NFC")))
    .map(({ name }) => `/${encodeURI(name)}/*`);
}

const FILES = { recursive: true, encoding: "utf8" } as const;

function change(folder: string, path: string, make: (text: string) => string): void {
  const file = join(folder, path);
  writeFileSync(file, make(readFileSync(file, "utf8")));
}

const assetsFolder = (folder: string, site: string | undefined): string =>
  site === undefined ? "public" : relative(folder, site).replaceAll("\\", "/") || ".";

const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function filled(html: string, words: Readonly<Record<string, string>>): string {
  return html.replace(/\{\{(\w+)\}\}/g, (place, word: string) =>
    (words[word] ?? place).replace(/[&<>"]/g, (sign) => ESCAPED[sign] ?? sign),
  );
}

/** A name as npm and Cloudflare take it: small letters, digits and hyphens. */
export function slugOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll("ø", "o")
    .replaceAll("æ", "ae")
    .replaceAll("å", "a")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 50);
  return plain.replace(/^-|-$/g, "") || "my-site";
}
