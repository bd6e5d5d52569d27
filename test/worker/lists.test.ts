import { describe, expect, it } from "vitest";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { recordConsents } from "../../src/accounts/consents.ts";
import { listMembers } from "../../src/accounts/member-list.ts";
import { openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { desk, ENGLISH, FROM_HERE, loggedIn, records, registry, waitToBeLinked } from "./desk.ts";
import { textOf } from "./page-form.ts";

const MEMBERS = "/auth/support/members";

/** People beside those who log in; a few without a name. */
async function fill(count: number): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  await accountsDatabase()
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO accounts (site, id, name, search_name, groups, origin, created_at, updated_at)
       SELECT 'default', 'acc_' || i, iif(i % 50 = 0, NULL, 'Ola ' || char(65 + i % 26) || i),
         iif(i % 50 = 0, '', 'ola ' || lower(char(65 + i % 26)) || i),
         iif(i % 3 = 0, '["trainers"]', '[]'), 'import', ?2, ?2 FROM n`,
    )
    .bind(count, at)
    .run();
}

const answer = (granted: boolean) => ({
  consent: "newsletter",
  granted,
  wording: "w",
  language: "nb",
  required: false,
});

/** Every page of a list from the first on, as text, by its links. */
async function pagesFrom(staff: Awaited<ReturnType<typeof desk>>["staff"], first: string): Promise<string[]> {
  const pages: string[] = [];
  let address: string | undefined = first;
  while (address !== undefined && pages.length < 20) {
    const response: Response = await staff.get(address);
    expect(response.status).toBe(200);
    const page = await response.text();
    pages.push(page);
    address = /<a href="([^"]+)">Next page<\/a>/.exec(page)?.[1]?.replaceAll("&amp;", "&");
  }
  return pages;
}

const idsOn = (pages: readonly string[]): string[] =>
  pages.flatMap((page) =>
    [...page.matchAll(/class="who" href="\/auth\/support\/accounts\/([^"]+)"/g)].map(([, id = ""]) => id),
  );

describe("the list of members", () => {
  it("has everybody once, by name, a hundred on a page, those without a name last", async () => {
    const { staff, staffId } = await desk();
    await fill(249);
    const pages = await pagesFrom(staff, MEMBERS);
    expect(pages.map((page) => idsOn([page]).length)).toEqual([100, 100, 50]);
    const ids = idsOn(pages);
    expect(new Set(ids).size).toBe(250);
    expect(ids).toContain(staffId);
    const names = await Promise.all(ids.map(async (id) => (await registry().get(id))?.account.name ?? ""));
    const named = names.filter((name) => name !== "");
    expect(named.map((name) => name.toLowerCase())).toEqual(named.map((name) => name.toLowerCase()).sort());
    expect(names.slice(-4)).toEqual(["", "", "", ""]);
    expect(pages[1]).toContain("First page");
    // No address of it says anything of a person.
    expect(/after=([^"&]+)/.exec(pages[0] ?? "")?.[1]).toMatch(/^(acc_|[0-9a-f-])/);
  });

  it("is that of a group, of an answer that still counts, or of both", async () => {
    const { staff } = await desk();
    await fill(30);
    for (const id of ["acc_3", "acc_4", "acc_6"])
      await recordConsents(records(), id, [answer(true)], "login");
    await recordConsents(records(), "acc_6", [answer(false)], "my_page");
    await recordConsents(records(), "acc_9", [answer(false)], "login");
    const listed = async (query: string) => idsOn(await pagesFrom(staff, `${MEMBERS}?${query}`)).sort();
    expect(await listed("group=trainers&consent=")).toHaveLength(10);
    expect(await listed("consent=newsletter")).toEqual(["acc_3", "acc_4"]);
    expect(await listed("consent=newsletter&answer=no")).toEqual(["acc_6", "acc_9"]);
    expect(await listed("group=trainers&consent=newsletter&answer=yes")).toEqual(["acc_3"]);
    expect(await listed("group=nobody")).toEqual([]);
    const page = await (await staff.get(`${MEMBERS}?group=trainers`)).text();
    expect(page).toContain('<option value="trainers" selected>');
    expect(page).toContain('<option value="no:newsletter">No: w</option>');
    expect(await listed("answered=no%3Anewsletter")).toEqual(["acc_6", "acc_9"]);
    expect(await listed("answered=&group=nobody")).toEqual([]);
    const chosen = await (await staff.get(`${MEMBERS}?answered=yes%3Anewsletter`)).text();
    expect(chosen).toContain('<option value="yes:newsletter" selected>');
    expect(chosen).toContain('<input type="hidden" name="answer" value="yes">');
  });

  it("names a consent as people were asked for it", async () => {
    const CONSENTS =
      '[{"id":"newsletter","text":{"en":"Send me the newsletter","nb":"Send meg nyhetsbrevet"}}]';
    const { staff } = await desk({ CONSENTS });
    expect(textOf(await (await staff.get(MEMBERS)).text())).toContain("Yes: Send me the newsletter");
  });

  it("shows who waits to be linked", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    const reference = await waitToBeLinked(site, id);
    const page = await (await staff.get(`${MEMBERS}?waiting=yes`)).text();
    expect(textOf(page)).toContain(reference);
    expect(page).toContain(`/auth/support/requests/${reference}`);
    expect(textOf(await (await staff.get(`${MEMBERS}?waiting=yes&after=${reference}`)).text())).not.toContain(
      reference,
    );
  });

  it("is there for staff alone, from the console alone, and its opening is written down", async () => {
    const { site, staff, staffId } = await desk();
    const { browser } = await loggedIn(site, "mette");
    expect((await browser.get(MEMBERS)).status).toBe(404);
    expect((await browser.post(MEMBERS, { format: "csv" })).status).toBe(404);
    expect((await openBrowser(site, { ...ENGLISH, ...FROM_HERE }).get(MEMBERS)).status).toBe(404);
    const strange = await staff.get(MEMBERS, { "sec-fetch-site": "cross-site" });
    expect(await strange.text()).not.toContain("Mette");
    expect(
      (await staff.post(MEMBERS, {}, { origin: "https://other.example", "sec-fetch-site": "cross-site" }))
        .status,
    ).toBe(403);
    expect(await (await staff.get(`${MEMBERS}?group=Board&consent=n`)).text()).toContain("None.");
    expect((await readAudit(records(), undefined, 1))[0]).toMatchObject({
      actor: staffId,
      action: "viewed",
      details: { page: "members", group: "board", consent: "n", answer: "yes" },
    });
    expect(textOf(await (await staff.get("/auth/support/log")).text())).toContain(
      "Looked : Members, board, n, Yes",
    );
    await accountsDatabase()
      .prepare(
        `INSERT INTO audit_log (site, at, actor, actor_role, action, details)
         VALUES ('default', ?1, 'members:export', 'system', 'exported', '{"list":"members"}')`,
      )
      .bind(Math.floor(Date.now() / 1000))
      .run();
    expect(textOf(await (await staff.get("/auth/support/log")).text())).toMatch(
      /Exported : Members [^·]+· From the command line/,
    );
  });

  it("is handed out as a file, all pages of it, which the audit log notes with its size", async () => {
    const { staff } = await desk();
    await fill(150);
    await registry().correct("acc_3", { name: "=HYPERLINK(1)" });
    expect((await staff.post(MEMBERS, { format: "csv", group: "' or 1=1" })).status).toBe(400);
    const csv = await staff.post(MEMBERS, { format: "csv", group: "trainers" });
    expect(csv.headers.get("content-disposition")).toBe('attachment; filename="site.example-members.csv"');
    expect(csv.headers.get("cache-control")).toBe("no-store");
    const text = await csv.text();
    expect(text.split("\r\n")).toHaveLength(52);
    expect(text).toContain(`"'=HYPERLINK(1)"`);
    const json: unknown[] = await (await staff.post(MEMBERS, { format: "json" })).json();
    expect(json).toHaveLength(151);
    const [whole, , part, before] = await readAudit(records(), undefined, 4);
    expect(before).toMatchObject({
      action: "exported",
      details: { list: "members", group: "trainers", format: "csv" },
    });
    expect(before?.details).not.toHaveProperty("rows");
    expect(part).toMatchObject({ details: { list: "members", group: "trainers", format: "csv", rows: 50 } });
    expect(whole).toMatchObject({
      action: "exported",
      details: { list: "members", format: "json", rows: 151 },
    });
    await (await staff.post("/auth/support/consents", { format: "json" })).text();
    expect((await readAudit(records(), undefined, 1))[0]).toMatchObject({
      details: { list: "consents", consents: "current", format: "json", rows: 0 },
    });
  });

  it("is all the same in pages of any size", async () => {
    await desk();
    await fill(60);
    await recordConsents(records(), "acc_3", [answer(true)], "login");
    for (const filter of [{}, { group: "trainers" }, { answer: { consent: "newsletter", granted: true } }]) {
      const listed = async (limit: number) => {
        const ids: string[] = [];
        let after: string | undefined;
        do {
          const page = await listMembers(records(), filter, after, limit);
          ids.push(...page.members.map(({ id }) => id));
          after = page.next;
        } while (after !== undefined);
        return ids;
      };
      const whole = await listed(1_000);
      expect(whole.length).toBeGreaterThan(0);
      for (const limit of [1, 7, 59, 60, 61]) expect((await listed(limit)).sort()).toEqual([...whole].sort());
    }
  });
});
