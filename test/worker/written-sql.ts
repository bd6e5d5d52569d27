/// <reference types="vite/types/importMeta.d.ts" />

/** Every text of the source that holds SQL for D1. */

const SOURCES = import.meta.glob<string>(["../../src/**/*.ts", "../../cli/**/*.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

const SQL = /\b(SELECT\s.*\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s.*\bSET|DELETE\s+FROM|REPLACE\s+INTO|PRAGMA\s)/s;

/** A text of the source with SQL in it. */
export interface WrittenSql {
  readonly file: string;
  /** Its fixed parts; between them stands what is put in at run time. */
  readonly parts: readonly string[];
}

/** Durable Objects have databases of their own, one for each object. */
const isOfAnObject = (source: string) =>
  /from "cloudflare:workers"|\b(SqlStorage|DurableObjectStorage)\b/.test(source);

/** @throws where a file cannot be read to its end, so that none is passed over in silence. */
export function writtenSql(): readonly WrittenSql[] {
  return Object.entries(SOURCES).flatMap(([path, source]) => {
    if (isOfAnObject(source) || !SQL.test(source)) return [];
    const file = path.replace("../../", "");
    return textsOf(source, file)
      .filter((parts) => SQL.test(parts.join(" x ")))
      .map((parts) => ({ file, parts }));
  });
}

/** An expression that finds a text in the SQL that was carried out, whatever was put into it. */
export function patternOf({ parts }: WrittenSql): RegExp {
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s*"));
  return new RegExp(escaped.join("[^]*?"));
}

/** The strings and templates of TypeScript source, each as its fixed parts. Those inside `${}` stand alone too. */
function textsOf(source: string, file: string): readonly (readonly string[])[] {
  const found: string[][] = [];
  let at = 0;
  const code = (end: string | undefined): void => {
    let depth = 0;
    while (at < source.length) {
      const two = source.slice(at, at + 2);
      const one = source.charAt(at);
      if (two === "//") at = endOf("\n");
      else if (two === "/*") at = endOf("*/");
      else if (one === "/" && /[(,=:[!&|?{};]\s*$/.test(source.slice(Math.max(0, at - 40), at))) pattern();
      else if (one === "`") template();
      else if (one === '"' || one === "'") plain(one);
      else if (one === end && depth === 0) return;
      else {
        if (one === "{") depth += 1;
        if (one === "}") depth -= 1;
        at += 1;
      }
    }
    if (end !== undefined) throw new Error(`${file}: a template does not end`);
  };
  const endOf = (mark: string): number => {
    const end = source.indexOf(mark, at + 2);
    return end === -1 ? source.length : end + mark.length;
  };
  /** A regular expression, in which a quotation mark begins no text. */
  const pattern = (): void => {
    const [text = "/"] = /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.exec(source.slice(at)) ?? [];
    at += text.length;
  };
  const plain = (quote: string): void => {
    const [text = ""] =
      new RegExp(`^${quote}(?:[^${quote}\\\\\\n]|\\\\.)*${quote}`).exec(source.slice(at)) ?? [];
    if (text === "") throw new Error(`${file}: a string does not end`);
    at += text.length;
    found.push([text.slice(1, -1)]);
  };
  const template = (): void => {
    const parts = [""];
    found.push(parts);
    at += 1;
    while (source.charAt(at) !== "`") {
      if (at >= source.length) throw new Error(`${file}: a template does not end`);
      if (source.slice(at, at + 2) === "${") {
        at += 2;
        code("}");
        at += 1;
        parts.push("");
      } else {
        parts[parts.length - 1] += source.charAt(at);
        at += 1;
      }
    }
    at += 1;
  };
  code(undefined);
  return found;
}
