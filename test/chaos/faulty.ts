import type { DurableObject } from "cloudflare:workers";

/** What fails, as the binding FAULTS says: `STORE MOMENT SHARE`, such as `objects before 0.05`. */
interface FaultPlan {
  readonly store: "objects" | "database";
  readonly moment: "before" | "after";
  readonly share: number;
}

function planOf({ FAULTS = "" }: { readonly FAULTS?: string }): FaultPlan | undefined {
  const [store, moment, share] = FAULTS.split(" ");
  if ((store !== "objects" && store !== "database") || (moment !== "before" && moment !== "after"))
    return undefined;
  return { store, moment, share: Number(share) };
}

/** Lets some calls fail as the platform does when an object or a connection restarts. */
async function perhaps({ store, moment, share }: FaultPlan, work: () => unknown): Promise<unknown> {
  const fails = Math.random() < share;
  if (!fails) return work();
  if (moment === "after") await work();
  throw store === "objects"
    ? Object.assign(new Error("Durable Object reset because its code was updated."), { retryable: true })
    : new Error("D1_ERROR: Network connection lost.");
}

const methodsOf = (target: object, call: (name: string, work: () => unknown) => unknown): object =>
  new Proxy(target, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => call(String(name), () => Reflect.apply(member, inner, args));
    },
  });

/** The environment with faults in it. What an aborted object throws is marked as the platform marks it at a deployment. */
export function faulty<Env extends object>(env: Env): Env {
  const plan = planOf(env);
  const namespace = (real: object): object =>
    new Proxy(real, {
      get(inner, name) {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== "function") return member;
        if (name !== "getByName") return member.bind(inner);
        return (...args: unknown[]) =>
          methodsOf(Object(Reflect.apply(member, inner, args)), async (_name, work) => {
            try {
              return await (plan?.store === "objects" ? perhaps(plan, work) : work());
            } catch (error) {
              throw Object.assign(Object(error), { retryable: true });
            }
          });
      },
    });
  return new Proxy(env, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (name === "LOGIN_ATTEMPTS" || name === "USER_SESSIONS") return namespace(Object(member));
      if (name === "ACCOUNTS_DB" && plan?.store === "database")
        return databaseWith(plan, member as D1Database);
      return member;
    },
  });
}

function databaseWith(plan: FaultPlan, real: D1Database): D1Database {
  const known = new WeakMap<object, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): object => {
    const proxy = methodsOf(statement, (name, work) =>
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
      this.ctx.abort("Durable Object reset because its code was updated.");
    }
  } as unknown as Class;
}

/** Where the rig has the objects of logins reset. No site has such a path. */
const RESET = "/.chaos/reset";

interface RealWorker {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Promise<Response> | Response;
}

/** The Worker in an environment with faults. */
export function faultyWorker(real: RealWorker): ExportedHandler<Cloudflare.Env> {
  return {
    async fetch(request, env, ctx) {
      if (new URL(request.url).pathname !== RESET) return real.fetch(request, faulty(env), ctx);
      const shards = Array.from({ length: 8 }, (_, shard) => env.LOGIN_ATTEMPTS.getByName(`weur-${shard}`));
      await Promise.allSettled(
        shards.map((object) => Reflect.apply(Reflect.get(object, "abortNow"), object, [])),
      );
      return new Response("reset");
    },
  };
}
