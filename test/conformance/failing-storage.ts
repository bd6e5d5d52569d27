import { restartLoginObjects } from "../worker/login-objects.ts";

/**
 * How a storage binding fails: at once, never, or by throwing before there is a promise; or once only, as the platform
 * does when an object restarts, before the work, or with the work done and the answer lost (so that asking again helps, or not), or with all lost that the
 * object had in memory besides.
 */
export type Fault = "rejects" | "hangs" | "throws" | OnceOnly;
type OnceOnly = "passes" | "losesAnswer" | "losesAnswerForGood" | "losesMemory";

/** Fails in place of one method of a binding, or of the objects it hands out. */
function failing(fault: Fault): (work: () => unknown) => Promise<never> {
  const reset = () =>
    Object.assign(new Error("secret-in-a-message: the object was reset"), { retryable: true });
  return (work) => {
    if (fault === "passes") return Promise.reject(reset());
    if (fault === "losesAnswer") return Promise.resolve(work()).then(() => Promise.reject(reset()));
    if (fault === "losesAnswerForGood")
      return Promise.resolve(work()).then(() => Promise.reject(new Error("secret-in-a-message: cut off")));
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
