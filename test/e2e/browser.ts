import type { BrowserContext } from "@playwright/test";
import { test as base } from "./shared-sites.ts";

/** Nothing leaves this machine: the official button's CDN is as unreachable as it is for many visitors. */
async function keepOffNetwork(context: BrowserContext): Promise<void> {
  await context.route(
    ({ hostname }) => !/^(([a-z0-9-]+\.)?localhost|127\.0\.0\.1)$/.test(hostname),
    (route) => route.abort("internetdisconnected"),
  );
}

interface Browsers {
  /** Opens another browser: its own cookies, its own storage. */
  readonly openBrowser: () => Promise<BrowserContext>;
  /** What scripts on any page of the test threw. */
  readonly scriptErrors: Error[];
}

/** Playwright's `test`, without a network, and failing when a script of a page throws. */
export const test = base.extend<Browsers>({
  scriptErrors: async ({ context }, use) => {
    const errors: Error[] = [];
    context.on("weberror", (error) => errors.push(error.error()));
    await use(errors);
  },
  context: async ({ context }, use) => {
    await keepOffNetwork(context);
    await use(context);
  },
  page: async ({ page, scriptErrors }, use) => {
    await use(page);
    if (scriptErrors.length > 0) throw new AggregateError(scriptErrors, "A script of a page threw.");
  },
  openBrowser: async ({ browser, contextOptions, baseURL, locale }, use) => {
    const opened: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({
        ...contextOptions,
        ...(baseURL && { baseURL }),
        ...(locale && { locale }),
      });
      await keepOffNetwork(context);
      opened.push(context);
      return context;
    });
    for (const context of opened) await context.close();
  },
});

export { expect } from "@playwright/test";
