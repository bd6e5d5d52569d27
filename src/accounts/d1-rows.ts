import type { Outbox } from "../events/outbox.ts";

/** Where the embedded registry writes. */
export interface Place {
  readonly db: D1Database;
  /** The key under which this site's rows are kept. */
  readonly site: string;
  /** Where changes are told; `undefined` where nobody is told of them. */
  readonly outbox: Outbox | undefined;
}

/** The rows of one statement of a batch, in the shape the statement selects. */
export function rows<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}

/** A truth value as SQLite keeps it. */
export const flag = (value: boolean): number => (value ? 1 : 0);

/** Whether D1 refused a write because something must be unique. */
export function isConstraintError(error: unknown): boolean {
  return error instanceof Error && error.message.includes("UNIQUE constraint failed");
}
