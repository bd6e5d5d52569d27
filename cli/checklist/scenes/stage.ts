import type { Page } from "@playwright/test";
import type { SimulatorControl } from "../../../simulator/simulator.ts";
import type { Browsers } from "../browser.ts";
import type { LogLine } from "../log-lines.ts";
import type { Person } from "../person.ts";
import type { Environment } from "../row.ts";
import type { SiteValues } from "../site-values.ts";

/** What scenes play on. */
export interface Stage {
  readonly environment: Environment;
  /** The site's origin. */
  readonly site: string;
  readonly authPath: string;
  /** The page with the login button. */
  readonly buttonPath: string;
  readonly own: SiteValues;
  /** Settings of the run; the site's own where nothing was changed or nothing can be. */
  readonly values: Readonly<Record<string, string>>;
  readonly browsers: Browsers;
  readonly person: Person;
  /** Makes the provider misbehave; undefined at Vipps itself. */
  readonly simulator: SimulatorControl | undefined;
  readonly log: () => readonly LogLine[];
}

/** Milliseconds that a page may take on a busy machine. */
export const PATIENCE = 30_000;

export const loginAddress = (stage: Stage, returnTo: string): string =>
  `${stage.site}${stage.authPath}/login?return_to=${encodeURIComponent(returnTo)}`;

/** Whether the browser of this page is logged in, asked beside the page. */
export async function isLoggedIn(stage: Stage, page: Page): Promise<boolean> {
  return (await sessionOf(stage, page)).authenticated;
}

export interface SessionAnswer {
  readonly authenticated: boolean;
  /** The account; undefined where nobody is logged in. */
  readonly account: string | undefined;
}

export async function sessionOf(stage: Stage, page: Page): Promise<SessionAnswer> {
  const answer = await page.context().request.get(`${stage.site}${stage.authPath}/session`);
  const body: unknown = await answer.json();
  const session = (typeof body === "object" && body !== null ? body : {}) as {
    readonly authenticated?: unknown;
    readonly user?: { readonly sub?: unknown };
  };
  const sub = session.user?.sub;
  return {
    authenticated: session.authenticated === true,
    account: typeof sub === "string" ? sub : undefined,
  };
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
export async function logIn(stage: Stage, page: Page, name: string, returnTo: string): Promise<void> {
  await page.goto(loginAddress(stage, returnTo), { timeout: PATIENCE });
  if (new URL(page.url()).origin !== stage.site) await stage.person.logIn(page, name);
  await acceptTerms(page);
}
