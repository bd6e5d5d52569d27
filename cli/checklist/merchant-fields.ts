import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { parseDocument, YAMLParseError } from "yaml";
import { CommandError } from "../command-error.mjs";
import type { RowId } from "./rows.ts";
import type { SiteValues } from "./site-values.ts";

/** What no program can know, by the row that is not complete without it: its key in the file, and what is asked. */
const ASKED = {
  company: {
    company_name: "The company's name as its customers know it, the same as on the site",
    sales_unit_name:
      "The sales unit's name in the portal, which customers see on Vipps' page. The same as above?",
    logo: "Is the logo set in the portal? It is shown in the app under 'Companies with access'",
  },
  "redirect-uris": {
    redirect_uris_registered:
      "Which redirect URIs are registered in the portal, for test and for production?",
  },
  scopes: {
    scope_reasons: "What is each requested scope needed for?",
    nin_permission: "When and by whom was the scope nin or gender granted?",
  },
  "any-browser": {
    phones_tested:
      "On which phones and browsers was a login tried by hand, and when? At least one that is not the phone's default browser, such as Chrome on an iPhone",
  },
  terms: {
    terms_presented:
      "Where does the site present its terms and ask for consents, since TERMS_URL is not set?",
  },
  "on-behalf": {
    on_behalf_of_others:
      "Is data from Vipps passed on to other merchants? If so: how are the terms for acting on behalf of others kept?",
  },
  buttons: {
    button_pages:
      "On which pages is the login button, and has somebody compared it with the design guidelines?",
  },
  "customer-service": {
    customer_service:
      "Who answers customers whose login fails, and have they seen the console or a system like it?",
  },
  partner: { partner_name: "The partner's name, if a partner or platform sends this" },
  description: { description: "The solution in a few sentences: what the site is, who logs in, what for" },
  pilot: { pilot_customer: "The pilot customer: company, Merchant Serial Number, when they start" },
  video: {
    video: "Where is the video that shows one login that succeeds and one that the customer rejects?",
  },
} as const satisfies Partial<Record<RowId, Readonly<Record<string, string>>>>;

type KeyOf<Table> = Table extends unknown ? keyof Table : never;
export type FieldName = KeyOf<(typeof ASKED)[keyof typeof ASKED]>;

/** Every question, by its key in the file. */
export const FIELDS = Object.assign({}, ...Object.values(ASKED)) as Readonly<Record<FieldName, string>>;

/** Fields that are asked of some sites alone, by their settings. */
const CONDITIONS: Readonly<Partial<Record<FieldName, (values: SiteValues) => boolean>>> = {
  nin_permission: ({ scopes }) => scopes.some((scope) => scope === "nin" || scope === "gender"),
  terms_presented: ({ values }) => values.TERMS_URL === undefined,
  partner_name: ({ isPartner }) => isPartner,
};

/** What the merchant has written; what is not filled in is not there. */
export type MerchantFields = Readonly<Partial<Record<FieldName, string>>>;

export interface AskedField {
  readonly name: FieldName;
  readonly question: string;
  readonly answer: string | undefined;
}

/** What a row asks of the merchant of this site. */
export function askedFields(row: RowId, values: SiteValues, fields: MerchantFields): readonly AskedField[] {
  const all: Readonly<Partial<Record<RowId, Readonly<Record<string, string>>>>> = ASKED;
  const asked = Object.entries(all[row] ?? {});
  return asked.flatMap(([key, question]) => {
    const name = key as FieldName;
    return CONDITIONS[name]?.(values) === false ? [] : [{ name, question, answer: fields[name] }];
  });
}

const HEADER = `# What only you can tell Vipps, for the report of "npm run checklist". It is read at every run and never changed.
# Write behind the colon; for several lines write "|" there and the text below, indented. Empty is "to fill in".
# All of it stands in the report: no secrets, and no data of customers.
`;

/** The file with every question and no answer. */
export function emptyMerchantFile(): string {
  const entries = Object.entries(FIELDS).map(([name, question]) => `\n# ${question}\n${name}:\n`);
  return HEADER + entries.join("");
}

const Text = v.nullable(
  v.pipe(v.union([v.string(), v.number(), v.boolean(), v.date()]), v.transform(String)),
);
const MerchantFile = v.strictObject(
  Object.fromEntries(Object.keys(FIELDS).map((name) => [name, v.optional(Text)])) as Record<
    FieldName,
    v.OptionalSchema<typeof Text, undefined>
  >,
);

/**
 * Reads the file, or makes it with empty fields where there is none.
 * @throws {CommandError} when it is no YAML, or holds a field that is not known
 */
export function readMerchantFile(path: string): { readonly fields: MerchantFields; readonly made: boolean } {
  if (!existsSync(path)) {
    writeFileSync(path, emptyMerchantFile(), { flag: "wx" });
    return { fields: {}, made: true };
  }
  return { fields: parseMerchantFile(readFileSync(path, "utf8"), path), made: false };
}

/** @throws {CommandError} */
export function parseMerchantFile(text: string, path: string): MerchantFields {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error instanceof YAMLParseError) throw new CommandError(`${path}: ${error.message.split("\n")[0]}`);
  const parsed = v.safeParse(MerchantFile, document.toJS() ?? {});
  if (!parsed.success) {
    const faults = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
    throw new CommandError(`${path}: ${faults.join("; ")}`);
  }
  const filled = Object.entries(parsed.output).flatMap(([name, answer]) => {
    const trimmed = typeof answer === "string" ? answer.trim() : "";
    return trimmed === "" ? [] : [[name, trimmed]];
  });
  return Object.fromEntries(filled) as MerchantFields;
}
