import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "@playwright/test";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { session } from "./session.ts";
import { choosePerson, confirmInApp, shareWithoutReturning } from "./simulator-pages.ts";
import { doubleClickThroughPopup, moveAbout, pressWithMouse } from "./stolen-press.ts";

const main = (page: Page) => page.getByRole("main");
const yes = (page: Page) => page.getByRole("button", { name: /^Yes/ });
const no = (page: Page) => page.getByRole("button", { name: /^No/ });

/** Begins a login in a browser and finishes it at Vipps, up to the address that brings it back. */
async function loginUpToReturn(
  context: BrowserContext,
  { person = "Kari Nordmann", returnTo = "/about", origin = "" } = {},
): Promise<string> {
  const page = await context.newPage();
  await page.goto(`${origin}/auth/login?return_to=${encodeURIComponent(returnTo)}`);
  const simulator = new URL(page.url()).origin;
  // Everybody is asked for consent again, so that every login has the same pages.
  await page.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
  await choosePerson(page, person);
  await confirmInApp(page);
  return shareWithoutReturning(page);
}

test.describe("a login that comes back in another browser", () => {
  test("is asked about there, finished there, and nowhere else", async ({ context, page, openBrowser }) => {
    const callback = await loginUpToReturn(context, { person: "Åsa Lindström" });
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(callback);
    await expect(main(other)).toContainText("Åsa L. is about to be logged in to localhost");
    await expect(main(other)).not.toContainText("Lindström");
    expect(await session(elsewhere)).toEqual({ authenticated: false });

    await pressWithMouse(other, yes(other));
    await expect(other).toHaveURL("/about");
    expect(await session(elsewhere)).toMatchObject({ authenticated: true, user: { name: "Åsa Lindström" } });

    await page.clock.install();
    await page.goto(callback);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This login has already been used");
    await page.clock.runFor(5_000);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This login has already been used");
    expect(await session(context)).toEqual({ authenticated: false });
  });

  test("is stopped when the person says no, also after going back", async ({ context, openBrowser }) => {
    const callback = await loginUpToReturn(context);
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(callback);
    await no(other).click();
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("We stopped that login");
    await other.goBack();
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("We stopped that login");
    expect(await session(elsewhere)).toEqual({ authenticated: false });
  });

  test("names whom it would replace", async ({ context, openBrowser }) => {
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(await loginUpToReturn(elsewhere, { person: "Tor Bakken" }));
    await expect(other).toHaveURL("/about");

    await other.goto(await loginUpToReturn(context, { person: "Ingrid Haugen" }));
    await expect(main(other)).toContainText("Ingrid H. is about to be logged in");
    await expect(main(other)).toContainText("Tor B. is logged in here now, and will be logged out.");
    expect(await session(elsewhere)).toMatchObject({ user: { name: "Tor Bakken" } });
    await pressWithMouse(other, yes(other));
    await expect(other).toHaveURL("/about");
    expect(await session(elsewhere)).toMatchObject({ user: { name: "Ingrid Haugen" } });
  });

  test("survives a reload of the question, a double click on the answer, and going back", async ({
    context,
    openBrowser,
  }) => {
    const callback = await loginUpToReturn(context);
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto("/about");
    await other.goto(callback);
    await other.reload();
    await moveAbout(other);
    await yes(other).dblclick();
    await expect(other).toHaveURL("/about");
    expect(await session(elsewhere)).toMatchObject({ authenticated: true });
    await other.goBack();
    await expect(other).toHaveURL("/about");
    await other.goto(callback);
    await expect(other).toHaveURL("/about");
  });

  test("does not take a click that was meant for the page before", async ({ context, openBrowser }) => {
    const callback = await loginUpToReturn(context);
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(callback, { waitUntil: "commit" });
    await yes(other).waitFor();
    const box = await yes(other).boundingBox();
    await other.mouse.click((box?.x ?? 0) + 20, (box?.y ?? 0) + 20);
    await other.waitForTimeout(1_000);
    await expect(yes(other)).toBeVisible();
    expect(await session(elsewhere)).toEqual({ authenticated: false });
    await pressWithMouse(other, yes(other));
    await expect(other).toHaveURL("/about");
  });

  for (const pause of [19, 900]) {
    test(`takes no second press of a double click, ${pause} ms after a popup closed under the first`, async ({
      context,
      openBrowser,
    }) => {
      const callback = await loginUpToReturn(context);
      const elsewhere = await openBrowser();
      const other = await elsewhere.newPage();
      await doubleClickThroughPopup(other, callback, yes, { pause });
      await expect(yes(other)).toBeVisible();
      await expect(other.getByRole("status")).toHaveText(/^That was a little quick\./);
      expect(await session(elsewhere)).toEqual({ authenticated: false });
      // However often it is pressed where it stands.
      const box = await yes(other).boundingBox();
      for (let press = 0; press < 8; press += 1) {
        await other.mouse.click((box?.x ?? 0) + 30 + (press % 2), (box?.y ?? 0) + 20);
        await other.waitForTimeout(50);
      }
      expect(await session(elsewhere)).toEqual({ authenticated: false });
      // The honest visitor is not locked out.
      await pressWithMouse(other, yes(other));
      await expect(other).toHaveURL("/about");
      expect(await session(elsewhere)).toMatchObject({ authenticated: true });
    });
  }

  test("must be seen for half a second of movement again after the window has lost the focus", async ({
    context,
    openBrowser,
  }) => {
    const callback = await loginUpToReturn(context);
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(callback);
    await moveAbout(other);
    for (const lost of ["blur", "hidden"]) {
      await other.evaluate((how) => {
        if (how === "blur") dispatchEvent(new Event("blur"));
        else {
          Object.defineProperty(document, "hidden", { configurable: true, value: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }
      }, lost);
      await expect(other.locator("html")).toHaveClass(/unsettled/);
      await other.evaluate(() => {
        Object.defineProperty(document, "hidden", { configurable: true, value: false });
        dispatchEvent(new Event("focus"));
      });
      await expect(other.locator("html")).not.toHaveClass(/unsettled/);
      await yes(other).click();
      await expect(other.getByRole("status")).toHaveText(/^That was a little quick\./);
      expect(await session(elsewhere)).toEqual({ authenticated: false });
    }
    await pressWithMouse(other, yes(other));
    await expect(other).toHaveURL("/about");
  });

  test("can be answered by keyboard, but not by a key held down since the page before", async ({
    context,
    openBrowser,
  }) => {
    const callback = await loginUpToReturn(context);
    const elsewhere = await openBrowser();
    const other = await elsewhere.newPage();
    await other.goto(callback);
    // Past the site's name, which leads to the site.
    const isReached = () => yes(other).evaluate((button) => button === document.activeElement);
    for (let stops = 0; stops < 3 && !(await isReached()); stops += 1) await other.keyboard.press("Tab");
    await expect(yes(other)).toBeFocused();
    await other.keyboard.press("Tab");
    await expect(no(other)).toBeFocused();
    await other.keyboard.press("Shift+Tab");
    await other.keyboard.down("Control");
    await other.keyboard.up("Control");
    await expect(other.locator("html")).not.toHaveClass(/unsettled/);
    await other.evaluate(() => {
      const held = { key: "Enter", repeat: true, bubbles: true, cancelable: true };
      if (document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", held)))
        throw new Error("a held key is taken");
    });
    await other.keyboard.press("Enter");
    await expect(other).toHaveURL("/about");
  });

  test("takes one tap on a phone, and none in the first moments", async ({ context, browser, baseURL }) => {
    const callback = await loginUpToReturn(context);
    const phone = await browser.newContext({
      ...(baseURL && { baseURL }),
      viewport: { width: 360, height: 780 },
      isMobile: true,
      hasTouch: true,
    });
    const page = await phone.newPage();
    // The page's own time stands still, however slow the machine is.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.goto(callback);
    const box = await yes(page).boundingBox();
    await page.touchscreen.tap((box?.x ?? 0) + 20, (box?.y ?? 0) + 20);
    await expect(page.locator("html")).toHaveClass(/unsettled/);
    await page.clock.runFor(699);
    await expect(page.locator("html")).toHaveClass(/unsettled/);
    expect(await session(phone)).toEqual({ authenticated: false });
    await page.clock.runFor(1);
    await expect(page.getByRole("checkbox")).toBeHidden();
    await yes(page).tap();
    await expect(page).toHaveURL("/about");
    await phone.close();
  });

  test("takes a tick where no script runs", async ({ context, browser, baseURL }) => {
    const callback = await loginUpToReturn(context);
    const plain = await browser.newContext({ ...(baseURL && { baseURL }), javaScriptEnabled: false });
    const page = await plain.newPage();
    await page.goto(callback);
    await yes(page).click();
    // The browser asks for the tick by itself, in its own words.
    await expect(yes(page)).toBeVisible();
    expect(await session(plain)).toEqual({ authenticated: false });
    await page.getByRole("checkbox", { name: "Yes, this is me" }).check();
    await yes(page).click();
    await expect(page).toHaveURL("/about");
    await plain.close();
  });
});

for (const [policy, port] of [
  ["allow", 8920],
  ["deny", 8940],
] as const) {
  test.describe(`with CROSS_BROWSER=${policy}`, () => {
    let site: OwnSite;
    test.beforeAll(async () => {
      site = await startSiteWith({ CROSS_BROWSER: policy }, port);
    });
    test.afterAll(() => site.stop());

    test(`a login that comes back in another browser is ${policy === "allow" ? "let in there" : "refused there"}`, async ({
      context,
      openBrowser,
    }) => {
      const { origin } = site;
      const callback = await loginUpToReturn(context, { origin });
      const elsewhere = await openBrowser();
      const other = await elsewhere.newPage();
      await other.goto(callback);
      if (policy === "allow") {
        await expect(other).toHaveURL(`${origin}/about`);
        expect(await session(elsewhere, origin)).toMatchObject({ user: { name: "Kari Nordmann" } });
        expect(await session(context, origin)).toEqual({ authenticated: false });
      } else {
        await expect(other.getByRole("heading", { level: 1 })).toHaveText(
          "The login came back in another browser",
        );
        expect(await session(elsewhere, origin)).toEqual({ authenticated: false });
        const back = await context.newPage();
        await back.goto(callback);
        await expect(back).toHaveURL(`${origin}/about`);
        expect(await session(context, origin)).toMatchObject({ user: { name: "Kari Nordmann" } });
      }
    });
  });
}

test.describe("the same browser", () => {
  test("finds home from a finished login by reload and by going back", async ({ context, page }) => {
    const callback = await loginUpToReturn(context);
    await page.goto("/");
    await page.goto(callback);
    await expect(page).toHaveURL("/about");
    await page.goto(callback);
    await expect(page).toHaveURL("/about");
    await page.goBack();
    await page.goForward();
    await expect(page).toHaveURL("/about");
    expect(await session(context)).toMatchObject({ authenticated: true });
  });

  test("ends where it wanted to be after a double click on the way back", async ({ context, page }) => {
    const callback = await loginUpToReturn(context);
    await page.route("/way-back", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<link rel="icon" href="data:,"><a href="${callback.replaceAll("&", "&amp;")}">Back</a>`,
      }),
    );
    await page.goto("/way-back");
    await page.getByRole("link", { name: "Back" }).dblclick();
    await expect(page).toHaveURL("/about", { timeout: 10_000 });
    expect(await session(context)).toMatchObject({ authenticated: true });
  });

  for (const tabs of [2, 10]) {
    test(`finishes ${tabs} logins that were begun at once in ${tabs} tabs`, async ({ openBrowser }) => {
      test.setTimeout(60_000);
      const context = await openBrowser();
      const pages = await Promise.all(Array.from({ length: tabs }, () => context.newPage()));
      await Promise.all(pages.map((page, tab) => page.goto(`/auth/login?return_to=/about%3Ftab=${tab}`)));
      const simulator = new URL(pages[0]?.url() ?? "").origin;
      await context.request.post(`${simulator}/simulator/actions`, { data: { action: "forgetConsents" } });
      let questions = 0;
      for (const [tab, page] of pages.entries()) {
        await choosePerson(page, "Aino Mäkelä");
        await confirmInApp(page);
        // Asked once, in the first tab.
        if (tab === 0) await page.getByRole("button", { name: "Share and continue" }).click();
        await page.waitForURL(({ pathname }) => pathname.startsWith("/auth/") || pathname === "/about");
        if (await yes(page).isVisible()) {
          questions += 1;
          await pressWithMouse(page, yes(page));
        }
        await expect(page).toHaveURL(`/about?tab=${tab}`);
      }
      expect(questions).toBeLessThanOrEqual(1);
      expect(await session(context)).toMatchObject({ user: { name: "Aino Mäkelä" } });
      const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-vipps"));
      expect(cookies.length).toBe(2);
    });
  }
});

test.describe("the question on a phone", () => {
  for (const { locale, colorScheme, image } of [
    { locale: "nb-NO", colorScheme: "light", image: "confirm-page.png" },
    { locale: "en-GB", colorScheme: "dark", image: "confirm-page-dark.png" },
  ] as const) {
    test(`is readable and complete in ${locale}, ${colorScheme}`, async ({
      context,
      browser,
      baseURL,
    }, info) => {
      const callback = await loginUpToReturn(context, { person: "Mette-Marie Østergaard-Sørensen" });
      const phone = await browser.newContext({
        ...(baseURL && { baseURL }),
        locale,
        colorScheme,
        viewport: { width: 360, height: 780 },
        deviceScaleFactor: 2,
        isMobile: true,
        hasTouch: true,
        reducedMotion: "reduce",
      });
      const page = await phone.newPage();
      await page.goto(await loginUpToReturn(phone, { person: "Jonas Berg" }));
      await page.goto(callback);
      await expect(main(page)).toContainText("Mette-Marie Ø.");
      await expect(main(page)).toContainText("Jonas B.");
      const folder = process.env.UPDATE_IMAGES
        ? fileURLToPath(new URL("../../docs/images", import.meta.url))
        : info.outputDir;
      await page.screenshot({ path: `${folder}/${image}`, fullPage: true });
      for (const width of [320, 360]) {
        await page.setViewportSize({ width, height: 640 });
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        for (const button of await page.getByRole("button").all()) {
          expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
        }
      }
      await phone.close();
    });
  }
});
