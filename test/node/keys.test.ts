import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readDevVars } from "../../cli/dev-vars.mjs";
import type { SessionKey } from "../../cli/session-key-set.ts";
import { type Outcome, runCommand } from "./command-under-test.ts";

let folder: string;
let file: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keys-"));
  file = join(folder, "vars");
});

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

/** Runs `vipps-login keys …`. */
const keys = (args: readonly string[], input = "", env: Record<string, string> = {}): Promise<Outcome> =>
  runCommand(["keys", ...args], { input, env });

const keysIn = (path: string): SessionKey[] => JSON.parse(readDevVars(path).SESSION_KEYS ?? "").keys;

/** No private half of any key in the file is in what a command said. */
function expectNothingPrivate({ stdout, stderr }: Outcome, ...secrets: readonly SessionKey[]): void {
  const said = stdout + stderr;
  expect(secrets.map(({ d }) => d).filter((d) => d !== undefined && said.includes(d))).toEqual([]);
  expect(said).not.toMatch(/"d"/);
}

describe("the help", () => {
  test("says what a command does in a sentence, and in its parent's list in a line", async () => {
    expect((await keys(["make", "--help"])).stdout).toContain("\n\nMakes the first key.\n");
    expect((await keys(["--help"])).stdout).toContain("  makes the first key\n");
  });
});

describe("in a settings file", () => {
  test("make, rotate, list and prune change the keys and nothing else", async () => {
    const others = "# mine\nSITE_URL='http://localhost:1234'\n\nSESSION_IDLE=600 # ten minutes\n";
    writeFileSync(file, others, { mode: 0o644 });
    const made = await keys(["make", "--file", file]);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const [original] = keysIn(file) as [SessionKey];
    expectNothingPrivate(made, original);
    expect(readFileSync(file, "utf8").startsWith(others)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const before = Math.floor(Date.now() / 1000);
    const rotation = await keys(["rotate", "--file", file]);
    expect(rotation.code).toBe(0);
    const [signing, retired] = keysIn(file) as [SessionKey, SessionKey];
    expectNothingPrivate(rotation, original, signing);
    expect(rotation.stdout).toContain("Nobody is logged out.");
    expect(retired.d).toBe(original.d);
    expect(retired.kid).toBe(original.kid);
    expect(retired.retired_at).toBeGreaterThanOrEqual(before);
    expect(readFileSync(file, "utf8").startsWith(others)).toBe(true);

    const list = await keys(["list", "--file", file, "--json"]);
    expect(JSON.parse(list.stdout).keys).toEqual([
      { kid: signing.kid, status: "signing", retired_at: null, needed_until: null },
      {
        kid: original.kid,
        status: "verifying",
        retired_at: retired.retired_at,
        needed_until: (retired.retired_at ?? 0) + 600 + 3600,
      },
    ]);
    expectNothingPrivate(list, signing);

    expect((await keys(["prune", "--file", file])).stdout).toContain("Every key is still needed.");
    expect(keysIn(file)).toEqual([signing, retired]);
    const anHourAgo = { keys: [signing, { ...retired, retired_at: before - 3600 }] };
    writeFileSync(file, `${others}SESSION_KEYS='${JSON.stringify(anHourAgo)}'\n`);
    const pruning = await keys(["prune", "--file", file]);
    expect(pruning.stdout).toContain("Took the private half out of 1: it is of no more use.");
    expectNothingPrivate(pruning, original, signing);
    const { d: _private, ...publicHalf } = retired;
    expect(keysIn(file)).toEqual([signing, { ...publicHalf, retired_at: before - 3600 }]);
    const longAgo = { keys: [signing, { ...retired, retired_at: before - 600 - 3600 }] };
    writeFileSync(file, `${others}SESSION_KEYS='${JSON.stringify(longAgo)}'\n`);
    expect((await keys(["list", "--file", file])).stdout).toContain("not needed since");
    expect((await keys(["prune", "--file", file])).stdout).toContain("Removed 1 of 2 keys.");
    expect(keysIn(file)).toEqual([signing]);
  });

  test("make leaves keys that are there alone, unless told to replace them", async () => {
    await keys(["make", "--file", file]);
    const text = readFileSync(file, "utf8");
    const again = await keys(["make", "--file", file]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain('"rotate" changes them and nobody notices');
    expect(readFileSync(file, "utf8")).toBe(text);
    expect((await keys(["make", "--file", file, "--replace"])).code).toBe(0);
    expect(readFileSync(file, "utf8")).not.toBe(text);
  });

  test("a compromised key is dropped at once, with a warning", async () => {
    await keys(["make", "--file", file]);
    const [old] = keysIn(file) as [SessionKey];
    const outcome = await keys(["rotate", "--file", file, "--compromised"]);
    expect(outcome.stdout).toContain("everybody must log in again");
    expect(keysIn(file).map(({ kid }) => kid)).not.toContain(old.kid);
    expect(keysIn(file)).toHaveLength(1);
  });

  test("a dry run changes nothing", async () => {
    await keys(["make", "--file", file]);
    const text = readFileSync(file, "utf8");
    for (const action of ["rotate", "prune"]) {
      const outcome = await keys([action, "--file", file, "--dry-run"]);
      expect(outcome.code).toBe(0);
      expect(outcome.stdout).toContain("dry run");
    }
    expect((await keys(["make", "--file", join(folder, "none"), "--dry-run"])).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(() => statSync(join(folder, "none"))).toThrow();
  });

  test("a link to the file stays a link", async () => {
    const link = join(folder, "link");
    writeFileSync(file, "");
    symlinkSync(file, link);
    expect((await keys(["make", "--file", link])).code).toBe(0);
    expect(keysIn(file)).toHaveLength(1);
    expect(readFileSync(link, "utf8")).toBe(readFileSync(file, "utf8"));
  });
});

describe("through standard input and output", () => {
  test("goes the key set and nothing else; words go to standard error", async () => {
    const made = await keys(["make", "--stdout"]);
    const set = JSON.parse(made.stdout) as { keys: SessionKey[] };
    expect(set.keys[0]?.d).toMatch(/^[\w-]{43}$/);
    const rotated = await keys(["rotate", "--stdin", "--stdout"], made.stdout);
    const after = JSON.parse(rotated.stdout) as { keys: SessionKey[] };
    expect(after.keys[1]).toEqual({ ...set.keys[0], retired_at: expect.any(Number) });
    expect(rotated.stderr).toContain("Nobody is logged out.");
    expect(rotated.stderr).not.toMatch(/"d"/);

    const list = await keys(["list", "--stdin"], rotated.stdout);
    expect(list.stdout).toMatch(/ {2}signs\n.* verifies until/);
    expectNothingPrivate(list, ...after.keys);
  });

  test("refuses what is no key set without repeating it", async () => {
    const outcome = await keys(["rotate", "--stdin", "--stdout"], '{"keys":[{"d":"tell-nobody"}]}');
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^What came on standard input is no JSON Web Key Set/);
    expect(outcome.stderr).not.toContain("tell-nobody");
  });
});

describe("a deployed worker", () => {
  /** Something that listens. */
  async function listening(
    answer: (request: IncomingMessage, body: string) => { readonly status?: number; readonly body: object },
  ): Promise<string> {
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      const { status = 200, body: answered } = answer(request, body);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answered));
    });
    servers.push(server);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /**
   * The part of Cloudflare's API that wrangler puts secrets through, and the site that has them then.
   * @param exists whether there is a worker yet
   */
  async function cloudflare(exists = true) {
    const secrets = new Map<string, string>();
    const calls: string[] = [];
    let found = exists;
    const api = await listening(({ method, url = "" }, body) => {
      calls.push(`${method} ${url}`);
      const success = { success: true, errors: [], messages: [] };
      if (url.endsWith("/vipps-login-worker") && method === "PUT") {
        found = true;
        return { body: { ...success, result: {} } };
      }
      if (!found) {
        const errors = [{ code: 10007, message: "This Worker does not exist on your account." }];
        return { status: 404, body: { success: false, errors, messages: [], result: null } };
      }
      if (method === "PUT") {
        const { name, text } = JSON.parse(body) as { name: string; text: string };
        secrets.set(name, text);
      }
      const list = Array.from(secrets.keys(), (name) => ({ name, type: "secret_text" }));
      return { body: { ...success, result: method === "GET" ? list : list[0] } };
    });
    const deployed = (): SessionKey[] => JSON.parse(secrets.get("SESSION_KEYS") ?? '{"keys":[]}').keys;
    // As the worker does: nothing private, and not when a key retired.
    const site = await listening(() => ({
      body: {
        keys: deployed().map(({ kty, crv, x, y, kid }) => ({
          kty,
          crv,
          x,
          y,
          kid,
          use: "sig",
          alg: "ES256",
        })),
      },
    }));
    const env = {
      CLOUDFLARE_API_BASE_URL: `${api}/client/v4`,
      CLOUDFLARE_API_TOKEN: "a-token",
      CLOUDFLARE_ACCOUNT_ID: "an-account",
    };
    return { deployed, site, calls, env };
  }

  test("gets a key, and another one from what it publishes alone", async () => {
    const { deployed, site, calls, env } = await cloudflare();
    const target = ["--env", "", "--site", site];
    const made = await keys(["make", ...target], "", env);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("The site has it.");
    const [first] = deployed() as [SessionKey];
    expect(calls).toEqual(
      ["GET", "PUT"].map(
        (method) => `${method} /client/v4/accounts/an-account/workers/scripts/vipps-login-worker/secrets`,
      ),
    );

    const again = await keys(["make", ...target], "", env);
    expect(again).toMatchObject({ code: 1 });
    expect(deployed()).toEqual([first]);

    const dry = await keys(["rotate", ...target, "--dry-run"], "", env);
    expect(dry.stdout).toContain("wrangler secret put SESSION_KEYS --env=");
    expect(deployed()).toEqual([first]);

    const rotation = await keys(["rotate", ...target, "--json"], "", env);
    const [signing, retired] = deployed() as [SessionKey, SessionKey];
    expect(JSON.parse(rotation.stdout)).toMatchObject({
      published: true,
      keys: [
        { kid: signing.kid, status: "signing" },
        { kid: first.kid, status: "verifying" },
      ],
    });
    expect(signing.d).toMatch(/^[\w-]{43}$/);
    expect(retired).toMatchObject({ x: first.x, y: first.y, retired_at: expect.any(Number) });
    expect(retired).not.toHaveProperty("d");
    for (const outcome of [made, again, dry, rotation]) expectNothingPrivate(outcome, first, signing);
  });

  test("that is not there yet gets its key before its first deployment", async () => {
    const { deployed, env } = await cloudflare(false);
    expect(await keys(["make", "--env", ""], "", env)).toMatchObject({ code: 0, stderr: "" });
    expect(deployed()).toHaveLength(1);
  });

  test("and a copy in a file are changed together", async () => {
    const { deployed, site, env } = await cloudflare();
    const target = ["--env", "", "--site", site, "--file", file];
    expect(await keys(["make", ...target], "", env)).toMatchObject({ code: 0, stderr: "" });
    expect(await keys(["rotate", ...target], "", env)).toMatchObject({ code: 0, stderr: "" });
    expect(deployed()).toHaveLength(2);
    expect(keysIn(file)).toEqual(deployed());
  });

  test("that cannot be reached leaves the copy in the file as it was", async () => {
    await keys(["make", "--file", file]);
    const text = readFileSync(file, "utf8");
    const env = {
      CLOUDFLARE_API_TOKEN: "",
      CLOUDFLARE_ACCOUNT_ID: "",
      HOME: folder,
      XDG_CONFIG_HOME: folder,
    };
    const outcome = await keys(["rotate", "--env", "", "--file", file], "", env);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^You are not logged in at Cloudflare\..*CLOUDFLARE_API_TOKEN/);
    expectNothingPrivate(outcome, ...keysIn(file));
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test.each([
    ["does not answer", "http://127.0.0.1:9", /does not answer/],
    ["answers something else", undefined, /is no JSON Web Key Set/],
  ])("whose site %s is not rotated blindly", async (_what, address, message) => {
    const { deployed, env } = await cloudflare();
    const site = address ?? (await listening(() => ({ body: { hello: "world" } })));
    const outcome = await keys(["rotate", "--env", "", "--site", site], "", env);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(deployed()).toEqual([]);
  });

  test("of an environment that wrangler.toml does not have is none", async () => {
    const outcome = await keys(["rotate", "--env", "nowhere"]);
    expect(outcome).toMatchObject({ code: 1, stderr: 'wrangler.toml has no environment "nowhere".\n' });
  });
});

describe("the command line", () => {
  test("explains itself", async () => {
    const options = ["--file", "--env", "--stdin", "--stdout", "--dry-run", "--compromised"];
    for (const [args, words] of [
      [[], ["make", "list", "rotate", "prune"]],
      [["rotate"], options],
    ] as const) {
      const outcome = await keys([...args, "--help"]);
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      for (const word of words) expect(outcome.stdout).toContain(word);
    }
  });

  test.each([
    [[]],
    [["turn"]],
    [["make", "rotate"]],
    [["make", "--stdin"]],
    [["list", "--stdout"]],
    [["rotate", "--stdin"]],
    [["rotate", "--stdin", "--file", "x", "--stdout"]],
    [["rotate", "--env", "", "--stdout"]],
    [["prune", "--env", ""]],
    [["list", "--idle", "a week"]],
    [["list", "--unknown"]],
  ])("refuses %j with a hint", async (args) => {
    const outcome = await keys(args);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toContain("--help");
  });

  test.each([["list"], ["rotate"], ["prune"]])(
    "%s says how to begin where there are no keys",
    async (action) => {
      const outcome = await keys([action, "--file", file]);
      expect(outcome).toMatchObject({ code: 1, stdout: "" });
      expect(outcome.stderr).toMatch(/^There are no keys in .*"make" makes one\.\n$/);
    },
  );
});
