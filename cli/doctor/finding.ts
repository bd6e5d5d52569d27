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

/** What was found, whichever check it belongs to: that is said by whoever made the check. */
export type Found = Pick<Finding, "severity" | "what" | "todo">;

export const ok = (what: string): Found => ({ severity: "ok", what, todo: "" });
export const skipped = (what: string): Found => ({ severity: "skipped", what, todo: "" });
export const warning = (what: string, todo: string): Found => ({ severity: "warning", what, todo });
export const error = (what: string, todo: string): Found => ({ severity: "error", what, todo });

/** The problems, or where there is none, that all is well. */
export const orOk = (problems: readonly Found[], what: string): readonly Found[] =>
  problems.length > 0 ? problems : [ok(what)];

/** Says of which check something was found. */
export function about(id: CheckId, found: Found | readonly Found[]): readonly Finding[] {
  const { family, why } = CHECKS[id];
  return [found].flat().map((one) => ({ id, family, why, ...one, link: `docs/doctor.md#${id}` }));
}

/** The same of several checks. */
export const aboutAll = (ids: readonly CheckId[], found: Found): readonly Finding[] =>
  ids.flatMap((id) => about(id, found));
