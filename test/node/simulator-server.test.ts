import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import {
  portFromEnvironment,
  readEnvironment,
  salesUnitFromEnvironment,
} from "../../simulator/environment.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { startSimulator } from "../../simulator/server.ts";
import { runCommand } from "./command-under-test.ts";

const COMMAND = fileURLToPath(new URL("../../cli/vipps-login.ts", import.meta.url));

const cleanups: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function started(options: Parameters<typeof startSimulator>[0]) {
  const running = await startSimulator(options);
  cleanups.push(() => running.close());
  return running;
}

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "simulator-"));
  cleanups.push(async () => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** The command line in a folder of its own, with nothing of this process's settings. */
function run(args: readonly string[], cwd = folderWith({})): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, "simulator", ...args], {
    cwd,
    env: { PATH: process.env.PATH },
  });
  cleanups.push(async () => {
    if (child.exitCode === null && child.kill()) await once(child, "exit");
  });
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

describe("sites that share a sales unit", () => {
  const own = {
    SITE_URL: "http://localhost:4711",
    VIPPS_CLIENT_ID: "club",
    VIPPS_CLIENT_SECRET: "s",
    VIPPS_MSN: "123456",
  };
  const at = (host: string, unit: Record<string, string> = {}) => ({
    clientId: "club",
    clientSecret: "s",
    msn: "123456",
    redirectUris: [`http://${host}.localhost:4711/auth/callback`],
    ...unit,
  });

  it("are one to the simulator, which returns to each of them", async () => {
    const { simulator } = await started({ port: 0, env: own, salesUnits: [at("bakeri"), at("bageri")] });
    expect(simulator.control.salesUnits).toMatchObject([
      {
        clientId: "club",
        name: "localhost:4711",
        redirectUris: [
          "http://localhost:4711/auth/callback",
          "http://bakeri.localhost:4711/auth/callback",
          "http://bageri.localhost:4711/auth/callback",
        ],
      },
    ]);
  });

  it("are one where the partner's keys act for some of them", async () => {
    const managed = { clientId: "of-123456", clientSecret: "of-the-partner", managedBy: "partner" };
    const partner = {
      clientId: "partner",
      clientSecret: "p",
      msn: "999999",
      redirectUris: [],
      partner: true,
    };
    const { simulator } = await started({ port: 0, env: own, salesUnits: [partner, at("bakeri", managed)] });
    expect(simulator.control.salesUnits).toMatchObject([
      {
        clientId: "club",
        clientSecret: "s",
        managedBy: "partner",
        redirectUris: [expect.any(String), expect.any(String)],
      },
      { clientId: "partner" },
    ]);
  });

  it.each([
    ["client secret", { clientSecret: "another" }],
    ["MSN", { msn: "200001" }],
    ["client id", { clientId: "bakeri" }],
  ])("are named with what to do where they differ in the %s", async (_what, unit) => {
    await expect(started({ port: 0, env: own, salesUnits: [at("bakeri", unit)] })).rejects.toThrow(
      /belongs to http:\/\/localhost:4711 .* and to http:\/\/bakeri\.localhost:4711 .*give them the same, or each its own/,
    );
  });
});

describe("startSimulator", () => {
  it("serves a whole login over HTTP, with nothing but cookies between the pages", async () => {
    const { url, simulator } = await started({ port: 0, env: { SITE_URL: "http://localhost:4711" } });
    const redirectUri = "http://localhost:4711/auth/callback";
    const authorize = new URL(`${url}/access-management-1.0/access/oauth2/auth`);
    authorize.search = new URLSearchParams({
      client_id: "simulator-client",
      response_type: "code",
      scope: "openid name",
      state: "12345678",
      redirect_uri: redirectUri,
    }).toString();
    const jar = new Map<string, string>();
    const back = await logInAsPerson((request) => fetch(request), authorize, { user: "mette", jar });
    expect([...jar.keys()].sort()).toEqual(["vipps-simulator-browser", "vipps-simulator-login"]);
    const response = await fetch(`${simulator.issuer}oauth2/token`, {
      method: "POST",
      headers: { Authorization: `Basic ${btoa("simulator-client:simulator-secret")}` },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: back.searchParams.get("code") ?? "",
        redirect_uri: redirectUri,
      }),
    });
    expect(response.status).toBe(200);
  });

  it("says in one line that a port is taken", async () => {
    const { url } = await started({ port: 0, env: {} });
    const port = Number(new URL(url).port);
    await expect(startSimulator({ port, env: {} })).rejects.toThrow(
      /^Port \d+ on 127\.0\.0\.1 is taken\..*$/,
    );
  });

  it("frees the port when a setting makes no sense", async () => {
    await expect(startSimulator({ port: 0, env: { SITE_URL: "nowhere" } })).rejects.toThrow("SITE_URL");
    await expect(startSimulator({ port: 0, env: { VIPPS_TOKEN_AUTH: "none" } })).rejects.toThrow(
      "VIPPS_TOKEN_AUTH",
    );
    await expect(startSimulator({ port: 0, env: { SITE_URL: "http://club.example" } })).rejects.toThrow(
      "https",
    );
  });
});

describe("the settings", () => {
  it("make the sales unit", () => {
    const environment = {
      VIPPS_CLIENT_ID: "id",
      VIPPS_CLIENT_SECRET: "secret",
      VIPPS_MSN: "1",
      VIPPS_TOKEN_AUTH: "client_secret_post",
      SITE_URL: "https://club.example/",
      AUTH_PATH: "/login",
    };
    expect(salesUnitFromEnvironment(environment, ["club://app"])).toMatchObject({
      clientId: "id",
      clientSecret: "secret",
      msn: "1",
      tokenAuth: "client_secret_post",
      redirectUris: ["https://club.example/login/callback", "club://app"],
    });
    expect(salesUnitFromEnvironment({}).redirectUris).toEqual(["http://localhost:8787/auth/callback"]);
    const written = {
      "HTTP://LocalHost:8787/": "http://localhost:8787",
      "https://idyrøy.no:443": "https://xn--idyry-yua.no",
    };
    for (const [SITE_URL, origin] of Object.entries(written))
      expect(salesUnitFromEnvironment({ SITE_URL }).redirectUris).toEqual([`${origin}/auth/callback`]);
    const apps = { APP_REDIRECT_URIS: " https://club.example/app club.app://callback/x\n" };
    expect(salesUnitFromEnvironment(apps).redirectUris).toEqual([
      "http://localhost:8787/auth/callback",
      "https://club.example/app",
      "club.app://callback/x",
    ]);
  });

  it("are read from .dev.vars, the process's own in front", () => {
    const folder = folderWith({ ".dev.vars": 'VIPPS_CLIENT_ID="from file" # note\nVIPPS_MSN=1\n' });
    expect(readEnvironment(folder, { VIPPS_MSN: "2" })).toEqual({
      VIPPS_CLIENT_ID: "from file",
      VIPPS_MSN: "2",
    });
    expect(readEnvironment(folderWith({}), {})).toEqual({});
  });

  it.each([
    ["http://127.0.0.1:9001/access-management-1.0/access/", 9001],
    ["http://localhost:9002/access-management-1.0/access/", 9002],
    ["https://apitest.vipps.no/access-management-1.0/access/", 8788],
    ["http://127.0.0.1:9003/other/", 8788],
    ["nonsense", 8788],
    [undefined, 8788],
  ])("name the port in the issuer %s", (issuer, port) => {
    expect(portFromEnvironment({ VIPPS_ISSUER: issuer })).toBe(port);
  });
});

describe("the command line", () => {
  it("explains itself", async () => {
    const { code, stdout } = await runCommand(["simulator", "--help"]);
    expect(code).toBe(0);
    for (const option of ["--port", "--host", "--redirect-uri", "--sales-units", "--json"]) {
      expect(stdout).toContain(option);
    }
  });

  it("prints one line of JSON without secrets, answers, and ends on SIGTERM", async () => {
    const units = [
      { clientId: "more", clientSecret: "hidden", msn: "9", redirectUris: ["https://more.example/cb"] },
    ];
    const folder = folderWith({
      ".dev.vars": "VIPPS_CLIENT_ID=from-dev-vars\nVIPPS_CLIENT_SECRET=hidden-too\n",
      "units.json": JSON.stringify(units),
    });
    const args = ["--port", "0", "--json", "--redirect-uri", "club://app", "--sales-units", "units.json"];
    const child = run(args, folder);
    const line = await firstLine(child);
    expect(line).not.toContain("hidden");
    const { url, issuer, salesUnits } = JSON.parse(line);
    expect(issuer).toBe(`${url}/access-management-1.0/access/`);
    expect(salesUnits).toMatchObject([
      { clientId: "from-dev-vars", redirectUris: ["http://localhost:8787/auth/callback", "club://app"] },
      { clientId: "more" },
    ]);
    expect((await fetch(`${issuer}.well-known/openid-configuration`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("says in a line what is wrong, and its exit code whether that is the command line", async () => {
    const { url } = await started({ port: 0, env: {} });
    const folder = folderWith({ "units.json": "{}" });
    for (const [args, words, code] of [
      [["--port", new URL(url).port], "is taken", 1],
      [["--port", "many"], "--port", 2],
      [["--origin", "https://apitest.vipps.no/path"], "--origin", 1],
      [["--origin", "apitest.vipps.no"], "--origin", 1],
      [["--colour"], "--colour", 2],
      [["--sales-units", "missing.json"], "missing.json", 1],
      [["--sales-units", "units.json"], "array of sales units", 1],
    ] as const) {
      const told = await runCommand(["simulator", ...args], { cwd: folder });
      expect(told).toMatchObject({ code, stderr: expect.stringContaining(words) });
      expect(told.stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});
