import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "../load/connection.ts";
import type { ObjectRows, Operation } from "./operation.ts";

/** What something cost others than the isolate, as Cloudflare counts it. */
export interface Counted {
  /** From the first request of the browser to the end of the last answer. */
  readonly milliseconds: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly d1Calls: number;
  readonly objectCalls: number;
  readonly objectRows: ObjectRows;
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly providerCalls: number;
}

/** How long what goes on behind an answer may take, in milliseconds. */
const BEHIND = 60;

/** Does something against an instrumented design and counts what it asked of others. */
export async function count(connection: Connection, work: () => Promise<unknown>): Promise<Counted> {
  await connection.send({ path: "/.bench/operations" });
  await connection.send({ path: "/.bench/object-rows" });
  const startedAt = performance.now();
  await work();
  const milliseconds = performance.now() - startedAt;
  await pause(BEHIND);
  const operations: Operation[] = JSON.parse((await connection.send({ path: "/.bench/operations" })).body);
  const objectRows: ObjectRows = JSON.parse((await connection.send({ path: "/.bench/object-rows" })).body);
  const of = (kind: Operation["kind"]) => operations.filter((operation) => operation.kind === kind);
  const sum = (numbers: readonly (number | undefined)[]) =>
    numbers.reduce<number>((total, one) => total + (one ?? 0), 0);
  return {
    milliseconds,
    rowsRead: sum(operations.map(({ rowsRead }) => rowsRead)),
    rowsWritten: sum(operations.map(({ rowsWritten }) => rowsWritten)),
    d1Calls: of("d1").length,
    objectCalls: of("durable object").length + of("placed object").length,
    objectRows,
    kvReads: of("kv read").length,
    kvWrites: of("kv write").length,
    providerCalls: of("fetch").length,
  };
}

/** Statements for the database of an instrumented design. @throws Error when it refuses them */
export async function runSql(
  connection: Connection,
  statements: readonly { readonly sql: string; readonly params?: readonly (string | number)[] }[],
): Promise<readonly { readonly results: readonly Record<string, unknown>[]; readonly meta: SqlMeta }[]> {
  const body = JSON.stringify(statements);
  const answer = await connection.send({ path: "/.bench/sql", method: "POST", body });
  if (answer.status !== 200)
    throw new Error(`the database answered ${answer.status}: ${answer.body.slice(0, 400)}`);
  return JSON.parse(answer.body);
}

export interface SqlMeta {
  readonly rows_read: number;
  readonly rows_written: number;
}
