import { generateKeyPairSync } from "node:crypto";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { calculateJwkThumbprint } from "jose";
import { Response } from "miniflare";
import { defineConfig } from "vitest/config";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { memoryFolder } from "./test/memory-folder.ts";

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Signing keys for this run alone, in the form the setting SESSION_KEYS takes: a JWK Set as JSON. */
async function freshSessionKeys(): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint(jwk);
  return JSON.stringify({ keys: [{ ...jwk, kid, alg: "ES256", use: "sig" }] });
}

const memory = memoryFolder();
if (memory !== undefined) process.env.TMPDIR = memory;

// It would announce that it read .dev.vars, which is untrue of the tests (see the bindings below).
process.env.WRANGLER_LOG ??= "warn";
const wranglerConfig = unstable_readConfig({ config: fromHere("wrangler.toml") });
const { main, workerOptions } = unstable_getMiniflareWorkerOptions(wranglerConfig);
if (main === undefined) throw new Error("wrangler.toml names no entry point (main)");

/**
 * What the Worker under test is configured with: the [vars] of wrangler.toml and these, in place of whatever
 * the developer's .dev.vars holds, so that a setting tried out there never changes what the tests test.
 * VIPPS_ISSUER is unset: the issuer is Vipps' test environment.
 */
const bindings = {
  ...wranglerConfig.vars,
  SITE_URL: "https://site.example",
  VIPPS_CLIENT_ID: "test-client-id",
  VIPPS_CLIENT_SECRET: "test-client-secret",
  VIPPS_MSN: "123456",
  SESSION_KEYS: await freshSessionKeys(),
  // Applied by test/worker/database.ts; storage begins empty in every test.
  MIGRATIONS: await readD1Migrations(fromHere("migrations")),
};

const worker = cloudflareTest({
  main,
  miniflare: {
    ...workerOptions,
    bindings,
    // Tests put the simulator in place of fetch. What slips past it stops here and never reaches a network.
    outboundService: (request) => new Response(`no network in tests: ${request.url}`, { status: 599 }),
  },
});

export default defineConfig({
  test: {
    // Many of the tests in Node wait for programs they started, so that even two cores carry two files at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.ts"],
      reporter: ["text", "html", "json-summary"],
    },
    projects: [
      {
        extends: true,
        plugins: [worker],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts", "test/conformance/**/*.test.ts"],
          // Whole logins with real storage: a second each, many more on a machine with other work to do.
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        extends: true,
        test: {
          name: "node",
          environment: "node",
          include: ["test/node/**/*.test.ts"],
          globalSetup: ["test/node/state-templates.ts"],
          // Some start whole programs: seconds each, many more on a machine with other work to do.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
