import type { Registry } from "./registry.ts";

/** `ACCOUNTS=none`: nobody is registered anywhere; whoever Vipps vouches for is known by their `sub`. */
export const noRegistry: Registry = {
  find: async ({ sub }) => ({ known: { id: sub, acceptedTerms: undefined }, candidates: [] }),
  create: async ({ sub }) => sub,
  link: async (accountId, { sub }) => accountId === sub,
  update: async () => undefined,
  proof: { kind: "none" },
  accountOfSub: async (_msn, sub) => sub,
  get: async () => undefined,
  search: async () => [],
  correct: async () => false,
  unlink: async () => false,
  noteConsentRevoked: async () => undefined,
  erase: async (_accountId, alongside) => {
    const [first] = alongside;
    if (first !== undefined) throw new Error("erase the records themselves where there is no registry");
    return false;
  },
};
