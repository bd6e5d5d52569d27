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
  /** Of a round trip to D1: the rows that D1 itself says it read and wrote. Each is a row on its bill. */
  readonly rowsRead?: number;
  readonly rowsWritten?: number;
}

/** What happened inside the Durable Objects of a Worker meanwhile, in rows as Cloudflare bills them. */
export interface ObjectRows {
  readonly read: number;
  /** Rows of SQL, values put or deleted, and alarms set. */
  readonly written: number;
}
