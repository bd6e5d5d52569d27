import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import { accentStyles } from "../../src/pages/accent-colour.ts";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { choosePerson, confirmInApp, logInAs, shareData } from "./simulator-pages.ts";

/** What is used of axe (deque, axe-core). */
interface Axe {
  run(
    root: Document,
    options: { readonly runOnly: readonly string[] },
  ): Promise<{ readonly violations: readonly AxeResult[]; readonly passes: readonly AxeResult[] }>;
}
interface AxeResult {
  readonly nodes: readonly { readonly html: string }[];
}

const PORTS = 9460;
const heading = (page: Page) => page.getByRole("heading", { level: 1 });

/** Takes pictures to be looked at, when a folder for them is named. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.OWNER_PICTURES;
  if (!folder) return;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 780 });
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: null });
}

test.describe("a site with a face, groups and rules", () => {
  let site: OwnSite;
  // Starting a worker takes seconds, on a busy machine many.
  test.describe.configure({ timeout: 240_000 });

  test.beforeAll(async () => {
    test.setTimeout(240_000);
    site = await startSiteWith(
      {
        PROTECTED_PATHS: "/members/* group:board /about age:18",
        PURPOSES: '"delivery: address"',
        SUPPORT_STAFF: "+4799999901",
        SESSION_FRESH: "2",
        SITE_NAME: "Fjordhagen IL",
        SUPPORT_CONTACT: '"+4722334455, styret@fjordhagen.example"',
        LOGO_URL: "/images/emblem.svg",
        FAVICON: "/images/emblem.svg",
        ACCENT_COLOR: '"#ffd400"',
      },
      PORTS,
    );
  });
  test.afterAll(async () => {
    await site.stop();
  });

  test("opens the board's page to a member when staff put them into the group, and an age-gated one when they say their age", async ({
    page,
    openBrowser,
  }) => {
    // A stranger is asked to log in, a member reads what is missing and whom to ask.
    const member = await (await openBrowser()).newPage();
    await member.goto(`${site.origin}/members/`);
    await logInAs(member, "Sofie Dahl");
    await expect(heading(member)).toHaveText("This page is not for everybody");
    await expect(member.getByText("only people in board may see this page")).toBeVisible();
    await expect(member.getByRole("link", { name: "+47 22 33 44 55" })).toHaveAttribute(
      "href",
      "tel:+4722334455",
    );
    await expect(member.getByRole("link", { name: "Fjordhagen IL" })).toHaveAttribute("href", "/");
    await picture(member, "board-refused");

    // At the desk: tick, save; it is noted.
    await page.goto(`${site.origin}/auth/login?return_to=/auth/support`);
    await logInAs(page, "Kari Nordmann");
    await page.getByRole("searchbox").fill("Sofie Dahl");
    await page.getByRole("button", { name: "Search" }).click();
    await page.locator("summary", { hasText: "Groups" }).click();
    const form = page.locator("form", { has: page.getByLabel("Another group") });
    await form.getByLabel("board", { exact: true }).check();
    await picture(page, "console-groups");
    await form.getByLabel("Yes, change the groups").check();
    await form.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status")).toHaveText("The groups are saved.");
    await expect(page.getByText("+board")).toBeVisible();
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByLabel("Groups").selectOption("board");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page.getByRole("link", { name: "Sofie Dahl" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Kari Nordmann" })).toHaveCount(0);
    await picture(page, "console-members");

    // Within SESSION_FRESH the page opens, without a new login.
    await expect(async () => {
      await member.goto(`${site.origin}/members/`);
      await expect(member.getByRole("heading", { name: "The gate" })).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 30_000, intervals: [1_000] });

    // The age is not known: one press leads to Vipps, which asks for the birth date, and back to the page.
    await member.goto(`${site.origin}/about?from=walk`);
    await expect(heading(member)).toHaveText("This page has an age limit");
    await picture(member, "age-unknown");
    await member.getByRole("link", { name: "Log in" }).click();
    await choosePerson(member, "Sofie Dahl");
    await confirmInApp(member);
    await member.getByRole("button", { name: "Share and continue" }).click();
    await expect(member).toHaveURL(`${site.origin}/about?from=walk`);
    const told = await (await member.request.get(`${site.origin}/auth/session`)).json();
    expect(told.user).toMatchObject({ groups: ["board"], age_over_18: true });
    expect(told.user).not.toHaveProperty("birthdate");

    // My page has a way out.
    await member.goto(`${site.origin}/auth/me`);
    await picture(member, "my-page");
    await member.getByRole("button", { name: "Log out" }).click();
    await expect(heading(member)).toHaveText("You are logged out");
  });

  test("asks for an address at the checkout alone, and lets somebody who minds go on without", async ({
    page,
    openBrowser,
  }) => {
    // A stranger fetches the address: one login brings both.
    await page.goto(`${site.origin}/nb/bestill`);
    await expect(page.getByLabel("Gate og nummer")).toHaveValue("");
    await page.getByRole("link", { name: "Hent adressen min fra Vipps" }).click();
    await choosePerson(page, "Jonas Berg");
    await confirmInApp(page);
    await expect(page.getByText("Bekkestien 3")).toBeVisible();
    await shareData(page);
    await expect(page).toHaveURL(`${site.origin}/nb/bestill`);
    await expect(page.getByLabel("Gate og nummer")).toHaveValue("Bekkestien 3");
    await expect(page.getByLabel("Postnummer")).toHaveValue("5003");
    await expect(page.getByRole("status").filter({ hasText: "Denne adressen kom fra Vipps" })).toBeVisible();
    await picture(page, "demo-bestill");
    const ask = async (path: string) => (await page.request.get(`${site.origin}${path}`)).text();
    expect(await ask("/auth/session?for=delivery")).toContain("Bekkestien 3");
    expect(await ask("/auth/session")).not.toContain("Bekkestien 3");
    expect(JSON.stringify(await page.context().cookies())).not.toContain("address");

    // Somebody who is logged in is asked for the address alone, says no, and goes on as before.
    const other = await (await openBrowser()).newPage();
    await other.goto(`${site.origin}/auth/login?return_to=/order`);
    await logInAs(other, "Henrik Lund");
    await expect(other.getByLabel("Name")).toHaveValue("Henrik Lund");
    await other.getByRole("link", { name: "Get my address from Vipps" }).click();
    await choosePerson(other, "Henrik Lund");
    await confirmInApp(other);
    await expect(other.getByText("Torggata 40")).toBeVisible();
    await expect(other.getByText("henrik.lund@example.com")).toHaveCount(0);
    await other.getByRole("button", { name: "Cancel" }).click();
    await expect(heading(other)).toHaveText("You did not share that");
    await picture(other, "purpose-declined");
    await other.getByRole("link", { name: "Back to the site" }).click();
    await expect(other).toHaveURL(`${site.origin}/order`);
    await expect(other.getByLabel("Name")).toHaveValue("Henrik Lund");
    for (const [path, name] of [
      ["/nb/", "demo-hjem"],
      ["/nb/styret", "demo-styret"],
      ["/nb/akevitt", "demo-akevitt"],
      ["/nb/medlemmer/", "demo-medlemmer"],
      ["/order", "demo-order"],
    ] as const) {
      await other.setViewportSize({ width: 360, height: 780 });
      await other.goto(site.origin + path);
      const isWide = await other.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
      );
      expect(isWide, path).toBe(false);
      await picture(other, name);
    }
  });

  test("keeps its contrast at WCAG AA with 200 accent colours at random, in light and dark, as axe measures it", async ({
    page,
  }) => {
    await page.goto(`${site.origin}/auth/logout`);
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    const colours = Array.from({ length: 200 }, () => `#${randomBytes(3).toString("hex")}`);
    let judged = 0;
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const colour of colours) {
        const { wrong, right } = await page.evaluate(async (styles) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(styles);
          document.adoptedStyleSheets = [sheet];
          const { violations, passes } = await (window as unknown as { axe: Axe }).axe.run(document, {
            runOnly: ["color-contrast"],
          });
          const nodes = (results: readonly AxeResult[]) => results.flatMap(({ nodes: found }) => found);
          return {
            wrong: nodes(violations).map(({ html }) => html),
            right: nodes(passes).filter(({ html }) => html.includes("primary")).length,
          };
        }, accentStyles(colour));
        expect(wrong, `${colour} ${colorScheme}`).toEqual([]);
        judged += right;
      }
    }
    // The button whose colour it is has been looked at each time.
    expect(judged).toBe(2 * colours.length);
    console.log(`axe: ${colours.length} accent colours, ${judged} buttons in light and dark, none below AA`);
  });

  test("shows its face in five languages, which nobody has to scroll sideways for", async ({ browser }) => {
    for (const locale of ["nb", "da", "sv", "fi", "en"]) {
      // A browser of that language: a header on top of another's locale is not sent.
      const page = await browser.newPage({ locale });
      await page.setViewportSize({ width: 360, height: 780 });
      await page.goto(`${site.origin}/auth/nothing-here`);
      await expect(page.locator("html")).toHaveAttribute("lang", locale);
      await expect(page.getByRole("link", { name: "styret@fjordhagen.example" })).toBeVisible();
      expect(await page.getByRole("img").count()).toBe(0);
      expect(
        await page.locator(".site img").evaluate((image: HTMLImageElement) => image.naturalWidth),
      ).toBeGreaterThan(0);
      const isWide = await page.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
      );
      expect(isWide, locale).toBe(false);
      await picture(page, `failure-${locale}`);
      await page.close();
    }
  });
});
