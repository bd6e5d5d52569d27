import type { BrowserContext, Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { type RunningSites, startSites } from "./environment/many-sites.ts";
import { session } from "./session.ts";
import { choosePerson, confirmInApp, shareData } from "./simulator-pages.ts";

// Starts a worker of its own.
test.describe.configure({ timeout: 180_000 });

/** Passes every navigation on beside its preload, so that the site is asked twice, and shows the one it is told to. */
const PASSING_ON = `
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(registration.navigationPreload.enable().then(() => clients.claim())));
  addEventListener("fetch", (event) => {
    if (event.request.mode !== "navigate") return;
    const both = Promise.all([event.preloadResponse, fetch(event.request)]);
    event.respondWith(both.then(([preloaded, passedOn]) => location.search === "?passed-on" ? passedOn : preloaded));
  });`;

const BAKERY = {
  name: "bakeri",
  heading: "Fjellbakeriet",
  scripts: { "/worker.js": PASSING_ON, "/worker.js?passed-on": PASSING_ON },
  salesUnit: { msn: "200001", name: "Fjellbakeriet" },
  settings: { VIPPS_MARKET: "NO", PROTECTED_PATHS: "/members/*" },
};
const CAFE = {
  name: "kahvila",
  heading: "Satamakahvila",
  salesUnit: { msn: "200002", name: "Satamakahvila" },
  settings: { VIPPS_MARKET: "FI", PROTECTED_PATHS: "/members/*", BRAND_DATE: "2099-12-31" },
};

let sites: RunningSites;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  sites = await startSites([BAKERY, CAFE], 24_100);
});
test.afterAll(() => sites?.stop());

/** Goes from the site's front page to the end of the login. */
async function logIn(context: BrowserContext, origin: string, person: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  await page.getByRole("link", { name: "Log in" }).click();
  await choosePerson(page, person);
  await confirmInApp(page);
  await shareData(page);
  await page.waitForURL(`${origin}/members/`);
  return page;
}

test("two sites log people in side by side in one browser, each with its own sales unit", async ({
  context,
}) => {
  const [bakery = "", cafe = ""] = sites.origins;
  const begun = await context.newPage();
  await begun.goto(`${bakery}/auth/login?return_to=/members/`);
  await expect(begun.getByRole("heading", { level: 1 })).toContainText("Fjellbakeriet");
  expect(new URL(begun.url()).origin).not.toBe(bakery);

  // The café's login begins and ends while the bakery's is on its way.
  const coffee = await logIn(context, cafe, "Aino Mäkelä");
  await expect(coffee.getByRole("heading", { level: 1 })).toHaveText("Satamakahvila");
  await expect(coffee.getByRole("paragraph")).toHaveText("/members/: hello, Aino Mäkelä");

  await choosePerson(begun, "Kari Nordmann");
  await confirmInApp(begun);
  await shareData(begun);
  await begun.waitForURL(`${bakery}/members/`);
  await expect(begun.getByRole("paragraph")).toHaveText("/members/: hello, Kari Nordmann");

  expect(await session(context, bakery)).toMatchObject({ user: { name: "Kari Nordmann" } });
  expect(await session(context, cafe)).toMatchObject({ user: { name: "Aino Mäkelä" } });

  const me = await context.newPage();
  await me.goto(`${cafe}/auth/me`);
  await expect(me.locator("html")).toHaveAttribute("data-brand", "MobilePay");
  await me.goto(`${bakery}/auth/me`);
  await expect(me.locator("html")).toHaveAttribute("data-brand", "Vipps");
  await expect(me.locator("body")).not.toContainText("Mäkelä");

  expect(await coffee.evaluate(async () => (await fetch("/auth/logout", { method: "POST" })).status)).toBe(
    204,
  );
  expect(await session(context, cafe)).toEqual({ authenticated: false });
  expect(await session(context, bakery)).toMatchObject({ authenticated: true });
});

for (const [shown, script, person] of [
  ["the preload", "/worker.js", "Jonas Berg"],
  ["what it passed on", "/worker.js?passed-on", "Sofie Dahl"],
] as const)
  test(`a service worker that asks for every page twice and shows ${shown} leads straight on, by one login`, async ({
    openBrowser,
  }) => {
    const [bakery = ""] = sites.origins;
    const context = await openBrowser();
    const page = await context.newPage();
    // A browser that has begun a login before: one that begins its first login twice at once keeps one of two names, and
    // is asked whether the person is themselves.
    await page.goto(`${bakery}/auth/login`);
    await page.goto(bakery);
    await page.evaluate(async (address) => {
      const controlled = new Promise((resolve) =>
        navigator.serviceWorker.addEventListener("controllerchange", resolve),
      );
      await navigator.serviceWorker.register(address);
      await controlled;
    }, script);
    const pages: string[] = [];
    page.on("framenavigated", (frame) => pages.push(new URL(frame.url()).pathname));
    await page.getByRole("link", { name: "Log in" }).click();
    await choosePerson(page, person);
    const { origin: simulator } = new URL(page.url());
    const tokenRequests = async (): Promise<number> =>
      (await (await context.request.get(`${simulator}/simulator/state`)).json()).requests.token;
    const before = await tokenRequests();
    await confirmInApp(page);
    await shareData(page);
    await page.waitForURL(`${bakery}/members/`);
    await expect(page.getByRole("paragraph")).toHaveText(`/members/: hello, ${person}`);
    // Nothing was shown between the provider's page and the site.
    expect(pages.filter((path) => path.startsWith("/auth/"))).toEqual([]);
    expect((await tokenRequests()) - before).toBe(1);
    const listed = await page.evaluate(async () =>
      (await fetch("/auth/sessions", { headers: { accept: "application/json" } })).json(),
    );
    expect(listed.sessions).toHaveLength(1);
  });

test("each site speaks its own language to a browser that asks for none of ours", async ({ browser }) => {
  const context = await browser.newContext({ locale: "fr-FR" });
  const page = await context.newPage();
  for (const [index, language] of ["nb", "fi"].entries()) {
    const answer = await page.goto(`${sites.origins[index]}/auth/callback?error=access_denied&state=none`);
    expect(answer?.status()).toBe(400);
    await expect(page.locator("html")).toHaveAttribute("lang", language);
  }
  await context.close();
});

test("a host of nobody's says nothing", async ({ page }) => {
  const answer = await page.goto(`${sites.stranger}/auth/login`);
  expect(answer?.status()).toBe(404);
  await expect(page.locator("body")).toHaveText("Not found");
});
