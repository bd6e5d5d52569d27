import type { Page } from "@playwright/test";
import type { Browsers, Device } from "../browser.ts";
import type { Surroundings } from "../surroundings.ts";

/** What scenes play on. */
export interface Stage extends Surroundings {
  readonly authPath: string;
  /** The page with the login button. */
  readonly buttonPath: string;
  readonly browsers: Browsers;
}

/** Opens the link to the login. @param returnTo where it ends; the page with the button, where absent */
export async function openLogin(stage: Stage, page: Page, returnTo = stage.buttonPath): Promise<void> {
  await page.goto(`${stage.site}${stage.authPath}/login?return_to=${encodeURIComponent(returnTo)}`);
}

/** Whether the browser of this page is logged in, asked beside the page. */
export async function isLoggedIn(stage: Stage, page: Page): Promise<boolean> {
  return (await sessionOf(stage, page)).authenticated;
}

/** The account is undefined where nobody is logged in. */
export async function sessionOf(
  { site, authPath }: Stage,
  page: Page,
): Promise<{ readonly authenticated: boolean; readonly account: string | undefined }> {
  const answer = await page.context().request.get(`${site}${authPath}/session`);
  const { authenticated, user } = (await answer.json()) as {
    readonly authenticated?: unknown;
    readonly user?: { readonly sub?: unknown };
  };
  const account = typeof user?.sub === "string" ? user.sub : undefined;
  return { authenticated: authenticated === true, account };
}

/** A new browser, which is closed when the part that needs it is over. */
export async function inBrowser<Value>(
  { browsers }: Stage,
  device: Device,
  part: (page: Page) => Promise<Value>,
): Promise<Value> {
  const page = await browsers.open(device);
  try {
    return await part(page);
  } finally {
    await page.context().close();
  }
}

/** Where the browser of a page is: at the terms of the site, or past them. */
export async function acceptTerms(
  page: Page,
  whenShown?: (ticked: number) => Promise<void>,
): Promise<boolean> {
  await page.waitForLoadState("domcontentloaded");
  const answer = page.locator('form:has(input[name="question"][value="terms"])');
  if ((await answer.count()) === 0) return false;
  await whenShown?.(await page.locator("input[type=checkbox]:checked").count());
  const box = answer.locator('input[name="terms"]');
  if ((await box.count()) > 0) await box.check();
  await answer.locator('button[value="accept"]').click();
  await page.waitForLoadState("domcontentloaded");
  return true;
}

/** Logs a browser in at the site, over the terms if they are in the way. */
export async function logIn(stage: Stage, page: Page, name: string, returnTo?: string): Promise<void> {
  await openLogin(stage, page, returnTo);
  if (new URL(page.url()).origin !== stage.site) await stage.person.logIn(page, name);
  await acceptTerms(page);
}
