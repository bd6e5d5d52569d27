import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  bestEvidence,
  type Evidence,
  type JudgedRow,
  merged,
  readEvidence,
  writeEvidence,
} from "../../cli/checklist/evidence.ts";
import { FIELDS } from "../../cli/checklist/merchant-fields.ts";
import { htmlReport } from "../../cli/checklist/report/html.ts";
import { markdownReport } from "../../cli/checklist/report/markdown.ts";
import { comments, makeReport, type Report } from "../../cli/checklist/report/report.ts";
import { ROW_IDS, type RowId } from "../../cli/checklist/rows.ts";
import { siteValuesFrom } from "../../cli/checklist/settings.ts";
import { CommandError } from "../../cli/command-error.mjs";
import { holds, skipped } from "../../cli/findings/finding.ts";
import { evidence } from "./checklist-seen.ts";

const TAKEN = Date.parse("2026-11-22T12:00:00.000Z");
const DAY = 24 * 3600 * 1000;
const own = siteValuesFrom({ VIPPS_MSN: "123456" });

const allFields = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, `answer to ${name}`]));

const shown = {
  at: "2026-11-22T12:00:00.000Z",
  from: "worker",
  to: "provider",
  request: "POST https://apitest.vipps.no/token",
  response: "200",
} as const;

/** Evidence for every row, with an example in one. */
const everyRow = (parts: Partial<Evidence> = {}): JudgedRow[] =>
  ROW_IDS.map((row) => ({
    row,
    evidence: evidence({ ...(row === "token" && { exchanges: [shown] }), ...parts }),
  }));

const report = (rows: JudgedRow[], { days = 0, merchant = allFields, maxAge = 30 } = {}): Report =>
  makeReport({ runs: {}, rows }, { now: TAKEN + days * DAY, maxAge, own, merchant });

function rowOf({ rows }: Report, id: RowId) {
  const row = rows.find((each) => each.id === id);
  if (row === undefined) throw new Error(`there is no row ${id}`);
  return row;
}

describe("a report", () => {
  it("is ready to send when every row has recent evidence from Vipps and every field is filled in", () => {
    const made = report(everyRow());
    expect(made.toDo).toEqual([]);
    expect(made.counts).toMatchObject({ met: ROW_IDS.length, failed: 0, open: 0, fill: 0 });
  });

  it("marks evidence that is older than 30 days, to the day", async () => {
    expect(report(everyRow(), { days: 30 }).toDo).toEqual([]);
    const old = report(everyRow(), { days: 30.1 });
    expect(rowOf(old, "token")).toMatchObject({ status: "open", isOld: true, age: 30 });
    expect(rowOf(old, "recent")).toMatchObject({ status: "open", reason: "Some evidence is too old." });
    expect(old.toDo.join(" ")).toContain("older than 30 days");
    // What only stands in the merchant's words does not age.
    expect(rowOf(old, "pilot")).toMatchObject({ status: "met", isOld: false });
    expect(await markdownReport(old)).toContain("too old to be sent");
    expect(report(everyRow(), { days: 8, maxAge: 7 }).toDo).not.toEqual([]);
  });

  it("says that a simulator's examples are not accepted", async () => {
    const made = report(everyRow({ environment: "simulator" }));
    expect(rowOf(made, "recent")).toMatchObject({
      status: "open",
      reason: "Examples from the simulator are not accepted by Vipps.",
    });
    for (const text of [await markdownReport(made), await htmlReport(made, () => "")])
      expect(text).toContain("Vipps does not accept it as examples");
  });

  it("shows a row that failed, with why, above all else", async () => {
    const findings = [holds("All five headers are sent", false, "one is missing")];
    const made = report(
      everyRow().map((one) => (one.row === "headers" ? { ...one, evidence: evidence({ findings }) } : one)),
    );
    expect(rowOf(made, "headers")).toMatchObject({
      status: "failed",
      reason: "All five headers are sent: one is missing",
    });
    expect(made.counts.failed).toBe(1);
    expect(made.toDo[0]).toBe("Put right what failed: Include standard HTTP headers.");
    const html = await htmlReport(made, () => "");
    expect(html).toMatch(/class="row failed" id="headers"/);
    expect(html).toContain("All five headers are sent: one is missing");
  });

  it("asks for what only the merchant can tell", async () => {
    const made = report(everyRow(), { merchant: { company_name: "Svaberget <Badelag>" } });
    expect(rowOf(made, "company")).toMatchObject({ status: "fill" });
    expect(rowOf(made, "pilot")).toMatchObject({ status: "fill", reason: "To fill in: pilot_customer" });
    const html = await htmlReport(made, () => "");
    expect(html).toContain("<h1>Svaberget &lt;Badelag&gt;</h1>");
    expect(html).toContain("To fill in");
    // Nobody is asked for a partner's name, or for permission of a scope, who needs none.
    expect(html).not.toContain(FIELDS.partner_name);
    expect(html).not.toContain(FIELDS.nin_permission);
  });

  it("begins with a line for each row that leads to its evidence, in HTML and in Markdown", async () => {
    const made = report(everyRow());
    const html = await htmlReport(made, () => "");
    const [table = "", appendix = ""] = html.split('id="evidence"');
    made.rows.forEach(({ id, title, number }, index) => {
      expect(number).toBe(index + 1);
      expect(table).toContain(`${number} ${title.replaceAll("'", "&#39;")}</th>`);
      expect(table).toContain(`href="#${id}"`);
      expect(appendix).toContain(`id="${id}"`);
    });
    expect(table).not.toContain("<pre>");
    const [lines = ""] = (await markdownReport(made)).split("# Appendix");
    expect(lines.match(/^\| ✓ \| \d+ /gm)).toHaveLength(ROW_IDS.length);
  });

  it("gives the comments for Vipps' form, row by row, with the merchant's own words first", () => {
    const text = comments(
      report(everyRow(), { merchant: { ...allFields, pilot_customer: "Svaberget\nBadelag" } }),
    );
    expect(text.match(/^## /gm)).toHaveLength(ROW_IDS.length);
    expect(text).toMatch(/^## Pilot customer: Met\nSvaberget Badelag\. /m);
    expect(text).toMatch(
      /^## OAuth 2.0 token: Met\n.+ Proof: 1 check, 1 request, checklist-report\.pdf, number 4\.$/m,
    );
    // A field of the form is one paragraph.
    for (const part of text.split("\n\n")) expect(part.split("\n")).toHaveLength(2);
  });

  it("takes pictures of what the site leaves out for no proof of a row that the merchant's word meets", () => {
    const picture = { file: "terms-phone.png", caption: "", device: "phone" } as const;
    const demonstrated = evidence({ findings: [skipped("TERMS_URL is not set.")], pictures: [picture] });
    const merchant = { ...allFields, terms_presented: "No terms; on paper." };
    const terms = rowOf(report([{ row: "terms", evidence: demonstrated }], { merchant }), "terms");
    expect(terms).toMatchObject({ status: "met", proof: "the merchant's word" });
    const shownThere = evidence({ pictures: [picture] });
    expect(rowOf(report([{ row: "terms", evidence: shownThere }]), "terms").proof).toBe("1 check, 1 picture");
  });

  it("loads nothing and runs nothing", async () => {
    const html = await htmlReport(report(everyRow()), () => "data:image/png;base64,");
    expect(html).not.toMatch(/<script|<link|\bsrc="(?!data:)|@import|url\(/);
  });

  it("shows what no run has looked at as still to show", () => {
    expect(rowOf(report([]), "token")).toMatchObject({
      status: "open",
      reason: "No run has looked at this yet.",
    });
  });
});

describe("stored evidence", () => {
  const folder = mkdtempSync(join(tmpdir(), "checklist-evidence-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const of = (row: RowId, parts: Partial<Evidence>): JudgedRow => ({ row, evidence: evidence(parts) });

  it("is what was written, and a new run replaces its own rows alone", () => {
    const first = [of("token", { how: "first" }), of("jwks", { how: "first" })];
    writeEvidence(folder, { runs: { test: { changed: [] } }, rows: first });
    const { rows, runs } = readEvidence(folder);
    expect(rows).toEqual(first);
    expect(runs).toEqual({ test: { changed: [] } });
    const second = [of("token", { how: "second" }), of("token", { how: "third", environment: "simulator" })];
    expect(merged(rows, second).map(({ row, evidence: { how } }) => `${row} ${how}`)).toEqual([
      "jwks first",
      "token second",
      "token third",
    ]);
  });

  it("prefers Vipps' own environment, recent before old, but never hides a newer failure", () => {
    const recent = () => true;
    const simulator = of("token", { environment: "simulator", takenAt: "2026-11-22T12:00:00.000Z" });
    const test = of("token", { environment: "test", takenAt: "2026-11-10T12:00:00.000Z" });
    expect(bestEvidence([simulator, test], "token", recent)?.environment).toBe("test");
    const tooOld = ({ environment }: Evidence) => environment === "simulator";
    expect(bestEvidence([simulator, test], "token", tooOld)?.environment).toBe("simulator");
    const failing = of("token", {
      environment: "simulator",
      takenAt: "2026-11-22T12:00:00.000Z",
      findings: [holds("It holds", false)],
    });
    expect(bestEvidence([test, failing], "token", recent)?.environment).toBe("simulator");
    expect(bestEvidence([], "token", recent)).toBeUndefined();
  });

  it("that is none is refused with its name, and left alone", () => {
    const path = join(folder, "evidence.json");
    for (const text of [
      "{",
      '{"format":1,"runs":{},"rows":[]}',
      '{"format":2,"runs":{},"rows":[{"row":"token"}]}',
    ]) {
      writeFileSync(path, text);
      expect(() => readEvidence(folder)).toThrow(CommandError);
      expect(readFileSync(path, "utf8")).toBe(text);
    }
    // A picture's name is part of a path, so it may be nothing but a name.
    const picture = { file: "../../secret.png", caption: "", device: "phone" } as const;
    writeEvidence(folder, { runs: {}, rows: [of("token", { pictures: [picture] })] });
    expect(() => readEvidence(folder)).toThrow(CommandError);
  });
});
