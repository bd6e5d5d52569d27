import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type FaultClass, storageFault } from "../../src/storage-fault.ts";
import { accountsDatabase } from "../worker/database.ts";
import { failLoginDatabases, restartLoginObjects } from "../worker/login-objects.ts";
import { LOGIN_OBJECTS } from "../worker/site.ts";
import { CLASS_MESSAGES } from "./class-messages.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { openHostileSite } from "./hostile-site.ts";

/** Messages as the platform writes them, and what they mean. */
const MESSAGES: readonly (readonly [FaultClass, string])[] = [
  ["connection_lost", "Network connection lost."],
  ["connection_lost", "D1_ERROR: Network connection lost."],
  ["connection_lost", "Cannot resolve Durable Object due to transient issue on remote node."],
  ["connection_lost", "D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node."],
  ["connection_lost", "KV GET failed: 503 Service Unavailable"],
  ["overloaded", "Durable Object is overloaded. Too many requests queued."],
  ["overloaded", "Durable Object is overloaded. Requests queued for too long."],
  ["overloaded", "D1_ERROR: D1 DB is overloaded. Too many requests queued."],
  ["overloaded", "KV PUT failed: 429 Too Many Requests"],
  ["code_updated", "Durable Object reset because its code was updated."],
  ["code_updated", "D1_ERROR: D1 DB reset because its code was updated."],
  ["code_updated", "The Durable Object's code has been updated, this version can no longer access storage."],
  ["reset", "Internal error in Durable Object storage write caused object to be reset."],
  ["reset", "D1_ERROR: Internal error in D1 DB storage caused object to be reset."],
  ["reset", "D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset."],
  ["missing_table", "D1_ERROR: no such table: accounts: SQLITE_ERROR"],
  ["missing_table", "D1_ERROR: table consents has no column named required: SQLITE_ERROR"],
  ["missing_table", "no such column: browser at offset 12: SQLITE_ERROR"],
  ["quota", "Exceeded allowed duration in Durable Objects free tier."],
  ["quota", "Exceeded allowed rows written in Durable Objects free tier."],
  ["quota", "KV put() limit exceeded for the day."],
  [
    "quota",
    "D1_ERROR: Your account has exceeded D1's maximum account storage limit, please contact Cloudflare.",
  ],
  ["quota", "D1_ERROR: Exceeded maximum DB size."],
  ["quota", "Too many subrequests by single Worker invocation."],
  ["cannot_open", "unable to open database file: SQLITE_CANTOPEN"],
  ["cannot_open", "open(): Too many open files"],
  ["full", "D1_ERROR: database or disk is full: SQLITE_FULL"],
  ["exceeded", "Durable Object's isolate exceeded its memory limit and was reset."],
  ["exceeded", "D1_ERROR: D1 DB exceeded its CPU time limit and was reset."],
  ["timed_out", "Durable Object storage operation exceeded timeout which caused object to be reset."],
  ["timed_out", "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset."],
  ["damaged", "database disk image is malformed: SQLITE_CORRUPT"],
  ["unknown", "D1_TYPE_ERROR: Type 'object' not supported for value 'kari@example.com'"],
  ["unknown", "UNIQUE constraint failed: accounts.email: SQLITE_CONSTRAINT"],
];

describe("R40 the class of a storage failure", () => {
  it.each(MESSAGES)("%s: %s", (kind, message) => {
    expect(storageFault("accounts_db", new Error(message)).class).toBe(kind);
  });

  it("names what is missing and quotes nothing else", () => {
    const cause = (message: string) => storageFault("accounts_db", new Error(message)).cause;
    expect(cause("D1_ERROR: no such table: accounts: SQLITE_ERROR")).toBe("no such table: accounts");
    expect(cause("D1_ERROR: table consents has no column named required: SQLITE_ERROR")).toBe(
      "has no column named required",
    );
    expect(cause("D1_TYPE_ERROR: Type 'object' not supported for value 'kari@example.com'")).toBe(
      "D1_TYPE_ERROR",
    );
    expect(cause("kari@example.com, +4799999901")).toBe("Error");
    expect(storageFault("kv", "thrown as text")).toEqual({
      store: "kv",
      class: "unknown",
      cause: "no error",
    });
  });
});

/** The bindings behind the stores of a site. */
const BINDINGS = {
  accounts_db: { ACCOUNTS_DB: env.ACCOUNTS_DB },
  user_sessions: { USER_SESSIONS: env.USER_SESSIONS },
  login_attempts: { LOGIN_ATTEMPTS: LOGIN_OBJECTS },
  kv: { VIPPS_METADATA: env.VIPPS_METADATA },
} as const;
type StoreName = keyof typeof BINDINGS;

/** An environment in which every call to one store fails, or, without a message, is never answered. */
function failingWith(store: StoreName, message: string | undefined): Partial<Cloudflare.Env> {
  const fail = () =>
    message === undefined
      ? new Promise<never>(() => undefined)
      : Promise.reject(new Error(`secret-in-a-message ${message}`));
  const failing = (target: object): object =>
    new Proxy(target, {
      get(inner, name) {
        const member = Reflect.get(inner, name);
        if (typeof member !== "function") return member;
        if (name === "prepare" || name === "bind" || name === "getByName")
          return (...args: unknown[]) => failing(Reflect.apply(member, inner, args));
        return fail;
      },
    });
  return Object.fromEntries(
    Object.entries(BINDINGS[store]).map(([name, binding]) => [name, failing(Object(binding))]),
  );
}

describe("R40 in the log and in the health check", () => {
  const seen: Record<StoreName, { classes: Set<string>; lines: number; health: number }> = {
    accounts_db: { classes: new Set(), lines: 0, health: 0 },
    user_sessions: { classes: new Set(), lines: 0, health: 0 },
    login_attempts: { classes: new Set(), lines: 0, health: 0 },
    kv: { classes: new Set(), lines: 0, health: 0 },
  };
  const classes = Object.keys(CLASS_MESSAGES) as FaultClass[];
  const stores = Object.keys(BINDINGS) as StoreName[];

  it.each(stores.flatMap((store) => classes.map((kind) => [store, kind] as const)))(
    "%s: %s",
    async (store, kind) => {
      // What loads a module first takes time that is none of storage's.
      if (seen[store].classes.size === 0) expect((await openHostileSite().logIn()).status).toBe(303);
      if (kind === "timed_out") stopTime();
      const inTime = async <Value>(work: Promise<Value>) =>
        kind === "timed_out" ? (await inFakeTime(work)).value : work;
      const hostile = openHostileSite({ vars: failingWith(store, CLASS_MESSAGES[kind]) });
      const { status } = await inTime(hostile.logIn());
      // Without KV, Vipps is asked instead.
      expect(status).toBe(store === "kv" ? 303 : 503);
      const event = store === "kv" ? "metadata_store_failed" : "request_failed";
      const line = hostile.site.log.find((one) => one.event === event);
      expect(line).toMatchObject({ store, class: kind, cause: expect.any(String) });
      if (store !== "kv") expect(line).toMatchObject({ code: "storage_unavailable" });
      seen[store].lines += 1;

      const health = await inTime(hostile.browser.get("/auth/health"));
      expect(health.status).toBe(503);
      const { dependencies } = (await health.json()) as { dependencies: Record<string, unknown> };
      expect(dependencies[store]).toEqual({ ok: false, class: kind, cause: expect.any(String) });
      expect(hostile.site.log.findLast((one) => one.event === "store_unhealthy")).toMatchObject({
        store,
        class: kind,
      });
      seen[store].health += 1;
      seen[store].classes.add(kind);
      expect(JSON.stringify([hostile.site.log, dependencies])).not.toContain("secret-in-a-message");
    },
  );

  it("of every class, for every store", () => {
    for (const store of stores) {
      const { classes: told, lines, health } = seen[store];
      console.log(
        `${store}: ${told.size} classes, ${lines} log lines, ${health} entries of the health check`,
      );
      expect([...told].toSorted()).toEqual(classes.toSorted());
    }
  });

  it.each([
    ["quota", "Exceeded allowed rows written in Durable Objects free tier."],
    ["full", "database or disk is full: SQLITE_FULL"],
    ["unknown", "secret-in-a-message: SQLITE_IOERR"],
  ])("what the database of an object that finishes logins throws in it: %s", async (kind, message) => {
    const { site, logIn } = openHostileSite();
    await failLoginDatabases(message);
    try {
      expect((await logIn()).status).toBe(503);
    } finally {
      await restartLoginObjects();
    }
    expect(site.log.find(({ event }) => event === "request_failed")).toMatchObject({
      code: "storage_unavailable",
      store: "login_attempts",
      class: kind,
      cause: expect.not.stringContaining("secret"),
    });
  });

  it("what is thrown there and is no database's is a fault of ours", async () => {
    const { site, logIn } = openHostileSite();
    await failLoginDatabases("secret-in-a-message");
    try {
      expect((await logIn()).status).toBe(500);
    } finally {
      await restartLoginObjects();
    }
    expect(site.log.map(({ event }) => event)).toContain("login_object_failed");
    expect(JSON.stringify(site.log)).not.toContain("secret");
  });

  it("a migration that was not applied is told of before anybody needs its table", async () => {
    await accountsDatabase().prepare("ALTER TABLE proof_guesses DROP COLUMN last_guess").run();
    const { browser, logIn } = openHostileSite();
    expect((await logIn()).status).toBe(303);
    expect(await (await browser.get("/auth/health")).json()).toMatchObject({
      dependencies: {
        accounts_db: { ok: false, class: "missing_table", cause: "no such column: proof_guesses.last_guess" },
      },
    });
  });
});
