import type { Finding as AnyFinding } from "../findings/finding.ts";
import { allFound, type Found } from "../findings/finding.ts";
import type { Network } from "./bounded-request.ts";
import { CHECKS, type CheckId, type Family } from "./checks.ts";
import { factsOf } from "./facts.ts";
import type { SettingsSource } from "./settings-source.ts";
import type { Issuers } from "./token-checks.ts";

export type Finding = AnyFinding<CheckId, Family>;

export interface Examination {
  readonly source: SettingsSource;
  /** The deployed site to look at, an origin; undefined for none. */
  readonly target: string | undefined;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for one request; ten seconds where absent. */
  readonly timeLimit?: number;
  /** The checks that are wanted; all where absent. */
  readonly only?: ReadonlySet<CheckId>;
  /** Hears of each finding as soon as it is made. */
  readonly onFinding?: (finding: Finding) => void;
  /** Vipps' own issuers; other ones in tests. */
  readonly issuers?: Issuers;
  /** Where several sites are examined in one run: what is the same for all of them. */
  readonly shared?: Network["shared"];
}

/**
 * Examines one site's settings, what Vipps says of them, and the deployed site. Changes nothing anywhere: the
 * requests are those of a visitor who turns back, and the token endpoint is shown an invented code.
 * @returns the findings in the order of the checks. Never throws for what it finds.
 */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { only, onFinding } = examination;
  const facts = factsOf(examination);
  const findings: Finding[] = [];
  for (const { id, family, why, make } of CHECKS) {
    if (only !== undefined && !only.has(id)) continue;
    const made = await make(facts);
    const all: readonly Found[] = "severity" in made ? [made] : await allFound(made);
    for (const found of all) {
      const finding = { id, family, why, ...found, link: `docs/doctor.md#${id}` };
      findings.push(finding);
      onFinding?.(finding);
    }
  }
  return findings;
}

/** Ids and families as they may be asked for. @returns undefined where a word is neither */
export function checksNamed(words: readonly string[]): ReadonlySet<CheckId> | undefined {
  const named = words.map((word) => CHECKS.filter(({ id, family }) => id === word || family === word));
  return named.some((checks) => checks.length === 0) ? undefined : new Set(named.flat().map(({ id }) => id));
}
