import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The tests of the benchmarks, no part of `npm test`: `npm run test:bench`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["bench/test/*.test.ts"],
    globalSetup: ["test/node/state-templates.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
