import { beforeEach, describe, expect, it, vi } from "vitest";
import { eraseAccount } from "../../src/accounts/erase-account.ts";
import {
  ACCOUNT_GUESSES,
  ACCOUNT_WINDOW,
  countProofGuess,
  PERSON_GUESSES,
  PERSON_WINDOW,
  proofGuessesAt,
} from "../../src/accounts/proof-guesses.ts";
import type { Records } from "../../src/accounts/records.ts";
import type { Registry } from "../../src/accounts/registry.ts";
import { deleteOutdated } from "../../src/accounts/retention.ts";
import { d1Registry } from "../../src/accounts/site-accounts.ts";
import type { VippsPerson } from "../../src/accounts/vipps-person.ts";
import { accountsDatabase } from "./database.ts";
import "./site.ts";

/** 2026-06-01 10:30:00 UTC. */
const START = 1_780_309_800;
const VICTIM = "acc_victim";
const person = (sub: string): VippsPerson => ({
  msn: "123456",
  sub,
  name: "Somebody Else",
  givenName: undefined,
  familyName: undefined,
  phone: "4799999901",
  phoneVerified: true,
  email: undefined,
  emailVerified: false,
  profile: {},
});

let records: Records;
let registry: Registry;

const at = (seconds: number) => vi.setSystemTime((START + seconds) * 1000);
const guess = (sub: string, candidates: readonly string[] = [VICTIM]) =>
  countProofGuess(records, person(sub), candidates);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  at(0);
  records = { database: accountsDatabase(), site: "default" };
  registry = d1Registry(records.database, records.site);
});

describe("guesses at a fact that only the member knows", () => {
  it("are five a day by one person, however many come at once", async () => {
    const guesses = await Promise.all(Array.from({ length: 20 }, () => guess("one")));
    expect(guesses.filter((open) => open.length > 0)).toHaveLength(PERSON_GUESSES);
    expect(await proofGuessesAt(records, VICTIM)).toMatchObject({
      count: PERSON_GUESSES,
      isExhausted: false,
    });
    at(PERSON_WINDOW - 1);
    expect(await guess("one")).toEqual([]);
    at(PERSON_WINDOW);
    expect(await guess("one")).toEqual([VICTIM]);
  });

  it("are not won back by 1,000 rounds of a new account, its erasure and a new login", {
    timeout: 120_000,
  }, async () => {
    let compared = 0;
    for (let round = 0; round < 1_000; round += 1) {
      compared += (await guess("one")).length;
      // The whole round is what a login does; every twentieth is enough to see that nothing resets the count.
      if (round % 20 !== 0) continue;
      const id = (await registry.create(person("one"), { evenIfSimilar: true })) ?? "";
      const by = { actor: id, actorRole: "self", details: {} } as const;
      expect(await eraseAccount(registry, records, id, by, async () => undefined)).toBe(true);
    }
    expect(compared).toBe(PERSON_GUESSES);
  });

  it("are ten a week at one account, however many people make them, and lock nobody else out", async () => {
    let compared = 0;
    for (let one = 0; one < 50; one += 1) {
      for (let again = 0; again < PERSON_GUESSES; again += 1) compared += (await guess(`sub-${one}`)).length;
    }
    expect(compared).toBe(ACCOUNT_GUESSES);
    expect(await proofGuessesAt(records, VICTIM)).toMatchObject({
      count: ACCOUNT_GUESSES,
      isExhausted: true,
    });
    expect(await guess("member", [VICTIM, "acc_other"])).toEqual(["acc_other"]);
    at(ACCOUNT_WINDOW);
    expect(await proofGuessesAt(records, VICTIM)).toBeUndefined();
    expect(await guess("member")).toEqual([VICTIM]);
  });

  it("of ten people at once do not get past the limit of an account", async () => {
    const guesses = await Promise.all(Array.from({ length: 30 }, (_, one) => guess(`sub-${one}`)));
    expect(guesses.flat()).toHaveLength(ACCOUNT_GUESSES);
  });

  it("of one person alone never exhaust an account", async () => {
    for (let again = 0; again < 50; again += 1) await guess("one");
    expect(await proofGuessesAt(records, VICTIM)).toMatchObject({ isExhausted: false });
  });

  it("count apart by site and sales unit", async () => {
    for (let again = 0; again < PERSON_GUESSES; again += 1) await guess("one");
    const elsewhere = { ...records, site: "other.example" };
    expect(await countProofGuess(elsewhere, person("one"), [VICTIM])).toEqual([VICTIM]);
    expect(await countProofGuess(records, { ...person("one"), msn: "654321" }, [VICTIM])).toEqual([VICTIM]);
  });

  it("name nobody, and go when their time is over", async () => {
    await guess("one");
    const rows = async () => (await records.database.prepare("SELECT * FROM proof_guesses").all()).results;
    expect(JSON.stringify(await rows())).not.toMatch(/one|victim/);
    at(PERSON_WINDOW);
    await deleteOutdated(records.database);
    expect(await rows()).toHaveLength(1);
    at(ACCOUNT_WINDOW);
    await deleteOutdated(records.database);
    expect(await rows()).toEqual([]);
  });
});
