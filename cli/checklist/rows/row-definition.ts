import type { Exchange } from "../exchange.ts";
import type { Check, Finding, Section } from "../row.ts";
import type { RowId } from "../row-ids.ts";
import type { SceneName, Seen } from "../seen.ts";

/** A finding before anything of it is blanked. */
export interface RawFinding extends Omit<Finding, "exchanges"> {
  readonly exchanges: readonly Exchange[];
}

/** One row of the checklist: what is asked, and how a run tells whether it is met. */
export interface Row {
  readonly id: RowId;
  readonly section: Section;
  readonly title: string;
  /** What Vipps asks, in our words. */
  readonly asked: string;
  /** Method and path, for the rows that are an endpoint. */
  readonly endpoint?: string;
  /** The document of ours that tells more, from the repository's root. */
  readonly document?: string;
  /** What has to be walked to judge it. */
  readonly scenes: readonly SceneName[];
  judge(seen: Seen): RawFinding;
}

export function check(text: string, ok: boolean, found?: string): Check {
  return { text, ok, found };
}

/** A finding of which only some parts matter. */
export function finding(parts: Partial<RawFinding> & Pick<RawFinding, "how">): RawFinding {
  return { checks: [], exchanges: [], pictures: [], logLines: [], missing: [], ...parts };
}

/** A row that does not concern this site. */
export function notApplicable(reason: string): RawFinding {
  return finding({ how: "Not applicable.", notApplicable: reason });
}

/** What goes between the worker and Vipps when the worker runs elsewhere. */
export const UNSEEN_TRAFFIC =
  "The worker is deployed, so what goes between it and Vipps cannot be seen from here. Run this command with --provider test on a machine of yours to capture it.";

/** The exchanges that a reader needs: the first ones of a kind are as good as all. */
export function first(exchanges: readonly Exchange[], count = 1): readonly Exchange[] {
  return exchanges.slice(0, count);
}

/** A parameter of an address, or an empty text. */
export function parameter(address: string | undefined, name: string): string {
  return (address === undefined ? undefined : URL.parse(address)?.searchParams.get(name)) ?? "";
}
