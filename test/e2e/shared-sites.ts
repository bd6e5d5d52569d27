import { test as base } from "@playwright/test";

/** A site and the simulator beside it, which the tests of one worker share. */
interface SharedSite {
  readonly sitePort: number;
  readonly simulatorPort: number;
  readonly origin: string;
}

/** Ports of their own, so that the tests run beside an `npm start`. */
const FIRST = {
  site: Number(process.env.E2E_SITE_PORT ?? 8897),
  simulator: Number(process.env.E2E_SIMULATOR_PORT ?? 8898),
};

/** One for each of Playwright's workers: what people consented to at a simulator is remembered there. */
export const SHARED_SITES: readonly SharedSite[] = [0, 2].map((further) => ({
  sitePort: FIRST.site + further,
  simulatorPort: FIRST.simulator + further,
  origin: `http://localhost:${FIRST.site + further}`,
}));

/** Playwright's `test`, at the site of the worker that runs it. */
export const test = base.extend({
  baseURL: async ({ baseURL }, use, { parallelIndex }) => use(SHARED_SITES[parallelIndex]?.origin ?? baseURL),
});
