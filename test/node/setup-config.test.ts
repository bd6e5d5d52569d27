import { readFileSync } from "node:fs";
import { parse } from "@decimalturn/toml-patch";
import { describe, expect, test } from "vitest";
import { explained } from "../../cli/cloudflare-commands.ts";
import { CommandError } from "../../cli/command-error.mjs";
import { type ProjectConfig, parseConfig } from "../../cli/project-config.ts";
import type { Answers } from "../../cli/setup/answers.ts";
import {
  changedLines,
  readEnvironment as readIn,
  withAnswers as write,
} from "../../cli/setup/config-text.ts";

const TEXT = readFileSync("wrangler.toml", "utf8");

const configOf = (text: string, name = "wrangler.toml"): ProjectConfig => ({
  path: `/club/${name}`,
  ...{ name, text, values: parseConfig(text, name) },
});
const readEnvironment = (text: string, environment: string) => readIn(configOf(text), environment);
const withAnswers = (text: string, environment: string, given: Answers, name?: string) =>
  write(configOf(text, name), environment, given, "/club");

const answers = (values: Answers["values"], others: Partial<Answers> = {}): Answers => ({
  behind: undefined,
  route: undefined,
  sitesOnly: false,
  ...others,
  values,
});

/** One environment of the text, as any TOML parser reads it. */
const environment = (text: string, name = "production") =>
  (parse(text) as { env: Record<string, Record<string, unknown>> }).env[name];

const COMMENTS = (text: string) => text.split("\n").filter((line) => line.startsWith("#"));

describe("answers in wrangler.toml", () => {
  test("are added to their environment, and nothing else changes", () => {
    const changed = withAnswers(
      TEXT,
      "staging",
      answers({ SITE_URL: " https://staging.example.com ", VIPPS_MARKET: "" }),
    );
    expect(changedLines(TEXT, changed)).toEqual([
      '+ routes = [{pattern = "staging.example.com", custom_domain = true}]',
      '+ SITE_URL = "https://staging.example.com"',
    ]);
    expect(COMMENTS(changed)).toEqual(COMMENTS(TEXT));
    expect(environment(changed, "staging")?.vars).toMatchObject({ SITE_URL: "https://staging.example.com" });
    expect(environment(changed)).toEqual(environment(TEXT));
  });

  test("given again they change nothing, and an empty one removes a setting", () => {
    const given = answers({ SITE_URL: "https://www.example.com", TERMS_URL: "/terms", TERMS_VERSION: "1" });
    const once = withAnswers(TEXT, "production", given);
    expect(withAnswers(once, "production", given)).toBe(once);
    const removed = withAnswers(once, "production", answers({ TERMS_URL: "", TERMS_VERSION: "" }));
    expect(changedLines(once, removed)).toEqual(['- TERMS_URL = "/terms"', '- TERMS_VERSION = "1"']);
  });

  test("quotes and backslashes arrive as they were typed", () => {
    const odd = '[{"id":"a","text":"\\\\ \\" \'"}]';
    const changed = withAnswers(
      TEXT,
      "production",
      answers({ SITE_URL: "https://www.example.com", CONSENTS: odd }),
    );
    expect(readEnvironment(changed, "production").vars.CONSENTS).toBe(odd);
  });

  test.each([
    [
      { behind: { kind: "assets", directory: "public" } },
      {
        assets: { directory: "public", binding: "ASSETS" },
        routes: [{ pattern: "www.example.com", custom_domain: true }],
      },
    ],
    // However the folder was typed, it is written down as it is reached from the project on any machine.
    [{ behind: { kind: "assets", directory: "/club/build/html/" } }, { assets: { directory: "build/html" } }],
    [{ behind: { kind: "assets", directory: "/srv/www" } }, { assets: { directory: "../srv/www" } }],
    [
      { behind: { kind: "origin", url: "https://origin.example.com" } },
      { vars: { ORIGIN_URL: "https://origin.example.com" }, routes: [{ custom_domain: true }] },
    ],
    [{ behind: { kind: "route" } }, { routes: ["www.example.com/*"] }],
    [{ route: "*.example.com/*" }, { routes: ["*.example.com/*"] }],
  ] as const)("what is behind the login and how it is reached: %j", (others, expected) => {
    const changed = withAnswers(TEXT, "production", answers({ SITE_URL: "https://www.example.com" }, others));
    expect(environment(changed)).toMatchObject(expected);
    // Without a binding, nothing of the demo site is shown.
    if ("behind" in others && others.behind.kind !== "assets")
      expect(environment(changed)?.assets).not.toHaveProperty("binding");
  });

  test("a route set by hand stays unless another is asked for", () => {
    const byHand = TEXT.replace("[env.production]", '[env.production]\nroutes = ["example.com/club/*"]');
    const site = { SITE_URL: "https://example.com" };
    expect(environment(withAnswers(byHand, "production", answers(site)))?.routes).toEqual([
      "example.com/club/*",
    ]);
    const other = withAnswers(byHand, "production", answers(site, { route: "none" }));
    expect(environment(other)).not.toHaveProperty("routes");
  });

  test("a workers.dev address needs no route", () => {
    const changed = withAnswers(
      TEXT,
      "production",
      answers({ SITE_URL: "https://club.example.workers.dev" }),
    );
    expect(environment(changed)).toMatchObject({ workers_dev: true });
    expect(environment(changed)).not.toHaveProperty("routes");
  });

  test("an environment that is not there, or a broken file, is said in one line", () => {
    expect(() => withAnswers(TEXT, "beta", answers({}))).toThrow(/^wrangler\.toml has no \[env\.beta\]/);
    expect(() => readEnvironment("name = \n", "staging")).toThrow(CommandError);
    expect(() => readEnvironment("name = \n", "staging")).toThrow(/^wrangler\.toml cannot be read: [^\n]+$/);
  });
});

describe("answers in wrangler.jsonc", () => {
  const JSONC = `{
  // The club's worker.
  "name": "club",
  "vars": {
    "VIPPS_MARKET": "NO", // Norway
  },
  "assets": { "directory": "public", "binding": "ASSETS" },
  "env": { "staging": { "vars": {} } }
}
`;

  test("stand where they belong, between comments that stay", () => {
    const given = answers({ SITE_URL: "https://club.example", VIPPS_MARKET: "" });
    const changed = withAnswers(JSONC, "", given, "wrangler.jsonc");
    expect(changed).toContain("// The club's worker.");
    expect(parseConfig(changed, "wrangler.jsonc")).toEqual({
      name: "club",
      vars: { SITE_URL: "https://club.example" },
      assets: { directory: "public", binding: "ASSETS" },
      routes: [{ pattern: "club.example", custom_domain: true }],
      env: { staging: { vars: {} } },
    });
    expect(withAnswers(changed, "", given, "wrangler.jsonc")).toBe(changed);
  });

  test("leave the top level's folder unseen in an environment that is a server's", () => {
    const behind = { kind: "route" } as const;
    const given = answers({ SITE_URL: "https://club.example" }, { behind });
    const staging = withAnswers(JSONC, "staging", given, "wrangler.jsonc");
    expect(parseConfig(staging, "wrangler.jsonc")).toMatchObject({
      assets: { binding: "ASSETS" },
      env: {
        staging: { assets: { directory: "public", run_worker_first: true }, routes: ["club.example/*"] },
      },
    });
    const top = parseConfig(withAnswers(JSONC, "", given, "wrangler.jsonc"), "wrangler.jsonc");
    expect(top).not.toHaveProperty("assets");
  });

  test("that is broken is said with the line", () => {
    expect(() => parseConfig('{\n  "name": }', "wrangler.jsonc")).toThrow(
      /^wrangler\.jsonc cannot be read: \w+ in line 2$/,
    );
  });
});

describe("what wrangler refuses, in plain words", () => {
  test.each([
    ["In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN", "npx wrangler login"],
    ["A request to the Cloudflare API failed. Authentication error [code: 10000]", "npx wrangler login"],
    ["More than one account available but unable to select one", "CLOUDFLARE_ACCOUNT_ID"],
    ["fetch failed", "out of reach"],
    ["a namespace with this account ID and title already exists [code: 10014]", "The name is taken"],
    ["Could not find zone for `www.example.com`", "not a zone of this account"],
    [
      "Hostname 'www.example.com' already has externally managed DNS records [code: 100117]",
      "has this address already",
    ],
    ["You need to register a workers.dev subdomain [code: 10063]", "no workers.dev address yet"],
  ])("%s", (said, words) => {
    const text = explained({ code: 1, output: "", errors: `✘ [ERROR] ${said}\n` });
    expect(text).toContain(words);
    expect(text).toContain(`(wrangler says: ${said})`);
  });

  test("what nobody foresaw is passed on as it is", () => {
    expect(explained({ code: 1, output: "", errors: "✘ [ERROR] The moon is full\n" })).toBe(
      "wrangler says: The moon is full",
    );
  });
});
