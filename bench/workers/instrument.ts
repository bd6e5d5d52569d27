import { AsyncLocalStorage } from "node:async_hooks";
import type { Kind, ObjectRows, Operation, Origin } from "../parts/operation.ts";

/** Names of bindings by what they are; the benchmark knows them, a look at the objects could not tell. */
interface Bindings {
  readonly kv: readonly string[];
  readonly d1: readonly string[];
  readonly durableObjects: readonly string[];
}

interface Env {
  /** {@link Bindings} as JSON. */
  readonly BENCH_BINDINGS: string;
}

/** The Worker that is measured. */
interface Measured {
  fetch(request: Request, env: object, ctx: ExecutionContext): Response | Promise<Response>;
  scheduled?(controller: ScheduledController, env: object, ctx: ExecutionContext): void | Promise<void>;
}

/** Where the benchmark takes what was counted, and asks for delays. No site has such a path. */
const COUNTS = "/.bench/operations";
const DELAYS = "/.bench/delays";
/** Where it takes what happened inside objects, lets the daily work be done, and talks to the database itself. */
const OBJECT_ROWS = "/.bench/object-rows";
const SCHEDULED = "/.bench/scheduled";
const SQL = "/.bench/sql";

let operations: Operation[] = [];
/** Whether what runs now was called in a Durable Object; else it was in the Worker. */
const origins = new AsyncLocalStorage<Origin>();
/** Milliseconds that each operation of an origin and kind takes longer, as `edge fetch`. */
const delays = new Map<string, number>();
let answered = false;

/**
 * Wraps a Worker so that everything it asks of others is counted and can be made slower on purpose: what a delay of
 * one kind of operation adds to an answer tells how many of them the answer waits for, one after the other.
 */
export function instrument(worker: Measured): ExportedHandler<Env> {
  const bareFetch = globalThis.fetch;
  globalThis.fetch = (input, init) =>
    counted("fetch", new URL(new Request(input, init).url).pathname, () => bareFetch(input, init));
  let wrapped: object | undefined;
  return {
    async fetch(request, env, ctx) {
      const url = new URL(request.url);
      if (url.pathname === COUNTS) {
        const seen = operations;
        operations = [];
        return Response.json(seen);
      }
      if (url.pathname === DELAYS) {
        delays.clear();
        for (const [delayed, milliseconds] of url.searchParams) delays.set(delayed, Number(milliseconds));
        return new Response();
      }
      if (url.pathname === OBJECT_ROWS) return Response.json(takeObjectRows());
      if (url.pathname === SQL) return Response.json(await runSql({ ...env }, await request.json()));
      wrapped ??= countedBindings({ ...env });
      if (url.pathname === SCHEDULED) {
        const controller = { scheduledTime: Date.now(), cron: "", noRetry: () => undefined };
        await worker.scheduled?.(controller, wrapped, ctx);
        return new Response();
      }
      answered = false;
      const response = await worker.fetch(request, wrapped, ctx);
      answered = true;
      return response;
    },
  };
}

async function counted<Result>(
  kind: Kind,
  name: string,
  run: () => Promise<Result> | Result,
  sql: Pick<Operation, "statements" | "writes"> = {},
): Promise<Result> {
  const origin = origins.getStore() ?? "edge";
  const operation = { kind, origin, name, behindAnswer: answered, ...sql };
  operations.push(operation);
  const delay = delays.get(`${origin} ${kind}`);
  if (delay !== undefined) await scheduler.wait(delay);
  const result = await run();
  if (kind === "d1") Object.assign(operation, rowsOf([result].flat()));
  return result;
}

/** What D1 says of the rows it read and wrote for these results. */
function rowsOf(results: readonly unknown[]): Pick<Operation, "rowsRead" | "rowsWritten"> {
  let [rowsRead, rowsWritten] = [0, 0];
  for (const result of results) {
    const { meta } = Object(result) as { meta?: { rows_read?: number; rows_written?: number } };
    rowsRead += meta?.rows_read ?? 0;
    rowsWritten += meta?.rows_written ?? 0;
  }
  return { rowsRead, rowsWritten };
}

/** Statements for the database as it is, past the counters. */
async function runSql(
  env: Env & Readonly<Record<string, unknown>>,
  statements: readonly { readonly sql: string; readonly params?: readonly (string | number)[] }[],
): Promise<unknown> {
  const [name = ""] = (JSON.parse(env.BENCH_BINDINGS) as Bindings).d1;
  const database = env[name] as D1Database;
  return database.batch(statements.map(({ sql, params = [] }) => database.prepare(sql).bind(...params)));
}

/** Whatever an object was asked for by SQL; a cursor tells its rows when it has been read. */
let cursors: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];
let values: { read: number; written: number } = { read: 0, written: 0 };

function takeObjectRows(): ObjectRows {
  const rows = {
    read: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, values.read),
    written: cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, values.written),
  };
  cursors = [];
  values = { read: 0, written: 0 };
  return rows;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Prototypes of storage whose methods are counted already: all objects of an isolate share them. */
const watched = new WeakSet<object>();

/** Lets methods of a prototype tell that they were called. */
function onCall(target: object, names: readonly string[], told: (result: unknown) => void): void {
  const prototype: unknown = Object.getPrototypeOf(target);
  if (typeof prototype !== "object" || prototype === null) return;
  for (const name of names) {
    const method = Reflect.get(prototype, name) as Method | undefined;
    if (typeof method !== "function") continue;
    Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
      const result = method.apply(this, args);
      told(result);
      return result;
    });
  }
}

/**
 * Makes a class of Durable Objects count what it asks of its storage, and of other bindings.
 * @param Class as the Worker exports it
 */
export function instrumentObject<Class extends new (ctx: DurableObjectState, env: never) => object>(
  Class: Class,
): Class {
  const Base = Class as unknown as new (ctx: DurableObjectState, env: object) => object;
  const Counted = class extends Base {
    constructor(ctx: DurableObjectState, env: Env & Record<string, unknown>) {
      watchStorage(ctx.storage);
      super(ctx, countedBindings({ ...env }));
    }
  };
  for (const name of Object.getOwnPropertyNames(Base.prototype)) {
    const method: unknown = Reflect.get(Base.prototype, name);
    if (name === "constructor" || typeof method !== "function") continue;
    Reflect.set(Counted.prototype, name, function (this: unknown, ...args: unknown[]) {
      return origins.run("object", () => Reflect.apply(method, this, args));
    });
  }
  return Counted as unknown as Class;
}

function watchStorage(storage: DurableObjectStorage): void {
  const prototype: object = Object.getPrototypeOf(storage);
  if (watched.has(prototype)) return;
  watched.add(prototype);
  onCall(storage.sql, ["exec"], (cursor) => cursors.push(cursor as SqlStorageCursor<never>));
  const read = () => {
    values.read += 1;
  };
  const written = () => {
    values.written += 1;
  };
  onCall(storage.kv, ["get", "list"], read);
  onCall(storage.kv, ["put", "delete"], written);
  onCall(storage, ["get", "list", "getAlarm"], read);
  onCall(storage, ["put", "delete", "setAlarm", "deleteAlarm", "deleteAll"], written);
}

function countedBindings(env: Env & Record<string, unknown>): object {
  const { kv, d1, durableObjects }: Bindings = JSON.parse(env.BENCH_BINDINGS);
  const wrap = (names: readonly string[], wrapOne: (binding: object) => object) =>
    names.map((name) => {
      const binding = env[name];
      if (typeof binding !== "object" || binding === null) throw new Error(`no binding ${name}`);
      return [name, wrapOne(binding)] as const;
    });
  return {
    ...env,
    ...Object.fromEntries([
      ...wrap(kv, countedNamespace),
      ...wrap(d1, countedDatabase),
      ...wrap(durableObjects, countedObjects),
    ]),
  };
}

/** Replaces some methods of an object and leaves it otherwise as it is. */
function withMethods<Target extends object>(
  target: Target,
  replace: (
    name: string,
    method: (...args: unknown[]) => unknown,
  ) => ((...args: unknown[]) => unknown) | undefined,
): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      const method = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      return replace(name, method) ?? method;
    },
  });
}

function countedNamespace(namespace: object): object {
  return withMethods(namespace, (name, method) => (...args) => {
    const kind = name.startsWith("get") || name === "list" ? "kv read" : "kv write";
    return counted(kind, name, () => method(...args));
  });
}

function countedObjects(namespace: object): object {
  const countedStub = (stub: object, kind: Kind) =>
    withMethods(
      stub,
      (name, method) =>
        (...args) =>
          counted(kind, name, () => method(...args)),
    );
  return withMethods(namespace, (name, method) => {
    if (name !== "get" && name !== "getByName") return undefined;
    return (...args) => {
      const { locationHint } = Object(args[1]) as { locationHint?: string };
      const kind = locationHint === undefined ? "durable object" : "placed object";
      return countedStub(Object(method(...args)), kind);
    };
  });
}

function countedDatabase(database: object): object {
  /** Statements as D1 knows them, and their SQL, by the proxies that the Worker holds. */
  const statements = new WeakMap<object, { readonly bare: object; readonly sql: string }>();
  const countedStatement = (bare: object, sql: string): object => {
    const proxy = withMethods(bare, (name, method) => {
      if (name === "bind") return (...args) => countedStatement(Object(method(...args)), sql);
      return (...args) =>
        counted("d1", name, () => method(...args), { statements: 1, writes: writesOf(sql) });
    });
    statements.set(proxy, { bare, sql });
    return proxy;
  };
  return withMethods(database, (name, method) => {
    if (name === "prepare") return (sql) => countedStatement(Object(method(sql)), String(sql));
    if (name !== "batch") return undefined;
    return (batch) => {
      const known = (Array.isArray(batch) ? batch : []).map(
        (one: object) => statements.get(one) ?? { bare: one, sql: "" },
      );
      const writes = known.reduce((total, { sql }) => total + writesOf(sql), 0);
      const bare = known.map((one) => one.bare);
      return counted("d1", "batch", () => method(bare), { statements: known.length, writes });
    };
  });
}

function writesOf(sql: string): number {
  return /^\s*(insert|update|delete|replace)\b/i.test(sql) ? 1 : 0;
}
