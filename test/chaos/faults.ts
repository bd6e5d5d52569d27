/** A store whose calls fail. */
export type FaultyStore = "objects" | "database" | "kv";

/** Before the work, or with the work done and the answer lost, or never an answer. */
export type Moment = "before" | "after" | "hangs";

/** What passes, in the platform's own words, by store; Durable Objects mark theirs `retryable`. */
export const PASSING_ERRORS: Readonly<Record<FaultyStore, readonly string[]>> = {
  objects: [
    "Durable Object reset because its code was updated.",
    "Network connection lost.",
    "Internal error in Durable Object storage write caused object to be reset.",
    "Cannot resolve Durable Object due to transient issue on remote node.",
  ],
  database: [
    "D1_ERROR: D1 DB reset because its code was updated.",
    "D1_ERROR: Network connection lost.",
    "D1_ERROR: Internal error in D1 DB storage caused object to be reset.",
    "D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.",
  ],
  kv: ["KV GET failed: 503 Service Unavailable"],
};

/** Where the rig has every object reset, with what it is doing. No site has such a path. Answers how many. */
export const RESET = "/.chaos/reset";
