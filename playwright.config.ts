import { defineConfig } from "@playwright/test";
import { findChromium } from "./cli/chromium.mjs";
import { memoryFolder } from "./test/memory-folder.ts";

// Ports of their own, so that the tests run beside an `npm start`.
const sitePort = Number(process.env.E2E_SITE_PORT ?? 8897);
const simulatorPort = Number(process.env.E2E_SIMULATOR_PORT ?? 8898);
const site = `http://localhost:${sitePort}`;

const memory = memoryFolder();
if (memory !== undefined) process.env.TMPDIR = memory;

// Playwright reads this file again in each of its workers; looking for the browser once is enough.
const executablePath = process.env.CHROMIUM_PATH || (await findChromium());
if (executablePath !== undefined) process.env.CHROMIUM_PATH = executablePath;

export default defineConfig({
  testDir: "test/e2e",
  testMatch: "**/*.spec.ts",
  // Pictures of the documentation are taken when they are asked for.
  testIgnore: process.env.DOCS_IMAGES ? [] : "**/docs-images.spec.ts",
  outputDir: "test-results",
  // One browser and one worker beside it are what two cores carry, and a retry would hide a race.
  workers: 1,
  retries: 0,
  forbidOnly: process.env.CI !== undefined,
  // Generous, for machines that are busy with other things: a test that passes never waits this long.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  globalTimeout: 15 * 60_000,
  use: {
    baseURL: site,
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
  webServer: {
    command: `"${process.execPath}" test/e2e/environment/serve.ts ${sitePort} ${simulatorPort} BRAND_DATE=2099-12-31`,
    url: `${site}/auth/health`,
    timeout: 180_000,
    reuseExistingServer: false,
    stdout: "pipe",
    gracefulShutdown: { signal: "SIGTERM", timeout: 10_000 },
  },
});
