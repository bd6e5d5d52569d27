import { spawnSync } from "node:child_process";
import dns from "node:dns";
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { completeDevVars, readDevVars, withSetting } from "../../cli/dev-vars.mjs";
import { isFree } from "../../cli/ports.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { runCommand } from "./command-under-test.ts";
import { makePlace, type Place, type Start } from "./start-under-test.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

type Told = (error: null, addresses: readonly { address: string; family: number }[]) => void;

async function logIn(site: string): Promise<Visitor> {
  const visitor = createVisitor(site);
  const toVipps = redirectOf(await visitor.request("/auth/login?return_to=/members/"));
  const back = await logInAsPerson((request) => fetch(request), toVipps);
  const done = await visitor.request(back.href);
  expect(redirectOf(done).pathname).toBe("/members/");
  return visitor;
}

describe("a running npm start", () => {
  let place: Place;
  let running: Start;
  let developersSettings: string | undefined;

  const readDevelopersSettings = () =>
    existsSync(".dev.vars") ? readFileSync(".dev.vars", "utf8") : undefined;

  beforeAll(async () => {
    developersSettings = readDevelopersSettings();
    place = await makePlace();
    // A further site, as docs/many-sites.md adds one before the start.
    const url = `http://bakeri.localhost:${place.sitePort}`;
    const unit = ["--set", "VIPPS_MSN=200001", "--set", "VIPPS_CLIENT_ID=bakeri"];
    for (const args of [["init"], ["add", url, ...unit, "--secret", "VIPPS_CLIENT_SECRET"]])
      expect(
        await runCommand(["site", ...args, ...place.here], { env: { VIPPS_CLIENT_SECRET: "any" } }),
      ).toMatchObject({ code: 0 });
    running = place.start(place.onPorts);
    await running.ready;
  });
  afterAll(() => place.clear());

  test("says where the site and the simulator are, and a login walks through both", async () => {
    expect(running.output()).toContain(place.site);
    expect(running.output()).toContain(`http://127.0.0.1:${place.simulatorPort}/simulator/control`);
    const visitor = await logIn(place.site);
    expect(await visitor.session()).toMatchObject({ authenticated: true, user: { name: "Kari Nordmann" } });
  });

  test("logs people in at a further site, with that site's own sales unit", async () => {
    // Browsers lead names below localhost here by themselves; Node asks a resolver that may not know them.
    const here = [{ address: "127.0.0.1", family: 4 }];
    vi.spyOn(dns, "lookup").mockImplementation(((_name: string, _options: object, told: Told) =>
      told(null, here)) as typeof dns.lookup);
    const origin = `http://bakeri.localhost:${place.sitePort}`;
    const toVipps = redirectOf(await createVisitor(origin).request("/auth/login"));
    expect(Object.fromEntries(toVipps.searchParams)).toMatchObject({
      client_id: "bakeri",
      redirect_uri: `${origin}/auth/callback`,
    });
    const visitor = await logIn(origin);
    expect(await visitor.session()).toMatchObject({ authenticated: true, user: { name: "Kari Nordmann" } });
    expect(await createVisitor(place.site).session()).toEqual({ authenticated: false });
    vi.restoreAllMocks();
  });

  test("keeps to the settings file it is given, which it made", async () => {
    expect(statSync(place.settingsFile).mode & 0o777).toBe(0o600);
    const toVipps = redirectOf(await fetch(`${place.site}/auth/login`, { redirect: "manual" }));
    expect(toVipps.searchParams.get("client_id")).toBe(readDevVars(place.settingsFile).VIPPS_CLIENT_ID);
    expect(readDevVars(place.settingsFile)).toMatchObject({
      SITE_URL: place.site,
      VIPPS_ISSUER: expect.stringContaining(`http://127.0.0.1:${place.simulatorPort}/`),
    });
    expect(readDevelopersSettings()).toBe(developersSettings);
  });

  test("is what a second one in the same place is told of, and is left alone by", async () => {
    const second = place.start();
    expect(await second.exited).toBe(1);
    expect(second.output()).toBe(
      `The worker is already running here (process ${running.process.pid}): ${place.site}. Stop it first, or give this one its own storage with --persist-to.\n`,
    );
    expect((await fetch(`${place.site}/auth/health`)).status).toBe(200);
  });

  test("takes up what changes in the settings file, TLS with a certificate of this machine too", async () => {
    const before = running.output().length;
    const secure = place.site.replace("http:", "https:");
    writeFileSync(
      place.settingsFile,
      withSetting(readFileSync(place.settingsFile, "utf8"), "SITE_URL", secure),
    );
    await vi.waitFor(() => expect(running.output().slice(before)).toContain("Ctrl-C"), {
      timeout: 60_000,
      interval: 100,
    });
    expect(running.output().slice(before)).toContain("settings changed: starting anew with it.");
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const visitor = await logIn(secure);
    expect(await visitor.session()).toMatchObject({ authenticated: true });
    vi.unstubAllEnvs();
  });

  test("ends both when it is told to end", async () => {
    running.process.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    expect([await isFree(place.sitePort), await isFree(place.simulatorPort)]).toEqual([true, true]);
    expect(place.leftBehind()).toEqual([]);
  });
});

/** Runs a command where there is no network but the loopback. */
const CUT_OFF = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

function canCutNetwork(): boolean {
  const [command = "", ...args] = [...CUT_OFF, "true"];
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

describe("npm start", () => {
  let place: Place;
  /** Other programs on this machine. */
  const others: Server[] = [];

  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(async () => {
    for (const server of others.splice(0)) server.close();
    await place.clear();
  });

  async function takePort(port: number): Promise<void> {
    const server = createServer();
    others.push(server);
    await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  }

  /** Killed processes let go of their ports when the system gets round to it. */
  const untilFree = (port: number) =>
    vi.waitFor(async () => expect(await isFree(port)).toBe(true), { timeout: 20_000, interval: 50 });

  test("leaves nothing behind when it is killed, and the next one takes up where it was", async () => {
    const first = place.start(place.onPorts);
    await first.ready;
    const visitor = await logIn(place.site);
    first.process.kill("SIGKILL");
    expect(await first.exited).toBeNull();
    await untilFree(place.sitePort);

    await place.start(place.onPorts).ready;
    expect(await visitor.session()).toMatchObject({ authenticated: true });
  });

  test("steps aside for other programs on its usual ports, and a login still works", async () => {
    const { sitePort, simulatorPort } = place;
    await takePort(sitePort);
    await takePort(simulatorPort);
    completeDevVars(place.settingsFile, { sitePort, simulatorPort });
    appendFileSync(
      place.settingsFile,
      '\nAPP_REDIRECT_URIS="https://club.example/app club.app://callback/x"\n',
    );
    const { output, ready } = place.start();
    await ready;
    expect(output()).toContain(`Port ${sitePort} is taken by another program: the site is on `);
    expect(output()).toContain(`Port ${simulatorPort} is taken by another program: the simulator is on `);
    const address = /Site +(http:\/\/localhost:\d+)/.exec(output())?.[1] ?? "";
    expect(address).not.toBe(place.site);
    expect(await (await logIn(address)).session()).toMatchObject({ authenticated: true });

    // Apps come back to what the settings say: the simulator has it registered.
    for (const redirect_uri of ["https://club.example/app", "club.app://callback/x"]) {
      const init = { method: "POST", body: JSON.stringify({ redirect_uri }) };
      const headers = { "content-type": "application/json" };
      const begun = await fetch(`${address}/auth/app/start`, { ...init, headers });
      const { authorize_url } = (await begun.json()) as { authorize_url: string };
      const back = await logInAsPerson((request) => fetch(request), authorize_url);
      expect(back.href.split("?")[0]).toBe(redirect_uri);
      expect(back.searchParams.has("code")).toBe(true);
    }
  });

  test("refuses a port that it was told to take and can't, in one line", async () => {
    await takePort(place.sitePort);
    const { output, exited } = place.start(place.onPorts);
    expect(await exited).toBe(1);
    expect(place.leftBehind()).toEqual([]);
    expect(output()).toBe(
      `Port ${place.sitePort} is taken by another program. Choose another with --port.\n`,
    );
  });

  test.each(["/images/*", `'["/members/*", "/images/* group:board"]'`, `'{"/images/*": "group:board"}'`])(
    "refuses to show protected files without the worker, in one line: %s",
    async (written) => {
      writeFileSync(place.settingsFile, `PROTECTED_PATHS=${written}\n`);
      const { output, exited } = place.start(place.onPorts);
      expect(await exited).toBe(1);
      expect(output()).toBe(
        'wrangler.toml: "!/images/*" takes protected paths ("/images/*") from the worker. See docs/site.md.\n',
      );
    },
  );

  test("says when a protected path fits no file of the site, as one of another language does", async () => {
    writeFileSync(place.settingsFile, `PROTECTED_PATHS='["/medlem/* group:board", "/members/*"]'\n`);
    const { output, ready } = place.start(place.onPorts);
    await ready;
    expect(output()).toMatch(/^\/medlem\/\* in PROTECTED_PATHS fits no file of the site's folder demo\.$/m);
  });

  test.runIf(existsSync("/proc/self/task"))("says so and stops if the worker dies", async () => {
    const { process, output, ready, exited } = place.start(place.onPorts);
    await ready;
    const [wrangler] = childrenOf(process.pid);
    const [inner] = childrenOf(wrangler);
    globalThis.process.kill(inner ?? 0, "SIGKILL");
    expect(await exited).toBe(1);
    expect(output().trim().split("\n").at(-1)).toMatch(/^The worker has stopped: /);
    expect(await isFree(place.simulatorPort)).toBe(true);
    await untilFree(place.sitePort);
  });

  test.runIf(canCutNetwork())("needs no network", async () => {
    const { output, ready } = place.start(place.onPorts, CUT_OFF);
    await ready;
    expect(output()).toContain(place.site);
  });

  test("explains itself and its mistakes", async () => {
    const { stdout } = await runCommand(["dev", "--help"]);
    expect(stdout).toMatch(/--port[\s\S]+--simulator-port[\s\S]+--persist-to[\s\S]+--settings/);
    for (const [args, message] of [
      [
        ["--port", "http"],
        /^Option '--port <port>' argument 'http' is invalid\. It is a port from 1 to 65535\./,
      ],
      [["--prot", "1"], /^Unknown option '--prot'.*--help" lists the options\.\n$/],
    ] as const)
      expect(await runCommand(["dev", ...args])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(message),
      });
  });
});

/** Linux's list of a process's children. */
function childrenOf(pid = 0): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}
