import { beforeEach, describe, expect, it, vi } from "vitest";
import { loginEventsOf, recordLoginEvent } from "../../src/accounts/login-events.ts";
import type { Records } from "../../src/accounts/records.ts";
import { beginIsolate } from "../../src/isolate-state.ts";
import { accountsDatabase } from "./database.ts";
import "./site.ts";

/** A real database whose batches wait until they are let go, and may fail instead. */
function heldDatabase() {
  const real = accountsDatabase();
  const held: { readonly size: number; go(fails?: boolean): void }[] = [];
  const database = new Proxy(real, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "batch") return typeof member === "function" ? member.bind(target) : member;
      return async (statements: D1PreparedStatement[]) => {
        await new Promise<void>((resolve, reject) => {
          const go = (fails = false) => (fails ? reject(new Error("D1_ERROR: no such table")) : resolve());
          held.push({ size: statements.length, go });
        });
        return target.batch(statements);
      };
    },
  });
  return { database, held };
}

let records: Records;
let held: ReturnType<typeof heldDatabase>["held"];

beforeEach(() => {
  beginIsolate();
  vi.useFakeTimers({ now: 1_780_309_800_000, toFake: ["Date", "setTimeout", "clearTimeout"] });
  const { database, held: waiting } = heldDatabase();
  records = { database, site: "default" };
  held = waiting;
});

const keep = (sid: string) => recordLoginEvent(records, { outcome: "logged_in", accountId: "acc_kari", sid });
const kept = async () => (await loginEventsOf(records, "acc_kari", 100)).map(({ sid }) => sid).sort();
/** As long as a database takes, while no timer goes off. */
const aTurn = () => accountsDatabase().prepare("SELECT 1").first();
/** Until the database has been asked for so many writes; timers go off meanwhile. */
const asked = (count: number) => vi.waitFor(() => expect(held).toHaveLength(count));

describe("events of logins that end at the same time", () => {
  it("are written with the next write, each once and in their order", async () => {
    const first = keep("s00");
    await asked(1);
    const others = Array.from({ length: 15 }, (_, index) => keep(`s${index + 1}`.padEnd(3, "x")));
    held[0]?.go();
    await first;
    await aTurn();
    expect(held).toHaveLength(1);
    // A moment after the write, and not with it any more.
    others.push(keep("s31"));
    await asked(2);
    expect(held.map(({ size }) => size)).toEqual([1, 16]);
    const late = keep("t");
    held[1]?.go();
    await Promise.all(others);
    await asked(3);
    held[2]?.go();
    await late;
    expect(held[2]?.size).toBe(1);
    expect(await kept()).toHaveLength(18);
  });

  it("wait for nobody where nothing is being written", async () => {
    for (const [index, sid] of ["a", "b", "c"].entries()) {
      const one = keep(sid);
      await asked(index + 1);
      held[index]?.go();
      await one;
    }
    expect(held.map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(await kept()).toEqual(["a", "b", "c"]);
  });

  it("are no more in one write than a request may have statements", async () => {
    const first = keep("s");
    await asked(1);
    const others = Array.from({ length: 45 }, (_, index) => keep(`s${index}`));
    held[0]?.go();
    await first;
    await asked(4);
    expect(held.map(({ size }) => size).sort()).toEqual([1, 20, 20, 5]);
    for (const write of held) write.go();
    await Promise.all(others);
    expect(await kept()).toHaveLength(46);
  });

  it("that cannot be written are told so to everybody whose event went with them, and to nobody else", async () => {
    const first = keep("a");
    await asked(1);
    const lost = ["b", "c"].map(keep);
    held[0]?.go();
    await first;
    await asked(2);
    const after = keep("d");
    held[1]?.go(true);
    const outcomes = await Promise.allSettled(lost);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await asked(3);
    held[2]?.go();
    await after;
    expect(await kept()).toEqual(["a", "d"]);
  });

  it("are written by somebody else where the request that was to do it is gone", async () => {
    void keep("never").catch(() => undefined);
    await asked(1);
    void keep("with-it").catch(() => undefined);
    vi.setSystemTime(Date.now() + 8_000);
    const one = keep("after");
    await asked(2);
    held[1]?.go();
    await one;
    expect(await kept()).toEqual(["after"]);
  });
});
