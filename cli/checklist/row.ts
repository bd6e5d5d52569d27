import type { ShownExchange } from "./redaction.ts";

/** The parts of Vipps' checklist, in its order. */
export const SECTIONS = {
  endpoints: "Endpoints to integrate",
  quality: "Quality assurance",
  considerations: "Integration considerations",
  pitfalls: "Avoid integration pitfalls",
  sent: "Sent along with the checklist",
} as const;

export type Section = keyof typeof SECTIONS;

/** Where evidence was gathered. */
export type Environment =
  /** The worker on this machine against the simulator. */
  | "simulator"
  /** The worker on this machine against Vipps' test environment. */
  | "test"
  /** A deployed site, as a browser sees it. */
  | "deployed";

/** One thing that was looked at. */
export interface Check {
  /** What has to hold, as a sentence. */
  readonly text: string;
  readonly ok: boolean;
  /** What was found, where it does not hold or is worth a word. */
  readonly found?: string | undefined;
}

/** A picture of a page, blanked. */
export interface Picture {
  /** The file's name inside the folder of pictures. */
  readonly file: string;
  readonly caption: string;
  readonly device: "phone" | "desktop";
  /** Size in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** What a run found out about a row. */
export interface Finding {
  /** How the row is met, in words for whoever reviews the integration. */
  readonly how: string;
  readonly checks: readonly Check[];
  readonly exchanges: readonly ShownExchange[];
  readonly pictures: readonly Picture[];
  /** Lines of the worker's log, as JSON. */
  readonly logLines: readonly string[];
  /** What this kind of run cannot show. */
  readonly missing: readonly string[];
  /** Why the row does not concern this site, read from its settings. */
  readonly notApplicable?: string | undefined;
}

/** A finding with when and where it was made. */
export interface Evidence extends Finding {
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  readonly environment: Environment;
  /** Issuer and site, for the reader. */
  readonly issuer: string;
  readonly site: string;
  readonly version: string;
}
