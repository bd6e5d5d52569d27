import { defineConfig } from "@playwright/test";
import { findChromium } from "./cli/chromium.mjs";
import { SHARED_SITES } from "./test/e2e/shared-sites.ts";
import { memoryFolder } from "./test/memory-folder.ts";

const memory = memoryFolder();
if (memory !== undefined) process.env.TMPDIR = memory;

/** Whether somebody watches, for which the browser needs a window. */
const isWatched = ["--headed", "--debug", "--ui"].some((option) => process.argv.includes(option));

// Playwright reads this file again in each of its workers; looking for the browser once is enough.
const executablePath = process.env.CHROMIUM_PATH || (await findChromium(process.env, { unseen: !isWatched }));
if (executablePath !== undefined) process.env.CHROMIUM_PATH = executablePath;

export default defineConfig({
  testDir: "test/e2e",
  testMatch: "**/*.spec.ts",
  // Pictures of the documentation are taken when they are asked for.
  testIgnore: process.env.DOCS_IMAGES ? [] : "**/docs-images.spec.ts",
  outputDir: "test-results",
  // Each with a site and a simulator of its own. A retry would hide a race.
  workers: SHARED_SITES.length,
  retries: 0,
  forbidOnly: process.env.CI !== undefined,
  // Generous, for machines that are busy with other things: a test that passes never waits this long.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  globalTimeout: 15 * 60_000,
  use: {
    browserName: "chromium",
    locale: "en-GB",
    // A trace takes a picture of every step: `npm run test:e2e -- --trace retain-on-failure` where one is wanted.
    trace: "off",
    screenshot: "only-on-failure",
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  webServer: SHARED_SITES.map(({ sitePort, simulatorPort, origin }) => ({
    command: `"${process.execPath}" test/e2e/environment/serve.ts ${sitePort} ${simulatorPort} BRAND_DATE=2099-12-31`,
    url: `${origin}/auth/health`,
    timeout: 180_000,
    reuseExistingServer: false,
    stdout: "pipe" as const,
    gracefulShutdown: { signal: "SIGTERM" as const, timeout: 10_000 },
  })),
});
