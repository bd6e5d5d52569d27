import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { runCommandLine } from "../../cli/command-line.ts";
import { FIELDS } from "../../cli/setup/answers.ts";
import { runCommand } from "./command-under-test.ts";

const SECRET = "bm90IGEgcmVhbCBzZWNyZXQ-4711";

/** Runs `vipps-login setup …` where every question to Cloudflare would fail. */
const setup = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(["setup", ...args], {
    env: { CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:1", CLOUDFLARE_API_TOKEN: "a", ...env },
  });

const SITE = ["--site-url", "https://www.example.com", "--client-id", "6b1f3c1e", "--msn", "123456"];

const config = () => readFileSync("wrangler.toml", "utf8");

describe("vipps-login setup", () => {
  test("as a dry run shows every command and change, and executes nothing", async () => {
    const before = config();
    const { code, stdout, stderr } = await setup(["--env", "production", "--yes", "--dry-run", ...SITE], {
      VIPPS_CLIENT_SECRET: SECRET,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(config()).toBe(before);
    for (const line of [
      '+ SITE_URL = "https://www.example.com"',
      "npx wrangler secret put SESSION_KEYS --env=production   (standard input: ",
      "npx wrangler secret put VIPPS_CLIENT_SECRET --env=production   (standard input: ",
      "npx wrangler d1 migrations apply ACCOUNTS_DB --remote --env=production",
      "npx wrangler deploy --minify --env=production",
      "npx vipps-login doctor --env production --remote --url https://www.example.com",
    ])
      expect(stdout).toContain(line);
    expect(stdout).not.toContain(SECRET);
  });

  test("deploys no environment without the bindings of a login", async () => {
    const folder = mkdtempSync(join(tmpdir(), "setup-"));
    const env = { production: { kv_namespaces: [{ binding: "CACHE" }, { binding: "VIPPS_METADATA" }] } };
    writeFileSync(join(folder, "wrangler.json"), JSON.stringify({ name: "mine", main: "app.ts", env }));
    const args = ["--cwd", folder, "setup", "--env", "production", "--yes", "--dry-run", ...SITE];
    const { code, stderr, stdout } = await runCommand(args);
    rmSync(folder, { recursive: true });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("env.production does not bind LOGIN_ATTEMPTS, USER_SESSIONS, ACCOUNTS_DB:");
  });

  test("gives a site that tells its events a queue, and the worker their secret", async () => {
    const events = ["--events-url", "https://crm.example/events"];
    const { code, stdout } = await setup(["--env", "production", "--yes", "--dry-run", ...SITE, ...events], {
      VIPPS_CLIENT_SECRET: SECRET,
    });
    expect(code).toBe(0);
    for (const line of [
      'binding = "EVENTS_QUEUE", queue = "vipps-login-worker-production-events"',
      'dead_letter_queue = "vipps-login-worker-production-events-dead"',
      "npx wrangler secret put EVENTS_SECRET --env=production   (standard input: ",
      "npx wrangler queues create vipps-login-worker-production-events\n",
      "npx wrangler queues create vipps-login-worker-production-events-dead\n",
    ])
      expect(stdout).toContain(line);
    const without = await setup(["--env", "production", "--yes", "--dry-run", ...SITE], {
      VIPPS_CLIENT_SECRET: SECRET,
    });
    expect(without.stdout).not.toMatch(/queues|EVENTS/);
  });

  test("takes a deployment without a site of its own", async () => {
    const args = ["--env", "production", "--yes", "--dry-run", "--sites-only", "--route", "*.club.example/*"];
    const { code, stdout } = await setup(args);
    expect(code).toBe(0);
    expect(stdout).toContain('+ routes = ["*.club.example/*"]');
    expect(stdout).toContain("npx wrangler secret put SITES_KEYS --env=production   (standard input: ");
    expect(stdout).not.toMatch(/SITE_URL|SESSION_KEYS|VIPPS_CLIENT_SECRET|--url/);
  });

  test("explains itself and its mistakes, all at once", async () => {
    const help = await setup(["--help"]);
    expect(help.code).toBe(0);
    for (const { flag } of FIELDS) expect(help.stdout).toContain(`--${flag} `);
    const mistakes = [
      [["--env", "production"], /There is no terminal to ask on/],
      [["--yes"], /Say which environment/],
      [
        ["--env", "production", "--yes", "--dry-run"],
        /SITE_URL is missing \(--site-url\); VIPPS_CLIENT_ID is missing .*; VIPPS_MSN is missing/,
      ],
      [
        ["--site-url", "http://www.example.com", "--market", "UK"],
        /SITE_URL must start with https:\/\/; VIPPS_MARKET must be one of/,
      ],
      [["--assets", "public", "--own-origin"], /exclude each other/],
      [["--origin-url", "origin.example.com"], /ORIGIN_URL must be an origin/],
      [
        [...["--env", "staging", "--yes", "--dry-run", "--assets", "nowhere"], ...SITE],
        /There is no folder nowhere/,
      ],
      [
        ["--env", "staging", "--yes", "--dry-run", "--sites-only", ...SITE],
        /SITE_URL is a site's own, so it does not go with --sites-only/,
      ],
      [["--route", "everywhere"], /The route is "custom-domain"/],
      [["--client-secret", SECRET], /Unknown option '--client-secret'/],
    ] as const;
    for (const [args, message] of mistakes) {
      const { code, stdout, stderr } = await setup(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(message);
    }
    const unknown = await setup(["--env", "beta", "--yes"]);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toMatch(/^wrangler\.toml has no \[env\.beta\]/);
  });
});

const [ENTER, DOWN, CANCEL] = ["\r", "\u001b[B", "\u0003"];

/** A person at a terminal: waits for a question, then types. */
function person() {
  const input = new PassThrough();
  const output = new PassThrough();
  let seen = "";
  output.setEncoding("utf8").on("data", (text) => {
    seen += stripVTControlCharacters(text);
  });
  return {
    terminal: { input, output },
    all: () => seen,
    answer: async (question: string, ...keys: readonly string[]) => {
      await vi.waitFor(() => expect(seen).toContain(question), { timeout: 5_000, interval: 5 });
      for (const key of keys) input.write(key);
    },
  };
}

describe("the guided set-up", () => {
  const begin = (typist: ReturnType<typeof person>, args: readonly string[]) => {
    const { input, output } = typist.terminal;
    const stdin = Object.assign(input, { isTTY: true, setRawMode: () => input });
    const stdout = Object.assign(output, { isTTY: true });
    const surroundings = { cwd: process.cwd(), env: {}, stdin, stdout, stderr: output };
    return runCommandLine(["setup", ...args], surroundings);
  };

  test("asks what it needs, by the worker's own rules, and what was said already it does not ask", async () => {
    const typist = person();
    const done = begin(typist, ["--dry-run", "--msn", "123456"]);
    await typist.answer("Which environment?", DOWN, ENTER);
    await typist.answer("What does it serve?", ENTER);
    await typist.answer("Where is the site?", "https://www.example.com/path", ENTER);
    await typist.answer("must be an origin", ...Array.from("/path", () => "\u007f"), ENTER);
    await typist.answer("Client id", "6b1f3c1e-91c4", ENTER);
    await typist.answer("In which market?", DOWN, ENTER);
    await typist.answer("What do you need to know", ENTER);
    await typist.answer("What is behind the login?", DOWN, ENTER);
    await typist.answer("Where is the server?", "https://origin.example.com", ENTER);
    await typist.answer("Which paths need a login?", ENTER);
    await typist.answer("Terms that customers must accept", "/terms", ENTER);
    await typist.answer("Which version are they?", "2026-11", ENTER);
    await typist.answer("The privacy statement", ENTER);
    expect(await done).toBe(0);
    const plan = typist.all().slice(typist.all().indexOf("A dry run"));
    for (const line of [
      '+ SITE_URL = "https://www.example.com"',
      '+ VIPPS_CLIENT_ID = "6b1f3c1e-91c4"',
      '+ VIPPS_MSN = "123456"',
      '+ VIPPS_MARKET = "NO"',
      '+ VIPPS_SCOPE = "openid name phoneNumber email"',
      '+ ORIGIN_URL = "https://origin.example.com"',
      '+ TERMS_VERSION = "2026-11"',
      "--env=production",
    ])
      expect(plan).toContain(line);
    expect(typist.all()).not.toContain("Merchant Serial Number");
  });

  test("Ctrl-C ends it, and nothing was done", async () => {
    const before = config();
    const typist = person();
    const done = begin(typist, ["--dry-run", "--env", "staging"]);
    await typist.answer("What does it serve?", CANCEL);
    expect(await done).toBe(1);
    expect(typist.all()).toContain("Nothing more was done.");
    expect(config()).toBe(before);
  });
});
