// What the worker asks: docs/registry.openapi.yaml, one function for each operation. Uses nothing but what
// Node, Deno, Bun and Cloudflare Workers share, so it runs in any of them.

import type { Account, Accounts, Person } from "./accounts.ts";
import { signatureFault } from "./signature.ts";

/** A request of the worker's is a few hundred characters. */
const BODY_LIMIT = 64 * 1024;

/** What the worker sends, all operations together; each uses its own part, which the description promises. */
interface Message {
  readonly id: string;
  readonly msn: string;
  readonly sub: string;
  readonly by: string;
  readonly limit?: number;
  readonly phone?: string;
  readonly email?: string;
  readonly name?: string;
  readonly member_number?: string;
  readonly person: Person;
  readonly even_if_similar?: boolean;
  readonly correction: Readonly<Record<string, string | null>>;
}

type Operation = (accounts: Accounts, message: Message) => Response;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  find(accounts, { person }) {
    const account = accounts.bySub(person.msn, person.sub);
    return json(
      200,
      account === undefined ? { candidates: accounts.similar(person) } : { account: { id: account.id } },
    );
  },
  create(accounts, { person, even_if_similar }) {
    const id = accounts.create(person, even_if_similar === true);
    return id === undefined ? json(409, { error: "somebody was quicker" }) : json(201, { id });
  },
  link: (accounts, { id, person, by }) =>
    accounts.link(id, person, by) ? nothing() : json(409, { error: "decide again" }),
  update(accounts, { id, person }) {
    accounts.update(id, person);
    return nothing();
  },
  "account-of-sub"(accounts, { msn, sub }) {
    const account = accounts.bySub(msn, sub);
    return account === undefined ? unknown() : json(200, { id: account.id });
  },
  get(accounts, { id }) {
    const account = accounts.byId(id);
    return account === undefined
      ? unknown()
      : json(200, { account: shown(account), identities: account.identities ?? [] });
  },
  search: (accounts, { limit = 50, ...search }) =>
    json(200, { accounts: accounts.search(search, limit).map(shown) }),
  correct(accounts, { id, correction }) {
    const result = accounts.correct(id, correction);
    if (result === "taken") return json(409, { error: "another account has this member number" });
    return result === "done" ? nothing() : unknown();
  },
  unlink: (accounts, { id, msn, sub }) => (accounts.unlink(id, msn, sub) ? nothing() : unknown()),
  "consent-revoked"(accounts, { msn, sub }) {
    accounts.noteConsentRevoked(msn, sub);
    return nothing();
  },
  erase: (accounts, { id }) => (accounts.erase(id) ? nothing() : unknown()),
};

/**
 * Answers the worker.
 * @param secret REGISTRY_SECRET, as the worker has it
 */
export function createRegistry(accounts: Accounts, secret: string): (request: Request) => Promise<Response> {
  const nonces = new Map<string, number>();
  return async (request) => {
    const operation = OPERATIONS[new URL(request.url).pathname.split("/").at(-1) ?? ""];
    if (operation === undefined) return json(404, { error: "no such operation" });
    if (request.method !== "POST") return json(405, { error: "POST only" });
    const body = await request.text();
    if (body.length > BODY_LIMIT) return json(413, { error: "too large" });
    const fault = await signatureFault(request, body, secret, nonces);
    if (fault !== undefined) return json(401, { error: fault });
    try {
      return operation(accounts, JSON.parse(body));
    } catch {
      return json(400, { error: "not a message of the worker's" });
    }
  };
}

/** An account without what is the registry's alone. */
function shown({ password: _password, identities: _identities, ...account }: Account): object {
  return account;
}

const json = (status: number, body: unknown) => Response.json(body, { status });
const nothing = () => new Response(null, { status: 204 });
const unknown = () => json(404, { error: "no such account" });
