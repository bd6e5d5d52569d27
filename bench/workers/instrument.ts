import type { Kind, Operation } from "../parts/operation.ts";

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
}

/** Where the benchmark takes what was counted, and asks for delays. No site has such a path. */
const COUNTS = "/.bench/operations";
const DELAYS = "/.bench/delays";

let operations: Operation[] = [];
/** Milliseconds that each operation of a kind takes longer. */
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
        for (const [kind, milliseconds] of url.searchParams) delays.set(kind, Number(milliseconds));
        return new Response();
      }
      wrapped ??= countedBindings({ ...env });
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
  operations.push({ kind, name, behindAnswer: answered, ...sql });
  const delay = delays.get(kind);
  if (delay !== undefined) await scheduler.wait(delay);
  return run();
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
  const countedStub = (stub: object) =>
    withMethods(
      stub,
      (name, method) =>
        (...args) =>
          counted("durable object", name, () => method(...args)),
    );
  return withMethods(namespace, (name, method) => {
    if (name !== "get" && name !== "getByName") return undefined;
    return (...args) => countedStub(Object(method(...args)));
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
