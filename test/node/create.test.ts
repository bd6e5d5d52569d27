import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse as parseJsonc } from "jsonc-parser";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shownFiles } from "../../cli/site-files.ts";
import { membersFolders, type Project, rulesIn, writeProject } from "../../create/project.ts";

const TEMPLATE = resolve(import.meta.dirname, "../../template");

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "create-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes a project, beside which `old-site` has these files. */
function make(answers: Partial<Project> = {}, files: Readonly<Record<string, string>> = {}) {
  const site = join(root, "old-site");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(site, path, ".."), { recursive: true });
    writeFileSync(join(site, path), text);
  }
  const folder = join(root, "my-site");
  const versions = { "vipps-login-worker": "^0.1.0", wrangler: "^4.0.0" };
  const isOld = Object.keys(files).length > 0;
  writeProject(TEMPLATE, {
    ...{ folder, name: "Bjørns Bakeri", domain: "", language: "nb", protect: ["/members/*"], versions },
    site: isOld ? site : undefined,
    ...answers,
  });
  const read = (path: string) => readFileSync(join(folder, path), "utf8");
  return { folder, site, read, config: parseJsonc(read("wrangler.jsonc")) };
}

describe("a new project", () => {
  it("shows its pages, and no file with a dot that comes to lie beside them", () => {
    const { folder, config } = make();
    writeFileSync(join(folder, "public/.env"), "KEY=x");
    const { paths = [] } = shownFiles(folder, config.assets.directory) ?? {};
    expect(paths.toSorted()).toEqual(["404.html", "index.html", "members/index.html", "site.css"]);
  });

  it("shows of a site that was there its pages alone, and leaves what is there as it is", () => {
    const files = {
      "index.html": "<h1>x</h1>",
      ".env": "KEY=x",
      ".git/config": "",
      ".well-known/security.txt": "",
      ".assetsignore": "drafts\n",
      "drafts/one.html": "",
    };
    const { folder, site, config } = make({}, files);
    expect(config.assets.directory).toBe("../old-site");
    const { paths = [] } = shownFiles(folder, config.assets.directory) ?? {};
    expect(paths.toSorted()).toEqual([".well-known/security.txt", "index.html"]);
    for (const [path, text] of Object.entries(files))
      if (path !== ".assetsignore") expect(readFileSync(join(site, path), "utf8")).toBe(text);
    expect(existsSync(join(folder, "public"))).toBe(false);
  });

  it("greets by the name of the site, whatever signs are in it", () => {
    const name = 'Bjørn "$&" & Co';
    const { config, read } = make({ name });
    expect(config.vars.SITE_NAME).toBe(name);
    expect(config.env.production.vars.SITE_NAME).toBe(name);
    expect(read("README.md")).toContain(`# ${name}\n`);
  });

  it("protects what it was told, and is told of nothing that is not there", () => {
    const { config, read } = make(
      { protect: rulesIn("/medlem/*, /styret/* group:styret fresh:600 !/medlem/open") },
      { "index.html": "" },
    );
    const rules = ["/medlem/*", "/styret/* group:styret fresh:600", "!/medlem/open"];
    expect(config.vars.PROTECTED_PATHS).toEqual(rules);
    expect(config.env.production.vars.PROTECTED_PATHS).toEqual(rules);
    expect(read("README.md")).toContain("open `/medlem/`, choose a test user");
    expect(read("README.md")).toContain("| the pages | `../old-site/`");
    expect(read("README.md")).toContain('<script src="/auth/vipps-login.js" defer></script>\n<vipps-login');
    expect(read("README.md")).not.toContain("{{");
  });

  it("guesses which folders are for members", () => {
    const { site } = make(
      {},
      { "medlem/index.html": "", "jäsenet/a.html": "", "css/a.css": "", "memberships.html": "" },
    );
    expect(membersFolders(site).toSorted()).toEqual(["/j%C3%A4senet/*", "/medlem/*"]);
  });
});
