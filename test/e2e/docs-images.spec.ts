import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { choosePerson, confirmInApp, logInAs, shareWithoutReturning } from "./simulator-pages.ts";

// The pictures of the documentation that no other walk takes. All of them anew (CONTRIBUTING.md):
//   DOCS_IMAGES=1 npx playwright test docs-images accounts checklist support
const SITE = `http://localhost:${process.env.E2E_SITE_PORT ?? 8897}`;

const PHONE = { viewport: { width: 360, height: 640 }, deviceScaleFactor: 1.5 } as const;

/** A browser of its own, and a picture of what it came to. */
async function take(
  browser: Browser,
  name: string,
  options: BrowserContextOptions,
  walk: (page: Page) => Promise<void>,
  fullPage = true,
): Promise<void> {
  const context = await browser.newContext({ baseURL: SITE, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await walk(page);
  const path = fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));
  await page.screenshot({ path, fullPage });
  await context.close();
}

const heading = (page: Page) => page.getByRole("heading", { level: 1 });

test("the demo and the simulator's login page", async ({ browser }) => {
  const open = (path: string) => async (page: Page) => {
    await page.goto(path);
    await expect(heading(page)).toBeVisible();
  };
  const [desk, phone] = [{ width: 1280, height: 720 } as const, { width: 390, height: 700 } as const];
  await take(browser, "demo", { viewport: desk }, open("/"), false);
  await take(browser, "simulator-phone", { viewport: phone }, open("/auth/login?return_to=/"), false);
});

for (const colorScheme of ["light", "dark"] as const) {
  const suffix = colorScheme === "dark" ? "-dark" : "";

  test(`the question to another browser, ${colorScheme}`, async ({ browser, page }) => {
    await page.goto(`${SITE}/auth/login?return_to=/about`);
    const simulator = new URL(page.url()).origin;
    await page.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
    await choosePerson(page, "Kari Nordmann");
    await confirmInApp(page);
    const callback = await shareWithoutReturning(page);
    const options = { ...PHONE, viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, colorScheme };
    await take(browser, `confirm-page${suffix}`, { ...options, locale: "en-GB" }, async (other) => {
      await other.goto(callback);
      await expect(heading(other)).toHaveText("Is this you?");
    });
  });

  test(`where one is logged in, ${colorScheme}`, async ({ browser, page }) => {
    const person = colorScheme === "dark" ? "Sofie Dahl" : "Kari Nordmann";
    const forget = async (at: Page) => {
      const simulator = new URL(at.url()).origin;
      await at.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
    };
    await page.goto(`${SITE}/auth/login?return_to=/about`);
    await forget(page);
    await logInAs(page, person);
    await expect(page).toHaveURL(`${SITE}/about`);
    await take(
      browser,
      `sessions-page${suffix}`,
      { ...PHONE, colorScheme, locale: "en-GB" },
      async (other) => {
        await other.goto("/auth/login?return_to=/auth/sessions");
        await forget(other);
        await logInAs(other, person);
        await expect(heading(other)).toHaveText("Where you are logged in");
      },
    );
  });
}

test("errors, in the customer's language", async ({ browser }) => {
  await take(browser, "error-cancelled-nb", { ...PHONE, locale: "nb" }, async (page) => {
    await page.goto("/auth/login?return_to=/about");
    await page.getByRole("button", { name: "Cancel" }).first().click();
    await expect(heading(page)).toHaveText("Du avbrøt innloggingen");
  });
  await take(browser, "error-expired-da", { ...PHONE, locale: "da" }, async (page) => {
    await page.goto("/auth/callback?code=none&state=of-no-login");
    await expect(heading(page)).toHaveText("Dette login gælder ikke længere");
  });
  const dark = { ...PHONE, locale: "fi", colorScheme: "dark" } as const;
  await take(browser, "error-unavailable-fi-dark", dark, async (page) => {
    await page.goto("/auth/login?return_to=/about");
    const simulator = new URL(page.url()).origin;
    const behave = (data: object) => page.request.post(`${simulator}/simulator/behaviour`, { data });
    await page.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
    await behave({ endpoints: { token: { answer: "down" } } });
    await logInAs(page, "Tor Bakken");
    await expect(heading(page)).toContainText("ei vastaa juuri nyt");
    await behave({ endpoints: { token: { answer: "proper" } } });
  });
});
