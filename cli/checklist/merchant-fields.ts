import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { parseDocument, YAMLParseError } from "yaml";
import { CommandError } from "../command-error.mjs";
import { ROW_IDS, ROWS, type RowId } from "./rows.ts";
import type { SiteValues } from "./settings.ts";

const asks = ROW_IDS.map((id) => ROWS[id].asks);
/** Every question, by its key in the file. */
export const FIELDS: Readonly<Record<string, string>> = Object.assign({}, ...asks);

/** Whether a question is asked, where only some sites are, by their settings. */
const CONDITIONS: Readonly<Record<string, (values: SiteValues) => boolean>> = {
  nin_permission: ({ scopes }) => scopes.some((scope) => scope === "nin" || scope === "gender"),
  terms_presented: ({ values }) => values.TERMS_URL === undefined,
  partner_name: ({ isPartner }) => isPartner,
};

/** What the merchant has written, by the key of the question; what is not filled in is not there. */
export type MerchantFields = Readonly<Record<string, string | undefined>>;

export type Asked = ReturnType<typeof askedFields>;

/** What a row asks of the merchant of this site. */
export function askedFields(row: RowId, values: SiteValues, fields: MerchantFields) {
  const asked = Object.entries(ROWS[row].asks ?? {});
  return asked.flatMap(([name, question]) =>
    CONDITIONS[name]?.(values) === false ? [] : [{ name, question, answer: fields[name] }],
  );
}

const HEADER = `# What only you can tell Vipps, for the report of "npm run checklist". It is read at every run and never changed.
# Write behind the colon; for several lines write "|" there and the text below, indented. Empty is "to fill in".
# All of it stands in the report: no secrets, and no data of customers.
`;

/** The file with every question and no answer. */
export const emptyMerchantFile = (): string =>
  HEADER +
  Object.entries(FIELDS)
    .map(([name, question]) => `\n# ${question}\n${name}:\n`)
    .join("");

const Answer = v.pipe(
  v.nullable(v.union([v.string(), v.number(), v.boolean(), v.date()])),
  v.transform((value) => String(value ?? "").trim() || undefined),
);
const MerchantFile = v.strictObject(v.entriesFromList(Object.keys(FIELDS), v.optional(Answer)));

/**
 * Reads the file, or makes it with empty fields where there is none.
 * @throws {CommandError} when it is no YAML, or holds a field that is not known
 */
export function readMerchantFile(path: string): { readonly fields: MerchantFields; readonly made: boolean } {
  const made = !existsSync(path);
  if (made) writeFileSync(path, emptyMerchantFile(), { flag: "wx" });
  return { fields: parseMerchantFile(readFileSync(path, "utf8"), path), made };
}

/** @throws {CommandError} */
export function parseMerchantFile(text: string, path: string): MerchantFields {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error instanceof YAMLParseError) throw new CommandError(`${path}: ${error.message.split("\n")[0]}`);
  const parsed = v.safeParse(MerchantFile, document.toJS() ?? {});
  if (parsed.success) return parsed.output;
  const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
  throw new CommandError(`${path}: ${faults.join("; ")}`);
}
