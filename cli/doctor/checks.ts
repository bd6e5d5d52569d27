import { type Finding as AnyFinding, allFound, type Found } from "../findings/finding.ts";
import { type Check, type Examined, factsOf } from "./facts.ts";
import { SECRET_CHECKS } from "./secret-checks.ts";
import { SETTINGS_CHECKS } from "./settings-checks.ts";
import { SITE_CHECKS } from "./site-checks.ts";
import { VIPPS_CHECKS } from "./vipps-checks.ts";
import { WORKER_CHECKS } from "./worker-checks.ts";

/** The families of checks, in the order in which they are made and shown. */
export const FAMILIES = {
  settings: "Settings",
  secrets: "Keys and secrets",
  worker: "The worker's configuration",
  vipps: "Vipps MobilePay, as it answers now",
  site: "The deployed site",
} as const;

export type Family = keyof typeof FAMILIES;

/** Every check by its family. Ids are stable: scripts filter by them, and each has its heading in docs/doctor.md. */
const BY_FAMILY = {
  settings: SETTINGS_CHECKS,
  secrets: SECRET_CHECKS,
  worker: WORKER_CHECKS,
  vipps: VIPPS_CHECKS,
  site: SITE_CHECKS,
} as const satisfies Record<Family, Record<string, Check>>;

export type CheckId = { [Name in Family]: keyof (typeof BY_FAMILY)[Name] }[Family];

export type Finding = AnyFinding<CheckId, Family>;

/** Every check, in its order. */
export const CHECKS = (Object.keys(FAMILIES) as Family[]).flatMap((family) =>
  Object.entries<Check>(BY_FAMILY[family]).map(([id, check]) => ({ ...check, id: id as CheckId, family })),
);

export const CHECK_IDS: readonly CheckId[] = CHECKS.map(({ id }) => id);

export interface Examination extends Examined {
  /** The checks that are wanted; all where absent. */
  readonly only?: ReadonlySet<CheckId>;
  /** Hears of each finding as soon as it is made. */
  readonly onFinding?: (finding: Finding) => void;
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
  for (const { id, family, why, look } of CHECKS) {
    if (only !== undefined && !only.has(id)) continue;
    const made = await look(facts);
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
