import { beforeEach, expect, it, vi } from "vitest";
import { eraseAccount } from "../../src/accounts/erase-account.ts";
import { recordLoginEvent } from "../../src/accounts/login-events.ts";
import { d1Registry, decideAccount, settleAccount } from "../../src/accounts/site-accounts.ts";
import { acceptTerms } from "../../src/accounts/terms.ts";
import type { VippsPerson } from "../../src/accounts/vipps-person.ts";
import { Failure } from "../../src/failure.ts";
import { newSessionId, sessionStart } from "../../src/session/session.ts";
import { listSessions, recordSession, refuseSessions } from "../../src/session/session-store.ts";
import { readSettings, type Settings } from "../../src/settings.ts";
import { accountsDatabase } from "./database.ts";
import { openSite, SITE } from "./site.ts";

/** 2026-06-01 10:30:00 UTC, in milliseconds. */
const START = 1_780_309_800_000;
const SITE_KEY = "default";
const NOWHERE = { browser: undefined, system: undefined };

let settings: Settings;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(START);
  const read = readSettings(openSite().env, SITE);
  if ("faults" in read) throw new Error(read.faults.join());
  settings = read.settings;
});

const personOf = (sub: string): VippsPerson => ({
  msn: "123456",
  sub,
  name: "Kari Nordmann",
  givenName: "Kari",
  familyName: "Nordmann",
  phone: undefined,
  phoneVerified: false,
  email: `${sub}@example.com`,
  emailVerified: true,
  profile: {},
});

/** What a login does after Vipps, step by step. It ends where one of them refuses it. */
function loginSteps(person: VippsPerson): {
  readonly steps: readonly (() => Promise<void>)[];
  readonly accounts: Set<string>;
} {
  const begunAt = Date.now();
  const sid = newSessionId();
  const registry = d1Registry(accountsDatabase(), SITE_KEY);
  const records = { database: accountsDatabase(), site: SITE_KEY, begunAt };
  const accounts = new Set<string>();
  const options = { createsAtOnce: true, begunAt };
  let refused = false;
  const step = (work: () => Promise<void>) => async () => {
    if (refused) return;
    await work().catch((error: unknown) => {
      if (!(error instanceof Failure) || error.code !== "state_expired") throw error;
      refused = true;
    });
  };
  const accountId = () => [...accounts][0] ?? "";
  return {
    accounts,
    steps: [
      step(async () => {
        const decision = await decideAccount(registry, "open", person, options);
        const settled = await settleAccount(registry, "open", person, decision, options);
        if ("accountId" in settled) accounts.add(settled.accountId);
      }),
      step(async () => {
        await acceptTerms(records, accountId(), { version: "1", url: "u", language: "nb" });
        await recordSession(settings, accountId(), {
          sid,
          startedAt: sessionStart(sid),
          device: NOWHERE,
          place: { city: undefined, country: undefined },
        });
      }),
      step(() =>
        recordLoginEvent(records, {
          outcome: "logged_in",
          accountId: accountId(),
          msn: "123456",
          sub: person.sub,
          sid,
        }),
      ),
    ],
  };
}

/** Erases an account, and lets a login take a step whenever a place in the plan has come. @returns places passed */
async function eraseBeside(
  accountId: string,
  plan: readonly number[],
  steps: readonly (() => Promise<void>)[],
) {
  let place = 0;
  const passPlace = async () => {
    for (const [index, step] of steps.entries()) if (plan[index] === place) await step();
    place += 1;
  };
  const real = accountsDatabase();
  const database = new Proxy(real, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "batch") return typeof member === "function" ? member.bind(target) : member;
      return async (batch: D1PreparedStatement[]) => {
        await passPlace();
        return target.batch(batch);
      };
    },
  });
  const by = { actor: accountId, actorRole: "self", details: {} } as const;
  const records = { database, site: SITE_KEY };
  await eraseAccount(d1Registry(database, SITE_KEY), records, accountId, by, async (begunBefore) => {
    await passPlace();
    await refuseSessions(settings, accountId, begunBefore);
  });
  await passPlace();
  return place;
}

/** Every way to spread so many steps, in their order, over so many places. */
function plans(steps: number, places: number, from = 0): number[][] {
  if (steps === 0) return [[]];
  return Array.from({ length: places - from }, (_, index) => from + index).flatMap((first) =>
    plans(steps - 1, places, first).map((rest) => [first, ...rest]),
  );
}

/** Rows that name one of these values. */
async function tracesOf(values: readonly string[]): Promise<readonly string[]> {
  const { results: tables } = await accountsDatabase()
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%site TEXT%'")
    .all<{ name: string }>();
  const all = await accountsDatabase().batch(
    tables.map(({ name }) => accountsDatabase().prepare(`SELECT * FROM ${name}`)),
  );
  return tables.flatMap(({ name }, index) =>
    (all[index]?.results ?? [])
      .filter((row) => values.some((value) => JSON.stringify(row).includes(value)))
      .map(() => name),
  );
}

async function erasureBeside(sub: string, plan: readonly number[]) {
  const person = personOf(sub);
  vi.setSystemTime(START);
  const accountId = (await d1Registry(accountsDatabase(), SITE_KEY).create(person, {})) ?? "";
  const login = loginSteps(person);
  vi.setSystemTime(START + 10);
  const places = await eraseBeside(accountId, plan, login.steps);
  const accounts = [...new Set([accountId, ...login.accounts])];
  const living = await Promise.all(accounts.map((id) => listSessions(settings, id)));
  return { places, living: living.flat().length, traces: await tracesOf([...accounts, sub]) };
}

it("an erasure leaves no session and no trace, wherever a login that began before it takes its steps", async () => {
  const { places } = await erasureBeside("sub-first", []);
  expect(places).toBeGreaterThan(5);
  const every = plans(3, places);
  const wrong: unknown[] = [];
  for (const [index, plan] of every.entries()) {
    const { living, traces } = await erasureBeside(`sub-${index}-x`, plan);
    if (living > 0 || traces.join() !== "audit_log") wrong.push({ plan, living, traces });
  }
  expect(wrong).toEqual([]);
  expect(every.length).toBeGreaterThan(50);
});

it("whoever logs in anew after an erasure is somebody new", async () => {
  const person = personOf("sub-again");
  const erased = (await d1Registry(accountsDatabase(), SITE_KEY).create(person, {})) ?? "";
  vi.setSystemTime(START + 10);
  await eraseBeside(erased, [], []);
  expect(await listSessions(settings, erased)).toEqual([]);
  vi.setSystemTime(START + 20);
  // Where the site's own registry, or nobody, gives out ids, the same one may come back.
  const sid = newSessionId();
  const place = { city: undefined, country: undefined };
  await recordSession(settings, erased, { sid, startedAt: sessionStart(sid), device: NOWHERE, place });
  const { steps, accounts } = loginSteps(person);
  for (const step of steps) await step();
  const [accountId = ""] = accounts;
  expect(await listSessions(settings, accountId)).toHaveLength(1);
  expect(await tracesOf([accountId])).toEqual(
    expect.arrayContaining(["accounts", "identities", "logins", "terms_acceptances"]),
  );
});

it("an erasure that fails on its way ends the sessions, keeps the account, and can be begun again", async () => {
  const person = personOf("sub-broken");
  const accountId = (await d1Registry(accountsDatabase(), SITE_KEY).create(person, {})) ?? "";
  const { steps } = loginSteps(person);
  for (const step of steps) await step();
  vi.setSystemTime(START + 10);
  const broken = new Error("D1_ERROR: Network connection lost.");
  await expect(eraseBeside(accountId, [4], [() => Promise.reject(broken)])).rejects.toThrow();
  expect(await listSessions(settings, accountId)).toEqual([]);
  expect(await d1Registry(accountsDatabase(), SITE_KEY).get(accountId)).toBeDefined();
  await eraseBeside(accountId, [], []);
  expect(await tracesOf([accountId, person.sub])).toEqual(["audit_log"]);
});
