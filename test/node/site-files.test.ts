import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { patternsWithoutFile, secretsIn, shownFiles } from "../../cli/site-files.ts";
import { withoutSecrets } from "../../create/project.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "site-files-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function shown(...files: readonly (string | readonly [string, string])[]) {
  for (const file of files) {
    const [path, text] = typeof file === "string" ? [file, ""] : file;
    mkdirSync(dirname(join(root, "site", path)), { recursive: true });
    writeFileSync(join(root, "site", path), text);
  }
  const found = shownFiles(root, "site");
  if (found === undefined) throw new Error("there is a folder");
  return { ...found, paths: found.paths.toSorted() };
}

const SITE = ["index.html", "_headers", "members/index.html", ".well-known/security.txt"];
const SECRETS = [
  ...[".env", ".env.production", "deep/.env", ".git/config", "node_modules/x/index.js", "wrangler.jsonc"],
  ...["server.pem", "id_rsa", ".dev.vars.production", "deep/Server.KEY"],
];

describe("what is shown of a site's folder", () => {
  it("names what has the name of a secret, a folder once", () => {
    expect(secretsIn(shown(...SITE, ...SECRETS)).toSorted()).toEqual(
      [...SECRETS.filter((path) => !/git|modules/.test(path)), ".git/", "node_modules/"].toSorted(),
    );
  });

  it("leaves out what a new project's .assetsignore names, and keeps .well-known", () => {
    const { paths } = shown(...SITE, ...SECRETS, ".htaccess", [".assetsignore", withoutSecrets(undefined)]);
    expect(paths).toEqual([".well-known/security.txt", "index.html", "members/index.html"]);
  });

  it("gives the last word to what stood in an .assetsignore before", () => {
    const { paths } = shown(".env", ".cards/one.html", [".assetsignore", withoutSecrets("!.cards/\n")]);
    expect(paths).toEqual([".cards/one.html"]);
    expect(withoutSecrets(withoutSecrets("drafts/\n"))).toBe(withoutSecrets("drafts/\n"));
  });

  it("reads .assetsignore as a .gitignore is read", () => {
    const lines = [
      "# notes",
      "/top.txt",
      "drafts/",
      "*.psd",
      "a/**/z.txt",
      "!keep.psd",
      "one[0-9].txt",
      "?.js",
    ];
    const { paths } = shown(
      [".assetsignore", `${lines.join("\n")}\n`],
      ...["top.txt", "deep/top.txt", "drafts/one.html", "deep/drafts", "big.psd", "keep.psd", "# notes"],
      ...["a/z.txt", "a/b/c/z.txt", "one1.txt", "onex.txt", "a.js", "ab.js", "PHOTO.PSD"],
    );
    expect(paths).toEqual(
      ["# notes", "ab.js", "deep/drafts", "deep/top.txt", "keep.psd", "onex.txt"].toSorted(),
    );
  });

  it("knows no folder that is not there yet", () => {
    expect(shownFiles(root, "dist")).toBeUndefined();
  });

  it("names patterns that protect none of it, as the worker reads them", () => {
    const files = shown(...SITE, "Årsmøte 2026/referat.pdf", "board.html");
    const patterns = ["/members/*", "/MEMBERS", "/board", "/%C3%A5rsm%C3%B8te%202026/*", "!/members/open/*"];
    expect(patternsWithoutFile(files, patterns)).toEqual([]);
    expect(patternsWithoutFile(files, ["/medlem/*", "/members/*", "/styret"])).toEqual([
      "/medlem/*",
      "/styret",
    ]);
  });
});
