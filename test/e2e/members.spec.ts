import { expect, test } from "./browser.ts";
import { logInUnseen } from "./session.ts";
import { choosePerson, confirmInApp } from "./simulator-pages.ts";

test("a page behind the login sends a visitor to Vipps, and back to exactly the page wanted", async ({
  page,
  openBrowser,
}) => {
  // Whoever has shared before is not asked again.
  await logInUnseen(await openBrowser());
  await page.goto("/members/?week=12&q=a%20b%2Fc");
  await choosePerson(page, "Espen Strand");
  await confirmInApp(page);
  await expect(page).toHaveURL("/members/?week=12&q=a%20b%2Fc");
  await expect(page.getByText("1931")).toBeVisible();
});

test("a page behind the login is gone with the session, from the history too", async ({ page, context }) => {
  await logInUnseen(context);
  await page.goto("/members/");
  await expect(page.getByRole("heading", { name: "The gate" })).toBeVisible();
  await page.getByRole("banner").getByRole("link", { name: "The club" }).click();
  await expect(page).toHaveURL("/about");
  await page.getByRole("contentinfo").getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL("/");
  await page.goBack();
  await page.goBack();
  await expect(page).toHaveURL(/\/simulator|\/oauth2\/auth|\/authorize|127\.0\.0\.1/);
  await expect(page.getByText("1931")).toBeHidden();
});

test("a script of the site is told 401 where a page would be sent to Vipps", async ({ page }) => {
  await page.goto("/about");
  const answer = await page.evaluate(async () => {
    const response = await fetch("/members/");
    return { status: response.status, problem: await response.json() };
  });
  expect(answer).toMatchObject({ status: 401, problem: { code: "session_required" } });
});

test("a form sent without a session is answered with a page that leads to the login", async ({ page }) => {
  await page.goto("/about");
  await page.evaluate(() => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = "/members/";
    document.body.append(form);
    form.submit();
  });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You need to log in first");
  await page.getByRole("link", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Log in to/ })).toBeVisible();
});
