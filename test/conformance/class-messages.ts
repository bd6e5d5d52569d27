import type { FaultClass } from "../../src/storage-fault.ts";

/** A message of the platform for each class of failure; without one, there is no answer. */
export const CLASS_MESSAGES: Readonly<Record<FaultClass, string | undefined>> = {
  timed_out: undefined,
  connection_lost: "Network connection lost.",
  reset: "Internal error in Durable Object storage write caused object to be reset.",
  code_updated: "Durable Object reset because its code was updated.",
  overloaded: "Durable Object is overloaded. Requests queued for too long.",
  missing_table: "no such table: accounts: SQLITE_ERROR",
  quota: "Exceeded allowed duration in Durable Objects free tier.",
  cannot_open: "unable to open database file: SQLITE_CANTOPEN",
  full: "database or disk is full: SQLITE_FULL",
  exceeded: "Durable Object's isolate exceeded its memory limit and was reset.",
  damaged: "database disk image is malformed: SQLITE_CORRUPT",
  unknown: "nobody knows what this is",
};
