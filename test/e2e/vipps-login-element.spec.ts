import { createServer } from "node:http";
import { expect, type Page, type Route } from "@playwright/test";
import { elementScript } from "../../src/site/element-script.ts";
import { logInUnseen } from "./session.ts";
import { test } from "./shared-sites.ts";

const KARI = {
  authenticated: true,
  user: { sub: "c06c4afe-d9e1-4c5d-939a-177d752a0944", name: "Kari Nordmann" },
  session: { id: "01k5f3", expires_at: 1_900_000_000 },
};
const NOBODY = { authenticated: false };
const OFFICIAL_SCRIPT = "https://cdn.vippsmobilepay.com/js/button/button.js";

/** Keeps the tests off the network: the official button is absent unless a test brings it. */
test.beforeEach(({ context }) => context.route(OFFICIAL_SCRIPT, (route) => route.abort()));

/** Answers `GET /auth/session` in the worker's place; the answer can be changed, the questions are counted. */
async function answerSession(page: Page, first: unknown) {
  const session = { answer: first, asked: 0 };
  await page.route("**/auth/session", (route) => {
    session.asked += 1;
    return route.fulfill({ json: session.answer, headers: { "cache-control": "no-store" } });
  });
  return session;
}

/** The element in the header of every demo page. */
function header(page: Page) {
  const element = page.locator("header vipps-login");
  return {
    element,
    // By its part: until the script has run, the page's own link inside has the same words.
    link: element.locator("[part=button]"),
    button: element.locator("[part=user]"),
    menu: element.getByRole("menu"),
    item: (name: string) => element.getByRole("menuitem", { name }),
  };
}

/** Time passes only when the test says so. */
async function stopClock(page: Page) {
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(60_000);
}

/** @returns a promise, and what fulfils it */
function heldBack(): [Promise<void>, () => void] {
  const { promise, resolve } = Promise.withResolvers<void>();
  return [promise, resolve];
}

function returnTo(href: string | null) {
  return new URL(href ?? "", "http://localhost").searchParams.get("return_to");
}

test.describe("logged out", () => {
  test("is a link to the login that comes back to this page", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.goto("/about?week=7#board");
    const { link, button } = header(page);
    await expect(link).toBeVisible();
    await expect(link).toHaveRole("link");
    await expect(link).toHaveAccessibleName("Log in with Vipps");
    await expect(button).toBeHidden();
    const href = await link.getAttribute("href");
    expect(new URL(href ?? "").pathname).toBe("/auth/login");
    expect(returnTo(href)).toBe("/about?week=7#board");
  });

  test("comes back to where the page is by now", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.route("**/auth/login?*", (route) => route.fulfill({ body: "Vipps" }));
    await page.goto("/about");
    await expect(header(page).link).toBeVisible();
    await page.evaluate(() => history.pushState(null, "", "?step=2#here"));
    await header(page).link.click();
    await page.waitForURL("**/auth/login?*");
    expect(returnTo(page.url())).toBe("/about?step=2#here");
  });

  test("return-to says where to come back to instead", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.goto("/");
    const link = page.locator(".hero vipps-login [part=button]");
    expect(returnTo(await link.getAttribute("href"))).toBe("/members/");
  });

  for (const [failure, answer] of [
    ["does not answer", (route: Route) => route.abort()],
    [
      "answers with an error",
      (route: Route) => route.fulfill({ status: 503, json: { title: "Unavailable" } }),
    ],
    [
      "answers with a page",
      (route: Route) => route.fulfill({ contentType: "text/html", body: "<h1>Hi</h1>" }),
    ],
  ] as const) {
    test(`stays a login link when the session ${failure}`, async ({ page }) => {
      await page.addInitScript(() => {
        document.addEventListener("login-change", () =>
          document.documentElement.setAttribute("data-told", ""),
        );
      });
      await page.route("**/auth/session", answer);
      await page.goto("/about");
      await expect(header(page).link).toBeVisible();
      await expect(page.locator("html")).not.toHaveAttribute("data-told");
      expect(await header(page).element.evaluate((element) => "session" in element && element.session)).toBe(
        undefined,
      );
    });
  }

  test("stays a login link when the session is not answered in five seconds", async ({ page }) => {
    await page.addInitScript(() => {
      AbortSignal.timeout = (milliseconds) => {
        const deadline = new AbortController();
        Reflect.set(window, "deadline", milliseconds);
        Reflect.set(window, "passDeadline", () => deadline.abort());
        return deadline.signal;
      };
    });
    await page.route("**/auth/session", () => undefined);
    await page.goto("/about");
    // All the while: a slow answer takes nobody's login away.
    await expect(header(page).link).toBeVisible();
    expect(await page.evaluate(() => Reflect.get(window, "deadline"))).toBe(5_000);
    await page.evaluate(() => Reflect.get(window, "passDeadline")());
    await expect(header(page).link).toBeVisible();
  });
});

test.describe("logged in", () => {
  test.beforeEach(({ page }) => answerSession(page, KARI));

  test("shows the name and a closed menu", async ({ page }) => {
    await page.goto("/about");
    const { button, link, menu } = header(page);
    await expect(button).toHaveText("Kari Nordmann");
    await expect(button).toHaveAccessibleName("Kari Nordmann");
    await expect(button).toHaveAttribute("aria-haspopup", "menu");
    await expect(button).toHaveAttribute("aria-expanded", "false");
    await expect(menu).toBeHidden();
    await expect(link).toBeHidden();
  });

  test("the menu works with a mouse", async ({ page }) => {
    await page.goto("/about");
    const { button, menu, item } = header(page);
    await button.click();
    await expect(menu).toBeVisible();
    await expect(button).toHaveAttribute("aria-expanded", "true");
    await expect(item("Log out")).toBeVisible();
    await button.click();
    await expect(menu).toBeHidden();
    await button.click();
    await page.getByRole("heading", { level: 1 }).click();
    await expect(menu).toBeHidden();
    await expect(button).toHaveAttribute("aria-expanded", "false");
  });

  test("the menu works with the keyboard", async ({ page }) => {
    await page.goto("/about");
    const { element, button, menu, item } = header(page);
    await element.evaluate((host) => host.setAttribute("me", ""));
    await button.focus();
    await page.keyboard.press("Home");
    await expect(menu).toBeHidden();
    await page.keyboard.press("Enter");
    await expect(item("My page")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(item("Log out")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(item("My page")).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await expect(item("Log out")).toBeFocused();
    await page.keyboard.press("Home");
    await expect(item("My page")).toBeFocused();
    await page.keyboard.press("End");
    await expect(item("Log out")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(menu).toBeHidden();
    await expect(button).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await expect(item("Log out")).toBeFocused();
    await page.keyboard.press("Tab");
    await expect(menu).toBeHidden();
    await expect(button).not.toBeFocused();
  });

  test("the user's page is in the menu where the site has one", async ({ page }) => {
    await page.goto("/about");
    const { element, button, item } = header(page);
    await button.click();
    await expect(item("My page")).toBeFocused();
    expect(new URL((await item("My page").getAttribute("href")) ?? "").pathname).toBe("/auth/me");
    await element.evaluate((host) => host.removeAttribute("me"));
    await button.click();
    await expect(item("Log out")).toBeFocused();
    await expect(item("My page")).toBeHidden();
  });

  test("log out posts to the worker and ends where the site says", async ({ page }) => {
    await page.goto("/about");
    const { button, item } = header(page);
    const posted = page.waitForRequest((request) => request.method() === "POST");
    await button.click();
    await item("Log out").click();
    const { pathname, searchParams } = new URL((await posted).url());
    expect(pathname).toBe("/auth/logout");
    expect(searchParams.get("return_to")).toBe("/");
    await page.waitForURL((url) => url.pathname === "/");
  });

  test("takes a name for text, never for HTML", async ({ page }) => {
    const name = `<img src=x onerror="document.title='owned'"><b>Kari</b>`;
    await answerSession(page, { ...KARI, user: { sub: "1", name } });
    await page.goto("/about");
    await expect(header(page).button).toHaveText(name);
    expect(
      await header(page).element.evaluate((host) => host.shadowRoot?.querySelectorAll("img, b").length),
    ).toBe(0);
  });

  test("says My page where there is no name to show", async ({ page }) => {
    await answerSession(page, { ...KARI, user: { sub: "1" } });
    await page.goto("/about");
    await expect(header(page).button).toHaveText("My page");
  });
});

test.describe("the session changes", () => {
  test("login-change tells the page, across shadow roots", async ({ page }) => {
    const told: unknown[] = [];
    await page.exposeFunction("tell", (detail: unknown) => told.push(detail));
    await page.addInitScript(() => {
      document.addEventListener("login-change", (event) => {
        if (event instanceof CustomEvent) Reflect.get(window, "tell")(event.detail);
      });
    });
    await answerSession(page, KARI);
    await page.goto("/about");
    await expect.poll(() => told).toEqual([KARI]);
    await page.evaluate(() => {
      const outer = document.createElement("div");
      outer.attachShadow({ mode: "open" }).append(document.createElement("vipps-login"));
      document.body.append(outer);
    });
    await expect.poll(() => told).toEqual([KARI, KARI]);
    expect(await header(page).element.evaluate((element) => "session" in element && element.session)).toEqual(
      KARI,
    );
  });

  test("coming back to the tab asks again, at most once in five seconds", async ({ page }) => {
    await stopClock(page);
    const session = await answerSession(page, NOBODY);
    await page.goto("/about");
    await expect(header(page).link).toBeVisible();
    expect(session.asked).toBe(1);

    session.answer = KARI;
    const comeBack = () => document.dispatchEvent(new Event("visibilitychange"));
    for (let times = 0; times < 10; times += 1) await page.evaluate(comeBack);
    await page.clock.runFor(4_000);
    expect(session.asked).toBe(1);
    await page.clock.runFor(1_500);
    await expect(header(page).button).toBeVisible();
    expect(session.asked).toBe(2);
    await page.clock.runFor(60_000);
    expect(session.asked).toBe(2);
    await page.evaluate(comeBack);
    await page.clock.runFor(10);
    await expect.poll(() => session.asked).toBe(3);
  });

  test("another tab's login arrives here, and is said aloud", async ({ context, page }) => {
    await stopClock(page);
    const here = await answerSession(page, NOBODY);
    await page.goto("/about");
    await expect(header(page).link).toBeVisible();
    await expect(header(page).element.getByRole("status")).toBeEmpty();

    here.answer = KARI;
    const other = await context.newPage();
    const there = await answerSession(other, KARI);
    await other.goto("/session");
    await expect(header(other).button).toHaveText("Kari Nordmann");
    await page.clock.runFor(5_100);
    await expect(header(page).button).toHaveText("Kari Nordmann");
    await expect(header(page).element.getByRole("status")).toHaveText("Kari Nordmann");

    // Both know the same now, so neither makes the other ask again. The session page asked once more for itself.
    const asked = here.asked;
    await page.clock.runFor(20_000);
    expect(here.asked).toBe(asked);
    expect(there.asked).toBeLessThanOrEqual(3);
  });

  test("a page out of the back/forward cache asks again and hears other tabs again", async ({
    context,
    page,
  }) => {
    await stopClock(page);
    const session = await answerSession(page, KARI);
    await page.goto("/about");
    await expect(header(page).button).toBeVisible();
    session.answer = NOBODY;
    await page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    });
    await page.clock.runFor(5_100);
    await expect(header(page).link).toBeVisible();

    session.answer = KARI;
    const other = await context.newPage();
    await answerSession(other, KARI);
    await other.goto("/404");
    await expect(header(other).button).toBeVisible();
    await page.clock.runFor(5_100);
    await expect(header(page).button).toBeVisible();
  });

  test("the menu does not outlive the session", async ({ page }) => {
    await stopClock(page);
    const session = await answerSession(page, KARI);
    await page.goto("/about");
    const { button, menu, link } = header(page);
    await button.click();
    // Not every browser says that a focused element has lost the focus when it was hidden.
    await page.evaluate(() =>
      addEventListener("focusout", (event) => event.stopImmediatePropagation(), true),
    );
    session.answer = NOBODY;
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await page.clock.runFor(5_100);
    await expect(link).toBeVisible();
    await expect(menu).toBeHidden();
    await expect(button).toHaveAttribute("aria-expanded", "false");
  });
});

test.describe("looks", () => {
  test("speaks five languages for two brands, legibly and large enough", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.goto("/about");
    const { element } = header(page);
    const link = element.locator("[part=button]");
    for (const [language, brand, verb, text] of [
      ["en", "vipps", "login", "Log in with Vipps"],
      ["no", "vipps", "login", "Logg inn med Vipps"],
      ["nb-NO", "vipps", "continue", "Fortsett med Vipps"],
      ["nn", "vipps", "register", "Registrer deg med Vipps"],
      ["da", "mobilepay", "login", "Log ind med MobilePay"],
      ["sv", "vipps", "login", "Logga in med Vipps"],
      ["fi", "mobilepay", "login", "Kirjaudu sisään MobilePaylla"],
      ["fi", "vipps", "continue", "Jatka Vippsillä"],
      ["de", "mobilepay", "dance", "Log in with MobilePay"],
    ] as const) {
      await element.evaluate(
        (host, attributes) => {
          for (const [name, value] of Object.entries(attributes)) host.setAttribute(name, value);
        },
        { language, brand, verb },
      );
      await expect(link).toHaveText(text);
      expect(await contrast(page), text).toBeGreaterThanOrEqual(4.5);
      expect((await link.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
  });

  test("says Vipps for MobilePay once the worker writes that the day has come", async ({ page, request }) => {
    await answerSession(page, NOBODY);
    const script = await (await request.get("/auth/vipps-login.js")).text();
    const body = elementScript(script, true);
    expect(body).not.toBe(script);
    await page.route("**/auth/vipps-login.js", (route) =>
      route.fulfill({ contentType: "text/javascript", body }),
    );
    await page.goto("/about");
    const { element, link } = header(page);
    for (const [language, text] of [
      ["da", "Log ind med Vipps"],
      ["fi", "Kirjaudu sisään Vippsillä"],
    ] as const) {
      await element.evaluate((host, spoken) => {
        host.setAttribute("language", spoken);
        host.setAttribute("brand", "mobilepay");
      }, language);
      await expect(link).toHaveText(text);
      await expect(element.locator("[part=official]")).toHaveAttribute("brand", "vipps");
      await expect(link).toHaveCSS("background-color", "rgb(204, 64, 12)");
    }
  });

  test("takes its language from the page", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.goto("/about");
    await page.evaluate(() => {
      document.documentElement.lang = "nb";
      document.querySelector("vipps-login")?.removeAttribute("language");
    });
    await expect(header(page).element.locator("[part=button]")).toHaveText("Logg inn med Vipps");
  });

  for (const [who, answer] of [
    ["nobody", NOBODY],
    ["Kari", KARI],
    ["a very long name", { ...KARI, user: { sub: "1", name: "Maximilian Bartholomeus Ekeland-Wettergren" } }],
  ] as const) {
    for (const path of ["/", "/about"])
      test(`moves nothing on ${path} when it is upgraded and learns of ${who}`, async ({ page }) => {
        await page.addInitScript(() => {
          const shifts: string[] = [];
          Reflect.set(window, "shifts", shifts);
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
              const sources: { node?: Node }[] = Reflect.get(entry, "sources");
              shifts.push(sources.map(({ node }) => node?.nodeName).join(" "));
            }
          }).observe({ type: "layout-shift", buffered: true });
        });
        const script = await page.request.get("/auth/vipps-login.js");
        const [scriptAnswer, loadScript] = heldBack();
        const [sessionAnswer, tellSession] = heldBack();
        await page.route("**/auth/vipps-login.js", async (route) => {
          await scriptAnswer;
          await route.fulfill({ response: script });
        });
        await page.route("**/auth/session", async (route) => {
          await sessionAnswer;
          await route.fulfill({ json: answer });
        });
        await page.goto(path, { waitUntil: "commit" });
        const { element, link, button } = header(page);
        await expect(page.getByRole("contentinfo")).toBeVisible();
        await page.waitForFunction(() => document.styleSheets.length > 0);
        await expect(element.getByText("Log in with Vipps")).toBeVisible();
        const before = await element.boundingBox();
        expect(before?.width).toBeGreaterThan(100);
        loadScript();
        await expect(link).toBeVisible();
        expect(await element.boundingBox()).toEqual(before);
        tellSession();
        await expect(answer === NOBODY ? link : button).toBeVisible();
        expect(await element.boundingBox()).toEqual(before);
        expect(await page.evaluate(() => Reflect.get(window, "shifts"))).toEqual([]);
      });
  }

  test("the site's own content takes the slots", async ({ page }) => {
    await answerSession(page, KARI);
    await page.goto("/");
    const hero = page.locator(".hero vipps-login");
    await expect(hero.getByRole("link", { name: "To the members’ page" })).toBeVisible();
    await expect(hero.locator("[part=user]")).toBeHidden();
  });

  test("keeps its edges in forced colours", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.emulateMedia({ forcedColors: "active" });
    await page.goto("/about");
    const [border, background] = await header(page).link.evaluate((link) => {
      const { borderTopColor, backgroundColor } = getComputedStyle(link);
      return [borderTopColor, backgroundColor];
    });
    expect(border).not.toBe(background);
    expect(border).not.toBe("rgba(0, 0, 0, 0)");
  });
});

test.describe("the official button", () => {
  /** Our stand-in for Vipps' component: as there, a button in a shadow root, 44 pixels high. */
  const STAND_IN = `customElements.define("vipps-mobilepay-button", class extends HTMLElement {
    connectedCallback() {
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      const button = document.createElement("button");
      button.textContent = "official " + ["brand", "language", "verb"].map((name) => this.getAttribute(name)).join(" ");
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("button { inline-size: 100%; block-size: 44px; white-space: nowrap; overflow: hidden }");
      root.adoptedStyleSheets = [sheet];
      root.replaceChildren(button);
    }
  });`;
  const bring = (page: Page) =>
    page.route(OFFICIAL_SCRIPT, (route) => route.fulfill({ contentType: "text/javascript", body: STAND_IN }));
  const hero = (page: Page) => page.locator(".hero vipps-login");

  test("is used where its script answers, in the place and size of our own", async ({ page }) => {
    await answerSession(page, NOBODY);
    await page.goto("/");
    await expect(hero(page).locator("[part=button]")).toBeVisible();
    const own = await hero(page).boundingBox();

    await bring(page);
    await page.goto("/");
    const official = hero(page).getByRole("button", { name: "official vipps en login" });
    await expect(official).toBeVisible();
    await expect(hero(page).locator("[part=button]")).toBeHidden();
    expect(await hero(page).boundingBox()).toEqual(own);
    expect(await official.boundingBox()).toEqual(own);
  });

  test("starts the login", async ({ page }) => {
    await answerSession(page, NOBODY);
    await bring(page);
    await page.route("**/auth/login?*", (route) => route.fulfill({ body: "Vipps" }));
    await page.goto("/");
    await hero(page).getByRole("button", { name: "official vipps en login" }).press("Enter");
    await page.waitForURL("**/auth/login?*");
    expect(returnTo(page.url())).toBe("/members/");
  });

  test("our own takes its place when its script does not answer in time, and keeps it", async ({ page }) => {
    await stopClock(page);
    await answerSession(page, NOBODY);
    const [held, answerNow] = heldBack();
    await page.route(OFFICIAL_SCRIPT, async (route) => {
      await held;
      await route.fulfill({ contentType: "text/javascript", body: STAND_IN });
    });
    await page.goto("/", { waitUntil: "commit" });
    await expect(header(page).link).toBeVisible();
    const own = hero(page).locator("[part=button]");
    await page.clock.runFor(1_400);
    await expect(own).toBeHidden();
    await page.clock.runFor(200);
    await expect(own).toBeVisible();
    answerNow();
    await page.waitForFunction(() => customElements.get("vipps-mobilepay-button"));
    await expect(own).toBeVisible();
  });

  /** What the component says in each language it knows, by verb. */
  const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    no: { login: "Logg inn med", continue: "Fortsett med", register: "Registrer deg med" },
    danish: { login: "Log ind med", continue: "Fortsæt med", register: "Registrer dig med" },
    sv: { login: "Logga in med", continue: "Fortsätt med", register: "Registrera dig med" },
  };
  /**
   * A stand-in that behaves as the component is documented to: one locale for the whole page, the last that was
   * set; Norwegian for a language it does not know, and until the words of the others have been loaded.
   */
  const localised = (danish: string, loadingTime = 0) => `{
    const WORDS = ${JSON.stringify({ no: WORDS.no, sv: WORDS.sv, [danish]: WORDS.danish })};
    const buttons = new Set();
    let locale = "no";
    customElements.define("vipps-mobilepay-button", class extends HTMLElement {
      static observedAttributes = ["language", "verb"];
      connectedCallback() {
        this.attachShadow({ mode: "open" }).innerHTML = "<button></button>";
        buttons.add(this);
        this.render();
      }
      attributeChangedCallback(name, before, value) {
        if (name === "language" && before !== value) setTimeout(() => {
          locale = value in WORDS ? value : "no";
          for (const button of buttons) button.render();
        }, ${loadingTime});
        this.render();
      }
      render() {
        const button = this.shadowRoot?.querySelector("button");
        if (button) button.textContent = WORDS[locale][this.getAttribute("verb")] + " Vipps";
      }
    });
  }`;
  const bringLocalised = (page: Page, danish: string, loadingTime?: number) =>
    page.route(OFFICIAL_SCRIPT, (route) =>
      route.fulfill({ contentType: "text/javascript", body: localised(danish, loadingTime) }),
    );
  const speakDanish = (page: Page, ...verbs: readonly string[]) =>
    page.evaluate((all) => {
      const element = document.querySelector(".hero vipps-login");
      element?.setAttribute("language", "da");
      for (const verb of all) {
        const another = document.createElement("vipps-login");
        another.setAttribute("official", "");
        another.setAttribute("language", "da");
        another.setAttribute("verb", verb);
        element?.after(another);
      }
    }, verbs);

  for (const [component, spelling, loadingTime] of [
    ["of June 2026", "da", 0],
    ["of June 2026, slow to load its words", "da", 450],
    ["of older documents", "dk", 0],
  ] as const) {
    test(`comes out Danish with the component ${component}`, async ({ page }) => {
      await answerSession(page, NOBODY);
      await bringLocalised(page, spelling, loadingTime);
      await page.goto("/");
      await speakDanish(page, "continue", "register");
      for (const words of Object.values(WORDS.danish ?? {}))
        await expect(page.getByRole("button", { name: `${words} Vipps` })).toBeVisible();
      // And stays so: nothing is tried for ever.
      await page.waitForTimeout(1_000);
      for (const words of Object.values(WORDS.danish ?? {}))
        await expect(page.getByRole("button", { name: `${words} Vipps` })).toBeVisible();
    });
  }

  for (const [brand, words] of [
    ["mobilepay", "Kirjaudu sisään MobilePaylla"],
    ["vipps", "Log in with Vipps"],
  ] as const) {
    test(`is Finnish or gives way to the plain button (${brand})`, async ({ page }) => {
      await answerSession(page, NOBODY);
      const body = `customElements.define("vipps-mobilepay-button", class extends HTMLElement {
        connectedCallback() { this.attachShadow({ mode: "open" }).innerHTML = "<button>${words}</button>"; }
      });`;
      await page.route(OFFICIAL_SCRIPT, (route) => route.fulfill({ contentType: "text/javascript", body }));
      await page.goto("/");
      await page.evaluate((wanted) => {
        const element = document.querySelector(".hero vipps-login");
        element?.setAttribute("language", "fi");
        element?.setAttribute("brand", wanted);
      }, brand);
      await page.waitForTimeout(1_000);
      await expect(hero(page).locator("[part=official]")).toBeVisible({ visible: brand === "mobilepay" });
      const plain = hero(page).locator("[part=button]");
      await expect(plain).toBeVisible({ visible: brand === "vipps" });
      if (brand === "vipps") await expect(plain).toHaveText("Kirjaudu sisään Vippsillä");
    });
  }

  test("stays with the newer spelling where the text tells nothing", async ({ page }) => {
    await answerSession(page, NOBODY);
    await bring(page);
    await page.goto("/");
    await speakDanish(page);
    await page.waitForTimeout(1_000);
    await expect(hero(page).locator("[part=official]")).toHaveAttribute("language", "da");
  });

  test("has one language on a page: an element in another keeps the plain button", async ({ page }) => {
    await answerSession(page, NOBODY);
    await bringLocalised(page, "da");
    await page.goto("/");
    await page.evaluate(() => {
      const element = document.querySelector(".hero vipps-login");
      element?.setAttribute("language", "da");
      element?.insertAdjacentHTML(
        "afterend",
        '<vipps-login id="second" official language="sv"></vipps-login>',
      );
    });
    await expect(page.locator("#second [part=button]")).toHaveText("Logga in med Vipps");
    await expect(page.locator("#second [part=button]")).toBeVisible();
    await expect(hero(page).getByRole("button", { name: "Log ind med Vipps" })).toBeVisible();
  });

  test("is not asked for where the site has not chosen it", async ({ page }) => {
    await answerSession(page, NOBODY);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto("/about");
    await expect(header(page).link).toBeVisible();
    expect(asked).not.toContain(OFFICIAL_SCRIPT);
  });
});

test.describe("wherever it is loaded from", () => {
  test("finds the login beside its own address, below another AUTH_PATH", async ({ page, request }) => {
    const script = await (await request.get("/auth/vipps-login.js")).text();
    await page.route("**/konto/inn/vipps-login.js", (route) =>
      route.fulfill({ contentType: "text/javascript", body: script }),
    );
    await page.route("**/konto/inn/session", (route) => route.fulfill({ json: NOBODY }));
    await page.route("**/shop", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<script src="konto/inn/vipps-login.js" defer></script><vipps-login language="en"></vipps-login>`,
      }),
    );
    await page.goto("/shop");
    const link = page.getByRole("link", { name: "Log in with Vipps" });
    await expect(link).toBeVisible();
    expect(new URL((await link.getAttribute("href")) ?? "").pathname).toBe("/konto/inn/login");
  });

  test("works on another origin, with credentials and a whole address to come back to", async ({
    page,
    baseURL,
  }) => {
    const site = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(
        `<script src="${baseURL}/auth/vipps-login.js" defer></script><vipps-login language="en"></vipps-login>`,
      );
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const address = site.address();
    const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const sent: (string | undefined)[] = [];
    await page.addInitScript(() => {
      const realFetch = window.fetch;
      window.fetch = (input, init) => {
        Reflect.set(window, "credentials", init?.credentials);
        return realFetch(input, init);
      };
    });
    await page.route("**/auth/session", (route) => {
      sent.push(route.request().headers().origin);
      return route.fulfill({
        json: NOBODY,
        headers: {
          "access-control-allow-origin": origin,
          "access-control-allow-credentials": "true",
        },
      });
    });
    await page.goto(`${origin}/shop?a=1#b`);
    const link = page.getByRole("link", { name: "Log in with Vipps" });
    await expect(link).toBeVisible();
    const href = await link.getAttribute("href");
    expect(href?.startsWith(`${baseURL}/auth/login?`)).toBe(true);
    expect(returnTo(href)).toBe(`${origin}/shop?a=1#b`);
    expect(sent).toEqual([origin]);
    expect(await page.evaluate(() => Reflect.get(window, "credentials"))).toBe("include");
    site.closeAllConnections();
    site.close();
  });
});

test.describe("the demo", () => {
  const PAGES = ["/", "/about", "/members/", "/session", "/nowhere"];

  // One of the pages is behind the login; what the element is told of the session is another matter.
  test.beforeEach(({ context }) => logInUnseen(context));

  test("breaks no rule of its strict content security policy", async ({ page }) => {
    await answerSession(page, KARI);
    const broken: string[] = [];
    await page.exposeFunction("broken", (directive: string) => broken.push(directive));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
        Reflect.get(window, "broken")(`${effectiveDirective} ${blockedURI}`),
      );
    });
    for (const path of PAGES) {
      const response = await page.goto(path);
      const policy = response?.headers()["content-security-policy"] ?? "";
      expect(policy).toContain("style-src 'self';");
      expect(policy).not.toContain("unsafe");
      await expect(header(page).button).toBeVisible();
    }
    expect(broken).toEqual([]);
  });

  test("listens on every page before the element can speak", async ({ context }) => {
    for (const path of PAGES) {
      const html = await (await context.request.get(path)).text();
      const scripts = [...html.matchAll(/<script src="([^"]+)" defer>/g)].map(([, src]) => src);
      expect(scripts.slice(0, 2)).toEqual(["/club.js", "/auth/vipps-login.js"]);
    }
  });

  for (const width of [320, 360, 768, 1280]) {
    test(`fits a screen ${width} pixels wide`, async ({ page }) => {
      await answerSession(page, NOBODY);
      await page.setViewportSize({ width, height: 800 });
      for (const path of PAGES) {
        await page.goto(path);
        await expect(header(page).link).toBeVisible();
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        expect((await header(page).link.boundingBox())?.height, "on one line").toBeLessThanOrEqual(45);
      }
    });
  }

  test("greets by name, and tells a visitor without a session what the members' page is", async ({
    page,
  }) => {
    await answerSession(page, NOBODY);
    await page.goto("/members/");
    await expect(page.getByText("You are not logged in, and see this page all the same.")).toBeVisible();
    await answerSession(page, KARI);
    await page.goto("/members/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Welcome, Kari Nordmann");
    await expect(page.getByText("You are not logged in")).toBeHidden();
  });

  test("says what the session contains, field by field, and how to check it", async ({ page, baseURL }) => {
    await answerSession(page, { ...KARI, user: { ...KARI.user, favourite_fish: "torsk" } });
    await page.goto("/session");
    const fields = page.locator("[data-fields] > div");
    await expect(fields).toHaveCount(6);
    await expect(fields.filter({ hasText: "Name" })).toContainText("Kari Nordmann");
    await expect(fields.filter({ hasText: "Ends" })).toContainText("2030");
    await expect(fields.filter({ hasText: "favourite_fish" })).toContainText("SESSION_CLAIMS");
    const jwks = page.getByRole("link", { name: `${baseURL}/auth/.well-known/jwks.json` });
    const kid: string = (await (await page.request.get((await jwks.getAttribute("href")) ?? "")).json())
      .keys[0].kid;
    await expect(page.getByText(kid)).toBeVisible();
  });

  test("says so when the session cannot be read, and tries again", async ({ page }) => {
    await page.route("**/auth/session", (route) => route.abort());
    await page.goto("/session");
    await expect(page.getByText("The session could not be read.")).toBeVisible();
    await answerSession(page, NOBODY);
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText("the site knows nothing about you")).toBeVisible();
  });

  test.describe("without JavaScript", () => {
    test.use({ javaScriptEnabled: false });

    for (const path of ["/", "/about", "/members/", "/session"]) {
      test(`${path} has plain links to log in and a form to log out`, async ({ page }) => {
        await page.goto(path);
        const link = page.locator("header vipps-login > a");
        await expect(link).toBeVisible();
        expect(await link.getAttribute("href")).toBe(`/auth/login?return_to=${path}`);
        const posted = page.waitForRequest((request) => request.method() === "POST");
        await page.getByRole("contentinfo").getByRole("button", { name: "Log out" }).click();
        const request = await posted;
        expect(new URL(request.url()).pathname).toBe("/auth/logout");
        expect(request.postData()).toBe("return_to=%2F");
        await page.waitForURL((url) => url.pathname === "/");
      });
    }
  });
});

/** The contrast of the login link's text to its background (WCAG 2.2, 1.4.3). */
function contrast(page: Page): Promise<number> {
  return header(page)
    .element.locator("[part=button]")
    .evaluate((link) => {
      const { color, backgroundColor } = getComputedStyle(link);
      const luminance = (rgb: string) => {
        const [red = 0, green = 0, blue = 0] = (rgb.match(/[\d.]+/g) ?? []).map((channel) => {
          const share = Number(channel) / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const [lighter = 0, darker = 0] = [luminance(color), luminance(backgroundColor)].sort((a, b) => b - a);
      return (lighter + 0.05) / (darker + 0.05);
    });
}
