import { restartLoginObjects } from "../worker/login-objects.ts";

/**
 * How a storage binding fails: at once, never, or by throwing before there is a promise; or once only, as the platform
 * does when an object restarts, before the work, or with the work done and the answer lost, or with all lost that the
 * object had in memory besides; and each so that asking again helps, or not.
 */
export type Fault = "rejects" | "hangs" | "throws" | OnceOnly;
type OnceOnly = "passes" | "losesAnswer" | "losesAnswerForGood" | "losesMemory" | "losesMemoryForGood";

/** Fails in place of one method of a binding, or of the objects it hands out. */
function failing(fault: Fault): (work: () => unknown) => Promise<never> {
  const reset = () =>
    Object.assign(new Error("secret-in-a-message: the object was reset"), { retryable: true });
  return (work) => {
    if (fault === "passes") return Promise.reject(reset());
    if (fault === "losesAnswer") return Promise.resolve(work()).then(() => Promise.reject(reset()));
    const cutOff = () => Promise.reject(new Error("secret-in-a-message: cut off"));
    if (fault === "losesAnswerForGood") return Promise.resolve(work()).then(cutOff);
    if (fault === "losesMemoryForGood") return Promise.resolve(work()).then(restartLoginObjects).then(cutOff);
    if (fault === "losesMemory")
      return Promise.resolve(work())
        .then(restartLoginObjects)
        .then(() => Promise.reject(reset()));
    if (fault === "throws") throw new Error("secret-in-a-message: storage is not there");
    if (fault === "hangs") return new Promise(() => undefined);
    return Promise.reject(new Error("secret-in-a-message: storage is down"));
  };
}

export interface FailureSwitch {
  /** Whether the method fails now. */
  on: boolean;
  /** How often it has failed. */
  count: number;
}

/** The binding as it is, but for one method that fails while the switch is on, as it is at first. */
export function withFailing<Binding extends object>(
  binding: Binding,
  method: string,
  fault: Fault,
): Binding & { readonly failures: FailureSwitch } {
  const failures: FailureSwitch = { on: true, count: 0 };
  const fail = failing(fault);
  const wrap = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(inner, name) {
        if (name === "failures") return failures;
        const member = Reflect.get(inner, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (name === method && failures.on) {
            failures.count += 1;
            if (!["rejects", "hangs", "throws"].includes(fault)) failures.on = false;
            return fail(() => Reflect.apply(member, inner, args));
          }
          const result = Reflect.apply(member, inner, args);
          const isStub = name === "get" || name === "getByName" || name === "jurisdiction";
          const isStatement = name === "prepare" || name === "bind" || name === "withSession";
          return isStub || isStatement ? wrap(result) : result;
        };
      },
    });
  return wrap(binding) as Binding & { readonly failures: FailureSwitch };
}

/** Where the first try of a call fails: before the work, or with the work done and the answer lost. */
export type Moment = "before" | "after";

/**
 * Lets the first try of every call to storage fail as a passing error does, and its repeat through: a call is known
 * again by its method and arguments, or by how its statement begins, so that one which carries something new the
 * second time never gets through.
 * @returns the environment, and how many calls failed, by store.
 */
export function failingEachOnce(
  environment: Cloudflare.Env,
  moment: Moment,
): { readonly env: Cloudflare.Env; readonly failed: Record<"objects" | "database", number> } {
  const failed = { objects: 0, database: 0 };
  const tried = new Set<string>();
  const once = async (store: keyof typeof failed, key: string, work: () => unknown): Promise<unknown> => {
    if (tried.delete(key)) return work();
    tried.add(key);
    failed[store] += 1;
    if (moment === "after") await work();
    throw store === "objects"
      ? Object.assign(new Error("secret-in-a-message: reset"), { retryable: true })
      : new Error("D1_ERROR: Network connection lost: secret-in-a-message");
  };
  const objects = <Namespace extends object>(namespace: Namespace): Namespace =>
    new Proxy(namespace, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (name !== "getByName") return typeof member === "function" ? member.bind(target) : member;
        return (...named: unknown[]) =>
          new Proxy(Object(Reflect.apply(member as Call, target, named)), {
            get(stub, method) {
              const call: unknown = Reflect.get(stub, method);
              if (typeof call !== "function") return call;
              return (...args: unknown[]) =>
                once("objects", JSON.stringify([named[0], method, args]), () =>
                  Reflect.apply(call, stub, args),
                );
            },
          });
      },
    });
  return {
    failed,
    env: {
      ...environment,
      LOGIN_ATTEMPTS: objects(environment.LOGIN_ATTEMPTS),
      USER_SESSIONS: objects(environment.USER_SESSIONS),
      ...(environment.ACCOUNTS_DB && { ACCOUNTS_DB: database(environment.ACCOUNTS_DB, once) }),
    },
  };
}

/** By so much of a statement it is known again: a repeat may look besides whether the first was done. */
const BEGINNING = 40;

type Call = (...args: unknown[]) => unknown;
type Once = (store: "database", key: string, work: () => unknown) => Promise<unknown>;

function database(real: D1Database, once: Once): D1Database {
  const known = new WeakMap<object, { readonly key: string; readonly statement: D1PreparedStatement }>();
  const wrapped = (statement: D1PreparedStatement, key: string): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name === "bind")
          return (...args: unknown[]) =>
            wrapped(Reflect.apply(member, target, args), `${key} ${JSON.stringify(args.slice(0, 1))}`);
        return (...args: unknown[]) => once("database", key, () => Reflect.apply(member, target, args));
      },
    });
    known.set(proxy, { key, statement });
    return proxy;
  };
  return new Proxy(real, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => wrapped(target.prepare(sql), sql.slice(0, BEGINNING));
      const member = Reflect.get(target, name);
      if (name !== "batch") return typeof member === "function" ? member.bind(target) : member;
      return (batch: D1PreparedStatement[]) => {
        const all = batch.flatMap((one) => known.get(one) ?? []);
        const key = all[0]?.key ?? "";
        return once("database", key, () => target.batch(all.map(({ statement }) => statement)));
      };
    },
  });
}
