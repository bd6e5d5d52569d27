import type { Locator, Page } from "@playwright/test";
import { expect } from "./browser.ts";

/** Chooses a test person on the simulator's first page, by the name a visitor reads there. */
export async function choosePerson(page: Page, name: string): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name: /^Log in to/ })).toBeVisible();
  await page.getByRole("button", { name }).click();
}

/** Picks, on the person's phone, the number that the browser shows. */
export async function confirmInApp(page: Page): Promise<void> {
  const shown = await page.getByRole("status").innerText();
  await appOf(page).getByRole("button", { name: shown, exact: true }).click();
}

/** The phone with the app, beside the browser's own page. */
export const appOf = (page: Page): Locator => page.getByRole("region", { name: /^The app of/ });

/** Shares what the site asks for. A person is asked once: every test takes another one. */
export async function shareData(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { name: /^Share with/ })).toBeVisible();
  await page.getByRole("button", { name: "Share and continue" }).click();
}

/** Walks from the simulator's first page back to the site. */
export async function logInAs(page: Page, name: string): Promise<void> {
  await choosePerson(page, name);
  await confirmInApp(page);
  await shareData(page);
}

/**
 * Shares the data, but stops short of the redirect back to the site, as when a phone opens it in another browser.
 * @returns the redirect's URL, with code and state
 */
export async function shareWithoutReturning(page: Page): Promise<string> {
  const form = page.locator("form", { has: page.getByRole("button", { name: "Share and continue" }) });
  const action = new URL((await form.getAttribute("action")) ?? "", page.url());
  const answer = await page.request.post(action.href, { form: { action: "share" }, maxRedirects: 0 });
  expect(answer.status()).toBe(303);
  return answer.headers().location ?? "";
}
