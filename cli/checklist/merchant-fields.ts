import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { parseDocument, YAMLParseError } from "yaml";
import { CommandError } from "../command-error.mjs";
import type { RowId } from "./rows.ts";
import type { SiteValues } from "./site-values.ts";

interface Field {
  /** What is asked, as it stands in the file and, where it is not filled in, in the report. */
  readonly question: string;
  /** The row that is not complete without it. */
  readonly row: RowId;
  /** Whether it is asked at all of a site with these settings; always, where absent. */
  readonly asked?: (values: SiteValues) => boolean;
}

/** What no program can know, by its key in the file. */
export const FIELDS = {
  company_name: {
    row: "company",
    question: "The company's name as its customers know it, the same as on the site",
  },
  sales_unit_name: {
    row: "company",
    question: "The sales unit's name in the portal, which customers see on Vipps' page. The same as above?",
  },
  logo: {
    row: "company",
    question: "Is the logo set in the portal? It is shown in the app under 'Companies with access'",
  },
  redirect_uris_registered: {
    row: "redirect-uris",
    question: "Which redirect URIs are registered in the portal, for test and for production?",
  },
  scope_reasons: {
    row: "scopes",
    question: "What is each requested scope needed for?",
  },
  nin_permission: {
    row: "scopes",
    question: "When and by whom was the scope nin or gender granted?",
    asked: ({ scopes }) => scopes.some((scope) => scope === "nin" || scope === "gender"),
  },
  phones_tested: {
    row: "any-browser",
    question:
      "On which phones and browsers was a login tried by hand, and when? At least one that is not the phone's default browser, such as Chrome on an iPhone",
  },
  terms_presented: {
    row: "terms",
    question: "Where does the site present its terms and ask for consents, since TERMS_URL is not set?",
    asked: ({ values }) => values.TERMS_URL === undefined,
  },
  on_behalf_of_others: {
    row: "on-behalf",
    question:
      "Is data from Vipps passed on to other merchants? If so: how are the terms for acting on behalf of others kept?",
  },
  button_pages: {
    row: "buttons",
    question: "On which pages is the login button, and has somebody compared it with the design guidelines?",
  },
  customer_service: {
    row: "customer-service",
    question: "Who answers customers whose login fails, and have they seen the console or a system like it?",
  },
  partner_name: {
    row: "partner",
    question: "The partner's name, if a partner or platform sends this",
    asked: ({ isPartner }) => isPartner,
  },
  description: {
    row: "description",
    question: "The solution in a few sentences: what the site is, who logs in, what for",
  },
  pilot_customer: {
    row: "pilot",
    question: "The pilot customer: company, Merchant Serial Number, when they start",
  },
  video: {
    row: "video",
    question: "Where is the video that shows one login that succeeds and one that the customer rejects?",
  },
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;

/** What the merchant has written; what is not filled in is not there. */
export type MerchantFields = Readonly<Partial<Record<FieldName, string>>>;

export interface AskedField {
  readonly name: FieldName;
  readonly question: string;
  readonly answer: string | undefined;
}

/** What a row asks of the merchant of this site. */
export function askedFields(row: RowId, values: SiteValues, fields: MerchantFields): readonly AskedField[] {
  return (Object.keys(FIELDS) as FieldName[]).flatMap((name) => {
    const field: Field = FIELDS[name];
    if (field.row !== row || field.asked?.(values) === false) return [];
    return [{ name, question: field.question, answer: fields[name] }];
  });
}

const HEADER = `# What only you can tell Vipps, for the report of "npm run checklist". It is read at every run and never changed.
# Write behind the colon; for several lines write "|" there and the text below, indented. Empty is "to fill in".
# All of it stands in the report: no secrets, and no data of customers.
`;

/** The file with every question and no answer. */
export function emptyMerchantFile(): string {
  const entries = Object.entries(FIELDS).map(([name, { question }]) => `\n# ${question}\n${name}:\n`);
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
