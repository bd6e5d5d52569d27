import type { Page } from "@playwright/test";

/** Whoever acts on Vipps' page that is open, until the browser is sent back. */
export interface Person {
  readonly kind: "simulated" | "by hand";
  logIn(page: Page, name: string): Promise<void>;
  cancel(page: Page): Promise<void>;
}

/** A test user of the simulator, whose pages are filled in by this program. */
export function simulatedPerson(provider: string): Person {
  const away = (page: Page) => page.waitForURL((url) => url.origin !== provider, { waitUntil: "commit" });
  return {
    kind: "simulated",
    async logIn(page, name) {
      await page.getByRole("button", { name }).click();
      // On a phone there is one button, elsewhere the number shown in the browser is picked in the app.
      const confirm = page.getByRole("region", { name: /^The app of/ });
      const shown = page.getByRole("status");
      if ((await shown.count()) > 0)
        await confirm.getByRole("button", { name: await shown.innerText(), exact: true }).click();
      else await confirm.getByRole("button").first().click();
      const share = page.getByRole("button", { name: "Share and continue" });
      await Promise.race([away(page), share.waitFor().catch(() => undefined)]);
      // Whoever has shared before is not asked again.
      if (new URL(page.url()).origin === provider && (await share.isVisible())) {
        // Without the sales unit's required consents the page sends nobody back; voluntary ones stay unticked.
        for (const box of await page.locator('input[name="consent"][required]').all()) await box.check();
        await share.click();
      }
      await away(page);
    },
    async cancel(page) {
      await page.getByRole("button", { name: "Cancel" }).first().click();
      await away(page);
    },
  };
}

/** Somebody at this machine, who is told what to do in the browser window until it comes back to the site. */
export function personAtHand(site: string, tell: (text: string) => void): Person {
  const told = async (page: Page, what: string) => {
    tell(`In the browser window: ${what} (5 minutes).`);
    await page.waitForURL(({ origin }) => origin === site, { timeout: 5 * 60_000, waitUntil: "commit" });
  };
  return {
    kind: "by hand",
    logIn: (page) => told(page, "log in with a test user and confirm in the test app"),
    cancel: (page) => told(page, "begin the login and cancel it, in the app or on the page"),
  };
}
