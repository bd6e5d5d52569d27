import { CHECKS, type CheckId, type Family } from "./checks.ts";

/** `skipped`: it could not be looked at, for a reason that is no fault of its own. */
export type Severity = "ok" | "warning" | "error" | "skipped";

/** What one check came to. Nothing secret is in it, whatever it is printed to. */
export interface Finding {
  readonly id: CheckId;
  readonly family: Family;
  readonly severity: Severity;
  /** What is so. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do; empty where there is nothing to do. */
  readonly todo: string;
  /** Where it is explained, from the project's folder. */
  readonly link: string;
}

const finding = (id: CheckId, severity: Severity, what: string, todo = ""): Finding => ({
  id,
  family: CHECKS[id].family,
  severity,
  what,
  why: CHECKS[id].why,
  todo,
  link: `docs/doctor.md#${id}`,
});

export const ok = (id: CheckId, what: string) => finding(id, "ok", what);
export const skipped = (id: CheckId, what: string) => finding(id, "skipped", what);
export const warning = (id: CheckId, what: string, todo: string) => finding(id, "warning", what, todo);
export const error = (id: CheckId, what: string, todo: string) => finding(id, "error", what, todo);

/** The problems, or where there is none, that all is well. */
export function orOk(id: CheckId, problems: readonly Finding[], what: string): readonly Finding[] {
  return problems.length > 0 ? problems : [ok(id, what)];
}
