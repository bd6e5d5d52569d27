// The walks of a login in the other engines: Firefox and WebKit, as people have them.

import { writeFileSync } from "node:fs";
import { request as ask, type IncomingMessage } from "node:http";
import { request as askOverTls } from "node:https";
import { expect, test } from "@playwright/test";
import { canInstall, findProgram, whyMissing } from "../../cli/test-programs.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { type Engine, type EngineName, openEngine } from "./engines/engine.ts";
import { startHttpsSite } from "./engines/https-site.ts";
import type { OwnSite } from "./environment/site-with.ts";

const NEEDED = { firefox: ["firefox"], webkit: ["webkit", "miniBrowser", "xvfb"] } as const;

const inCi = !["", "0", "false", undefined].includes(process.env.CI);

/** WebKit needs minutes to open on a small machine, and is asked for by name: `E2E_ENGINES=firefox,webkit`. */
const asked = (process.env.E2E_ENGINES ?? "firefox").split(",");

for (const name of ["firefox", "webkit"] as const) {
  if (!asked.includes(name)) {
    test(`${name} is walked through`, () => test.skip(true, `E2E_ENGINES does not ask for ${name}`));
    continue;
  }
  const missing = NEEDED[name].find((program) => findProgram(program) === undefined);

  test.describe(name, () => {
    if (missing !== undefined) {
      const line = `!! The walks in ${name} are SKIPPED: ${whyMissing(missing)}. !!`;
      test("can be had", () => {
        console.error(`\n${line}\n`);
        expect(inCi && canInstall(), line).toBe(false);
        test.skip(true, line);
      });
      return;
    }
    walks(name);
  });
}

function walks(name: EngineName): void {
  test.describe.configure({ mode: "serial" });
  let engine: Engine;
  let own: OwnSite | undefined;
  let site = "";
  let plainSite = "";

  test.beforeAll(async ({ baseURL }) => {
    test.setTimeout(120_000);
    plainSite = baseURL ?? "";
    // WebKit takes no Secure cookie from http, not even from localhost.
    [engine, own] = await Promise.all([
      openEngine(name),
      name === "webkit" ? startHttpsSite(9_720) : undefined,
    ]);
    site = own?.origin ?? plainSite;
    console.log(`     ${engine.version}`);
  });

  test.afterAll(async () => {
    await engine?.close();
    await own?.stop();
    await forgetConsents();
  });

  /** Others log in at the same simulator afterwards, and are asked to share as if for the first time. */
  async function forgetConsents(): Promise<void> {
    const start = await fetch(`${plainSite}/auth/login`, { redirect: "manual" });
    const simulator = new URL(start.headers.get("location") ?? "").origin;
    const answer = await fetch(`${simulator}/simulator/actions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action: "forgetConsents" }),
    });
    expect(answer.status).toBe(200);
  }

  test.afterEach(async () => {
    const { status, expectedStatus } = test.info();
    if (status !== expectedStatus) await keepPicture("what it shows");
  });

  async function keepPicture(what: string): Promise<void> {
    const path = test.info().outputPath(`${name}-${what.replaceAll(" ", "-")}.png`);
    writeFileSync(path, await engine.screenshot());
    await test.info().attach(what, { path, contentType: "image/png" });
  }

  /** From the simulator's first page to the site. A person is asked to share once: each walk takes another one. */
  async function logInAs(person: RegExp): Promise<void> {
    await engine.sees(/^Log in to/);
    await engine.click("button", person);
    const shown = await engine.read("output", /^\d+$/);
    await engine.click("button", new RegExp(`^${shown}$`));
    await engine.click("button", /^Share and continue$/);
  }

  const session = () =>
    engine.script<{ authenticated: boolean; user?: { name: string } }>(
      "return fetch('/auth/session').then((answer) => answer.json())",
    );

  test("logs in by the element, stays logged in over a reload, and in a second tab; logging out reaches both", async () => {
    await engine.go(`${site}/about`);
    await engine
      .click("vipps-login a", /^Log in with Vipps$/)
      .catch(() => engine.click("a", /^Log in with Vipps$/));
    await logInAs(/Jonas Berg/);
    await engine.sees(/^Jonas Berg$/);
    expect((await engine.address()).pathname).toBe("/about");
    expect(await session()).toMatchObject({ authenticated: true, user: { name: "Jonas Berg" } });
    await engine.reload();
    await engine.sees(/^Jonas Berg$/);
    expect(await engine.script("return document.cookie")).not.toContain("vipps");

    const first = await engine.tab();
    await engine.openTab();
    const second = await engine.tab();
    await engine.go(`${site}/session`);
    await engine.sees(/^Jonas Berg$/);
    await engine.switchTo(first);
    await engine.click("button", /^Jonas Berg$/);
    await engine.click("[role=menuitem]", /^Log out$/);
    await engine.sees(/^Log in with Vipps$/);
    expect(await session()).toEqual({ authenticated: false });
    await engine.switchTo(second);
    await engine.reload();
    await engine.sees(/^Log in with Vipps$/);
  });

  test("sends a protected page to the login and back to exactly that page", async () => {
    await engine.go(`${site}/members/?week=12`);
    await logInAs(/Sofie Dahl/);
    await engine.sees(/^Velkommen, Sofie Dahl$/);
    const { pathname, search } = await engine.address();
    expect(pathname + search).toBe("/members/?week=12");
  });

  test("tells who cancels so, and lets them try again", async () => {
    await engine.forgetCookies();
    await engine.go(`${site}/auth/login?return_to=/about`);
    await engine.click("button", /^Cancel$/);
    await engine.sees(/^You cancelled the login$/);
    await engine.click("a", /^Try again$/);
    await engine.sees(/^Log in to/);
  });

  test("is asked about a login that another browser began, and logged in by a press", async () => {
    await engine.forgetCookies();
    const started = await loginOfAnotherBrowser(site);
    const callback = await logInAsPerson((request) => fetch(request), started, { user: "espen" });
    await engine.go(callback.href);
    await engine.sees(/is about to be logged in/);
    await engine.moveAbout();
    await engine.click("button", /^Yes/);
    await engine.sees(/./);
    await expect.poll(async () => (await engine.address()).pathname).toBe("/");
    expect((await session()).authenticated).toBe(true);
  });

  test("is told that it keeps no cookies where they are blocked, after one login and no circle", async () => {
    await engine.forgetCookies();
    await engine.blockCookies(plainSite);
    await engine.go(`${plainSite}/members/`);
    await logInAs(/Tor Bakken/);
    await engine.sees(/is about to be logged in/);
    await engine.moveAbout();
    await engine.click("button", /^Yes/);
    await engine.sees(/^Your browser did not keep our cookie$/);
    await keepPicture("cookies blocked");
    await engine.click("a", /^Try again$/);
    await engine.sees(/^Your browser did not keep our cookie$/);
    expect((await engine.address()).pathname).toBe("/auth/login");
  });
}

/** The address at Vipps to which another browser is sent that begins a login. */
function loginOfAnotherBrowser(site: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const address = `${site}/auth/login`;
    const taken = (answer: IncomingMessage) => resolve(answer.headers.location ?? "");
    // The certificate is the test's own.
    const asked = site.startsWith("https:")
      ? askOverTls(address, { rejectUnauthorized: false }, taken)
      : ask(address, taken);
    asked.on("error", reject).end();
  });
}
