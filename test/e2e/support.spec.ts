import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { session } from "./session.ts";
import { choosePerson, logInAs } from "./simulator-pages.ts";
import { doubleClickThroughPopup } from "./stolen-press.ts";

const PORTS = 9430;
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const PHONE = { width: 360, height: 780 };
const DESK = { width: 1280, height: 860 };

/** Takes the pictures of the documentation, when they are asked for. */
async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.DOCS_IMAGES) return;
  const path = fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));
  await page.screenshot({ path, fullPage: true });
}

/** Whether a reader must scroll sideways. */
const overflows = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

test.describe("the customer-service console", () => {
  let site: OwnSite;
  // Starting a worker takes seconds, on a busy machine many.
  test.describe.configure({ timeout: 180_000 });

  test.beforeAll(async () => {
    site = await startSiteWith({ SUPPORT_STAFF: "+4799999901 +4799999905" }, PORTS);
  });
  test.afterAll(async () => {
    await site.stop();
  });

  test("leads staff from a search to an ended session, and is nowhere for the customer", async ({
    page,
    openBrowser,
  }) => {
    const customer = await (await openBrowser()).newPage();
    await customer.goto(`${site.origin}/auth/login?return_to=/about`);
    await customer.getByRole("button", { name: "Cancel" }).click();
    await expect(heading(customer)).toHaveText("You cancelled the login");
    await customer.getByRole("link", { name: "Try again" }).click();
    await logInAs(customer, "Sofie Dahl");
    expect(await session(customer.context(), site.origin)).toMatchObject({ authenticated: true });
    const refused = await customer.goto(`${site.origin}/auth/support`);
    expect(refused?.status()).toBe(404);
    await expect(heading(customer)).toHaveText("Page not found");

    const waiting = await (await openBrowser()).newPage();
    await waiting.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(waiting, "Per Haugen");
    await expect(waiting).toHaveURL(`${site.origin}/about`);
    const second = await (await openBrowser()).newPage();
    await second.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(second, "Ingrid Haugen");
    await expect(heading(second)).toHaveText("You may already be registered");

    await page.setViewportSize(DESK);
    await page.goto(`${site.origin}/auth/login?return_to=/auth/support`);
    await logInAs(page, "Kari Nordmann");
    await expect(heading(page)).toHaveText("Customer service");
    await expect(page.getByRole("img", { name: "Logged in: 3, Cancelled: 1, Failed: 1" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Ingrid Haugen" })).toBeVisible();
    await picture(page, "support-search");

    await expect(page.getByRole("searchbox", { name: "Find a person" })).toBeFocused();
    await page.keyboard.type("99 99 99 06");
    await page.keyboard.press("Enter");
    await expect(heading(page)).toHaveText("Sofie Dahl");
    expect(page.url()).toMatch(/\/auth\/support\/accounts\/acc_[\w-]+$/);
    await expect(page.getByText("Not logged in. The customer read: “You cancelled the login”")).toBeVisible();
    await expect(page.getByText("Nothing is wrong: the login was cancelled.")).toBeVisible();
    await picture(page, "support-account");

    for (const viewport of [DESK, PHONE]) {
      await page.setViewportSize(viewport);
      expect(await overflows(page)).toBe(false);
    }
    await page.setViewportSize(DESK);
    // The browser itself asks for the tick.
    await page.getByRole("button", { name: /^Log out: Chrome/ }).click();
    expect(await session(customer.context(), site.origin)).toMatchObject({ authenticated: true });
    await page.getByRole("checkbox", { name: "Yes, end the session" }).check();
    await page.getByRole("button", { name: /^Log out: Chrome/ }).click();
    await expect(page.getByRole("status")).toHaveText("The session has ended.");
    // A reload of the page keeps it, because it was reached from here.
    await page.reload();
    await expect(heading(page)).toHaveText("Sofie Dahl");
    await expect(page.getByText("Ended sessions")).toBeVisible();
    expect(await session(customer.context(), site.origin)).toEqual({ authenticated: false });
  });

  test("corrects and erases an account by keyboard, on a phone", async ({ page, openBrowser }) => {
    const customer = await (await openBrowser()).newPage();
    await customer.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(customer, "Tor Bakken");
    await page.setViewportSize(PHONE);
    await page.goto(`${site.origin}/auth/login?return_to=/auth/support`);
    await choosePerson(page, "Kari Nordmann");
    const shown = await page.getByRole("status").innerText();
    await page.getByRole("button", { name: shown, exact: true }).click();
    // Whoever has shared before is not asked again.
    const share = page.getByRole("button", { name: "Share and continue" });
    const finder = page.getByRole("searchbox", { name: "Find a person" });
    await expect(share.or(finder)).toBeVisible();
    if (await share.isVisible()) await share.click();
    await finder.fill("tor bakken");
    await page.keyboard.press("Enter");
    await expect(heading(page)).toHaveText("Tor Bakken");

    await page.locator("summary", { hasText: "Correct" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Email" }).fill("tor");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toHaveText("This is not an email address.");
    await page.getByRole("textbox", { name: "Email" }).fill("tor.bakken@example.com");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toHaveText("Tick the box first.");
    await expect(page.getByRole("textbox", { name: "Email" })).toHaveValue("tor.bakken@example.com");
    await expect(page.getByRole("checkbox", { name: "Yes, this is right" })).toBeFocused();
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("status")).toHaveText("Saved.");
    await expect(page.getByText("tor.bakken@example.com (verified)")).toBeVisible();
    expect(await overflows(page)).toBe(false);

    await page.getByRole("link", { name: "Erase account" }).press("Enter");
    await expect(heading(page)).toHaveText("Erase Tor Bakken?");
    await page.getByRole("checkbox").press("Space");
    await page.getByRole("button", { name: "Erase account" }).press("Enter");
    await expect(page.getByRole("status")).toHaveText("The account is erased.");
    expect(await session(customer.context(), site.origin)).toEqual({ authenticated: false });
    expect(await overflows(page)).toBe(false);
  });

  test("gives no account away by a double click through a popup, nor shows one to whom a link leads", async ({
    page,
    openBrowser,
  }) => {
    const stranger = await (await openBrowser()).newPage();
    await stranger.goto(`${site.origin}/auth/login?return_to=/about`);
    await logInAs(stranger, "Mette-Marie Østergaard-Sørensen");
    await expect(stranger).toHaveURL(`${site.origin}/about`);

    await page.goto(`${site.origin}/auth/login?return_to=/auth/support`);
    await logInAs(page, "Jonas Berg");
    const finder = page.getByRole("searchbox", { name: "Find a person" });
    await finder.fill("Mette-Marie");
    await page.keyboard.press("Enter");
    await expect(heading(page)).toHaveText(/^Mette-Marie/);
    const account = page.url();
    const looks = page.getByText("Looked ×2");

    // Where the attacker's popup leads, there is nothing to press, and no look is written down.
    for (const address of [account, `${account}/erase`, `${site.origin}/auth/support/log`]) {
      await doubleClickThroughPopup(page, address, () => page.getByRole("button", { name: "Search" }));
      expect(page.url()).toBe(address);
      await expect(heading(page)).toHaveText("Customer service");
      await expect(page.getByRole("status")).toHaveText(/^That page opens only from here/);
    }
    await finder.fill("Mette-Marie");
    await page.keyboard.press("Enter");
    await expect(looks).toBeVisible();

    // Nor does a second press help where staff stand on the page already.
    const end = page.getByRole("button", { name: "Log out everywhere" });
    const posted: string[] = [];
    page.on("request", (request) => void (request.method() === "POST" && posted.push(request.url())));
    await end.dblclick();
    await end.dblclick();
    const tick = page.locator("form", { has: end }).getByRole("checkbox");
    expect(await tick.evaluate((box) => box.matches(":invalid"))).toBe(true);
    expect(posted).toEqual([]);
    expect(await session(stranger.context(), site.origin)).toMatchObject({ authenticated: true });
  });
});
