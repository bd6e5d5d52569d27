import { beforeEach, describe, expect, it } from "vitest";
import type { Registry } from "../../src/accounts/registry.ts";
import { d1Registry } from "../../src/accounts/site-accounts.ts";
import type { VippsPerson } from "../../src/accounts/vipps-person.ts";
import { accountsDatabase } from "./database.ts";
import "./site.ts";

const KARI: VippsPerson = {
  msn: "123456",
  sub: "sub-kari",
  name: "Kari Nordmann",
  givenName: "Kari",
  familyName: "Nordmann",
  phone: "4799999901",
  phoneVerified: true,
  email: "kari@example.com",
  emailVerified: true,
  profile: { birthdate: "1984-03-21" },
};
const OTHER_KARI: VippsPerson = { ...KARI, sub: "sub-other" };

let registry: Registry;

beforeEach(() => {
  registry = d1Registry(accountsDatabase(), "default");
});

async function created(person: VippsPerson = KARI): Promise<string> {
  const id = await registry.create(person, {});
  if (id === undefined) throw new Error("not created");
  return id;
}

const accountIn = async (id: string) => (await registry.get(id))?.account;

describe("the D1 registry", () => {
  it("makes an account under an id of its own and finds it by the sub", async () => {
    const id = await created();
    expect(id).toMatch(/^acc_[\w-]{22}$/);
    expect(await registry.find(KARI)).toEqual({
      known: { id, acceptedTerms: [], isCurrent: true, isFirst: false, isNew: false },
      candidates: [],
    });
    expect(await registry.accountOfSub("123456", "sub-kari")).toBe(id);
    const record = await registry.get(id);
    expect(record?.account).toMatchObject({
      id,
      name: "Kari Nordmann",
      phone: "4799999901",
      phoneVerified: true,
      email: "kari@example.com",
      emailVerified: true,
      profile: { birthdate: "1984-03-21" },
      origin: "vipps",
    });
    expect(record?.identities).toMatchObject([{ msn: "123456", sub: "sub-kari", linkedBy: "created" }]);
  });

  it("keeps sites apart, and sales units", async () => {
    await created();
    const elsewhere = d1Registry(accountsDatabase(), "https://other.example");
    expect(await elsewhere.find(KARI)).toEqual({ known: undefined, candidates: [] });
    expect((await registry.find({ ...KARI, msn: "654321" })).known).toBeUndefined();
  });

  it("finds candidates by verified phone and email, and by nothing that is not verified", async () => {
    const id = await created();
    const candidate = { accountId: id, name: "Kari Nordmann", taken: true, provable: false };
    const found = async (changes: Partial<VippsPerson>) =>
      (await registry.find({ ...OTHER_KARI, ...changes })).candidates;
    expect(await found({})).toEqual([{ ...candidate, samePhone: true, sameEmail: true }]);
    expect(await found({ email: "other@example.com" })).toEqual([
      { ...candidate, samePhone: true, sameEmail: false },
    ]);
    expect(await found({ phone: undefined })).toEqual([{ ...candidate, samePhone: false, sameEmail: true }]);
    expect(await found({ phoneVerified: false, emailVerified: false })).toEqual([]);
    expect(await found({ phone: "4799999902", email: "other@example.com" })).toEqual([]);
    expect(await found({ msn: "654321" })).toMatchObject([{ taken: false }]);
  });

  it("never finds an account by an address nobody vouched for", async () => {
    await created({ ...KARI, emailVerified: false });
    expect((await registry.find({ ...OTHER_KARI, phone: undefined })).candidates).toEqual([]);
  });

  it("makes one account when the same new person logs in twice at once", async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => registry.create(KARI, {})));
    expect(results.filter((id) => id !== undefined)).toHaveLength(1);
    const { results: rows } = await accountsDatabase().prepare("SELECT id FROM accounts").all();
    expect(rows).toHaveLength(1);
  });

  it("makes no account beside a similar one unless the person said it is not theirs", async () => {
    await created();
    expect(await registry.create(OTHER_KARI, {})).toBeUndefined();
    expect(await registry.create(OTHER_KARI, { evenIfSimilar: true })).toMatch(/^acc_/);
  });

  it("links by match only as long as the match still holds", async () => {
    const id = await created();
    const phoneOnly = { ...OTHER_KARI, email: "new@example.com" };
    expect(await registry.link(id, { ...OTHER_KARI, phone: undefined }, "matched")).toBe(false);
    expect(await registry.link(id, { ...OTHER_KARI, phone: "1", email: "x@y" }, "matched")).toBe(false);
    expect(await registry.link(id, phoneOnly, "matched")).toBe(true);
    expect(await registry.link("acc_missing", { ...KARI, sub: "third" }, "proven")).toBe(false);
    expect((await registry.get(id))?.identities.map(({ sub, linkedBy }) => [sub, linkedBy])).toEqual([
      ["sub-kari", "created"],
      ["sub-other", "matched"],
    ]);
    expect(await accountIn(id)).toMatchObject({ email: "new@example.com", emailVerified: true });
  });

  it("does not move a sub from one account to another", async () => {
    const first = await created();
    const second = await created({ ...KARI, sub: "s2", phone: "4799999902", email: "b@example.com" });
    expect(await registry.link(second, KARI, "proven")).toBe(false);
    expect(await registry.accountOfSub("123456", "sub-kari")).toBe(first);
  });

  it("takes over what changed at Vipps, and leaves corrections alone until then", async () => {
    const id = await created();
    expect(await registry.correct(id, { name: "Kari Berg", email: "kari@berg.example" })).toBe(true);
    await registry.update(id, KARI);
    expect(await accountIn(id)).toMatchObject({ name: "Kari Berg", email: "kari@berg.example" });
    await registry.update(id, { ...KARI, phone: "4799999909" });
    expect(await accountIn(id)).toMatchObject({ name: "Kari Berg", phone: "4799999909" });
    await registry.update(id, { ...KARI, email: "new@example.com", name: "Kari N. Nordmann" });
    expect(await accountIn(id)).toMatchObject({ name: "Kari N. Nordmann", email: "new@example.com" });
  });

  it("never lets an unverified address take the place of a verified one", async () => {
    const id = await created();
    await registry.update(id, { ...KARI, email: "new@example.com", emailVerified: false });
    expect(await accountIn(id)).toMatchObject({ email: "kari@example.com", emailVerified: true });
    await registry.update(id, { ...KARI, email: "new@example.com" });
    expect(await accountIn(id)).toMatchObject({ email: "new@example.com", emailVerified: true });
  });

  it("is found by each of the first eight words of a name, and by each once", async () => {
    const names = [
      "Nordmann",
      "Kari Nordmann",
      "Anna Anna",
      "Ole Ole Bull",
      "A B C D E F G H I J",
      "Åse 名前 😀 Ω",
    ];
    for (const [index, name] of names.entries())
      await registry.create({ ...KARI, sub: `sub-${index}`, name }, { evenIfSimilar: true });
    const rows = async (table: string) =>
      (
        await accountsDatabase()
          .prepare(`SELECT site, name, account_id FROM ${table} ORDER BY site, name, account_id`)
          .all()
      ).results;
    const kept = await rows("account_names");
    expect(kept).toEqual(await rows("account_names_wanted"));
    expect(kept).toHaveLength(1 + 2 + 1 + 3 + 8 + 4 - 1);
  });

  it("searches by phone, email, name, account and member number", async () => {
    const id = await created();
    const asa = await created({
      ...KARI,
      sub: "a",
      name: "Åsa Sørensen",
      phone: "46701740605",
      email: "å@b.se",
    });
    await registry.correct(id, { memberNumber: "1001" });
    const ids = async (search: Parameters<Registry["search"]>[0]) =>
      (await registry.search(search)).map((account) => account.id);
    expect(await ids({ phone: "4799999901" })).toEqual([id]);
    expect(await ids({ email: "å@b.se" })).toEqual([asa]);
    expect(await ids({ name: "soerensen AASA" })).toEqual([asa]);
    expect(await ids({ name: "nord" })).toEqual([id]);
    expect(await ids({ name: "%" })).toEqual([]);
    expect(await ids({ accountId: asa })).toEqual([asa]);
    expect(await ids({ memberNumber: "1001" })).toEqual([id]);
    expect(await ids({ memberNumber: "1001", name: "asa" })).toEqual([]);
    expect(await ids({})).toEqual([]);
  });

  it("searches by as many words as a name has, each of which begins another word of it", async () => {
    const long = "En To Tre Fire Fem Seks Syv Åtte";
    const many = await created({
      ...KARI,
      sub: "m",
      name: long,
      phone: "4799999903",
      email: "m@example.com",
    });
    const two = await created({
      ...KARI,
      sub: "t",
      name: "Anne Berg",
      phone: "4799999904",
      email: "t@example.com",
    });
    const both = await created({
      ...KARI,
      sub: "b",
      name: "Berit Anita Aas",
      phone: "4799999905",
      email: "b@example.com",
    });
    const ids = async (name: string, phone?: string) =>
      (await registry.search({ name, phone })).map((account) => account.id).sort();
    const words = long.split(" ");
    for (let count = 1; count <= words.length; count += 1) {
      expect(await ids(words.slice(0, count).join(" ")), `${count} words`).toContain(many);
      expect(await ids(words.slice(0, count).reverse().join(" "), "4799999903"), `${count} words`).toEqual([
        many,
      ]);
    }
    expect(await ids("Kong Harald den femte av Norge og Danmark")).toEqual([]);
    expect(await ids("a b")).toEqual([two, both].sort());
    expect(await ids("a a")).toEqual([both]);
    expect(await ids("a anne")).toEqual([]);
    expect(await ids("an a b")).toEqual([both]);
    expect(await ids("a a", "4799999904")).toEqual([]);
  });

  it("refuses a member number that somebody else has", async () => {
    const id = await created();
    const other = await created({ ...KARI, sub: "o", phone: "4799999902", email: "o@example.com" });
    await registry.correct(id, { memberNumber: "1001" });
    await expect(registry.correct(other, { memberNumber: "1001" })).rejects.toMatchObject({
      code: "request_malformed",
    });
  });

  it("unlinks an identity, notes a revoked consent, and erases", async () => {
    const id = await created();
    await registry.noteConsentRevoked("123456", "sub-kari");
    expect((await registry.get(id))?.identities[0]?.consentRevokedAt).toEqual(expect.any(Number));
    expect(await registry.unlink(id, "123456", "sub-kari")).toBe(true);
    expect(await registry.unlink(id, "123456", "sub-kari")).toBe(false);
    expect(await registry.erase(id, [])).toBe(true);
    expect(await registry.erase(id, [])).toBe(false);
    expect(await registry.get(id)).toBeUndefined();
  });
});
