// The one model of what the doctor and the checklist find.

/** `skipped`: it could not be looked at, or does not concern this site, for a reason that is no fault of its own. */
export type Severity = "ok" | "warning" | "error" | "skipped";

/** What was found. Nothing secret is in it, whatever it is printed to. */
export interface Found {
  readonly severity: Severity;
  /** What is so. */
  readonly what: string;
  /** What to do; empty where there is nothing to do. */
  readonly todo: string;
  /** What was seen, where that is worth a word. */
  readonly seen?: string | undefined;
}

/** What was found, and of what. */
export interface Finding<Id extends string = string, Family extends string = string> extends Found {
  /** The check of the doctor, or the row of the checklist. */
  readonly id: Id;
  readonly family: Family;
  /** Why it matters. */
  readonly why: string;
  /** Where it is explained, from the project's folder. */
  readonly link: string;
}

export const ok = (what: string): Found => ({ severity: "ok", what, todo: "" });
export const skipped = (what: string): Found => ({ severity: "skipped", what, todo: "" });
export const warning = (what: string, todo: string): Found => ({ severity: "warning", what, todo });
export const error = (what: string, todo: string): Found => ({ severity: "error", what, todo });

/** Something that has to hold, and whether it does. */
export const holds = (what: string, isSo: boolean, seen?: string): Found => ({
  ...{ severity: isSo ? "ok" : "error", what, todo: "" },
  ...(seen !== undefined && { seen }),
});

export const isProblem = ({ severity }: Found): boolean => severity === "error" || severity === "warning";

/**
 * How a check looks: it yields what it finds, and returns what is so where it yielded nothing. Returning something
 * found, such as that there was nothing to look at, adds that in any case.
 * @example
 * function* checkColour(colour: string): Look {
 *   if (colour === "") return skipped("There is no colour.");
 *   if (colour !== "blue") yield error(`It is ${colour}.`, "Paint it blue.");
 *   return "It is blue.";
 * }
 */
export type Look = Generator<Found, Found | string, void>;

/** The same, where somebody has to be asked first. */
export type SlowLook = AsyncGenerator<Found, Found | string, void>;

/** Everything that a look comes to. */
export async function allFound(look: Look | SlowLook): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (;;) {
    const { done, value } = await look.next();
    if (typeof value !== "string") all.push(value);
    else if (all.length === 0) all.push(ok(value));
    if (done) return all;
  }
}

/** @param strict whether a warning is as bad as an error */
export function verdictOf(findings: readonly Found[], strict: boolean) {
  const counts: Record<Severity, number> = { error: 0, warning: 0, ok: 0, skipped: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return { counts, isHealthy: counts.error === 0 && (!strict || counts.warning === 0) };
}
