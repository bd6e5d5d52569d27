import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { simulatedUnits } from "../../cli/sites/simulated-units.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { runCommand } from "./command-under-test.ts";
import { openMemoryStorage } from "./memory-storage.ts";

const ROOT = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "many-sites-document-"));
const text = readFileSync(join(ROOT, "docs/many-sites.md"), "utf8");
const SECRETS = { VIPPS_CLIENT_SECRET: "whatever-you-like", KAHVILA_WEBHOOK_SECRET: "a-long-webhook-secret" };

/** Every command of the page: the lines of its blocks, comments left out, and what stands within a sentence. */
const commands = commandsOf(text);
const ofSites = commands.filter((line) => line.includes("npm run site --"));

function commandsOf(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  const lines = blocks.flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  const prose = page.replace(/^```[\s\S]*?^```/gm, "");
  const within = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  // A sentence that goes on from one command to the next leaves out how both begin.
  const shortened = within.filter((code) => /^rotate --/.test(code)).map((code) => `npm run site -- ${code}`);
  const all = [...lines, ...within.filter((code) => /^(?:\w+=\S+ )?np[mx] /.test(code)), ...shortened];
  return [...new Set(all.map((line) => line.replace(/ #.*$/, "").trim()).filter((line) => line !== ""))];
}

/** What was set up for one command, to be taken away after it. */
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let deployments = 0;

/** A deployment of its own; the command line says in its own words where it is. */
async function openDeployment(environment: "production" | undefined) {
  deployments += 1;
  const [state, settings] = [`state-${deployments}`, `settings-${deployments}`].map((name) =>
    join(folder, name),
  );
  if (state === undefined || settings === undefined) throw new Error("no folder");
  const key = JSON.stringify({ keys: [{ kty: "oct", k: "B".repeat(43), kid: "production" }] });
  // Nobody answers there: the doctor must not ask anybody real.
  const issuer = "VIPPS_ISSUER='https://127.0.0.1:1/'\nSITE_URL='https://www.byraa.example'\n";
  writeFileSync(settings, environment === undefined ? issuer : `${issuer}SITES_KEYS='${key}'\n`);
  opened.push(await keepStorage({ root: ROOT, environment, persistTo: state }, openMemoryStorage()));
  const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}, typed?: string) =>
    runCommand(["site", ...words, "--persist-to", state, "--settings", settings], {
      env,
      ...(typed !== undefined && { typed }),
    });
  return { run, state, settings };
}

const FILE = join(folder, "sites.yaml");
writeFileSync(FILE, /^```yaml\n([\s\S]*?)^```/m.exec(text)?.[1] ?? "");
const EXPORT = join(folder, "bakeri.export");
const NEWER = join(folder, "bakeri.newer");

/** The words of a line as a shell has them, with something in the place of what the reader fills in. */
function wordsOf(line: string, key: string): { words: string[]; env: Record<string, string> } {
  const filled = line
    .replace("https://HOST …", "https://www.ny.no --partner --set VIPPS_MSN=123459")
    .replace(/\bHOST\b/, "www.bakeri.no")
    .replace(/\bKEY\b/, key)
    .replaceAll("sites.yaml", FILE)
    .replaceAll("bakeri.export", EXPORT)
    .replaceAll("bakeri.newer", NEWER)
    .replaceAll("…", "something");
  const [before = "", after = ""] = filled.split("npm run site --");
  const words = [...after.matchAll(/(?:"[^"]*"|[^\s"])+/g)].map(([word]) => word.replaceAll('"', ""));
  const env = Object.fromEntries(
    [...before.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  return { words, env };
}

describe("docs/many-sites.md", () => {
  it("shows every command there is", async () => {
    const help = (await runCommand(["site", "--help"])).stdout;
    const all = [...help.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name = ""]) => name);
    expect(all.length).toBeGreaterThan(12);
    for (const name of all)
      expect([name, text.includes(`site -- ${name}`) || text.includes(`\`${name}\``)]).toEqual([name, true]);
    expect(ofSites.length).toBeGreaterThan(18);
  });

  it.each(ofSites)("%s", async (line) => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("no network in tests"));
    const [here, production] = [await openDeployment(undefined), await openDeployment("production")];
    const key = (await production.run(["receive", "--env", "production"])).stdout.trim();
    const { words, env } = wordsOf(line, key);
    const [name = "", first = ""] = words;
    // What the page has done before it comes to this line.
    const OWN = [
      "--set",
      "VIPPS_MSN=123456",
      "--set",
      "VIPPS_CLIENT_ID=c",
      "--secret",
      "VIPPS_CLIENT_SECRET",
    ];
    if (name !== "init") expect((await here.run(["init"])).code).toBe(0);
    if (name !== "init" && !(name === "add" && (first.includes("bakeri") || words.includes("--file"))))
      expect((await here.run(["add", "https://www.bakeri.no", ...OWN], SECRETS)).code).toBe(0);
    if (line.includes("--drop-old")) expect((await here.run(["rotate", "--master-key"])).code).toBe(0);
    if (name === "import")
      for (const out of [EXPORT, NEWER])
        expect((await here.run(["export", "www.bakeri.no", "--for", key, "--out", out])).code).toBe(0);

    const place = words.includes("production") ? production : here;
    const clock = setInterval(() => vi.setSystemTime(Date.now() + 30_000), 20);
    vi.useFakeTimers({ toFake: ["Date"] });
    // Whoever removes a site types its name.
    const outcome = await place.run(words, { ...SECRETS, ...env }, "www.bakeri.no\n").finally(() => {
      clearInterval(clock);
      vi.useRealTimers();
    });
    // What has to be done before a rename is said before it. Nobody answers here, which the doctor says of a site, at
    // length.
    const isCheck = name === "check" || name === "health";
    expect([line, outcome.code, outcome.stderr.replace(/^Type .*: |^Before: .*\n/, "")]).toEqual([
      line,
      isCheck ? 1 : 0,
      "",
    ]);
    expect(outcome.stdout).toMatch(isCheck ? /www\.bakeri\.no|1 site in/ : /\S/);
    if (first === "http://bakeri.localhost:8787")
      expect(
        await simulatedUnits(
          { root: ROOT, environment: undefined, persistTo: here.state, settingsFile: here.settings },
          { SITES_KEYS: /SITES_KEYS='(.*)'/.exec(readFileSync(here.settings, "utf8"))?.[1] ?? "" },
        ),
      ).toContainEqual({
        ...{ clientId: "bakeri", clientSecret: "whatever-you-like", msn: "200001" },
        redirectUris: ["http://bakeri.localhost:8787/auth/callback"],
      });
  });

  it("says all that Cloudflare for SaaS needs of somebody who leads customers' hosts here", () => {
    const [, section = ""] = /^## Onboarding a customer$([\s\S]*?)^## /m.exec(text) ?? [];
    for (const needed of [
      "AAAA",
      "100::",
      "fallback origin",
      "`*/*`",
      "your zone's own hosts",
      "apex",
      "CAA",
      "CNAME",
      "ORIGIN_URL",
    ])
      expect(section).toContain(needed);
  });

  it("names no other command that is not there", async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const line of commands.filter((one) => !ofSites.includes(one))) {
      const [, script] = /^npm (?:run )?([\w:]+)/.exec(line) ?? [];
      if (script !== undefined) expect([line, Object.hasOwn(scripts, script)]).toEqual([line, true]);
      const [, file = "", filter] = /^npx vitest run --project \w+ (\S+)(?: -t (\S+))?$/.exec(line) ?? [];
      if (script !== undefined) continue;
      const path = [file, `${file}.test.ts`].find((one) => existsSync(join(ROOT, one)));
      expect([line, path]).toEqual([line, expect.any(String)]);
      if (filter !== undefined) expect(readFileSync(join(ROOT, path ?? ""), "utf8")).toContain(filter);
    }
  });

  it("tells who forgets the port of a site on this machine which one was meant", async () => {
    const { run } = await openDeployment(undefined);
    await run(["init"]);
    await run(["add", "http://bakeri.localhost:8787", "--set", "VIPPS_MSN=200001", "--partner"], SECRETS);
    // Names below localhost are this machine, as localhost is.
    const checked = await run(["check", "bakeri.localhost:8787", "--offline", "--json"]);
    expect(checked.stdout).toContain("To be registered, exactly: http://bakeri.localhost:8787/auth/callback");
    for (const words of [
      ["show", "bakeri.localhost"],
      ["check", "bakeri.localhost", "--offline"],
      ["rotate", "http://Bakeri.localhost:9999"],
      ["remove", "bakeri.localhost", "--yes"],
    ]) {
      const { stdout, stderr } = await run(words);
      expect([words, stdout + stderr]).toEqual([
        words,
        expect.stringContaining("did you mean bakeri.localhost:8787?"),
      ]);
    }
  });
});
