import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type D1Target, query } from "../../cli/d1-command.ts";
import { type MemberField, recogniseHeader } from "../../cli/member-columns.ts";
import { readRows, recogniseFormat } from "../../cli/member-file.ts";
import { readMemberRow } from "../../cli/member-row.ts";
import { siteNamed } from "../../cli/member-site.ts";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { runWrangler } from "../../cli/wrangler.mjs";
import { searchName } from "../../src/accounts/vipps-person.ts";
import { writeSiteDocument } from "../../src/sites/site-document.ts";
import { type Account, openAccount } from "./cloudflare-api.ts";
import { runCommand } from "./command-under-test.ts";
import { makeLocalState } from "./local-state.ts";
import { REFUSED_OF_HUNDRED, writeMemberList } from "./member-list.ts";

const ROOT = join(import.meta.dirname, "../..");
const KEYS = masterKeysIn(JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] }));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "import-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the header of a member list", () => {
  it.each<[string, readonly string[], readonly MemberField[]]>([
    [
      "English",
      ["Member no.", "Full name", "Mobile phone", "E-mail"],
      ["memberNumber", "name", "phone", "email"],
    ],
    [
      "Norwegian",
      ["Medlemsnr", "Fornavn", "Etternavn", "Mobil", "E-postadresse"],
      ["memberNumber", "givenName", "familyName", "phone", "email"],
    ],
    [
      "Danish",
      ["MEDLEMSNUMMER", "Fulde navn", "Mobilnr.", "E-mailadresse"],
      ["memberNumber", "name", "phone", "email"],
    ],
    [
      "Swedish",
      ["Medlemsnummer", "Förnamn", "Efternamn", "Mobiltelefon", "E-postadress"],
      ["memberNumber", "givenName", "familyName", "phone", "email"],
    ],
    [
      "Finnish",
      ["Jäsennumero", "Etunimi", "Sukunimi", "Puhelinnumero", "Sähköposti"],
      ["memberNumber", "givenName", "familyName", "phone", "email"],
    ],
  ])("is understood in %s", (_language, header, fields) => {
    const { columns, ignored } = recogniseHeader(header);
    expect(columns).toEqual(Object.fromEntries(fields.map((field, index) => [field, index])));
    expect(ignored).toEqual([]);
  });

  it("prefers the mobile number, says what is not read, and takes columns that are named", () => {
    const header = ["Telefon", "Mobil", "Adresse", "Kode til Vipps"];
    expect(recogniseHeader(header)).toEqual({
      columns: { phone: 1 },
      ignored: ["Telefon", "Adresse", "Kode til Vipps"],
    });
    const named = recogniseHeader(header, { phone: "telefon", proof: "kode til vipps" });
    expect(named.columns).toEqual({ phone: 0, proof: 3 });
    expect(() => recogniseHeader(header, { phone: "Mob" })).toThrow('There is no column "Mob"');
    expect(() => recogniseHeader(["Navn", "Adresse"])).toThrow(
      "No column for phone numbers or email addresses",
    );
  });
});

describe("a row of a member list", () => {
  const columns = { memberNumber: 0, name: 1, phone: 2, email: 3, country: 4, proof: 5 };
  const read = (...cells: string[]) => readMemberRow(cells, columns, "NO");

  it.each([
    ['="0042"', "0042"],
    ["'0042", "0042"],
    ["1.23456789012346E+016", "member_number_rounded"],
    ["1,23457E+11", "member_number_rounded"],
    ["2E+05", "member_number_rounded"],
    ["E+5", "E+5"],
    ["K\ufffdre", "letter_unreadable"],
    ["12E5", "12E5"],
  ])("has the member number that a spreadsheet was given, or none: %s", (written, expected) => {
    const row = read(written, "Kari Nordmann", "99999901");
    expect("member" in row ? row.member.memberNumber : row.refusal).toBe(expected);
  });

  const phoneOf = (phone: string, country = "") => {
    const row = read("1", "Kari Nordmann", phone, "kari@example.com", country);
    return "member" in row ? row.member.phone : row.refusal;
  };

  it.each([
    "99999901",
    "999 99 901",
    "99 99 99 01",
    "999-99-901",
    "999.99.901",
    "+4799999901",
    "+47 999 99 901",
    "004799999901",
    "00 47 99999901",
    "4799999901",
    "(+47) 99999901",
    "+47 (999) 99 901",
    "+47-999-99-901",
    "tel:+4799999901",
    "'+4799999901",
    " 999\u00a099\u00a0901 ",
    "99999901.0",
    "\u202a+47 999 99 901\u202c",
    "+47 (0) 99999901",
    "99999901 (mob)",
    "Mob: 999 99 901",
  ])("takes the phone number %j", (typed) => {
    expect(phoneOf(typed)).toBe("4799999901");
  });

  it.each([
    ["+45 20 12 34 56", "", "4520123456"],
    ["20 12 34 56", "DK", "4520123456"],
    ["20 12 34 56", "Danmark", "4520123456"],
    ["070-174 06 05", "se", "46701740605"],
    ["+46 (0)70 174 06 05", "", "46701740605"],
    ["050 999 9903", "Suomi", "358509999903"],
    ["00358 50 9999903", "", "358509999903"],
    ["4520123456", "", "4520123456"],
    ["358509999903", "", "358509999903"],
    ["'+4520123456", "", "4520123456"],
  ])("takes the phone number %s of the country %j", (typed, country, expected) => {
    expect(phoneOf(typed, country)).toBe(expected);
  });

  it.each(["123", "12345678901234567", "999999", "4,79999E+09", "n/a", "-"])(
    "takes no number from %j",
    (typed) => {
      expect(phoneOf(typed)).toBeUndefined();
    },
  );

  it("keeps what can be read and says what can't", () => {
    expect(read("1", " Kari  Nordmann ", "x", " KARI@Example.COM ")).toEqual({
      member: expect.objectContaining({
        name: "Kari Nordmann",
        email: "kari@example.com",
        phone: undefined,
        importKey: "m:1",
      }),
      notes: ["phone_unreadable"],
    });
    expect(read("1", "", "99999901", "@")).toMatchObject({ notes: ["email_unreadable", "no_name"] });
    expect(read("1", "Kari", "", "")).toEqual({ refusal: "no_contact" });
    expect(read("1", "Kari", "123", "")).toEqual({ refusal: "phone_unreadable" });
    expect(read("1", "Kari", "", "kari")).toEqual({ refusal: "email_unreadable" });
    expect(read("1", "K".repeat(201), "99999901", "")).toEqual({ refusal: "too_long" });
    expect(read("1", "Kari;1\n2;Liv", "99999901", "")).toEqual({ refusal: "line_break" });
  });

  it("is known by its member number, else by what it says", () => {
    const key = (...cells: string[]) => {
      const row = read(...cells);
      return "member" in row ? row.member.importKey : row.refusal;
    };
    expect(key("17", "Kari", "99999901", "")).toBe("m:17");
    expect(key("", "Kari", "99999901", "")).toBe(key("", "Kari", "+47 999 99 901", ""));
    expect(key("", "Kari", "99999901", "")).not.toBe(key("", "Kari", "99999902", ""));
  });

  it("keeps of too many groups those that are written first", () => {
    const written = Array.from({ length: 30 }, (_none, index) => `g${90 - index}`);
    const row = readMemberRow(["99999901", written.join(",")], { phone: 0, groups: 1 }, "NO");
    expect(row).toMatchObject({
      member: { groups: written.slice(0, 20).sort() },
      notes: expect.arrayContaining(["groups_unreadable"]),
    });
  });

  it.each([
    ["'=cmd|'=x", "=cmd|=x"],
    ["''=x", "'=x"],
    ["a; '@b", "a; @b"],
    ["O'Neil-'-", "O'Neil-'-"],
  ])("is read without what an export puts before signs of a formula: %s", (written, name) => {
    expect(read("1", written, "99999901", "")).toMatchObject({ member: { name } });
  });

  it("puts a name together from its parts", () => {
    const row = readMemberRow(
      ["Kari", "Nordmann", "99999901"],
      { givenName: 0, familyName: 1, phone: 2 },
      "NO",
    );
    expect(row).toMatchObject({
      member: { name: "Kari Nordmann", givenName: "Kari", familyName: "Nordmann" },
    });
  });
});

describe("a member file", () => {
  async function rowsOf(content: string | Uint8Array) {
    const path = join(folder, "file.csv");
    writeFileSync(path, content);
    const format = await recogniseFormat(path);
    const rows = [];
    for await (const row of readRows(path, format, () => undefined))
      rows.push("cells" in row ? row.cells : row);
    return { format, rows };
  }
  const text = "Navn;E-post\r\nÅse Sørensen;ase@example.com\r\n";
  const expected = [
    ["Navn", "E-post"],
    ["Åse Sørensen", "ase@example.com"],
  ];

  it.each<[string, Uint8Array, string]>([
    ["UTF-8", Buffer.from(text), "utf-8"],
    ["UTF-8 with a mark", Buffer.from(`\ufeff${text}`), "utf-8"],
    ["UTF-16", Buffer.from(`\ufeff${text}`, "utf16le"), "utf-16le"],
    ["UTF-16 of the other byte order", Buffer.from(`\ufeff${text}`, "utf16le").swap16(), "utf-16be"],
    ["UTF-16 without a mark", Buffer.from(text, "utf16le"), "utf-16le"],
    ["UTF-16 of the other byte order without a mark", Buffer.from(text, "utf16le").swap16(), "utf-16be"],
    ["Windows-1252", Buffer.from(text, "latin1"), "windows-1252"],
  ])("is read in %s", async (_name, bytes, encoding) => {
    expect(await rowsOf(bytes)).toEqual({
      format: { encoding, delimiter: ";", lineEnd: "\n" },
      rows: expected,
    });
  });

  it.each<BufferEncoding>(["utf8", "latin1"])(
    "is read in %s where the first letter beyond ASCII comes late, or last",
    async (encoding) => {
      const plain = `Navn;E-post\n${"Ola Nordmann;ola@example.com\n".repeat(12_000)}`;
      const { rows } = await rowsOf(Buffer.from(`${plain}Kåre Ås;k@example.com\n`, encoding));
      expect(rows.at(-1)).toEqual(["Kåre Ås", "k@example.com"]);
      const { rows: short } = await rowsOf(Buffer.from("E-post;Navn\nk@example.com;Å", encoding));
      expect(short.at(-1)).toEqual(["k@example.com", "Å"]);
    },
  );

  it("is read with the carriage returns of very old programs for line ends", async () => {
    expect((await rowsOf(text.replaceAll("\r\n", "\r"))).rows).toEqual(expected);
  });

  it.each([",", ";", "\t", "|"])("is read with %j between the columns", async (delimiter) => {
    const { format, rows } = await rowsOf(text.replaceAll(";", delimiter));
    expect(format.delimiter).toBe(delimiter);
    expect(rows).toEqual(expected);
  });

  it.each([
    ["sep=;\r\n", ";"],
    ['"sep=;"\r\n', ";"],
    ["\ufeffSEP=;\n", ";"],
    ["sep=\t\r\n", "\t"],
  ])("is read behind the line that tells Excel the delimiter: %j", async (line, delimiter) => {
    const { format, rows } = await rowsOf(line + text.replaceAll(";", delimiter));
    expect(format.delimiter).toBe(delimiter);
    expect(rows).toEqual(expected);
  });

  it.each(["504b03040a000000", "d0cf11e0a1b11ae1"])("is no spreadsheet: %s", async (beginning) => {
    await expect(rowsOf(Buffer.from(beginning, "hex"))).rejects.toThrow("save it as CSV");
  });

  it("is read past quotation marks, empty lines, short lines and broken ones", async () => {
    const { rows } = await rowsOf(
      'Navn;Mobil;E-post\n"Hansen; Per";1;a@b.no\n\n;;\nKari;2\na;b;c;d\nLiv;3;c@d.no\nEli;4;e@f.no;; \n',
    );
    expect(rows).toEqual([
      ["Navn", "Mobil", "E-post"],
      ["Hansen; Per", "1", "a@b.no"],
      ["Kari", "2"],
      { line: 6, lastLine: 6, broken: "too_many_cells" },
      ["Liv", "3", "c@d.no"],
      ["Eli", "4", "e@f.no", "", ""],
    ]);
  });

  it.each([
    ['Anna "Nusse" Berg', 'Anna "Nusse" Berg'],
    ['"Ola" Berg', '"Ola" Berg'],
    ['"Ola" Berg "Jr."', '"Ola" Berg "Jr."'],
    ['Berg "Nusse"', 'Berg "Nusse"'],
    ['"Anna "Nusse" Berg"', 'Anna "Nusse" Berg'],
    ['"Anna ""Nusse"" Berg"', 'Anna "Nusse" Berg'],
    [' "Berg; Anna" ', "Berg; Anna"],
    ['skjerm 5"', 'skjerm 5"'],
    ['""', ""],
  ])("is read as written where quotation marks are part of a name: %j", async (written, name) => {
    const { rows } = await rowsOf(`Nr;Navn;Mobil\n1;${written};10\n2;Liv;20\n`);
    expect(rows.slice(1)).toEqual([
      ["1", name, "10"],
      ["2", "Liv", "20"],
    ]);
  });

  it("loses no line behind a quotation mark that is not closed, and says once where that is", async () => {
    const header = "Nr;Navn;Mobil";
    const { rows } = await rowsOf(
      [
        header,
        '1;"Ola;10',
        '2;"Kari";20',
        '"3";"Liv;"30"',
        '4;"Per;40',
        '5;Åse";50;x',
        "6;Bo;60",
        '7;"Eva',
      ].join("\n"),
    );
    const open = (line: number) => ({ line, lastLine: line, broken: "quote_open" });
    expect(rows.slice(1)).toEqual([
      open(2),
      ["2", "Kari", "20"],
      ["3", '"Liv', "30"],
      open(5),
      { line: 6, lastLine: 6, broken: "too_many_cells" },
      ["6", "Bo", "60"],
      open(8),
    ]);
    // However much stands behind it, on the same line or on others.
    const long = await rowsOf(`${header}\n1;"${"x".repeat(600_000)}\n2;${"x".repeat(600_000)}\n3;Liv;30\n`);
    expect(long.rows.slice(1)).toEqual([open(2), { ...open(3), broken: "too_long" }, ["3", "Liv", "30"]]);
    const others = await rowsOf(`${header}\n1;"Ola;10\n${"2;Liv;20\n".repeat(100_000)}`);
    expect(others.rows).toHaveLength(100_002);
    expect(others.rows[1]).toEqual(open(2));
  });

  it("is read as its writer meant it, whatever the cells hold and wherever the file is cut into pieces", async () => {
    const cell = fc.string({
      unit: fc.constantFrom("a", "é", '"', ";", ",", "\n", "\r\n", " ", "Berg"),
      maxLength: 8,
    });
    const path = join(folder, "any.csv");
    const table = fc.integer({ min: 1, max: 4 }).chain((columns) => {
      const row = fc.array(cell, { minLength: columns, maxLength: columns });
      return fc.array(row, { minLength: 1, maxLength: 6 });
    });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.boolean(),
        fc.constantFrom("\n", "\r\n"),
        async (cells, isQuoted, lineEnd) => {
          const rows = [cells[0]?.map((_cell, index) => `h${index}`) ?? [], ...cells];
          const quoted = (text: string) =>
            isQuoted || /["\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
          const lines = rows.map((row) => row.map(quoted).join(";"));
          writeFileSync(path, lines.join(lineEnd));
          const format = await recogniseFormat(path, ";");
          const read = [];
          for await (const row of readRows(path, format, () => undefined)) read.push(row);
          const trimmed = (row: readonly string[]) => row.map((text) => text.trim());
          expect(read.map((row) => ("cells" in row ? trimmed(row.cells) : row))).toEqual(
            rows.map(trimmed).filter((row) => row.join("") !== ""),
          );
        },
      ),
    );
  });
});

const run = (...args: string[]) => runWith({}, ...args);

const runWith = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  runCommand(["members", "import", ...args], { env });

/** The settings file of a deployment whose own site is www.example.com. */
let settings: string[];
beforeAll(() => {
  settings = ["--settings", join(folder, "settings")];
  writeFileSync(join(folder, "settings"), "SITE_URL=https://www.example.com\n");
});

describe("vipps-login members import", () => {
  const LINES = 3_000;
  const at = (name: string) => join(folder, name);
  const target = (): D1Target => ({
    root: ROOT,
    remote: false,
    environment: undefined,
    persistTo: at("state"),
  });
  const accounts = () => query(target(), "SELECT * FROM accounts ORDER BY import_key, id");

  it("says what it wants to know", async () => {
    expect(await run("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("--dry-run") });
    const wrong: [string[], string][] = [
      [[], "Missing required argument 'file'"],
      [[at("nothing.csv")], "There is no file"],
      [[folder], "is no file, but a folder, a device or a pipe"],
      [["/dev/null"], "is no file, but a folder, a device or a pipe"],
      [[at("list.csv"), "--report", at("nowhere/report.csv")], `There is no folder ${at("nowhere")}`],
      [["--nonsense"], "--nonsense"],
      [[at("list.csv"), "--country", "Norge"], "--country takes a code"],
      [[at("list.csv"), "--column", "phone"], "--column takes FIELD=NAME"],
      [[at("list.csv"), "--local", "--remote"], "Either --local or --remote"],
    ];
    writeMemberList(at("list.csv"), 100);
    for (const [args, message] of wrong) {
      expect(await run(...args)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining(message),
      });
    }
    writeFileSync(at("empty.csv"), "");
    expect(await run(at("empty.csv"))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("The file is empty"),
    });
  });

  it("checks a list without touching the registry", async () => {
    writeMemberList(at("list.csv"), 100);
    const { code, stdout, stderr } = await run(
      at("list.csv"),
      "--dry-run",
      "--json",
      "--persist-to",
      at("state"),
    );
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      encoding: "utf-8",
      delimiter: ";",
      columns: { memberNumber: "Medlemsnr.", name: "Navn", phone: "Mobil", email: "E-post" },
      ignored_columns: ["Innmeldt"],
      lines: 100,
      accepted: 96,
      refused: { no_contact: 1, phone_unreadable: 1, member_number_repeated: 1, too_many_cells: 1 },
      notes: { phone_unreadable: 1, email_unreadable: 1 },
      dry_run: true,
    });
    expect(readFileSync(at("list.csv.report.csv"), "utf8").split("\n").slice(0, 3)).toEqual([
      "line,result,reason,explanation",
      '14,note,phone_unreadable,"the phone number is not a number that exists"',
      '28,refused,no_contact,"neither a phone number nor an email address"',
    ]);
    expect(existsSync(at("state"))).toBe(false);
  });

  it("leaves a report only where there is something to report, and fails where nobody is taken in", async () => {
    const list = at("few.csv");
    const report = `${list}.report.csv`;
    const check = async (text: string, ...args: string[]) => {
      writeFileSync(list, text);
      const done = await run(list, "--dry-run", ...args);
      return { ...done, hasReport: existsSync(report) };
    };
    expect(await check("name,phone\nKari,1\n", "--json")).toEqual({
      code: 1,
      stdout: expect.stringContaining('"phone_unreadable": 1'),
      stderr: "No line could be taken in.\n",
      hasReport: true,
    });
    const clean = await check("name,phone\nKari,99999901\n");
    expect(clean).toMatchObject({ code: 0, stderr: "", hasReport: false });
    expect(clean.stdout).not.toContain("report");
    expect((await check("name,phone\nKari,1\nLiv,99999901\n")).stdout).toContain(`is in ${report}.`);
    expect(await check("name,phone\n\n")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("a header and nobody behind it"),
      hasReport: false,
    });
  });

  it("says on the way how many lines are refused, and no more", async () => {
    writeFileSync(at("way.csv"), "name,phone\nKari,99999901\nLiv,1\nPer,99999902\n");
    let now = Date.now();
    const clock = vi.spyOn(Date, "now").mockImplementation(() => {
      now += 60_000;
      return now;
    });
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      await run(at("way.csv"), "--dry-run");
      const told = written.mock.calls.map(([text]) =>
        String(text)
          .replace(/^.*%, /, "")
          .trim(),
      );
      expect(told).toEqual(["1 lines, 0 refused", "2 lines, 1 refused", "3 lines, 1 refused"]);
    } finally {
      written.mockRestore();
      clock.mockRestore();
    }
  });

  it("counts and names the lines of the file where quotation marks are not closed", async () => {
    const lines = [
      'R1;"Ola" Berg;40005561',
      'R2;"Liv;40005562',
      "R3;Per;40005563",
      'R4;"Åse',
      'R5;Bo";40005565',
    ];
    writeFileSync(at("quotes.csv"), `Medlemsnr;Navn;Mobil\n${lines.join("\n")}\n`);
    const { stdout } = await run(at("quotes.csv"), "--dry-run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ lines: 4, accepted: 2, refused: { quote_open: 1, line_break: 1 } },
    });
    expect(readFileSync(at("quotes.csv.report.csv"), "utf8").split("\n").slice(1)).toEqual([
      expect.stringMatching(/^3,refused,quote_open,/),
      expect.stringMatching(/^5-6,refused,line_break,/),
      "",
    ]);
  });

  it("makes the tables where there are none, as dev does", async () => {
    const state = at("no-tables-yet");
    const { code, stdout, stderr } = await run(at("list.csv"), "--persist-to", state, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ accounts_added: 96 });
  }, 300_000);

  it("leaves the database of an environment alone, says what to paste, and reports nothing", async () => {
    const place = ["--env", "production", "--persist-to", at("its-state")];
    const report = at("reported.csv");
    const { code, stderr } = await run(at("list.csv"), ...place, "--report", report);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `no such table: accounts. Apply the migrations first: npx wrangler d1 migrations apply ACCOUNTS_DB --local --persist-to ${at("its-state")} --env production\n`,
    );
    expect(existsSync(report)).toBe(false);
  });

  it("takes a list in, twice with the same registry, and leaves people who log in what Vipps says", async () => {
    await makeLocalState(at("state"));
    writeMemberList(at("list.csv"), LINES);
    const first = await run(at("list.csv"), "--persist-to", at("state"), "--json");
    expect(first).toMatchObject({ code: 0 });
    const refused = (LINES * REFUSED_OF_HUNDRED) / 100;
    // Of member number 1, which every hundredth line repeats, the first line counts.
    expect(JSON.parse(first.stdout)).toMatchObject({
      lines: LINES,
      accepted: LINES - refused,
      accounts_added: LINES - refused,
      accounts_joined: 0,
      accounts_changed: 0,
    });
    const before = await accounts();
    expect(before.find(({ member_number }) => member_number === "M2")).toMatchObject({
      name: "Mäkelä, Kari",
      search_name: "makela kari",
      phone: "4790000002",
      phone_verified: 1,
      email: "medlem.2@example.com",
      email_verified: 1,
      origin: "import",
      proof_digest: expect.stringMatching(/^[\w-]{43}$/),
    });

    const second = await run(at("list.csv"), "--persist-to", at("state"), "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({
      accounts_added: 0,
      accounts_joined: 0,
      accounts_changed: 0,
    });
    expect(before).toHaveLength(LINES - refused);
    expect(await accounts()).toEqual(before);

    // M2 logs in and has another email address at Vipps; somebody new, M4, has logged in before the list came.
    const id = String(before.find(({ member_number }) => member_number === "M2")?.id);
    await query(
      target(),
      `INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by) VALUES ('default', '1', 's', '${id}', 1, 'matched');
       UPDATE accounts SET email = 'vipps@example.com' WHERE id = '${id}';
       DELETE FROM accounts WHERE member_number = 'M4';
       INSERT INTO accounts (site, id, name, search_name, phone, phone_verified, origin, created_at, updated_at)
         VALUES ('default', 'acc_m4', 'Kari Berg', 'berg kari', '4790000004', 1, 'vipps', 1, 1)`,
    );
    const list = readFileSync(at("list.csv"), "utf8");
    writeFileSync(at("list.csv"), list.replace("Medlem.2@", "changed.2@").replace("Medlem.3@", "changed.3@"));
    const third = await run(at("list.csv"), "--persist-to", at("state"));
    expect(third.stdout).toMatch(/ 0 new\n +1 of a login before, now the member's\n +2 brought up to date\n/);
    const after = await accounts();
    expect(after).toHaveLength(before.length);
    const emailOf = (number: string) => after.find(({ member_number }) => member_number === number)?.email;
    expect(emailOf("M2")).toBe("vipps@example.com");
    expect(emailOf("M3")).toBe("changed.3@example.com");
    expect(after.find(({ member_number }) => member_number === "M4")).toMatchObject({
      id: "acc_m4",
      origin: "vipps",
    });
  }, 600_000);

  it("leaves what a later list does not say, or says unreadably, as it is known", async () => {
    const state = at("said");
    await makeLocalState(state);
    const known = async (...lines: string[]) => {
      writeFileSync(at("said.csv"), `${lines.join("\n")}\n`);
      expect(await run(at("said.csv"), "--persist-to", state, ...settings)).toMatchObject({ code: 0 });
      const rows = await query(
        { ...target(), persistTo: state },
        "SELECT name, given_name, search_name, phone, phone_verified, email, email_verified, proof_digest, groups FROM accounts WHERE member_number = 'S1'",
      );
      expect(rows).toHaveLength(1);
      return rows[0] ?? {};
    };
    const header = "Medlemsnr;Fornavn;Etternavn;Mobil;E-post;Kode;Grupper";
    const first = await known(header, "S1;Kari;Berg;+4532123457;kari@example.com;K1;board");
    expect(first).toMatchObject({
      ...{ name: "Kari Berg", phone: "4532123457", phone_verified: 1, email: "kari@example.com" },
      groups: '["board"]',
    });
    expect(await known(header, "S1;Kari;Berg;32 12 34;kari@example.com;K1;board")).toEqual(first);
    expect(await known(header, "S1;Kari;Berg;+4532123457;at example;K1;board")).toEqual(first);
    expect(await known("Medlemsnr;Mobil", "S1;+4532123457")).toEqual(first);
    const emailAlone = await known("Medlemsnr;E-post", "S1;kari@example.org");
    expect(emailAlone).toEqual({ ...first, email: "kari@example.org" });
    // What staff took back as unsure is not made sure by a list that does not have it.
    await query({ ...target(), persistTo: state }, "UPDATE accounts SET phone_verified = 0");
    expect(await known("Medlemsnr;E-post", "S1;kari@example.net")).toMatchObject({
      ...{ phone: "4532123457", phone_verified: 0 },
    });
    // An empty cell says that there is none; of a proof, that it is the member number again.
    const emptied = await known(header, "S1;Kari;;;kari@example.org;;");
    expect(emptied).toMatchObject({ name: "Kari", search_name: "kari", phone: null, phone_verified: 0 });
    expect(emptied.groups).toBe("[]");
    const numbered = await known("Medlemsnr;E-post", "S2;other@example.org", "S1;kari@example.org");
    expect(numbered.proof_digest).toBe(emptied.proof_digest);
    expect(emptied.proof_digest).not.toBe(first.proof_digest);
  }, 300_000);

  it("takes in again what an export wrote, with nobody lost, doubled or changed", async () => {
    const state = at("again");
    await makeLocalState(state);
    const here = { ...target(), persistTo: state };
    const list = at("again.csv");
    const place = ["--persist-to", state, ...settings];
    const taken = async (counts: object) => {
      const { stdout } = await run(list, ...place, "--json");
      expect(JSON.parse(stdout)).toMatchObject({ refused: {}, notes: {}, ...counts });
      return query(here, "SELECT * FROM accounts ORDER BY id");
    };
    const people: readonly (readonly [
      id: string,
      name: string,
      phone: string,
      key: string,
      number: string,
    ])[] = [
      // By a login, one of them with a number that staff gave; by a list without numbers; by one with numbers.
      ["acc_a", "=cmd|' /C calc'!A0", "'4532123457'", "NULL", "NULL"],
      ["acc_b", 'Anna "Nusse" Berg; \'+x', "NULL", "NULL", "'7'"],
      ["acc_c", "''-Ola, @Berg", "'4790000001'", "'h:any'", "'8'"],
      ["acc_d", "Liv Lund", "'4790000002'", "'m:9'", "'9'"],
    ];
    const rows = people.map(
      ([id, name, phone, key, number]) =>
        `('default', '${id}', '${name.replaceAll("'", "''")}', '${searchName(name)}', ${phone}, ${phone} IS NOT NULL, '${id}@example.com', 1,
          ${number}, ${key}, '["board","trainers"]', 'vipps', 1, 1)`,
    );
    await query(
      here,
      `INSERT INTO accounts (site, id, name, search_name, phone, phone_verified, email, email_verified, member_number,
         import_key, groups, origin, created_at, updated_at) VALUES ${rows.join(", ")};
       INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by) VALUES ('default', '1', 's', 'acc_a', 1, 'matched')`,
    );
    const before = await query(here, "SELECT * FROM accounts ORDER BY id");
    const exported = await runCommand(["members", "export", list, ...place]);
    expect(exported).toMatchObject({ code: 0 });
    const kept = (all: readonly Record<string, unknown>[]) =>
      all.map(({ import_key, proof_digest, updated_at, ...rest }) => rest);
    const after = await taken({ accepted: 4, accounts_added: 0 });
    expect(kept(after)).toEqual(kept(before));
    expect(await taken({ accounts_added: 0, accounts_joined: 0, accounts_changed: 0 })).toEqual(after);

    // A list of numbers that comes later finds them, and so does the export after it.
    const text = readFileSync(list, "utf8");
    expect(text).toContain(`"'+4532123457"`);
    writeFileSync(list, `Nr;Navn;Mobil\n5;"${people[0]?.[1]}";+4532123457\n9;Liv Lund;90000002\n`);
    expect((await taken({ accounts_added: 0, accounts_joined: 1 }))[0]).toMatchObject({ member_number: "5" });
    writeFileSync(list, text);
    expect(await taken({ accounts_added: 0 })).toHaveLength(4);
    // A number that is somebody else's makes nobody into that person.
    await query(here, "UPDATE accounts SET import_key = NULL WHERE id = 'acc_c'");
    const wrong = ["acc_b,9,Anna Berg,90000003", "acc_c,9,Ola Berg,90000004"];
    for (const line of wrong) {
      writeFileSync(list, `account_id,member_number,name,phone\n${line}\n`);
      await taken({ accounts_added: 0 });
    }
    expect(await taken({ accounts_added: 0 })).toMatchObject([
      {},
      { id: "acc_b", name: "Anna Berg", member_number: "7", phone: "4790000003" },
      { id: "acc_c", name: "Ola Berg", member_number: "8", phone: "4790000004" },
      { id: "acc_d", name: "Liv Lund", member_number: "9", phone: "4790000002" },
    ]);
    // An account that the site does not have counts for nothing, and nobody is on a list twice.
    writeFileSync(list, "account_id,name,phone\nacc_x,New,90000005\nacc_x,New,90000006\n");
    expect(await taken({ refused: { row_repeated: 1 }, accounts_added: 1 })).toHaveLength(5);
    expect(await taken({ refused: { row_repeated: 1 }, accounts_added: 0 })).toHaveLength(5);
  }, 300_000);

  it("takes names that look like SQL for names", async () => {
    const names = [
      "Robert'); DROP TABLE accounts; --",
      "BEGIN TRANSACTION; COMMIT;",
      "/* */ CASE WHEN 1 THEN 2 END",
      'CREATE TRIGGER x BEGIN "quoted" \\ END;',
      "名前 😀 Ωmega",
    ];
    const quoted = names.map((name, index) => `"${name.replaceAll('"', '""')}",h${index}@example.com`);
    writeFileSync(at("hostile.csv"), `name,email\n${quoted.join("\n")}\n`);
    const imported = await run(at("hostile.csv"), "--persist-to", at("state"), ...settings);
    expect(imported).toMatchObject({ code: 0 });
    const rows = (await accounts()).filter(({ email }) => String(email).startsWith("h"));
    expect(rows.map(({ name }) => name).sort()).toEqual(names.toSorted());
  }, 300_000);

  it("may be killed at any moment, and taken up again", async () => {
    const state = at("cut-off");
    await makeLocalState(state);
    writeMemberList(at("long.csv"), 20_000);
    const child = spawn(process.execPath, [
      join(ROOT, "cli/vipps-login.ts"),
      ...["members", "import", at("long.csv"), "--persist-to", state, ...settings],
    ]);
    const objects = join(state, "v3/d1/miniflare-D1DatabaseObject");
    const path = readdirSync(objects).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)) ?? "";
    const file = new DatabaseSync(join(objects, path), { readOnly: true, timeout: 30_000 });
    const counted = () => Number(file.prepare("SELECT count(*) AS n FROM accounts").get()?.n);
    while (counted() === 0 && child.exitCode === null) await setTimeout(1);
    child.kill("SIGKILL");
    await new Promise((ended) => child.once("close", ended));
    const before = counted();
    const again = await run(at("long.csv"), "--persist-to", state, "--json", ...settings);
    expect(again).toMatchObject({ code: 0 });
    const result = JSON.parse(again.stdout);
    expect(result.accounts_added).toBe(result.accepted - before);
    expect(counted()).toBe(result.accepted);
    file.close();
    // Whole portions or nothing of them.
    expect(before % 1_000).toBe(0);
  }, 300_000);

  it("keeps members under the key of the site that is meant, and refuses one that is none", async () => {
    writeFileSync(at("site.csv"), "name,email\nKari Nordmann,kari@example.com\n");
    const common = [at("site.csv"), "--persist-to", at("state"), ...settings];
    expect(await run(...common, "--site", "k30.localhost")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("k30.localhost is no site here"),
    });
    const document = await writeSiteDocument(KEYS, "k30.localhost:8788", {}, 1);
    const text = JSON.stringify(document);
    const put = ["kv", "key", "put", "--binding", "SITES", "site:k30.localhost:8788", text];
    await runWrangler(ROOT, [...put, "--local", "--persist-to", at("state")]);
    expect(await run(...common)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/1 further site: say with --site.*--site www\.example\.com is/),
    });
    expect(await run(...common, "--site", "k30.localhost", "--dry-run")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean k30.localhost:8788?"),
    });
    expect(await run(...common, "--site", "http://K30.localhost:8788/members")).toMatchObject({ code: 0 });
    expect(await run(...common, "--site", "HTTPS://WWW.Example.com:443")).toMatchObject({ code: 0 });
    const sites = (await accounts())
      .filter(({ email }) => email === "kari@example.com")
      .map(({ site }) => site)
      .sort();
    expect(sites).toEqual(["default", "k30.localhost:8788"]);
  }, 300_000);
});

describe("npm run members:import -- --remote", () => {
  let account: Account;
  beforeAll(async () => {
    account = await openAccount();
  });
  afterAll(() => account.close());

  const file = () => join(folder, "remote.csv");
  const remote = (...args: string[]) =>
    runWith(
      {
        CLOUDFLARE_API_BASE_URL: account.url,
        CLOUDFLARE_API_TOKEN: "a-token",
        CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
      },
      ...[file(), "--remote", "--env", "staging", "--settings", settings[1] ?? "", ...args],
    );

  it("asks Cloudflare's API in bounded steps, again where it is busy, and says what is missing", async () => {
    writeMemberList(file(), 3_000);
    expect(await remote()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("There is no D1 database vipps-login-accounts-staging at Cloudflare."),
    });
    const sqlite = new DatabaseSync(":memory:");
    account.databases.set("vipps-login-accounts-staging", { uuid: "a-database", sqlite });
    expect(await remote()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Apply the migrations first"),
    });
    for (const name of readdirSync(join(ROOT, "migrations")).sort())
      sqlite.exec(readFileSync(join(ROOT, "migrations", name), "utf8"));
    account.calls.length = 0;
    account.busy = 1;
    const first = await remote("--json");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toMatchObject({ accounts_added: 2_880, target: "remote" });
    expect(sqlite.prepare("SELECT count(*) AS n, min(site) AS site FROM accounts").get()).toEqual({
      n: 2_880,
      site: "default",
    });
    // Three portions and the statistics, and once more for the one that was turned away.
    expect(account.calls.filter((call) => call.endsWith("/a-database/query"))).toHaveLength(5);
    const second = await remote("--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ accounts_added: 0, accounts_changed: 0 });
    expect(first.stdout + first.stderr).not.toContain("a-token");
  }, 300_000);

  it("asks which site is meant where Cloudflare's KV has several", async () => {
    account.kv.set("vipps-login-worker-staging-sites", "kv-sites");
    account.keys = ["site:club.example"];
    const value = JSON.stringify(await writeSiteDocument(KEYS, "club.example", {}, 1));
    account.values.set("kv-sites", new Map([["site:club.example", { value, metadata: {} }]]));
    expect(await remote()).toMatchObject({ code: 2, stderr: expect.stringContaining("1 further site") });
    expect(await remote("--site", "https://CLUB.example/")).toMatchObject({ code: 0 });
    const sqlite = account.databases.get("vipps-login-accounts-staging")?.sqlite;
    expect(sqlite?.prepare("SELECT count(*) AS n FROM accounts WHERE site = 'club.example'").get()).toEqual({
      n: 2_880,
    });
  }, 300_000);
});

describe("the site of a member list", () => {
  const known = { own: "www.example.com", further: ["a.example", "k30.localhost:8788"] };

  it.each([
    ["default", "default"],
    ["www.example.com", "default"],
    ["https://WWW.example.com/", "default"],
    ["A.EXAMPLE", "a.example"],
    ["a.example:443", "a.example"],
    ["http://a.example:80", "a.example"],
    [" K30.localhost:8788", "k30.localhost:8788"],
  ])("%j is the one under %s", (named, key) => {
    expect(siteNamed(named, known).host).toBe(key);
  });

  it.each(["b.example", "a.example:8443", "it's another", "", "Default", "k30.localhost"])(
    "%j is none",
    (named) => {
      expect(() => siteNamed(named, known)).toThrow("is no site here");
    },
  );

  it("is the only one there is, or has to be named", () => {
    expect(siteNamed(undefined, { own: undefined, further: [] }).host).toBe("default");
    expect(() => siteNamed(undefined, known)).toThrow("2 further sites");
    expect(() => siteNamed("default", { own: undefined, further: ["a.example"] })).toThrow(
      "no site of its own",
    );
  });
});
