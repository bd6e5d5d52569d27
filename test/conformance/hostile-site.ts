import type { FailureCode } from "../../src/failure.ts";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { openSite, type SiteOptions, type TestSite } from "../worker/site.ts";
import { createProvider, createSigner, type HostileProvider, logInAt } from "./hostile-provider.ts";
import { expectRefusal } from "./refusal.ts";

/** The key of every hostile provider in one test file. */
export const signer = await createSigner("public:one");

/** A site whose provider is hostile, and a visitor. */
export interface HostileSite {
  readonly provider: HostileProvider;
  readonly site: TestSite;
  readonly browser: Browser;
  /** A whole login; the answer to the callback. */
  logIn(): Promise<Response>;
  /** A whole login that must end on the page of this code, with one token request and nobody logged in. */
  expectRefused(code: FailureCode): Promise<void>;
}

export function openHostileSite(options: SiteOptions = {}): HostileSite {
  const provider = createProvider(signer);
  const site = openSite({ ...options, provider: provider.fetch });
  const browser = openBrowser(site);
  return {
    provider,
    site,
    browser,
    logIn: () => logInAt(provider, browser),
    async expectRefused(code) {
      const response = await logInAt(provider, browser);
      await expectRefusal(response, { site, browser, code, secrets: provider.secrets });
    },
  };
}
