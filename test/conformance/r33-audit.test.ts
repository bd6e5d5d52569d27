import { describe, expect, it } from "vitest";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { linkRequestByReference } from "../../src/accounts/link-requests.ts";
import {
  accountPath,
  desk,
  loggedIn,
  records,
  registry,
  subOf,
  TICKED,
  waitToBeLinked,
} from "../worker/desk.ts";

/** Ids as somebody else may write them into an address or a form. */
const INVENTED = [
  "acc_nobody",
  "acc_AAAAAAAAAAAAAAAAAAAAAA",
  `acc_${"x".repeat(3_000)}`,
  "x".repeat(3_000),
  encodeURIComponent("Fire me, I looked up my neighbour. – Kari"),
  "%00",
  "..%2F..",
  encodeURIComponent("acc_<b>"),
  "æ",
];

describe("R33 the audit log notes only what exists", () => {
  it("whatever account an address names", async () => {
    const { staff } = await desk();
    const deeds: readonly (readonly [string, Record<string, string>])[] = [
      ["sessions", { session: "all" }],
      ["sessions", { session: "x".repeat(99) }],
      ["unlink", { msn: "123456", sub: "nobody" }],
      ["correct", { name: "New", phone: "", email: "", memberNumber: "", basis: "1" }],
      ["link", { reference: "K7QF-3M2P" }],
      ["erase", {}],
    ];
    for (const id of INVENTED) {
      for (const path of [accountPath(id), `${accountPath(id)}/erase`, `/auth/support/requests/${id}`])
        expect((await staff.get(path)).status, path).toBeOneOf([303, 400, 404]);
      for (const [deed, form] of deeds)
        expect((await staff.post(`${accountPath(id)}/${deed}`, { ...form, ...TICKED })).status).toBeOneOf([
          303, 400, 404,
        ]);
      await staff.post(`/auth/support/requests/${id}/link`, { account: id, ...TICKED });
    }
    expect(await readAudit(records(), undefined)).toEqual([]);
  });

  it("whatever session, Vipps user, reference or account a form names", async () => {
    const { site, staff, staffId } = await desk();
    const old = await loggedIn(site, "sofie");
    const path = accountPath(old.id);
    for (const text of ["nothing", "x".repeat(3_000), "01890000-0000-7000-8000-000000000000"]) {
      const ended = await staff.post(`${path}/sessions`, { session: text, ...TICKED });
      expect(ended.headers.get("location")).toBe(`${path}?notice=sessionNotThere`);
      await staff.post(`${path}/unlink`, { msn: text, sub: await subOf(old.id), ...TICKED });
      await staff.post(`${path}/link`, { reference: text });
    }
    const reference = await waitToBeLinked(site, old.id);
    for (const account of INVENTED) {
      const linked = await staff.post(`/auth/support/requests/${reference}/link`, { account, ...TICKED });
      expect(linked.headers.get("location")).toBe("/auth/support?notice=noAccount");
    }
    await staff.post(`/auth/support/accounts/${staffId}/link`, { reference: "K7QF-3M2P" });
    expect(await readAudit(records(), undefined)).toEqual([]);
  });

  it("when a candidate is gone by the time somebody looks at who waits", async () => {
    const { site, staff } = await desk();
    const old = await loggedIn(site, "sofie");
    const reference = await waitToBeLinked(site, old.id);
    expect((await linkRequestByReference(records(), reference))?.candidates).toEqual([old.id]);
    await registry().erase(old.id, []);
    await staff.get(`/auth/support/requests/${reference}`);
    const lines = await readAudit(records(), undefined);
    expect(lines.filter(({ accountId }) => accountId === old.id)).toEqual([]);
  });

  it("of a search what kind of thing was searched for, never what was typed", async () => {
    const { staff } = await desk();
    for (const query of ["x".repeat(3_000), "Fire me", "4799999906", "nobody@example.com", "K7QF-3M2P"])
      await staff.post("/auth/support/search", { query });
    const kinds = new Set(["phone", "email", "name", "memberNumber", "accountId", "reference"]);
    for (const { details } of await readAudit(records(), undefined))
      expect(
        Object.entries(details).every(
          ([key, value]) => key === "by" && [value].flat().every((kind) => kinds.has(String(kind))),
        ),
      ).toBe(true);
  });

  it("where there is no registry: who has left a trace", async () => {
    const plain = await desk({ ACCOUNTS: "none" });
    const { site, staff } = await desk({ ACCOUNTS: "none", SUPPORT_STAFF: plain.staffId });
    const sofie = await loggedIn(site, "sofie");
    for (const id of INVENTED) {
      await staff.get(accountPath(id));
      await staff.get(`${accountPath(id)}/erase`);
      await staff.post(`${accountPath(id)}/sessions`, { session: "all", ...TICKED });
      await staff.post(`${accountPath(id)}/erase`, TICKED);
    }
    expect(await readAudit(records(), undefined)).toEqual([]);
    await staff.get(accountPath(sofie.id));
    expect(await readAudit(records(), sofie.id)).toMatchObject([{ action: "viewed" }]);
  });
});
