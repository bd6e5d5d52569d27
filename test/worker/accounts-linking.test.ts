import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate } from "../../src/accounts/registry.ts";
import { decideLinking, type LinkingDecision, type LinkingFacts } from "../../src/accounts/site-accounts.ts";
import { isSameName } from "../../src/accounts/vipps-person.ts";

/** What the one account that fits leads to. `-` fits anything, so every combination is in exactly one row. */
const ONE_ACCOUNT = `
  fits by  phone       email       name   account  decision
  phone    verified    -           same   -        link
  phone    verified    -           other  -        doubt: name
  phone    unverified  -           -      -        nobody
  email    -           verified    same   free     link
  email    -           verified    same   taken    doubt: taken
  email    -           verified    other  -        doubt: name
  email    -           unverified  -      -        nobody
  both     verified    -           same   -        link
  both     verified    -           other  -        doubt: name
  both     unverified  verified    same   free     link
  both     unverified  verified    same   taken    doubt: taken
  both     unverified  verified    other  -        doubt: name
  both     unverified  unverified  -      -        nobody
`
  .trim()
  .split("\n")
  .slice(1)
  .map((row) => row.trim().split(/ {2,}/));

const FITS = ["phone", "email", "both"] as const;
const VERIFIED = ["verified", "unverified"] as const;
const NAMES = ["same", "other"] as const;
const TAKEN = ["free", "taken"] as const;
const REGISTRATION = ["open", "closed"] as const;

/** An account as one word for each of the things that matter. */
interface Shape {
  readonly fits: (typeof FITS)[number];
  readonly name: (typeof NAMES)[number];
  readonly taken: (typeof TAKEN)[number];
}

const SHAPES: readonly Shape[] = FITS.flatMap((fits) =>
  NAMES.flatMap((name) => TAKEN.map((taken) => ({ fits, name, taken }))),
);

interface Situation {
  readonly known: boolean;
  readonly phone: (typeof VERIFIED)[number];
  readonly email: (typeof VERIFIED)[number];
  readonly registration: (typeof REGISTRATION)[number];
  readonly accounts: readonly Shape[];
}

/** Everything that can be so, with these accounts. */
function situationsWith(accounts: readonly Shape[]): Situation[] {
  return [false, true].flatMap((known) =>
    VERIFIED.flatMap((phone) =>
      VERIFIED.flatMap((email) =>
        REGISTRATION.map((registration) => ({ known, phone, email, registration, accounts })),
      ),
    ),
  );
}

const NOBODY = situationsWith([]);
const ONE = SHAPES.flatMap((shape) => situationsWith([shape]));
const TWO = SHAPES.flatMap((first) => SHAPES.flatMap((second) => situationsWith([first, second])));
const THREE = SHAPES.flatMap((first) =>
  SHAPES.flatMap((second) => SHAPES.flatMap((third) => situationsWith([first, second, third]))),
);

function factsOf({ known, phone, email, registration, accounts }: Situation): LinkingFacts {
  return {
    known: known ? "acc_known" : undefined,
    name: "Kari Anne Nordmann",
    phoneVerified: phone === "verified",
    emailVerified: email === "verified",
    registration,
    candidates: accounts.map(({ fits, name, taken }, index) => ({
      accountId: `acc_${index}`,
      name: name === "same" ? "NORDMANN, Kari" : "Ola Nordmann",
      samePhone: fits !== "email",
      sameEmail: fits !== "phone",
      taken: taken === "taken",
    })),
  };
}

/** The row for one account, or what is wrong with the table. */
function rowFor({ phone, email }: Situation, { fits, name, taken }: Shape): string {
  const values = [fits, phone, email, name, taken];
  const rows = ONE_ACCOUNT.filter((row) =>
    values.every((value, index) => ["-", value].includes(row[index] ?? "")),
  );
  expect(rows, `rows for ${values.join(", ")}`).toHaveLength(1);
  return rows[0]?.[5] ?? "";
}

/** What must be decided, read from the table. */
function expected(situation: Situation): LinkingDecision {
  if (situation.known) return { kind: "known", accountId: "acc_known" };
  const rows = situation.accounts.map((shape, index) => ({ index, decision: rowFor(situation, shape) }));
  const fitting = rows.filter(({ decision }) => decision !== "nobody");
  const candidates = fitting.map(({ index }) => `acc_${index}`);
  const [only] = fitting;
  if (only === undefined) return { kind: situation.registration === "open" ? "create" : "closed" };
  if (fitting.length > 1) return { kind: "doubt", reason: "several", candidates };
  if (only.decision === "link") {
    const { fits } = situation.accounts[only.index] ?? {};
    const seen = {
      samePhone: fits !== "email" && situation.phone === "verified",
      sameEmail: fits !== "phone" && situation.email === "verified",
    };
    return { kind: "link", accountId: `acc_${only.index}`, seen };
  }
  return { kind: "doubt", reason: only.decision === "doubt: name" ? "name" : "taken", candidates };
}

const title = ({ known, phone, email, registration, accounts }: Situation) => {
  const list = accounts.map(({ fits, name, taken }) => `${fits} fits, ${name} name, ${taken}`).join("; ");
  return `${known ? "known" : "new"} sub, ${phone} phone, ${email} email, ${registration}: ${list || "no account"}`;
};

describe("the linking decision", () => {
  it.each([...NOBODY, ...ONE].map((situation) => [title(situation), situation] as const))(
    "%s",
    (_title, situation) => {
      expect(decideLinking(factsOf(situation))).toEqual(expected(situation));
    },
  );

  it("is the table's for every combination of two accounts", () => {
    for (const situation of TWO)
      expect(decideLinking(factsOf(situation)), title(situation)).toEqual(expected(situation));
    expect(TWO).toHaveLength(12 * 12 * 16);
  });

  it("is the table's for every combination of three accounts", () => {
    for (const situation of THREE)
      expect(decideLinking(factsOf(situation)), title(situation)).toEqual(expected(situation));
    expect(THREE).toHaveLength(12 * 12 * 12 * 16);
  });

  it("never puts two people into one account without a name match, in none of all situations", () => {
    let links = 0;
    for (const situation of [...NOBODY, ...ONE, ...TWO, ...THREE]) {
      const facts = factsOf(situation);
      const decision = decideLinking(facts);
      if (decision.kind !== "link") continue;
      links += 1;
      const account = facts.candidates.find(({ accountId }) => accountId === decision.accountId);
      expect(isSameName(facts.name, account?.name), title(situation)).toBe(true);
      const byPhone = account?.samePhone === true && facts.phoneVerified;
      const byEmail = account?.sameEmail === true && facts.emailVerified;
      expect(byPhone || byEmail, title(situation)).toBe(true);
    }
    expect(links).toBeGreaterThan(100);
  });

  const name = fc.option(
    fc.constantFrom("Kari Nordmann", "Nordmann Kari", "K. Nordmann", "Per Haugen", "Kari", ""),
    {
      nil: undefined,
    },
  );
  const candidate: fc.Arbitrary<Candidate> = fc.record({
    accountId: fc.uuid(),
    name,
    samePhone: fc.boolean(),
    sameEmail: fc.boolean(),
    taken: fc.boolean(),
  });
  const facts: fc.Arbitrary<LinkingFacts> = fc.record({
    known: fc.option(fc.constant("acc_known"), { nil: undefined }),
    name,
    phoneVerified: fc.boolean(),
    emailVerified: fc.boolean(),
    candidates: fc.array(candidate, { maxLength: 5 }),
    registration: fc.constantFrom(...REGISTRATION),
  });

  it("links only what fits and bears the name, whatever the facts", () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decision = decideLinking(given);
        if (decision.kind !== "link") return true;
        const account = given.candidates.find(({ accountId }) => accountId === decision.accountId);
        return account !== undefined && isSameName(given.name, account.name);
      }),
      { numRuns: 2_000 },
    );
  });

  it("does not depend on the order of the accounts", () => {
    fc.assert(
      fc.property(facts, (given) => {
        const kind = (candidates: readonly Candidate[]) => decideLinking({ ...given, candidates }).kind;
        expect(kind(given.candidates.toReversed())).toBe(kind(given.candidates));
      }),
    );
  });

  it("never links by an address that is not verified", () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { kind } = decideLinking({
          ...given,
          known: undefined,
          phoneVerified: false,
          emailVerified: false,
        });
        expect(kind).toBe(given.registration === "open" ? "create" : "closed");
      }),
    );
  });
});
