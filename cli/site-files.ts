// What of a site's folder Cloudflare shows, and what of that was hardly meant to be shown.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readPath } from "../src/http/request-path.ts";
import { needsSession } from "../src/rules/path-rules.ts";

/** Names of files and folders that hold secrets, or what a site is made with, whatever is in them. */
const SECRET_NAMES: readonly RegExp[] = [
  /^\.(?:env|dev\.vars)/i,
  /^\.(?:git|svn|hg|ssh|aws|wrangler|npmrc|netrc|pgpass|htpasswd)$/i,
  /^node_modules$/i,
  /^wrangler\.(?:toml|jsonc?)$/i,
  /^id_(?:rsa|dsa|ecdsa|ed25519)$/i,
  /\.(?:pem|key|p12|pfx|kdbx|report\.csv)$/i,
];

const isSecretName = (name: string): boolean => SECRET_NAMES.some((pattern) => pattern.test(name));

/** What Cloudflare reads and never shows, in the folder itself. */
const OWN_FILES: ReadonlySet<string> = new Set([".assetsignore", "_headers", "_redirects"]);

/** What Cloudflare shows of a folder. */
export interface ShownFiles {
  /** The folder, as it is written in the configuration. */
  readonly folder: string;
  /** Files by their path from it. A folder with a secret's name is not gone into: it stands here once, with a slash. */
  readonly paths: readonly string[];
}

/**
 * Lists what is uploaded of a site's folder: all of it but what its `.assetsignore` names.
 * @param root the project's folder
 * @returns undefined where the folder is not there, as before a site is built
 */
export function shownFiles(root: string, folder: string): ShownFiles | undefined {
  const top = resolve(root, folder);
  if (!existsSync(top) || !statSync(top).isDirectory()) return undefined;
  const ignoring = join(top, ".assetsignore");
  const isIgnored = ignoredBy(existsSync(ignoring) ? readFileSync(ignoring, "utf8") : "");
  const paths: string[] = [];
  const walk = (below: string) => {
    for (const entry of readdirSync(join(top, below), { withFileTypes: true })) {
      const path = below + entry.name;
      if (OWN_FILES.has(path) || isIgnored(path, entry.isDirectory())) continue;
      if (!entry.isDirectory()) paths.push(path);
      else if (isSecretName(entry.name)) paths.push(`${path}/`);
      else walk(`${path}/`);
    }
  };
  walk("");
  return { folder, paths };
}

/** Those that everybody may read and nobody should. */
export const secretsIn = ({ paths }: ShownFiles): readonly string[] =>
  paths.filter((path) => isSecretName(path.replace(/\/$/, "").replace(/^.*\//, "")));

/**
 * The patterns that protect no file, such as those of a folder that is called otherwise.
 * @param patterns of PROTECTED_PATHS, without what they require
 */
export function patternsWithoutFile({ paths }: ShownFiles, patterns: readonly string[]): readonly string[] {
  const read = paths.flatMap((path) => readPath(encodeURI(`/${path}`)) ?? []);
  return patterns.filter(
    (pattern) =>
      !pattern.startsWith("!") && !read.some((path) => needsSession({ protectedPaths: [pattern] }, path)),
  );
}

/** At most so many are named; the rest are of the same kind. */
const NAMED = 5;

/** What is wrong with the files of a site, in sentences for people; nothing where nothing is. */
export function faultsOfFiles(
  shown: ShownFiles,
  patterns: readonly string[],
): { readonly secrets: string | undefined; readonly unused: string | undefined } {
  const secrets = secretsIn(shown);
  const unused = patternsWithoutFile(shown, patterns);
  const { folder } = shown;
  const listed = (all: readonly string[]) =>
    all.slice(0, NAMED).join(", ") + (all.length > NAMED ? ` and ${all.length - NAMED} more` : "");
  return {
    secrets:
      secrets.length === 0
        ? undefined
        : `The site's folder ${folder} holds what is no page, and whoever asks may get it: ${listed(secrets)}.`,
    unused:
      unused.length === 0
        ? undefined
        : `${listed(unused)} in PROTECTED_PATHS fits no file of the site's folder ${folder}.`,
  };
}

/** Whether a path is left out by the lines of an `.assetsignore`, which are those of a `.gitignore`. */
function ignoredBy(text: string): (path: string, isFolder: boolean) => boolean {
  const rules = text.split(/\r?\n/).flatMap((line) => {
    const written = line.trim();
    if (written === "" || written.startsWith("#")) return [];
    const negative = written.startsWith("!");
    const pattern = (negative ? written.slice(1) : written).replace(/\/$/, "");
    const onlyFolders = written.endsWith("/");
    return [{ negative, onlyFolders, expression: expressionOf(pattern) }];
  });
  return (path, isFolder) => {
    const last = rules.findLast(
      ({ onlyFolders, expression }) => (isFolder || !onlyFolders) && expression.test(path),
    );
    return last !== undefined && !last.negative;
  };
}

/** A pattern of `.gitignore` as wrangler reads it, without regard to case. */
function expressionOf(pattern: string): RegExp {
  const anchored = pattern.includes("/");
  const body = pattern.replace(/^\//, "").replace(/\*\*\/|\/\*\*$|\*+|\?|\[[^\]]*\]|\\?./gs, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "/**") return "/.*";
    if (part.startsWith("*")) return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 2 && part.startsWith("[")) return part.replace(/^\[!/, "[^");
    return part.slice(-1).replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  });
  return new RegExp(`^${anchored ? "" : "(?:.*/)?"}${body}$`, "is");
}
