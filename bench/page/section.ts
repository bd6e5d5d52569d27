import type { Bar, Line } from "./charts.ts";

/** A chart of the page, apart from its theme. */
export type Chart = {
  /** Of its files, without theme and ending. */
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
} & (
  | { readonly bars: readonly Bar[] }
  | { readonly line: Line; readonly axes: { readonly x: string; readonly y: string } }
);

/** A part of the page: its text, and the charts that the text shows. */
export interface Section {
  readonly markdown: string;
  readonly charts: readonly Chart[];
  /** Lines of the list of goals. */
  readonly goals: readonly string[];
}
