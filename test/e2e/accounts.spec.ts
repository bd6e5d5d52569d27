import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { session } from "./session.ts";
import { logInAs } from "./simulator-pages.ts";
import { pressWithMouse } from "./stolen-press.ts";

const PORTS = 9330;
const CONSENTS = '[{"id":"newsletter","text":{"en":"Send me the newsletter"}}]';
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const docsImage = (name: string) => fileURLToPath(new URL(`../../docs/images/${name}`, import.meta.url));

test.describe("terms and the person's own page", () => {
  const state = mkdtempSync(join(tmpdir(), "vipps-login-worker-accounts-"));
  const termsOf = (version: string) => ({
    TERMS_URL: "/about",
    TERMS_VERSION: version,
    PRIVACY_URL: "/about",
    CONSENTS,
  });
  let site: OwnSite;
  // Starting a worker takes seconds, on a busy machine many.
  test.describe.configure({ timeout: 180_000 });

  test.beforeAll(async () => {
    site = await startSiteWith(termsOf("1"), PORTS, state);
  });
  test.afterAll(async () => {
    await site.stop();
    rmSync(state, { recursive: true, force: true });
  });

  test("are asked before the first session, not at the second login, and again after a new version", async ({
    context,
    page,
    openBrowser,
  }) => {
    await page.setViewportSize({ width: 360, height: 780 });
    await page.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(page, "Aino Mäkelä");
    await expect(heading(page)).toHaveText("Before you go on");
    expect(await session(context, site.origin)).toEqual({ authenticated: false });
    for (const box of await page.getByRole("checkbox").all()) await expect(box).not.toBeChecked();
    if (process.env.DOCS_IMAGES)
      await page.screenshot({ path: docsImage("terms-phone.png"), fullPage: true });
    await page.getByRole("checkbox", { name: /terms and conditions/ }).check();
    await page.getByRole("button", { name: "Accept and continue" }).click();
    await expect(page).toHaveURL(`${site.origin}/about`);
    expect(await session(context, site.origin)).toMatchObject({ user: { name: "Aino Mäkelä" } });

    const second = await (await openBrowser()).newPage();
    await second.goto(`${site.origin}/auth/login?return_to=/about`);
    await second.getByRole("button", { name: "Aino Mäkelä" }).click();
    const shown = await second.getByRole("status").innerText();
    await second.getByRole("button", { name: shown, exact: true }).click();
    await expect(second).toHaveURL(`${site.origin}/about`);

    await site.stop();
    site = await startSiteWith(termsOf("2"), PORTS, state);
    const third = await (await openBrowser()).newPage();
    await third.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(third, "Aino Mäkelä");
    await expect(heading(third)).toHaveText("The terms have changed");
    await third.getByRole("button", { name: "No thanks" }).click();
    await expect(heading(third)).toHaveText("You did not accept the terms");
    expect(await session(third.context(), site.origin)).toEqual({ authenticated: false });
  });

  test("show a person their data, change a consent, download everything and delete the account", async ({
    context,
    page,
  }) => {
    await page.goto(`${site.origin}/auth/me`);
    await logInAs(page, "Sofie Dahl");
    await page.getByRole("checkbox", { name: /terms and conditions/ }).check();
    await page.getByRole("button", { name: "Accept and continue" }).click();
    await expect(heading(page)).toHaveText("My page");
    await expect(page.getByText("sofie.dahl@example.com")).toBeVisible();

    await page.getByRole("checkbox", { name: "Send me the newsletter" }).check();
    await page.getByRole("button", { name: "Save choices" }).click();
    await expect(page.getByRole("status")).toHaveText("Saved.");
    await expect(page.getByRole("checkbox", { name: "Send me the newsletter" })).toBeChecked();
    if (process.env.DOCS_IMAGES) {
      await page.setViewportSize({ width: 360, height: 780 });
      await page.screenshot({ path: docsImage("my-page-phone.png"), fullPage: true });
    }

    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download everything" }).click();
    const file = await (await downloading).path();
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      account: { name: "Sofie Dahl" },
      terms: [{ version: expect.any(String) }],
      consents: [{ granted: false }, { consent: "newsletter", granted: true }],
    });

    await page.getByRole("checkbox", { name: /delete my account/ }).check();
    await page.getByRole("button", { name: "Delete my account" }).click();
    await expect(heading(page)).toHaveText("Your account is deleted");
    expect(await session(context, site.origin)).toEqual({ authenticated: false });
  });

  test("ask somebody who may have an account already to prove it", async ({ page, openBrowser }) => {
    const accept = async (on: Page) => {
      await on.getByRole("checkbox", { name: /terms and conditions/ }).check();
      await on.getByRole("button", { name: "Accept and continue" }).click();
    };
    await page.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(page, "Per Haugen");
    await accept(page);
    await expect(page).toHaveURL(`${site.origin}/about`);

    const other = await (await openBrowser()).newPage();
    await other.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(other, "Ingrid Haugen");
    await expect(other.getByRole("main")).not.toContainText("Per");
    await expect(other.getByRole("main")).toContainText("Reference");
    expect(await session(other.context(), site.origin)).toEqual({ authenticated: false });
    await pressWithMouse(other, other.locator('button[value="new"]'));
    await accept(other);
    expect(await session(other.context(), site.origin)).toMatchObject({ user: { name: "Ingrid Haugen" } });
  });
});

test("a closed registry says how to become a member and makes no session", async ({ context, page }) => {
  test.setTimeout(180_000);
  const site = await startSiteWith({ REGISTRATION: "closed" }, PORTS);
  try {
    await page.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(page, "Jonas Berg");
    await expect(page.getByRole("main")).toContainText("Reference");
    expect(await session(context, site.origin)).toEqual({ authenticated: false });
  } finally {
    await site.stop();
  }
});
