/** A column of a table: its heading and how it is aligned. */
export interface Column {
  readonly heading: string;
  readonly align?: "right";
}

/** @param rows cells in the order of the columns */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    line(columns.map(({ heading }) => heading)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map(line),
  ].join("\n");
}

/** A number for a reader: thousands parted, `digits` after the point. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * A goal and whether it is reached, as one line of a list.
 * @param limit why not, and what it can be at best; shown where it is missed
 */
export function goal(what: string, reached: boolean, measured: string, limit?: string): string {
  const why = reached || limit === undefined ? "" : ` ${limit}`;
  return `- ${reached ? "**Reached**" : "**Missed**"}: ${what}. Measured: ${measured}.${why}`;
}

/** A picture that follows the reader's theme. @param name of the files without theme and ending */
export function picture(name: string, description: string): string {
  const source = (theme: string) => `images/performance/${name}-${theme}.svg`;
  return [
    "<picture>",
    `  <source media="(prefers-color-scheme: dark)" srcset="${source("dark")}">`,
    `  <img alt="${description.replaceAll('"', "&quot;")}" src="${source("light")}">`,
    "</picture>",
  ].join("\n");
}
