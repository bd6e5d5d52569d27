import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "./browser.ts";
import { type OwnSite, startSiteWith } from "./environment/site-with.ts";
import { choosePerson, confirmInApp } from "./simulator-pages.ts";

const PORTS = 9350;
const KARI = "+4799999901";

for (const [scope, form] of [
  ["customFlow", "flowResult"],
  ["delegatedConsents", "delegatedConsents"],
] as const) {
  test.describe(`consents that Vipps collects with the scope ${scope}`, () => {
    const state = mkdtempSync(join(tmpdir(), "vipps-login-worker-consents-"));
    let site: OwnSite;
    // Starting a worker takes seconds, on a busy machine many.
    test.describe.configure({ timeout: 180_000 });

    test.beforeAll(async () => {
      const settings = { VIPPS_SCOPE: `openid name phoneNumber email ${scope}`, SUPPORT_STAFF: KARI };
      site = await startSiteWith(settings, PORTS, state);
    });
    test.afterAll(async () => {
      await site.stop();
      rmSync(state, { recursive: true, force: true });
    });

    test("are given at Vipps, withdrawn on the person's own page, downloaded, and exported", async ({
      page,
    }) => {
      await page.setViewportSize({ width: 360, height: 780 });
      await page.goto(`${site.origin}/auth/login?return_to=/auth/me`);
      await choosePerson(page, "Kari Nordmann");
      await confirmInApp(page);
      for (const box of await page.getByRole("checkbox").all()) await box.check();
      await page.getByRole("button", { name: "Share and continue" }).click();
      await expect(page).toHaveURL(`${site.origin}/auth/me`);

      const newsletter = page.getByRole("checkbox", { name: "Send me the newsletter by email" });
      const terms = page.getByRole("checkbox", { name: /I accept the terms of membership/ });
      await expect(newsletter).toBeChecked();
      await expect(terms).toBeChecked();
      await expect(page.getByText(/requires this of everyone with an account/)).toBeVisible();
      for (const [width, name] of [
        [360, "phone"],
        [1280, "desktop"],
      ] as const) {
        await page.setViewportSize({ width, height: 780 });
        if (process.env.SHOW_PAGES)
          await page.screenshot({
            path: join(process.env.SHOW_PAGES, `consents-${scope}-${name}.png`),
            fullPage: true,
          });
      }
      await page.setViewportSize({ width: 360, height: 780 });
      const isWide = await page.locator(".choice span").evaluateAll((labels) => {
        for (const label of labels) label.textContent = "Nyhetsbrevabonnement".repeat(6);
        return document.documentElement.scrollWidth > document.documentElement.clientWidth;
      });
      expect(isWide).toBe(false);
      await page.reload();
      await newsletter.uncheck();
      await page.getByRole("button", { name: "Save choices" }).click();
      await expect(page.getByRole("status")).toHaveText("Saved.");
      await expect(newsletter).not.toBeChecked();
      await expect(terms).toBeChecked();

      const downloading = page.waitForEvent("download");
      await page.getByRole("link", { name: /^Download/ }).click();
      const mine = JSON.parse(readFileSync(await (await downloading).path(), "utf8"));
      expect(mine.delegatedConsents).toMatchObject([{ form, raw: expect.any(Object) }]);
      expect(mine.consents.at(-1)).toMatchObject({ consent: "vipps:newsletter", granted: false });

      await page.goto(`${site.origin}/auth/support`);
      if (process.env.SHOW_PAGES)
        await page.screenshot({ path: join(process.env.SHOW_PAGES, `console-${scope}.png`), fullPage: true });
      const exporting = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download as CSV" }).click();
      const rows = parse(readFileSync(await (await exporting).path(), "utf8"), { columns: true, bom: true });
      expect(rows).toMatchObject([
        { name: "Kari Nordmann", consent: "vipps:membership-terms", granted: "yes", required: "yes" },
        { name: "Kari Nordmann", consent: "vipps:newsletter", granted: "no", required: "no" },
      ]);
    });

    // The older ones come with the ID token.
    if (scope === "customFlow")
      test("come a moment later where userinfo is down at the login that collected them", async ({
        page,
      }) => {
        await page.goto(`${site.origin}/auth/login?return_to=/auth/me`);
        const down = { endpoints: { userinfo: { answer: "down", times: 3 } } };
        await page.request.post(`${new URL(page.url()).origin}/simulator/behaviour`, { data: down });
        await choosePerson(page, "Tor Bakken");
        await confirmInApp(page);
        for (const box of await page.getByRole("checkbox").all()) await box.check();
        await page.getByRole("button", { name: "Share and continue" }).click();
        await expect(page).toHaveURL(`${site.origin}/auth/me`);
        const newsletter = page.getByRole("checkbox", { name: "Send me the newsletter by email" });
        await expect(newsletter).not.toBeVisible();
        // Two requests of the login failed, and one two seconds later; the next is ten after that.
        await expect(async () => {
          await page.reload();
          await expect(newsletter).toBeChecked({ timeout: 500 });
        }).toPass({ timeout: 30_000 });
      });
  });
}
