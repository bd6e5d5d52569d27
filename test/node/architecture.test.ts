import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCE = join(ROOT, "src");

/** Which rooms a room may import from. `.` is the files directly in src/. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  ".": [
    ".",
    "http",
    "vipps",
    "login",
    "session",
    "accounts",
    "events",
    "site",
    "support",
    "my-page",
    "webhooks",
    "pages",
    "sites",
    "settings",
    "rules",
  ],
  login: [".", "http", "vipps", "pages", "session", "accounts", "events", "rules"],
  session: [".", "http", "vipps", "pages", "accounts", "events", "rules"],
  site: [".", "http", "pages", "session", "settings", "rules"],
  "my-page": [".", "http", "pages", "session", "accounts"],
  webhooks: [".", "http", "session", "accounts", "events"],
  support: [".", "http", "pages", "session", "accounts", "rules"],
  accounts: [".", "vipps", "events"],
  events: ["."],
  http: [".", "vipps"],
  pages: [".", "vipps"],
  rules: [".", "http", "vipps", "settings"],
  vipps: [".", "settings"],
  sites: [".", "settings"],
  settings: ["vipps", "pages", "sites", "rules"],
};

/** Files of src/ that answer requests; no room may import them. */
const FRONT = ["index.ts", "hono.ts", "app.ts", "failure-answer.ts", "health-route.ts"];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = globSync("**/*.ts", { cwd: SOURCE }).filter((file) => !file.endsWith(".d.ts"));

const imports: readonly Import[] = files.flatMap((from) =>
  [
    ...readFileSync(join(SOURCE, from), "utf8").matchAll(
      /(?:^(?:import|export)\b[^;]*?from\s+|\bawait import\(|\[import\()"(\.[^"]+)"/gm,
    ),
  ].map(([, target = ""]) => ({ from, to: relative(SOURCE, resolve(SOURCE, dirname(from), target)) })),
);

const roomOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : ".");

describe("the rooms of src/", () => {
  it("import only along the arrows of the design", () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === "../package.json") return false;
      const [here, there] = [roomOf(from), roomOf(to)];
      if (here === there) return false;
      return !ARROWS[here]?.includes(there) || (there === "." && here !== "." && FRONT.includes(to));
    });
    expect(wrong).toEqual([]);
  });

  it("have no circles", () => {
    const next = Map.groupBy(imports, ({ from }) => from);
    const circle = (file: string, path: readonly string[]): readonly string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const { to } of next.get(file) ?? []) {
        const found = circle(to, [...path, file]);
        if (found !== undefined) return found;
      }
      done.add(file);
      return undefined;
    };
    const done = new Set<string>();
    expect(files.map((file) => circle(file, [])).filter((found) => found !== undefined)).toEqual([]);
  });

  it("keep what only Node or only tests need out of the Worker", () => {
    expect(imports.filter(({ to }) => /^\.\.\/(simulator|cli|bench|test|demo)\b/.test(to))).toEqual([]);
  });

  it("make their schemas when they are used, so that an isolate starts without them", () => {
    const early = files.filter((file) =>
      /^(?:export )?const \w+ = v\./m.test(readFileSync(join(SOURCE, file), "utf8")),
    );
    expect(early).toEqual([]);
  });

  it("write to the log in log.ts alone, where every line says at which site it happened", () => {
    const writers = files.filter((file) =>
      /\bconsole(?:\[|\.\w+\()/.test(readFileSync(join(SOURCE, file), "utf8")),
    );
    expect(writers).toEqual(["log.ts"]);
    expect(readFileSync(join(SOURCE, "log.ts"), "utf8")).toContain("{ level, event, site, ...fields }");
  });

  it("read the environment in settings.ts alone", () => {
    const code = (file: string) => readFileSync(join(SOURCE, file), "utf8").replace(/^ +\* .*$/gm, "");
    const readers = files.filter((file) => /\benv\.[A-Z]{2}/.test(code(file)));
    expect(readers).toEqual(["settings.ts"]);
  });
});
