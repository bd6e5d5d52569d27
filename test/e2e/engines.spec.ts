// The walks of a login in the other engines, Firefox and WebKit as people have them, and blocked cookies in all three.

import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as ask, type IncomingMessage } from "node:http";
import { request as askOverTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { findChromium, noChromium } from "../../cli/chromium.mjs";
import { canInstall, findProgram, whyMissing } from "../../cli/test-programs.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { type Engine, type EngineName, openEngine } from "./engines/engine.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { test } from "./shared-sites.ts";
import { logInAs } from "./simulator-pages.ts";
import { pressWithMouse } from "./stolen-press.ts";

const NEEDED = { firefox: ["firefox"], webkit: ["webkit", "miniBrowser", "xvfb"] } as const;

const inCi = !["", "0", "false", undefined].includes(process.env.CI);

const TOLD = "Your browser did not keep our cookie";

/** The simulator that the site sends people to. */
async function simulatorOf(site: string): Promise<string> {
  return new URL(await loginOfAnotherBrowser(site)).origin;
}

/** What the worker and browsers asked of the simulator so far. */
async function requestsAt(simulator: string): Promise<{ authorize: number; token: number }> {
  const state = await fetch(`${simulator}/simulator/state`);
  return ((await state.json()) as { requests: { authorize: number; token: number } }).requests;
}

/** Expects that a walk costs one login at the provider, and one request for its tokens. */
async function expectOneLogin(site: string, walk: () => Promise<void>): Promise<void> {
  const simulator = await simulatorOf(site);
  const before = await requestsAt(simulator);
  await walk();
  const after = await requestsAt(simulator);
  const made = { authorize: after.authorize - before.authorize, token: after.token - before.token };
  console.log(`     cookies blocked: ${made.authorize} login begun, ${made.token} token request`);
  expect(made).toEqual({ authorize: 1, token: 1 });
}

/** Others log in at the same simulator afterwards, and are asked to share as if for the first time. */
async function forgetConsents(site: string): Promise<void> {
  const answer = await fetch(`${await simulatorOf(site)}/simulator/actions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "forgetConsents" }),
  });
  expect(answer.status).toBe(200);
}

test.describe("chromium", () => {
  test.afterAll(({ baseURL }) => forgetConsents(baseURL ?? ""));

  test("is told that it keeps no cookies where they are blocked, after one login and no circle", async ({
    playwright,
    launchOptions,
    baseURL,
  }) => {
    const site = baseURL ?? "";
    // As people block those of one site in the settings, which only a profile has.
    const profile = mkdtempSync(join(tmpdir(), "chromium-profile-"));
    mkdirSync(join(profile, "Default"));
    const exceptions = { cookies: { "localhost,*": { setting: 2 } } };
    const preferences = { profile: { content_settings: { exceptions } } };
    writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
    const executablePath = await findChromium({});
    expect(executablePath, noChromium({})).toBeDefined();
    const options = {
      ...launchOptions,
      ...(executablePath && { executablePath }),
      baseURL: site,
      locale: "en-GB",
    };
    const context = await playwright.chromium.launchPersistentContext(profile, options);
    try {
      const page = await context.newPage();
      const asked: string[] = [];
      page.on("request", (request) => {
        if (request.isNavigationRequest()) asked.push(new URL(request.url()).pathname);
      });
      await expectOneLogin(site, async () => {
        await page.goto("/members/");
        await logInAs(page, "Tor Bakken");
        await pressWithMouse(page, page.getByRole("button", { name: /^Yes/ }));
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(TOLD);
        await page.screenshot({ path: test.info().outputPath("chromium-cookies-blocked.png") });
        await page.getByRole("link", { name: "Try again" }).click();
        await page.waitForURL(/cookies=expected/);
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(TOLD);
      });
      expect(await context.cookies(site)).toEqual([]);
      expect(asked.filter((path) => path.startsWith("/auth/"))).toEqual([
        "/auth/login",
        "/auth/callback",
        "/auth/continue",
        "/auth/login",
      ]);
    } finally {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    }
  });
});

for (const name of ["firefox", "webkit"] as const) {
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
    // Each opens for the first time, beside a worker of its own.
    test.setTimeout(180_000);
    plainSite = baseURL ?? "";
    // WebKit takes no Secure cookie from http, not even from localhost.
    [engine, own] = await Promise.all([
      openEngine(name),
      name === "webkit" ? startSiteWith({}, 9_720, undefined, "https") : undefined,
    ]);
    site = own?.origin ?? plainSite;
    console.log(`     ${engine.version}`);
  });

  test.afterAll(async () => {
    await engine?.close();
    await own?.stop();
    await forgetConsents(plainSite);
  });

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
  async function walkAtProvider(person: RegExp): Promise<void> {
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
    await engine.click("a[part=button]", /^Log in with Vipps$/);
    await walkAtProvider(/Jonas Berg/);
    await engine.sees(/^Jonas Berg$/);
    expect((await engine.address()).pathname).toBe("/about");
    expect(await session()).toMatchObject({ authenticated: true, user: { name: "Jonas Berg" } });
    await engine.reload();
    await engine.sees(/^Jonas Berg$/);
    expect(await engine.script("return document.cookie")).not.toContain("vipps");
    expect(await engine.cookies()).toContain("__Host-vipps-session");

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
    await engine.closeTab(first);
  });

  test("sends a protected page to the login and back to exactly that page", async () => {
    await engine.go(`${site}/members/?week=12`);
    await walkAtProvider(/Sofie Dahl/);
    await engine.sees(/^Welcome, Sofie Dahl$/);
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
    await engine.blockCookies(site);
    if (name === "webkit") {
      // It blocks those of the provider too, who could do nothing without: that one knows this browser from before.
      await engine.go(await simulatorOf(site));
      await engine.addCookie("vipps-simulator-browser", randomUUID());
    }
    await expectOneLogin(site, async () => {
      await engine.go(`${site}/members/`);
      await walkAtProvider(/Tor Bakken/);
      await engine.sees(/is about to be logged in/);
      await engine.moveAbout();
      await engine.click("button", /^Yes/);
      await engine.sees(new RegExp(`^${TOLD}$`));
      await keepPicture("cookies blocked");
      await engine.click("a", /^Try again$/);
      await expect.poll(async () => (await engine.address()).search).toContain("cookies=expected");
      await engine.sees(new RegExp(`^${TOLD}$`));
    });
    expect((await engine.address()).pathname).toBe("/auth/login");
    expect(await engine.cookies()).toEqual([]);
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
