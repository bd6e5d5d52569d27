// What is made from the table of settings (src/settings/table.ts): the tables of docs/configuration.md, and a schema
// with which editors complete and check the vars of wrangler.jsonc. `npm run docs` writes the first anew.

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "@babel/parser";
import { isSettingName, type Row, rowOf, type SettingName } from "../src/settings/table.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DOCUMENT = "docs/configuration.md";

/** A setting with what the comment above its row says. */
interface DocumentedSetting {
  readonly name: SettingName;
  readonly row: Row;
  readonly section: string;
  /** Markdown, on one line. */
  readonly text: string;
  readonly defaultText: string;
}

/** Every setting with its documentation, in the order of the table. */
export function documentedSettings(): readonly DocumentedSetting[] {
  let section = "";
  return commentsOfRows().map(({ name, comment }) => {
    const tags = new Map(
      [...comment.matchAll(/^@(\w+) (.+)$/gm)].map(([, tag = "", said = ""]) => [tag, said] as const),
    );
    section = tags.get("section") ?? section;
    const row = rowOf(name);
    const text = comment.replace(/^@.*$/gm, "").replace(/\s+/g, " ").trim();
    return { name, row, section, text, defaultText: tags.get("default") ?? defaultOf(row) };
  });
}

/** The comments above the rows, as they stand in the source. */
function commentsOfRows(): readonly { readonly name: SettingName; readonly comment: string }[] {
  const source = readFileSync(join(ROOT, "src/settings/table.ts"), "utf8");
  const { body } = parse(source, { sourceType: "module", plugins: ["typescript"] }).program;
  const rows = body.flatMap((statement) => {
    if (statement.type !== "VariableDeclaration") return [];
    const [variable] = statement.declarations;
    if (variable?.id.type !== "Identifier" || variable.id.name !== "makeTable") return [];
    if (variable.init?.type !== "ArrowFunctionExpression") return [];
    let value = variable.init.body;
    while (value?.type === "TSSatisfiesExpression" || value?.type === "TSAsExpression")
      value = value.expression;
    return value?.type === "ObjectExpression" ? value.properties : [];
  });
  return rows.map((property) => {
    const name =
      property.type === "ObjectProperty" && property.key.type === "Identifier" ? property.key.name : "";
    if (!isSettingName(name)) throw new Error(`src/settings/table.ts: a row is not read (${name})`);
    const comment = property.leadingComments?.at(-1)?.value ?? "";
    return { name, comment: comment.replace(/^[ \t]*\* ?/gm, "").trim() };
  });
}

const DAY = 24 * 3600;

function defaultOf({ default: value, needed, atMost }: Row): string {
  if (needed === true) return "required";
  if (needed !== undefined) {
    const is = needed.is === undefined ? "" : `=${needed.is}`;
    return `required with \`${needed.with}${is}\``;
  }
  if (value === undefined) return "none";
  const isDays = typeof value === "number" && value >= DAY && value % DAY === 0;
  const shown = isDays ? `${value / DAY} days` : `\`${[value].flat().join(" ")}\``;
  return atMost === undefined ? shown : `${shown}, or \`${atMost}\` if that is shorter`;
}

/** The tables of docs/configuration.md, by the heading they stand under. */
function settingsTables(): ReadonlyMap<string, string> {
  const tables = Map.groupBy(documentedSettings(), ({ section }) => section);
  return new Map(
    [...tables].map(([section, settings]) => {
      const rows = settings.map(
        ({ name, row, text, defaultText }) =>
          `| \`${name}\`${row.secret ? " (secret)" : ""} | ${text} | ${defaultText} |`,
      );
      return [section, ["| setting | meaning | default |", "| --- | --- | --- |", ...rows].join("\n")];
    }),
  );
}

/**
 * docs/configuration.md with its tables of settings made anew; all else stays.
 * @throws Error when a section of the table has no heading and table in the document.
 */
export function withSettingsTables(document: string): string {
  let written = document;
  for (const [section, table] of settingsTables()) {
    const heading = written.indexOf(`\n## ${section}\n`);
    const start = written.indexOf("\n| setting | meaning | default |\n", heading) + 1;
    if (heading === -1 || start === 0) throw new Error(`${DOCUMENT} has no table under "${section}"`);
    const end = written.indexOf("\n\n", start);
    written = written.slice(0, start) + table + written.slice(end);
  }
  return written;
}

/** The default as an editor shows it; lists as they may be written. */
const editorDefault = (value: unknown): object => (value === undefined ? {} : { default: value });

/**
 * The JSON schema of wrangler.jsonc with the settings among its vars.
 * @param wrangler where wrangler's own schema is, seen from this one.
 */
export function editorSchema(wrangler: string): object {
  const settings = documentedSettings().filter(({ row }) => row.secret !== true);
  const properties = Object.fromEntries(
    settings.map(({ name, row, text }) => [
      name,
      { description: text, ...editorDefault(row.default), ...row.kind().editor },
    ]),
  );
  const secrets = documentedSettings().filter(({ row }) => row.secret === true);
  const refused = secrets.map(({ name, text }) => [
    name,
    { description: `${text} A secret: wrangler secret put ${name}`, not: {} },
  ]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    allOf: [{ $ref: wrangler }],
    properties: {
      vars: { $ref: "#/definitions/settings" },
      env: { additionalProperties: { properties: { vars: { $ref: "#/definitions/settings" } } } },
    },
    definitions: {
      settings: { type: "object", properties: { ...properties, ...Object.fromEntries(refused) } },
    },
  };
}

if (import.meta.main) {
  const path = join(ROOT, DOCUMENT);
  writeFileSync(path, withSettingsTables(readFileSync(path, "utf8")));
}
