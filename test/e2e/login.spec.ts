import type { Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { session } from "./session.ts";
import { choosePerson, confirmInApp, logInAs, shareData } from "./simulator-pages.ts";

const header = (page: Page) => page.getByRole("banner");
const loginLink = (page: Page) => header(page).getByRole("link", { name: "Log in with Vipps" });

test("a newcomer logs in from the front page and comes back with a name", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("main").getByRole("link", { name: "Log in with Vipps" }).click();
  await choosePerson(page, "Kari Nordmann");
  await confirmInApp(page);
  await expect(page.getByText("kari.nordmann@example.com")).toBeVisible();
  await shareData(page);

  await expect(page).toHaveURL("/members/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Welcome, Kari Nordmann");
  await expect(header(page).getByRole("button", { name: "Kari Nordmann" })).toBeVisible();
  await expect(loginLink(page)).toBeHidden();

  await page.goto("/session");
  const fields = page.getByRole("definition");
  await expect(fields.filter({ hasText: /^Kari Nordmann$/ })).toBeVisible();
});

test("a login survives a reload and reaches a second tab, and logging out reaches both", async ({
  page,
  context,
}) => {
  await page.goto("/about");
  await loginLink(page).click();
  await logInAs(page, "Jonas Berg");
  await expect(page).toHaveURL("/about");
  const name = header(page).getByRole("button", { name: "Jonas Berg" });
  await expect(name).toBeVisible();
  await page.reload();
  await expect(name).toBeVisible();

  const second = await context.newPage();
  await second.goto("/");
  await expect(header(second).getByRole("button", { name: "Jonas Berg" })).toBeVisible();

  await name.click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await expect(page).toHaveURL("/");
  await expect(loginLink(page)).toBeVisible();
  expect(await session(context)).toEqual({ authenticated: false });
  await expect(loginLink(second)).toBeVisible({ timeout: 10_000 });

  await page.goBack();
  await expect(loginLink(page)).toBeVisible();
});

test("the session is out of reach of the site's scripts", async ({ page, context }) => {
  await page.goto("/");
  await loginLink(page).click();
  await logInAs(page, "Sofie Dahl");
  await expect(header(page).getByRole("button", { name: "Sofie Dahl" })).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).not.toContain("vipps");
  const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-vipps-"));
  expect(cookies.map(({ name }) => name).sort()).toEqual(["__Host-vipps-browser", "__Host-vipps-session"]);
  for (const cookie of cookies) {
    expect(cookie).toMatchObject({
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
      path: "/",
      domain: "localhost",
    });
  }
});

test("logging in and out works by keyboard alone", async ({ page }) => {
  await page.goto("/about");
  await loginLink(page).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Phone number" }).fill("99 99 99 07");
  await page.keyboard.press("Enter");
  const shown = await page.getByRole("status").innerText();
  await page.getByRole("button", { name: shown, exact: true }).press("Enter");
  await page.getByRole("button", { name: "Share and continue" }).press("Space");

  const name = header(page).getByRole("button", { name: "Tor Bakken" });
  await name.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "My page" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "Log out" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(name).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "My page" })).toBeFocused();
  await page.keyboard.press("End");
  await expect(page.getByRole("menuitem", { name: "Log out" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(loginLink(page)).toBeVisible();
});

for (const { locale, title, again } of [
  { locale: "en-GB", title: "You cancelled the login", again: "Try again" },
  { locale: "nb-NO", title: "Du avbrøt innloggingen", again: "Prøv igjen" },
]) {
  test.describe(locale, () => {
    test.use({ locale });

    test("someone who cancels is told so, calmly, and can try again", async ({ page, context }) => {
      await page.goto("/about");
      await loginLink(page).click();
      await page.getByRole("button", { name: "Cancel" }).click();

      await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
      await expect(page).toHaveURL(/^http:\/\/localhost:\d+\/auth\/callback\?/);
      expect(await session(context)).toEqual({ authenticated: false });

      await page.getByRole("link", { name: again }).click();
      await choosePerson(page, "Aino Mäkelä");
      await expect(page.getByRole("region", { name: "The app of Aino Mäkelä" })).toBeVisible();
    });
  });
}

test("two logins at once in one browser both finish, each where it began", async ({ page, context }) => {
  const second = await context.newPage();
  await page.goto("/about");
  await second.goto("/session");
  await loginLink(page).click();
  await loginLink(second).click();
  await choosePerson(page, "Henrik Lund");
  await choosePerson(second, "Mette-Marie Østergaard-Sørensen");
  await confirmInApp(second);
  await shareData(second);
  await expect(second).toHaveURL("/session");
  await expect(header(second).getByRole("button", { name: "Mette-Marie Østergaard-Sørensen" })).toBeVisible();

  await confirmInApp(page);
  await shareData(page);
  await expect(page).toHaveURL("/about");
  await expect(header(page).getByRole("button", { name: "Henrik Lund" })).toBeVisible();
  expect(await session(context)).toMatchObject({ authenticated: true, user: { name: "Henrik Lund" } });
});

test("a page that prefetches the login link starts nothing", async ({ page, context }) => {
  await page.route("/prefetching", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: '<link rel="icon" href="data:,"><link rel="prefetch" href="/auth/login?return_to=/about">',
    }),
  );
  const answer = page.waitForResponse("/auth/login?return_to=/about");
  await page.goto("/prefetching");
  expect((await answer).request().headers()["sec-purpose"]).toBe("prefetch");
  expect((await answer).status()).toBe(503);
  expect(await context.cookies()).toEqual([]);
});
