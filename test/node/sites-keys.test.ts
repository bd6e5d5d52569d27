// No two sites ever have the same key for their rows: what the one left in Durable Objects would be the other's.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import type { D1Session } from "../../cli/d1-session.ts";
import { readDevVars } from "../../cli/dev-vars.mjs";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { leavingsOf, removeSites } from "../../cli/sites/remove-site.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { marksOf, readSiteDocument } from "../../src/sites/site-document.ts";
import { runCommand } from "./command-under-test.ts";
import { openMemoryStorage } from "./memory-storage.ts";

const folder = mkdtempSync(join(tmpdir(), "site-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOSTS = ["alfa.example", "beta.example"] as const;
const host = fc.constantFrom(...HOSTS);
const none = fc.constant(undefined);

/** What somebody does with the sites of a deployment; what is refused changes nothing. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ deed: fc.constant("add" as const), at: host, to: none }) },
  { weight: 3, arbitrary: fc.record({ deed: fc.constant("remove" as const), at: host, to: none }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ deed: fc.constantFrom("rename" as const, "move" as const, "alias" as const), at: host, to: host },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      deed: fc.constantFrom("keep" as const, "export" as const, "import" as const, "forget" as const),
      ...{ at: host, to: none },
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

async function openDeployment() {
  const place = mkdtempSync(join(folder, "deployment-"));
  const [state, settings] = [join(place, "state"), join(place, "settings")];
  mkdirSync(state);
  writeFileSync(settings, "VIPPS_ISSUER='https://127.0.0.1:1/'\nSITE_URL='https://www.byraa.example'\n");
  const storage = await keepStorage(
    { root: process.cwd(), environment: undefined, persistTo: state },
    openMemoryStorage(),
  );
  const site = (...words: string[]) =>
    runCommand(["site", ...words, "--persist-to", state, "--settings", settings]);
  expect((await site("init")).code).toBe(0);
  const keys = masterKeysIn(readDevVars(settings).SITES_KEYS ?? "");
  const receiver = (await site("receive")).stdout.trim();
  return { storage, site, keys, receiver, fileOf: (at: string) => join(place, `${at}.export`) };
}

/** The key of each site's rows, by host. */
async function keysOfSites({ sites }: D1Session): Promise<ReadonlyMap<string, string>> {
  const texts = await sites.read(HOSTS.map((one) => `site:${one}`));
  return new Map(
    HOSTS.flatMap((one) => {
      const document = readSiteDocument(texts.get(`site:${one}`) ?? "");
      if (document === undefined) return [];
      const { aliasOf, isRemoved, partition = one } = marksOf(document);
      return aliasOf === undefined && isRemoved !== true ? [[one, partition] as const] : [];
    }),
  );
}

async function isThere(storage: D1Session, key: string, member: string): Promise<boolean> {
  const [result] = await storage.batch([
    { sql: "SELECT 1 FROM accounts WHERE site = ?1 AND id = ?2", params: [key, member] },
  ]);
  return result?.rows.length === 1;
}

/** Does all this, and looks after each step whether every site has its own key and its own member still. */
async function walk(steps: readonly Step[]): Promise<number> {
  const { storage, site, keys, receiver, fileOf } = await openDeployment();
  /** Which site is at a host now. */
  const siteAt = new Map<string, string>();
  /** Which site has or had a key. */
  const siteOf = new Map<string, string>();
  let done = 0;
  for (const { deed, at, to = at } of steps) {
    const removed = async (keepData: boolean) => {
      let clock = Date.now();
      const pause = async (milliseconds: number) => (clock += milliseconds);
      const removal = { session: storage, keys, keepData, now: () => clock, pause, settling: 1_000 };
      await removeSites(removal, await leavingsOf(storage, keys, [at]));
      siteAt.delete(at);
      return true;
    };
    const ok = async (...words: string[]) => (await site(...words)).code === 0;
    const isNew = !siteAt.has(at);
    const changed = await {
      add: () => ok("add", `https://${at}`, "--partner", "--set", "VIPPS_MSN=200001"),
      alias: () => ok("alias", to, at),
      rename: () => ok("rename", at, to),
      move: () => ok("rename", at, to, "--no-redirect"),
      export: () => ok("export", at, "--for", receiver, "--out", fileOf(at)),
      import: () => ok("import", fileOf(at)),
      remove: () => removed(false),
      keep: () => removed(true),
      // A database that is put back to a day before any of these hosts was known, without their rows.
      forget: () => storage.batch([{ sql: "DELETE FROM site_versions", params: [] }]).then(() => true),
    }[deed]();
    if (!changed) continue;
    done += 1;
    const before = siteAt.get(at);
    if ((deed === "rename" || deed === "move") && before !== undefined && at !== to) {
      siteAt.delete(at);
      siteAt.set(to, before);
    }
    const present = await keysOfSites(storage);
    if ((deed === "add" || deed === "import") && isNew) siteAt.set(at, `site ${done}`);
    expect([...present.keys()].toSorted()).toEqual([...siteAt.keys()].toSorted());
    for (const [one, key] of present) {
      const name = siteAt.get(one) ?? "";
      const isFirst = !siteOf.has(key);
      expect([done, deed, one, key, siteOf.get(key) ?? name]).toEqual([done, deed, one, key, name]);
      siteOf.set(key, name);
      const member = `acc_${name}`;
      if (isFirst)
        await storage.batch([
          {
            sql: "INSERT INTO accounts (site, id, name, search_name, origin, created_at, updated_at) VALUES (?1, ?2, 'A', 'a', 'vipps', 1, 1)",
            params: [key, member],
          },
        ]);
      expect([done, deed, one, key, await isThere(storage, key, member)]).toEqual([
        done,
        deed,
        one,
        key,
        true,
      ]);
    }
  }
  await storage.close();
  return done;
}

const [A, B] = HOSTS;

it.each<readonly [string, readonly Step[]]>([
  [
    "at the old host of a site that was renamed and is gone",
    [
      { deed: "add", at: A, to: undefined },
      { deed: "rename", at: A, to: B },
      { deed: "remove", at: B, to: undefined },
      { deed: "add", at: A, to: undefined },
    ],
  ],
  [
    "where the site before was not the first of its host, and has another one now",
    [
      { deed: "add", at: A, to: undefined },
      { deed: "remove", at: A, to: undefined },
      { deed: "add", at: A, to: undefined },
      { deed: "move", at: A, to: B },
      { deed: "add", at: A, to: undefined },
    ],
  ],
  [
    "that a file brings once more, when what it brought before has another host",
    [
      { deed: "add", at: A, to: undefined },
      { deed: "export", at: A, to: undefined },
      { deed: "remove", at: A, to: undefined },
      { deed: "import", at: A, to: undefined },
      { deed: "move", at: A, to: B },
      { deed: "import", at: A, to: undefined },
      { deed: "import", at: A, to: undefined },
    ],
  ],
  [
    "where the database knows nothing of the site before",
    [
      { deed: "add", at: A, to: undefined },
      { deed: "remove", at: A, to: undefined },
      { deed: "forget", at: A, to: undefined },
      { deed: "add", at: A, to: undefined },
    ],
  ],
])("gives a site a key of its own %s", async (_where, steps) => {
  expect(await walk(steps)).toBe(steps.length);
});

it("gives every site a key of its own, and leaves it its rows, in whatever order sites come, move and go", async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 16, maxLength: 32, size: "max" }), async (steps) => {
      done += await walk(steps);
    }),
    { numRuns: 60 },
  );
  console.log(`${done} commands that changed something, and no key was given twice`);
  expect(done).toBeGreaterThan(400);
}, 120_000);
