import { fromDatabase } from "../storage-call.ts";
import type { FoundPerson, Registry } from "./registry.ts";
import type { VippsPerson } from "./vipps-person.ts";

/** A registry that knows of no groups. */
export const NO_GROUPS = {
  groupsOf: async () => [],
  setGroups: async () => false,
  groupNames: async () => [],
  keepsGroups: false,
} as const satisfies Partial<Registry>;

/**
 * `ACCOUNTS=none`: nobody is registered anywhere; whoever Vipps vouches for is known by their `sub`.
 * @param database where the worker's own records are, if it keeps any.
 * @param site the key of this site's rows there.
 */
export const noRegistry = (database: D1Database | undefined, site: string): Registry => ({
  find: async (person) => found(person),
  findOrCreate: async (person) => found(person),
  create: async ({ sub }) => sub,
  link: async (accountId, { sub }) => accountId === sub,
  update: async () => undefined,
  proof: { kind: "none" },
  accountOfSub: async (_msn, sub) => sub,
  ...NO_GROUPS,
  get: async () => undefined,
  search: async () => [],
  correct: async () => false,
  unlink: async () => false,
  noteConsentRevoked: async () => undefined,
  erase: async (_accountId, alongside) => {
    if (database !== undefined && alongside.length > 0)
      await fromDatabase(site, () => database.batch([...alongside]));
    return false;
  },
});

const found = ({ sub }: VippsPerson): FoundPerson => ({
  known: { id: sub, acceptedTerms: undefined, isCurrent: true, isNew: false },
  candidates: [],
});
