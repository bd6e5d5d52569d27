/** What a Worker can ask of others, each at least one round trip. */
export const KINDS = ["fetch", "kv read", "kv write", "durable object", "placed object", "d1"] as const;
/** `placed object`: a Durable Object whose location the caller gives as a hint; others are born near it. */
export type Kind = (typeof KINDS)[number];

/** From where something is asked: the Worker where the visitor is, or a Durable Object where that is. */
export const ORIGINS = ["edge", "object"] as const;
export type Origin = (typeof ORIGINS)[number];

/** How many operations of each kind are waited for one after the other. */
export type Waits = Readonly<Record<Kind, number>>;

export const NO_WAITS: Waits = {
  fetch: 0,
  "kv read": 0,
  "kv write": 0,
  "durable object": 0,
  "placed object": 0,
  d1: 0,
};

/** All of them together. */
export function totalOf(waits: Waits): number {
  return KINDS.reduce((total, kind) => total + waits[kind], 0);
}

/** One of these round trips. */
export interface Operation {
  readonly kind: Kind;
  readonly origin: Origin;
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
