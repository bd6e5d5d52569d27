import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { parse } from "yaml";
import packageJson from "../../package.json" with { type: "json" };

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly needs?: string;
  readonly environment?: { readonly name: string };
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

const text = readFileSync("examples/github-actions/deploy.yml", "utf8");
const workflow = parse(text) as {
  readonly on: { readonly push: { readonly branches: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<"test" | "staging" | "production", Job>>;
};
const jobs = Object.values(workflow.jobs);
const commands = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));

/** The options of a command line: words that begin with two dashes, behind npm's own. */
const optionsOf = (command: string): readonly string[] => command.match(/--[a-z][a-z-]*/g) ?? [];

const helpOf = (program: string, ...args: readonly string[]): string => {
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...args, "--help"], { encoding: "utf8" });
  return stdout + stderr;
};

describe("the workflow for GitHub Actions", () => {
  it("tests, then deploys to staging, then to production", () => {
    expect(Object.keys(workflow.jobs)).toEqual(["test", "staging", "production"]);
    expect(workflow.jobs.staging.needs).toBe("test");
    expect(workflow.jobs.production.needs).toBe("staging");
    expect(workflow.on.push.branches).toEqual(["main"]);
    expect(commands).toContain("npm test");
    for (const name of ["staging", "production"] as const) {
      const { environment, steps } = workflow.jobs[name];
      expect(environment?.name).toBe(name);
      const order = steps.flatMap(({ run }) => run?.match(/doctor|migrations|wrangler deploy/)?.[0] ?? []);
      expect(order).toEqual(["doctor", "migrations", "wrangler deploy", "doctor"]);
    }
  });

  it("names in each job its own environment alone, one that wrangler.toml has", () => {
    for (const name of ["staging", "production"] as const) {
      const own = workflow.jobs[name].steps.flatMap(({ run }) => run?.match(/--env (\S+)/)?.[1] ?? []);
      expect(own).toEqual([name, name, name, name]);
      const { d1_databases } = readConfig({ config: "wrangler.toml", env: name }, { hideWarnings: true });
      expect(d1_databases.map(({ binding }: { binding: string }) => binding)).toContain("ACCOUNTS_DB");
    }
  });

  it("uses only commands and options that there are", () => {
    const scripts = commands.flatMap((command) => command.match(/^npm run ([\w:]+)/)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(Object.keys(packageJson.scripts)).toContain(script);
    const wrangler = "node_modules/wrangler/bin/wrangler.js";
    const help: readonly (readonly [RegExp, string])[] = [
      [/^npm run doctor -- /, helpOf("cli/vipps-login.ts", "doctor")],
      [/^npx wrangler deploy /, helpOf(wrangler, "deploy")],
      [/^npx wrangler d1 migrations apply /, helpOf(wrangler, "d1", "migrations", "apply")],
    ];
    for (const command of commands.filter((each) => optionsOf(each).length > 0)) {
      const [, known = ""] = help.find(([begin]) => begin.test(command)) ?? [];
      for (const option of optionsOf(command)) expect(known, `${option} of ${command}`).toContain(option);
    }
  });

  it("gives secrets to the steps that need them, never to a whole job, and every one of them is explained", () => {
    for (const { env } of jobs) expect(JSON.stringify(env ?? {})).not.toContain("secrets.");
    const readme = readFileSync("examples/github-actions/README.md", "utf8");
    const names = [...text.matchAll(/\b(?:secrets|vars)\.(\w+)/g)].map(([, name = ""]) => name);
    for (const name of new Set(names)) expect(readme).toContain(`\`${name}\``);
    expect(workflow.permissions).toEqual({ contents: "read" });
    // What stands in an expression is put into the command line as it is: variables go through the environment.
    for (const command of commands) expect(command).not.toContain("${{");
  });

  it("names every action by a commit, which nobody can move, and says its version", () => {
    const used = [...text.matchAll(/^\s*- uses: (.+)$/gm)].map(([, action = ""]) => action);
    expect(used.length).toBe(
      jobs.flatMap(({ steps }) => steps.filter(({ uses }) => uses !== undefined)).length,
    );
    for (const action of used) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});
