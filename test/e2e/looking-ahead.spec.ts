// What Chromium really sends when it looks ahead, loads or passes on, and that a person's press works afterwards.

import type { Page, Request } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { choosePerson } from "./simulator-pages.ts";

/** A page of the site, which holds what is put into it. */
async function showPage(page: Page, body: string): Promise<void> {
  await page.route("**/looking-ahead", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><link rel="icon" href="data:,">${body}`,
    }),
  );
  await page.goto("/looking-ahead");
}

const LOGIN = "/auth/login?return_to=/about";
const link = `<a href="${LOGIN}">Log in</a>`;
const rules = (how: "prefetch" | "prerender") =>
  `<script type="speculationrules">${JSON.stringify({ [how]: [{ urls: [LOGIN], eagerness: "immediate" }] })}</script>`;

for (const how of ["prefetch", "prerender"] as const)
  test(`a page that wants the login by ${how} of speculation rules starts nothing, and one press is enough`, async ({
    page,
    context,
  }) => {
    const asked: Request[] = [];
    context.on("request", (request) => {
      if (request.url().includes("/auth/login")) asked.push(request);
    });
    await showPage(page, link + rules(how));
    await page.waitForTimeout(1_000);
    expect(await context.cookies()).toEqual([]);
    await page.getByRole("link", { name: "Log in" }).click();
    await choosePerson(page, "Kari Nordmann");
    expect(asked.length).toBeGreaterThan(0);
  });

for (const [what, body] of [
  ["a picture", `<img src="${LOGIN}">`],
  ["a script", `<script src="${LOGIN}"></script>`],
  ["a fetch", `<script>fetch("${LOGIN}").catch(() => {})</script>`],
  [
    "a fetch for a page",
    `<script>fetch("${LOGIN}", { headers: { accept: "text/html" } }).catch(() => {})</script>`,
  ],
] as const)
  test(`${what} at the login's address starts nothing`, async ({ page, context }) => {
    const answer = page.waitForResponse((response) => response.url().includes("/auth/login"));
    await showPage(page, body + link);
    expect((await answer).status()).toBe(503);
    expect(await context.cookies()).toEqual([]);
  });

test("a protected page in a frame shows the way out of it, which leads to the login and back", async ({
  page,
}) => {
  await showPage(page, `<iframe src="/members/" title="members" width="600" height="500"></iframe>`);
  const frame = page.frameLocator("iframe");
  await expect(frame.getByRole("heading", { level: 1 })).toHaveText("You need to log in first");
  await frame.getByRole("link", { name: "Log in" }).click();
  await choosePerson(page, "Kari Nordmann");
  expect(page.frames()).toHaveLength(1);
});
