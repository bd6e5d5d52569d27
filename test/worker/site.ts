import { createExecutionContext, reset, runInDurableObject, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { createSigningKeys } from "../../simulator/keys.ts";
import { createSimulator, type SalesUnit, type Simulator } from "../../simulator/simulator.ts";
import type { TestUser } from "../../simulator/users.ts";
import { handleRequest } from "../../src/app.ts";
import { beginIsolate } from "../../src/isolate-state.ts";
import { isTimeStopped, runningObject } from "../conformance/fake-time.ts";
import { prepareDatabase } from "./database.ts";

export const SITE = "https://site.example";
export const VIPPS = "https://apitest.vipps.no";
export const CALLBACK = `${SITE}/auth/callback`;

/** Storage and network calls a request made. */
export interface Counts {
  kvReads: number;
  kvWrites: number;
  durableObjectCalls: string[];
  /** Round trips to D1, each with the number of its statements. */
  databaseCalls: number[];
  fetches: string[];
}

/** The worker with the simulator as its outside world, and an eye on what it does. */
export interface TestSite {
  readonly simulator: Simulator;
  readonly counts: Counts;
  /** Every structured log line since the site was opened. */
  readonly log: Record<string, unknown>[];
  readonly env: Cloudflare.Env;
  /** How long each request took to be answered, in milliseconds; work behind the answer not counted. */
  readonly answerTimes: number[];
  /** Gives the answer when the work behind it is done too. */
  fetch(request: Request): Promise<Response>;
  /** Sets all counts back to nothing. */
  resetCounts(): void;
}

export interface SiteOptions {
  /** Settings and bindings that differ from those of vitest.config.ts. */
  readonly vars?: Partial<Cloudflare.Env>;
  readonly salesUnit?: Partial<SalesUnit>;
  /** Sales units beside that one. */
  readonly salesUnits?: readonly SalesUnit[];
  /** Plays Vipps in place of the simulator. */
  readonly provider?: (request: Request) => Promise<Response>;
  /** Answers what the worker fetches from anywhere but Vipps: the origin behind it. */
  readonly origin?: (request: Request) => Response | Promise<Response>;
  /** Who can log in, in place of the simulator's own people. */
  readonly users?: readonly TestUser[];
}

beforeEach(prepareDatabase);

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  await reset();
});

/** What every simulator of a test file begins with. */
const signingKeys = createSigningKeys();

/** A worker in a new isolate's state, its outside world played by a new simulator. */
export function openSite(options: SiteOptions = {}): TestSite {
  const { vars = {}, salesUnit = {}, salesUnits = [], users, provider, origin } = options;
  beginIsolate();
  const simulator = createSimulator({
    origin: VIPPS,
    keys: createSigningKeys(undefined, signingKeys),
    ...(users && { users }),
    salesUnits: [
      {
        clientId: "test-client-id",
        clientSecret: "test-client-secret",
        msn: "123456",
        redirectUris: [CALLBACK],
        ...salesUnit,
      },
      ...salesUnits,
    ],
  });
  const counts: Counts = { kvReads: 0, kvWrites: 0, durableObjectCalls: [], databaseCalls: [], fetches: [] };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    counts.fetches.push(new URL(request.url).pathname);
    const isOrigin = origin !== undefined && !request.url.startsWith(`${VIPPS}/`);
    return isOrigin ? origin(request) : (provider ?? simulator.fetch)(request);
  });
  const log = captureLog();
  const counted = objectsLivingIn(
    countedBindings({ ...env, LOGIN_ATTEMPTS: LOGIN_OBJECTS, ...vars }, counts),
  );
  const answerTimes: number[] = [];
  return {
    simulator,
    counts,
    log,
    env: counted,
    answerTimes,
    async fetch(request) {
      const ctx = createExecutionContext();
      const askedAt = Date.now();
      const response = await handleRequest(request, counted, ctx);
      answerTimes.push(Date.now() - askedAt);
      await waitOnExecutionContext(ctx);
      return response;
    },
    resetCounts() {
      Object.assign(counts, {
        kvReads: 0,
        kvWrites: 0,
        durableObjectCalls: [],
        databaseCalls: [],
        fetches: [],
      });
    },
  };
}

/** The environment that a call to an object comes from. */
const callingEnvironment = new AsyncLocalStorage<Cloudflare.Env>();

/** A namespace with every stub that it hands out by name made anew. */
function withStubs<Namespace extends object>(
  namespace: Namespace,
  made: (stub: object, name: string) => object,
): Namespace {
  return new Proxy(namespace, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const result = Reflect.apply(member, target, args) as object;
        if (name === "jurisdiction") return withStubs(result, made);
        return name === "getByName" ? made(result, String(args[0])) : result;
      };
    },
  });
}

/** A stub with every method called by another function. */
function withCalls(stub: object, call: (method: string, args: unknown[]) => unknown): object {
  return new Proxy(stub, {
    get(target, name) {
      const member = Reflect.get(target, name);
      return typeof member === "function" ? (...args: unknown[]) => call(String(name), args) : member;
    },
  });
}

/**
 * The real objects that finish logins, living in the environment of whoever calls them: in production both are of one
 * deployment, in a test each site has settings of its own. While time stands still they are called by another door
 * than the platform's, so that their timers are known for theirs: what waits in an object is only woken in it.
 */
export const LOGIN_OBJECTS: Cloudflare.Env["LOGIN_ATTEMPTS"] = withStubs(
  env.LOGIN_ATTEMPTS,
  (stub, object) => {
    const real = env.LOGIN_ATTEMPTS.getByName(object);
    return withCalls(stub, async (method, args) => {
      const environment = callingEnvironment.getStore();
      await runInDurableObject(real, (instance) => void Object.assign(instance, { env: environment }));
      if (!isTimeStopped()) return Reflect.apply(Reflect.get(stub, method), stub, args);
      return runInDurableObject(real, (instance) =>
        runningObject.run(real, () => Reflect.apply(Reflect.get(instance, method), instance, args)),
      );
    });
  },
);

/** An environment that the objects which finish its logins live in too. */
export function objectsLivingIn(environment: Cloudflare.Env): Cloudflare.Env {
  const own: Cloudflare.Env = { ...environment };
  own.LOGIN_ATTEMPTS = withStubs(environment.LOGIN_ATTEMPTS, (stub) =>
    withCalls(stub, (method, args) =>
      callingEnvironment.run(own, () => Reflect.apply(Reflect.get(stub, method), stub, args)),
    ),
  );
  return own;
}

/** Lines of the running test that do not say at which site it happened. */
const withoutSite: string[] = [];
afterEach(() => expect(withoutSite.splice(0)).toEqual([]));

function captureLog(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      const fields: Record<string, unknown> = JSON.parse(line);
      if (typeof fields.site !== "string" || fields.site === "") withoutSite.push(line);
      lines.push(fields);
    });
  }
  return lines;
}

function countedBindings(real: Cloudflare.Env, counts: Counts): Cloudflare.Env {
  return {
    ...real,
    ACCOUNTS_DB: countedDatabase(real.ACCOUNTS_DB, counts),
    VIPPS_METADATA: countedStore(real.VIPPS_METADATA, counts),
    ...(real.SITES && { SITES: countedStore(real.SITES, counts) }),
    LOGIN_ATTEMPTS: countedNamespace(real.LOGIN_ATTEMPTS, "attempt", counts),
    USER_SESSIONS: countedNamespace(real.USER_SESSIONS, "sessions", counts),
  };
}

function countedStore(store: KVNamespace, counts: Counts): KVNamespace {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "get") counts.kvReads += 1;
        if (name === "put") counts.kvWrites += 1;
        return Reflect.apply(member, target, args);
      };
    },
  });
}

function countedNamespace<Namespace extends object>(
  namespace: Namespace,
  label: string,
  counts: Counts,
): Namespace {
  const countedStub = (stub: object) =>
    new Proxy(stub, {
      get(target, name) {
        if (name === "id" || name === "name") return Reflect.get(target, name);
        return (...args: unknown[]) => {
          counts.durableObjectCalls.push(`${label}.${String(name)}`);
          return Reflect.apply(Reflect.get(target, name), target, args);
        };
      },
    });
  return new Proxy(namespace, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const result = Reflect.apply(member, target, args);
        return name === "get" || name === "getByName" ? countedStub(result) : result;
      };
    },
  });
}

/** Counts what goes over the wire: a batch once, a statement of its own once. */
function countedDatabase(database: D1Database | undefined, counts: Counts): D1Database {
  if (database === undefined) throw new Error("wrangler.toml binds no ACCOUNTS_DB");
  const statements = new WeakMap<object, D1PreparedStatement>();
  const counted = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name === "bind") return (...args: unknown[]) => counted(Reflect.apply(member, target, args));
        return (...args: unknown[]) => {
          counts.databaseCalls.push(1);
          return Reflect.apply(member, target, args);
        };
      },
    });
    statements.set(proxy, statement);
    return proxy;
  };
  return new Proxy(database, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name === "prepare") return (sql: string) => counted(target.prepare(sql));
      if (name !== "batch") return member.bind(target);
      return (batch: D1PreparedStatement[]) => {
        counts.databaseCalls.push(batch.length);
        return target.batch(batch.map((statement) => statements.get(statement) ?? statement));
      };
    },
  });
}
