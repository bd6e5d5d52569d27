import type { DurableObject } from "cloudflare:workers";
import { type FaultyStore, type Moment, PASSING_ERRORS, RESET } from "./faults.ts";

/** What fails, as the binding FAULTS says it: `STORE MOMENT SHARE`. */
interface FaultPlan {
  readonly store: FaultyStore;
  readonly moment: Moment;
  readonly share: number;
}

/** What the rig says to the Worker that it runs. */
interface Rigged {
  readonly FAULTS?: string;
  /** How far the clock is off, in milliseconds. */
  readonly CLOCK?: string;
}

function planOf({ FAULTS = "" }: Rigged): FaultPlan | undefined {
  const [, store, moment, share] = /^(objects|database|kv) (before|after|hangs) ([\d.]+)$/.exec(FAULTS) ?? [];
  if (store === undefined || moment === undefined) return undefined;
  return { store: store as FaultyStore, moment: moment as Moment, share: Number(share) };
}

let turn = 0;

/** Lets some calls fail as the platform does when an object or a connection restarts. */
async function perhaps({ store, moment, share }: FaultPlan, work: () => unknown): Promise<unknown> {
  if (Math.random() >= share) return work();
  if (moment === "hangs") return new Promise(() => undefined);
  if (moment === "after") await work();
  const errors = PASSING_ERRORS[store];
  turn += 1;
  const message = errors[turn % errors.length];
  throw Object.assign(new Error(message), store === "objects" && { retryable: true });
}

const RealDate = Date;
/** How far the clock is off, in milliseconds. */
let shift = 0;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now() + shift] : args, newTarget),
  get: (target, name) => (name === "now" ? () => target.now() + shift : Reflect.get(target, name)),
});

const methodsOf = (target: object, call: (work: () => unknown, name: string) => unknown): object =>
  new Proxy(target, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => call(() => Reflect.apply(member, inner, args), String(name));
    },
  });

/** Objects that have been called since all were reset: others are not in memory, or have been reset already. */
const called = new Map<string, () => object>();

/** The environment with faults in it. What an aborted object throws is marked as the platform marks it at a deployment. */
export function faulty<Env extends object>(env: Env & Rigged): Env {
  const plan = planOf(env);
  shift = Number(env.CLOCK ?? 0);
  const namespace = (real: object, binding: string): object =>
    new Proxy(real, {
      get(inner, name) {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== "function") return member;
        if (name !== "getByName") return member.bind(inner);
        return (...args: unknown[]) => {
          const stub = () => Object(Reflect.apply(member, inner, args)) as object;
          called.set(`${binding} ${String(args[0])}`, stub);
          return methodsOf(stub(), async (work) => {
            try {
              return await (plan?.store === "objects" ? perhaps(plan, work) : work());
            } catch (error) {
              throw Object.assign(Object(error), { retryable: true });
            }
          });
        };
      },
    });
  return new Proxy(env, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (name === "LOGIN_ATTEMPTS" || name === "USER_SESSIONS") return namespace(Object(member), name);
      if (name === "ACCOUNTS_DB" && plan?.store === "database")
        return databaseWith(plan, member as D1Database);
      if (name === "VIPPS_METADATA" && plan?.store === "kv")
        return methodsOf(Object(member), (work) => perhaps(plan, work));
      return member;
    },
  });
}

function databaseWith(plan: FaultPlan, real: D1Database): D1Database {
  const known = new WeakMap<object, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): object => {
    const proxy = methodsOf(statement, (work, name) =>
      name === "bind" ? wrapped(work() as D1PreparedStatement) : perhaps(plan, work),
    );
    known.set(proxy, statement);
    return proxy;
  };
  return {
    prepare: (sql: string) => wrapped(real.prepare(sql)),
    batch: (statements: readonly D1PreparedStatement[]) =>
      perhaps(plan, () => real.batch(statements.map((one) => known.get(one) ?? one))),
  } as unknown as D1Database;
}

type ObjectClass = new (ctx: DurableObjectState, env: Cloudflare.Env) => DurableObject<Cloudflare.Env>;

/** A class whose objects live in the same environment, and can be reset as a deployment resets them. */
export function faultyObject<Class extends ObjectClass>(Real: Class): Class {
  return class extends (Real as ObjectClass) {
    constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
      super(ctx, faulty(env));
    }
    abortNow(): void {
      this.ctx.abort(PASSING_ERRORS.objects[0]);
    }
  } as unknown as Class;
}

interface RealWorker {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Promise<Response> | Response;
}

/** The Worker in an environment with faults. */
export function faultyWorker(real: RealWorker): ExportedHandler<Cloudflare.Env> {
  return {
    async fetch(request, env, ctx) {
      if (new URL(request.url).pathname !== RESET) return real.fetch(request, faulty(env), ctx);
      const stubs = [...called.values()].map((stub) => stub());
      called.clear();
      await Promise.allSettled(stubs.map((stub) => Reflect.apply(Reflect.get(stub, "abortNow"), stub, [])));
      return new Response(String(stubs.length));
    },
  };
}
