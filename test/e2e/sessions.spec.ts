import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import { newKeySet, rotated } from "../../cli/session-key-set.ts";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { session } from "./session.ts";
import { choosePerson, confirmInApp, shareData } from "./simulator-pages.ts";

/** Seconds that a token is trusted on these sites. */
const FRESH = 2;
const settings = { SESSION_FRESH: String(FRESH) };
/** How late another device may notice at most, with time for a busy machine; in milliseconds. */
const IN_TIME = { timeout: (FRESH + 10) * 1_000, intervals: [250] };

// Each starts a worker of its own, or two.
test.describe.configure({ timeout: 180_000 });

async function logIn(context: BrowserContext, { origin }: OwnSite, returnTo = "/about"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/auth/login?return_to=${encodeURIComponent(returnTo)}`);
  const simulator = new URL(page.url()).origin;
  await page.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
  await choosePerson(page, "Kari Nordmann");
  await confirmInApp(page);
  await shareData(page);
  await page.waitForURL(`${origin}${returnTo}`);
  return page;
}

const loggedIn = async (context: BrowserContext, { origin }: OwnSite) =>
  (await session(context, origin)).authenticated;

test.describe("one's own sessions", () => {
  let site: OwnSite;
  test.beforeAll(async () => {
    site = await startSiteWith(settings, 23_500);
  });
  test.afterAll(() => site?.stop());

  test("end one another, and all others, within SESSION_FRESH", async ({ context, openBrowser }) => {
    const elsewhere = await openBrowser();
    await logIn(elsewhere, site);
    const page = await logIn(context, site, "/auth/sessions");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where you are logged in");
    await expect(page.getByRole("listitem")).toHaveCount(2);
    await expect(page.getByRole("listitem").first()).toContainText("This device");

    await page
      .getByRole("listitem")
      .nth(1)
      .getByRole("button", { name: /^Log out: Chrome on / })
      .click();
    await expect(page.getByRole("status")).toContainText("It may take up to 2 seconds");
    await expect(page.getByRole("listitem")).toHaveCount(1);
    await expect.poll(() => loggedIn(elsewhere, site), IN_TIME).toBe(false);
    expect(await loggedIn(context, site)).toBe(true);

    const third = await openBrowser();
    await logIn(elsewhere, site);
    await logIn(third, site);
    await page.reload();
    await expect(page.getByRole("listitem")).toHaveCount(3);
    await page.getByRole("button", { name: "Log out everywhere else" }).click();
    await expect(page.getByText("on this device only")).toBeVisible();
    await expect.poll(() => loggedIn(elsewhere, site), IN_TIME).toBe(false);
    await expect.poll(() => loggedIn(third, site), IN_TIME).toBe(false);
    expect(await loggedIn(context, site)).toBe(true);

    await page.getByRole("button", { name: /^Log out: / }).click();
    await expect(page).toHaveURL(`${site.origin}/auth/logged-out`);
    await expect(page.getByRole("main")).toContainText("Vipps MobilePay may remember whoever logged in last");
    expect(await loggedIn(context, site)).toBe(false);
  });
});

test("a key rotation logs nobody out, and the new key signs from then on", async ({ context }) => {
  const state = mkdtempSync(join(tmpdir(), "sessions-state-"));
  const before = newKeySet();
  const after = rotated(before, { at: Math.floor(Date.now() / 1000), idle: 604_800 });
  const kidOf = async () => {
    const cookies = await context.cookies();
    const token = cookies.find(({ name }) => name === "__Host-vipps-session")?.value ?? "";
    return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString() || "{}").kid;
  };
  const first = await startSiteWith(
    { ...settings, SESSION_KEYS: `'${JSON.stringify(before)}'` },
    23_600,
    state,
  );
  try {
    await logIn(context, first);
    expect(await kidOf()).toBe(before.keys[0]?.kid);
  } finally {
    await first.stop();
  }
  const second = await startSiteWith(
    { ...settings, SESSION_KEYS: `'${JSON.stringify(after)}'` },
    23_600,
    state,
  );
  try {
    expect(second.origin).toBe(first.origin);
    expect(await loggedIn(context, second)).toBe(true);
    await expect
      .poll(async () => ((await loggedIn(context, second)) ? kidOf() : "logged out"), IN_TIME)
      .toBe(after.keys[0]?.kid);
  } finally {
    await second.stop();
    rmSync(state, { recursive: true, force: true });
  }
});
