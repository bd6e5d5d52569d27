import type { CheckId, Examination } from "../../cli/doctor/checks.ts";
import type { SettingsSource } from "../../cli/doctor/settings-source.ts";
import type { BehaviourUpdate } from "../../simulator/behaviour.ts";
import type { Alteration } from "./altered-server.ts";
import type { Patient } from "./doctor-under-test.ts";

/** Something deliberately wrong with the patient. */
export interface Fault {
  readonly fault: string;
  /** The checks that find it, and no others. */
  readonly found: readonly CheckId[];
  readonly says: RegExp;
  readonly source?: (source: SettingsSource, patient: Patient) => SettingsSource;
  readonly provider?: Alteration;
  readonly behaviour?: BehaviourUpdate;
  readonly site?: Alteration;
  readonly changes?: Partial<Examination>;
  /** Leaves the deployed site out: it has the right settings, those here are wrong. */
  readonly here?: boolean;
  /** Families to make, where others could not be made without Vipps itself. */
  readonly only?: readonly string[];
}

/** Settings that differ. */
export const withValues = (values: Readonly<Record<string, string>>) => (source: SettingsSource) => ({
  ...source,
  values: { ...source.values, ...values },
});
