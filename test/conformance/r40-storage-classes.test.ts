import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type FaultClass, storageFault } from "../../src/storage-fault.ts";
import { accountsDatabase } from "../worker/database.ts";
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

/** An environment in which one method of one binding fails with an error. */
function failingWith(
  binding: "ACCOUNTS_DB" | "USER_SESSIONS" | "VIPPS_METADATA",
  error: () => Promise<never>,
) {
  const failing = (target: object): object =>
    new Proxy(target, {
      get(inner, name) {
        const member = Reflect.get(inner, name);
        if (typeof member !== "function") return member;
        if (name === "prepare" || name === "bind" || name === "getByName")
          return (...args: unknown[]) => failing(Reflect.apply(member, inner, args));
        return error;
      },
    });
  return { [binding]: failing(env[binding] ?? {}) } as Partial<Cloudflare.Env>;
}

describe("R40 in the log and in the health check", () => {
  it.each([
    ["ACCOUNTS_DB", "accounts_db", "no such table: accounts: SQLITE_ERROR", "missing_table"],
    ["ACCOUNTS_DB", "accounts_db", "D1 DB is overloaded. Requests queued for too long.", "overloaded"],
    ["USER_SESSIONS", "user_sessions", "Durable Object reset because its code was updated.", "code_updated"],
    ["USER_SESSIONS", "user_sessions", "unable to open database file: SQLITE_CANTOPEN", "cannot_open"],
    ["USER_SESSIONS", "user_sessions", "Exceeded allowed duration in Durable Objects free tier.", "quota"],
  ] as const)("%s: %s: %s", async (binding, store, message, kind) => {
    const error = () => Promise.reject(new Error(`secret-in-a-message ${message}`));
    const hostile = openHostileSite({ vars: failingWith(binding, error) });
    expect((await hostile.logIn()).status).toBe(503);
    const failed = hostile.site.log.find(({ event }) => event === "request_failed");
    expect(failed).toMatchObject({
      code: "storage_unavailable",
      store,
      class: kind,
      cause: expect.any(String),
    });
    const health = await hostile.browser.get("/auth/health");
    expect(health.status).toBe(503);
    const { dependencies } = (await health.json()) as { dependencies: Record<string, unknown> };
    expect(dependencies[store]).toEqual({ ok: false, class: kind, cause: failed?.cause });
    expect(hostile.site.log.at(-1)).toMatchObject({ event: "store_unhealthy", store, class: kind });
    expect(JSON.stringify([hostile.site.log, dependencies])).not.toContain("secret-in-a-message");
  });

  it("a KV that hangs is told of: by a login, which goes on, and by the health check", async () => {
    stopTime();
    const hangs = () => new Promise<never>(() => undefined);
    const hostile = openHostileSite({ vars: failingWith("VIPPS_METADATA", hangs) });
    expect((await inFakeTime(hostile.logIn())).value.status).toBe(303);
    expect(hostile.site.log).toContainEqual(
      expect.objectContaining({
        event: "metadata_store_failed",
        operation: "get",
        store: "kv",
        class: "timed_out",
      }),
    );
    const { value: health } = await inFakeTime(hostile.browser.get("/auth/health"));
    expect(await health.json()).toMatchObject({ dependencies: { kv: { ok: false, class: "timed_out" } } });
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
