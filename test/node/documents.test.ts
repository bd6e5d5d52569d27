import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import GithubSlugger from "github-slugger";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { failures } from "../../src/failure.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Every Markdown file of the repository, those not committed yet included. */
const documents = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(ROOT, path)));

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** The text without code, in which brackets and hashes mean something else. */
const prose = (text: string): string =>
  text.replace(/^(`{3,})[\s\S]*?^\1`*$/gm, "").replace(/(`+)(?!`).+?(?<!`)\1(?!`)/g, "code");

/** The anchors GitHub gives the headings of a document. */
function anchorsOf(path: string): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  const withoutFences = read(path).replace(/^(`{3,})[\s\S]*?^\1`*$/gm, "");
  const headings = [...withoutFences.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    slugger.slug(heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "")),
  );
  const named = [...withoutFences.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name = ""]) => name);
  return new Set([...headings, ...named]);
}

/** Where a document points: Markdown links and images, and those written as HTML. */
function targetsOf(path: string): readonly string[] {
  const text = prose(read(path));
  const markdown = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
  const html = [...text.matchAll(/<(?:img|a|source)\b[^>]*?\b(?:src|srcset|href)="([^"]+)"/g)];
  return [...markdown, ...html].map(([, target = ""]) => target);
}

/** What is wrong with a link; undefined if nothing is, or if it leads out of the repository. */
function faultOf(from: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : relative(ROOT, resolve(ROOT, dirname(from), decodeURI(path)));
  if (file.startsWith("..")) return `${from}: ${target} leads out of the repository`;
  if (!existsSync(join(ROOT, file))) return `${from}: ${target} is not there`;
  if (anchor === undefined || statSync(join(ROOT, file)).isDirectory()) return undefined;
  return anchorsOf(file).has(anchor) ? undefined : `${from}: ${file} has no heading #${anchor}`;
}

describe("the documents", () => {
  it("point only at files and headings that are there", () => {
    const targets = documents.flatMap((from) => targetsOf(from).map((target) => [from, target] as const));
    expect(targets.length).toBeGreaterThan(60);
    expect(targets.map(([from, target]) => faultOf(from, target)).filter((fault) => fault)).toEqual([]);
  });

  it("are all listed in docs/README.md", () => {
    const listed = new Set(targetsOf("docs/README.md"));
    const missing = documents
      .filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== "docs/README.md")
      .filter((path) => !listed.has(relative("docs", path)));
    expect(missing).toEqual([]);
  });

  it("explain every failure code, once, and no other", () => {
    const section = /^## Error codes$([\s\S]*?)^## /m.exec(read("docs/operations.md"))?.[1] ?? "";
    const codes = [...section.matchAll(/^\| (`[a-z_`, ]+`) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code = ""]) => code),
    );
    expect(codes.toSorted()).toEqual(Object.keys(failures()).toSorted());
  });

  it("name the reasons of a refused ID token in the log's own words", () => {
    const row = /^\| `id_token_invalid` .*$/m.exec(read("docs/operations.md"))?.[0] ?? "";
    const quoted = [...row.matchAll(/`([^`]+)`/g)].map(([, words = ""]) => words);
    const reasons = quoted.filter((words) => words.includes(" "));
    expect(reasons).toHaveLength(2);
    expect(reasons.filter((reason) => !read("src/vipps/id-token.ts").includes(`"${reason}"`))).toEqual([]);
  });

  it("explain every log event", () => {
    const sources = execFileSync("git", ["ls-files", "src"], { cwd: ROOT, encoding: "utf8" })
      .split("\n")
      .filter((path) => /\.tsx?$/.test(path) && existsSync(join(ROOT, path)));
    const events = sources.flatMap((path) =>
      [...read(path).matchAll(/logEvent\(\s*[^,]+,\s*([^{;]*?)[,)]\s*(?:\{|\))/g)].flatMap(
        ([, argument = ""]) =>
          [...argument.matchAll(/"([a-z]+(?:_[a-z]+)+)"/g)].map(([, event = ""]) => event),
      ),
    );
    const named = [...new Set(events)].filter((event) => !Object.hasOwn(failures(), event));
    expect(named.length).toBeGreaterThan(15);
    const section = /^## Logs$([\s\S]*?)^## /m.exec(read("docs/operations.md"))?.[1] ?? "";
    const documented = new Set([...section.matchAll(/`([a-z_]+)`/g)].map(([, event = ""]) => event));
    expect(named.filter((event) => !documented.has(event))).toEqual([]);
  });

  it("say of the package's version what changed in it", () => {
    const [, newest] = [...read("CHANGELOG.md").matchAll(/^## \[(.+)\]/gm)].map(([, version]) => version);
    expect(newest).toBe(packageJson.version);
  });

  it("are joined by issue forms that GitHub can read", () => {
    const forms = ["fault", "wish"].map((name): unknown => parse(read(`.github/ISSUE_TEMPLATE/${name}.yml`)));
    const label = expect.any(String);
    for (const form of forms) expect(form).toMatchObject({ name: label, description: label });
    const fields = forms.flatMap((form) => (form as { body: { type: string; id?: string }[] }).body);
    for (const { type, id } of fields) {
      expect(["markdown", "textarea", "input", "dropdown", "checkboxes"]).toContain(type);
      if (type !== "markdown") expect(id).toMatch(/^[\w-]+$/);
    }
    expect(parse(read(".github/ISSUE_TEMPLATE/config.yml"))).toMatchObject({ blank_issues_enabled: false });
  });

  it("deploy this repository with the button, as soon as it has a public address", () => {
    const [, target = ""] = /\[!\[Deploy to Cloudflare\]\([^)]+\)\]\(([^)]+)\)/.exec(read("README.md")) ?? [];
    const { repository } = packageJson as { repository?: string | { url: string } };
    const address = typeof repository === "object" ? repository.url : repository;
    const page = address?.replace(/^git\+/, "").replace(/\.git$/, "");
    // Until then a person puts in the address of their own copy: any address made up here could become a stranger's.
    expect(target).toBe(
      page === undefined
        ? "docs/going-live.md#deploy-with-the-button"
        : `https://deploy.workers.cloudflare.com/?url=${page}`,
    );
  });

  it("show every room of src/ in the architecture, drawn and told", () => {
    const rooms = readdirSync(join(ROOT, "src"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${name}/`);
    expect(rooms.length).toBeGreaterThan(8);
    for (const document of ["docs/architecture.md", "docs/images/rooms.svg"])
      expect(rooms.filter((room) => !read(document).includes(room))).toEqual([]);
  });
});
