import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness, unstable_readConfig } from "wrangler";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { WRANGLER_OFFLINE } from "../../cli/wrangler.mjs";
import { HAND_WRITTEN, PROTECTED, spelling } from "../conformance/path-spellings.ts";
import { rawRequest } from "./raw-request.ts";

const SECRET = "for members only";

/** A site with a protected file for each way in which static assets find a file. */
const FILES: Readonly<Record<string, string>> = {
  "index.html": "welcome",
  "404.html": "nothing here",
  "public/page.html": "for everybody",
  "members/index.html": SECRET,
  "members/secret.html": SECRET,
  "members/v1.2.html": SECRET,
  "members/files/report.pdf": SECRET,
  "members/files/index.html": SECRET,
  "members/404.html": SECRET,
  "members/index/index.html": SECRET,
};

let folder: string;
beforeAll(() => {
  Object.assign(process.env, WRANGLER_OFFLINE);
  folder = mkdtempSync(join(tmpdir(), "guarded-assets-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type HtmlHandling = "auto-trailing-slash" | "force-trailing-slash" | "drop-trailing-slash" | "none";

/** The project's own worker in front of these files. */
function guard(htmlHandling: HtmlHandling, protectedPaths: string): TestHarness {
  const { main, compatibility_date, rules, kv_namespaces, d1_databases, durable_objects, migrations } =
    unstable_readConfig({ config: "wrangler.toml" });
  return createTestHarness({
    // Away from the project: its .dev.vars would win over what is set here.
    root: folder,
    workers: [
      {
        config: {
          name: "guarded-assets",
          ...{ compatibility_date, rules, kv_namespaces, d1_databases, durable_objects, migrations },
          ...(main !== undefined && { main: resolve(main) }),
          assets: {
            directory: folder,
            binding: "ASSETS",
            run_worker_first: true,
            html_handling: htmlHandling,
            not_found_handling: "404-page",
          },
          vars: {
            SITE_URL: "http://localhost",
            VIPPS_CLIENT_ID: "client",
            VIPPS_CLIENT_SECRET: "secret",
            VIPPS_MSN: "123456",
            SESSION_KEYS: freshSessionKeys(),
            PROTECTED_PATHS: protectedPaths,
          },
        },
      },
    ],
  });
}

/** @returns the targets whose answer shows what is protected, and how the others were answered */
async function ask(url: URL, targets: readonly string[]) {
  const leaks: string[] = [];
  const statuses = new Map<number, number>();
  const queue = targets.values();
  const send = async () => {
    for (const target of queue) {
      const { status, text } = await rawRequest(url, target.replaceAll(" ", "%20"));
      if (text.includes(SECRET)) leaks.push(target);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  return { leaks, statuses };
}

describe.each<HtmlHandling>(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"])(
  "static assets with html_handling = %s",
  (htmlHandling) => {
    const targets = [
      ...HAND_WRITTEN,
      ...fc.sample(spelling, { numRuns: 200, seed: 22 }),
      ...[
        "/members/v1.2",
        "/members/v1.2.html",
        "/members/v1%2E2",
        "/members/files",
        "/members/nothing/here",
      ],
      ...["/members/index/", "/members/index/index", "/members/index/index.html", "/members//v1.2"],
    ];

    test("show nothing protected to strangers, however they ask", async () => {
      const harness = guard(htmlHandling, PROTECTED);
      try {
        const { url } = await harness.listen();
        const { leaks, statuses } = await ask(url, targets);
        console.log(
          `${targets.length} spellings, answered with ${JSON.stringify(Object.fromEntries(statuses))}`,
        );
        expect(leaks).toEqual([]);
        expect([...statuses.keys()].filter((status) => status >= 500 || Number.isNaN(status))).toEqual([]);
        expect((await rawRequest(url, "/public/page.html")).status).toBeLessThan(400);
      } finally {
        await harness.close();
      }
    });
  },
);

test("without the guard, many of these spellings show it: the test can fail", async () => {
  const harness = guard("auto-trailing-slash", "/elsewhere/*");
  try {
    const { url } = await harness.listen();
    const { leaks } = await ask(url, HAND_WRITTEN);
    expect(leaks.length).toBeGreaterThan(40);
  } finally {
    await harness.close();
  }
});
