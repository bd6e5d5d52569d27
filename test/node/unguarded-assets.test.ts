import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness, unstable_readConfig } from "wrangler";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { unguardedFaults } from "../../cli/unguarded-assets.ts";
import { WRANGLER_OFFLINE } from "../../cli/wrangler.mjs";
import { HAND_WRITTEN, spelling } from "../conformance/path-spellings.ts";
import { rawRequest } from "./raw-request.ts";

const faultsOf = (pattern: string, protectedPaths: readonly string[], notFound?: string) =>
  unguardedFaults({ workerFirst: ["/*", pattern], notFound }, { protectedPaths, authPath: "/auth" });

describe("patterns of run_worker_first", () => {
  it.each<[string, readonly string[]]>([
    ["!/images/*", ["/members/*"]],
    ["!/assets/*", ["/members/*", "/admin"]],
    ["!/favicon.ico", ["/members/*"]],
    ["!/club.css", ["/members"]],
    ["!/member-*", ["/members/*"]],
    ["!/assets/*", ["/*", "!/assets/*"]],
    ["!/assets/img/*.png", ["/*", "!/assets/*"]],
    ["!/members/open/*", ["/members/*", "!/members/open/*"]],
  ])("may leave out %s beside %j", (pattern, protectedPaths) => {
    expect(faultsOf(pattern, protectedPaths)).toEqual([]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["!/members/*", ["/members/*"], /takes protected paths/],
    ["!/members/images/*", ["/members/*"], /takes protected paths/],
    ["!/Members/*", ["/members/*"], /takes protected paths/],
    ["!/m*", ["/members/*"], /takes protected paths/],
    ["!/*.png", ["/members/*"], /takes protected paths/],
    ["!/*.css", ["/files/*.pdf"], /takes protected paths/],
    ["!/*/members", ["/*/secret", "/a/m*"], /takes protected paths/],
    ["!/members.html", ["/members/*"], /takes protected paths/],
    ["!/members/", ["/members"], /takes protected paths/],
    ["!/members/index.html", ["/members"], /takes protected paths/],
    ["!/members.*", ["/members"], /takes protected paths/],
    ["!/members./*", ["/members/*"], /takes protected paths/],
    ["!/admin", ["/admin/index.html"], /takes protected paths/],
    ["!/docs/images/*", ["/docs/*.html"], /takes protected paths/],
    ["!/medlemmer/*", ["/%6Dedlemmer/*"], /takes protected paths/],
    ["!/assets/*", ["/*"], /takes protected paths/],
    ["!/*", ["/members/*"], /takes protected paths/],
    ["!/assets*", ["/*", "!/assets/*"], /takes protected paths/],
    ["!/ASSETS/*", ["/*", "!/assets/*"], /takes protected paths/],
    ["!/%6Dembers/*", ["/members/*"], /more than one way/],
    ["!//*", ["/members/*"], /more than one way/],
    ["!/images/../members/*", ["/members/*"], /more than one way/],
    ["!/./*", ["/members/*"], /more than one way/],
    ["!*", ["/members/*"], /more than one way/],
    ["!/images\\*", ["/members/*"], /more than one way/],
    ["!/a;b/*", ["/members/*"], /more than one way/],
    ["!/auth/*", [], /takes the login itself/],
    ["!/a*", [], /takes the login itself/],
    ["!/AUTH/callback", [], /takes the login itself/],
  ])("must not leave out %s beside %j", (pattern, protectedPaths, says) => {
    expect(faultsOf(pattern, protectedPaths).join()).toMatch(says);
  });

  it("must send everything else to the worker first", () => {
    const guarded = { protectedPaths: ["/members/*"], authPath: "/auth" };
    const faults = (workerFirst: boolean | readonly string[]) =>
      unguardedFaults({ workerFirst, notFound: undefined }, guarded);
    expect(faults(true)).toEqual([]);
    expect(faults(false).join()).toContain("every file is shown");
    expect(faults(["/members/*"]).join()).toContain('lacks "/*"');
    expect(
      unguardedFaults({ workerFirst: false, notFound: undefined }, { ...guarded, protectedPaths: [] }),
    ).toEqual([]);
  });

  it("must let a browser through to the login past the page for what is no file", () => {
    const faults = (workerFirst: boolean | readonly string[], notFound?: string) =>
      unguardedFaults({ workerFirst, notFound }, { protectedPaths: [], authPath: "/auth" }).join();
    for (const page of ["single-page-application", "404-page"]) {
      expect(faults(false, page)).toContain('lacks "/auth/*"');
      expect(faults(["/api/*"], page)).toContain('lacks "/auth/*"');
      for (const first of [true, ["/auth/*"], ["/api/*", "/a*"], ["/*"]])
        expect(faults(first, page)).toBe("");
    }
    // Then the worker is asked about everything that is no file, and nothing is protected.
    expect(faults(["/api/*"])).toBe("");
  });

  it("must not show a protected page for every address that is no file", () => {
    expect(faultsOf("!/assets/*", ["/*", "!/assets/*"], "single-page-application").join()).toContain(
      "/index.html",
    );
    expect(faultsOf("!/assets/*", ["/members/*"], "single-page-application")).toEqual([]);
  });
});

const SECRET = "for members only";

const FILES: Readonly<Record<string, string>> = {
  "index.html": "welcome",
  "404.html": "nothing here",
  "public/page.html": "for everybody",
  "public/deep/er/photo.txt": "for everybody",
  "members/index.html": SECRET,
  "members/secret.html": SECRET,
  "members/photo.txt": SECRET,
  "members/404.html": SECRET,
  "members.txt": SECRET,
};

const PROTECTED = ["/members/*", "/members.txt"];

/** Ways to spell an address below a folder that is left out so that it might lead out of it again. */
const WAYS_OUT = [
  "..%2f",
  "%2e%2e/",
  "%2e%2e%2f",
  "..%5c",
  "..\\",
  "./../",
  "/../",
  "%2f..%2f",
  "..;/",
  "%252e%252e%252f",
];

describe("Cloudflare's own pipeline for static assets", () => {
  let folder: string;
  beforeAll(() => {
    Object.assign(process.env, WRANGLER_OFFLINE);
    folder = mkdtempSync(join(tmpdir(), "unguarded-assets-"));
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The project's worker in front of the files, with these patterns; asks every target. */
  async function ask(workerFirst: string[], targets: readonly string[]) {
    const { main, compatibility_date, rules, kv_namespaces, d1_databases, durable_objects, migrations } =
      unstable_readConfig({ config: "wrangler.toml" });
    const harness = createTestHarness({
      // Away from the project: its .dev.vars would win over what is set here.
      root: folder,
      workers: [
        {
          config: {
            name: "unguarded-assets",
            ...{ compatibility_date, rules, kv_namespaces, d1_databases, durable_objects, migrations },
            ...(main !== undefined && { main: resolve(main) }),
            assets: {
              directory: folder,
              binding: "ASSETS",
              run_worker_first: workerFirst,
              not_found_handling: "404-page",
            },
            vars: {
              SITE_URL: "http://localhost",
              VIPPS_CLIENT_ID: "client",
              VIPPS_CLIENT_SECRET: "secret",
              VIPPS_MSN: "123456",
              SESSION_KEYS: freshSessionKeys(),
              PROTECTED_PATHS: PROTECTED.join(" "),
            },
          },
        },
      ],
    });
    try {
      const { url } = await harness.listen();
      const answers = new Map<string, string>();
      const queue = targets.values();
      const send = async () => {
        for (const target of queue)
          answers.set(target, (await rawRequest(url, target.replaceAll(" ", "%20"))).text);
      };
      await Promise.all(Array.from({ length: 8 }, send));
      const leaks = [...answers].filter(([, text]) => text.includes(SECRET)).map(([target]) => target);
      return { answers, leaks };
    } finally {
      await harness.close();
    }
  }

  it("shows nothing protected past patterns that are taken, however it is asked", async () => {
    const patterns = ["!/public/*", "!/p*.txt", "!/index.html"];
    expect(
      unguardedFaults(
        { workerFirst: ["/*", ...patterns], notFound: "404-page" },
        {
          protectedPaths: PROTECTED,
          authPath: "/auth",
        },
      ),
    ).toEqual([]);
    const inside = ["members/", "members/secret", "members/secret.html", "members/photo.txt", "members.txt"];
    const { answers, leaks } = await ask(
      ["/*", ...patterns],
      [
        ...HAND_WRITTEN,
        ...fc.sample(spelling, { numRuns: 150, seed: 13 }),
        ...WAYS_OUT.flatMap((out) =>
          inside.flatMap((path) => [`/public/${out}${path}`, `/public/deep/${out}${out}${path}`]),
        ),
        ...["/public/page", "/public/deep/er/photo.txt"],
      ],
    );
    expect(leaks).toEqual([]);
    expect(answers.get("/public/deep/er/photo.txt")).toContain("for everybody");
  });

  it("shows it past patterns that are refused: the test can fail, and the check is needed", async () => {
    const cases: [string, string][] = [
      ["!/m*", "/members/secret"],
      ["!/*.txt", "/members/photo.txt"],
      ["!/members/", "/members/"],
    ];
    for (const [pattern, target] of cases) {
      expect(faultsOf(pattern, PROTECTED)).not.toEqual([]);
      expect((await ask(["/*", pattern], [target])).leaks).toEqual([target]);
    }
  });
});
