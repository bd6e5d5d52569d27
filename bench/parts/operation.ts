/** What a Worker can ask of others, each at least one round trip. */
export const KINDS = ["fetch", "kv read", "kv write", "durable object", "d1"] as const;
export type Kind = (typeof KINDS)[number];

/** One of these round trips. */
export interface Operation {
  readonly kind: Kind;
  /** The path that was fetched, or the method that was called. */
  readonly name: string;
  /** Whether it began when the answer was already given: nobody waits for it. */
  readonly behindAnswer: boolean;
  /** Of a round trip to D1: its statements, and how many of them write. */
  readonly statements?: number;
  readonly writes?: number;
}
