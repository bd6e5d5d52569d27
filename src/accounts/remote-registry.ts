import type { D1Database } from "@cloudflare/workers-types";
import * as v from "valibot";
import { Failure } from "../failure.ts";
import { readGroups } from "../group-name.ts";
import { fromDatabase } from "../storage-call.ts";
import type { Account, AccountRecord } from "./account.ts";
import { identityOf } from "./account-row.ts";
import type { AccountSearch, Correction, Proof, Registry } from "./registry.ts";
import { askRegistry, type RegistryAnswer, type RemoteEndpoint } from "./registry-request.ts";
import { erasedMeanwhile, personSubject, type VippsPerson, wasErased } from "./vipps-person.ts";

export interface RemoteRegistryOptions extends RemoteEndpoint {
  /** Tells the registry which of several sites is asking. */
  readonly site: string;
  readonly proof: Proof;
  /** Where the worker's own records of a person are. */
  readonly database: D1Database;
}

// Schemas are functions, as everywhere: an isolate makes those it uses, when it uses them.

/** An account id of the registry's: it becomes the `sub` of the session token. */
const accountId = () => v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,200}$/));
const text = () => v.nullish(v.pipe(v.string(), v.maxLength(500)));
const seconds = () => v.pipe(v.number(), v.integer());

/** Names of groups; what is none is passed over. */
const groups = () => v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(1_000)));

/** One of both has to be there: who is answered with neither (`{"error":"…"}`) is not somebody new for that. */
const foundAnswer = () =>
  v.pipe(
    v.object({
      account: v.nullish(v.object({ id: accountId(), groups: groups() })),
      candidates: v.optional(
        v.pipe(
          v.array(
            v.object({
              id: accountId(),
              name: text(),
              same_phone: v.boolean(),
              same_email: v.boolean(),
              taken: v.boolean(),
            }),
          ),
          v.maxLength(100),
        ),
      ),
    }),
    v.check(({ account, candidates }) => account !== undefined || candidates !== undefined),
  );

const idAnswer = () => v.object({ id: accountId() });

const account = (id: v.GenericSchema<string> = accountId()) =>
  v.object({
    id,
    name: text(),
    given_name: text(),
    family_name: text(),
    phone: text(),
    phone_verified: v.optional(v.boolean(), false),
    email: text(),
    email_verified: v.optional(v.boolean(), false),
    profile: v.optional(v.record(v.string(), v.unknown()), {}),
    member_number: text(),
    groups: groups(),
    created_at: v.optional(seconds()),
    updated_at: v.optional(seconds(), 0),
    last_login_at: v.nullish(seconds()),
  });

/** Whoever is asked for one person and answers with another mixes people up: neither is shown to anybody. */
const recordAnswer = (id: string) =>
  v.object({
    account: account(v.picklist([id])),
    identities: v.array(
      v.object({
        msn: v.string(),
        sub: v.string(),
        linked_at: seconds(),
        linked_by: v.picklist(["created", "matched", "proven", "staff"]),
        last_login_at: v.nullish(seconds()),
        consent_revoked_at: v.nullish(seconds()),
      }),
    ),
  });

const searchAnswer = () => v.object({ accounts: v.pipe(v.array(account()), v.maxLength(1_000)) });

/** More are no help to anybody; the registry is asked to stop there too. */
const SEARCH_LIMIT = 50;

/**
 * The site's own registry over HTTPS, as docs/registry.openapi.yaml describes it. The registry finds and keeps;
 * what a match means is decided here, by the same rules as everywhere.
 */
export function remoteRegistry(options: RemoteRegistryOptions): Registry {
  const { site, proof, database } = options;
  const ask = (operation: string, message: Readonly<Record<string, unknown>>) =>
    askRegistry(options, operation, { site, ...message });
  const known = (id: string, isNew: boolean, named?: unknown) => {
    return { id, acceptedTerms: undefined, isCurrent: isNew, isNew, groups: readGroups(named) };
  };
  const registry: Registry = {
    proof,
    async find(person) {
      const found = read(foundAnswer(), await ask("find", { person: personMessage(person) }));
      if (found.account)
        return { known: known(found.account.id, false, found.account.groups), candidates: [] };
      const candidates = (found.candidates ?? []).map((candidate) => ({
        accountId: candidate.id,
        name: candidate.name ?? undefined,
        samePhone: candidate.same_phone,
        sameEmail: candidate.same_email,
        taken: candidate.taken,
        provable: false,
      }));
      return { known: undefined, candidates };
    },
    async findOrCreate(person, begunAt) {
      const found = await registry.find(person);
      if (found.known !== undefined || found.candidates.length > 0) return found;
      const id = await registry.create(person, { begunAt });
      // Somebody was quicker: now there is something to find.
      return id === undefined ? registry.find(person) : { known: known(id, true), candidates: [] };
    },
    async create(person, { evenIfSimilar = false, begunAt }) {
      if (begunAt !== undefined) {
        const subject = await personSubject(site, person);
        const erased = wasErased(database, site, subject, begunAt);
        if ((await fromDatabase(site, () => erased.first())) !== null) throw erasedMeanwhile();
      }
      const message = { person: personMessage(person), even_if_similar: evenIfSimilar };
      const answer = await ask("create", message);
      return answer.status === 409 ? undefined : read(idAnswer(), answer).id;
    },
    async link(id, person, by) {
      return isDone(await ask("link", { id, person: personMessage(person), by }));
    },
    async update(id, person) {
      await ask("update", { id, person: personMessage(person) });
    },
    async accountOfSub(msn, sub) {
      const answer = await ask("account-of-sub", { msn, sub });
      return answer.status === 404 ? undefined : read(idAnswer(), answer).id;
    },
    async groupsOf(id) {
      return (await registry.get(id))?.account.groups ?? [];
    },
    setGroups: async () => false,
    groupNames: async () => [],
    keepsGroups: false,
    async get(id) {
      const answer = await ask("get", { id });
      return answer.status === 404 ? undefined : recordOf(read(recordAnswer(id), answer));
    },
    async search(search) {
      const message = searchMessage(search);
      if (Object.keys(message).length === 0) return [];
      const { accounts } = read(searchAnswer(), await ask("search", { ...message, limit: SEARCH_LIMIT }));
      return accounts.slice(0, SEARCH_LIMIT).map(accountOf);
    },
    async correct(id, correction) {
      const answer = await ask("correct", { id, correction: correctionMessage(correction) });
      if (answer.status !== 409) return isDone(answer);
      throw new Failure("request_malformed", { stage: "account", reason: "member number is taken" });
    },
    async unlink(id, msn, sub) {
      return isDone(await ask("unlink", { id, msn, sub }));
    },
    async noteConsentRevoked(msn, sub) {
      await ask("consent-revoked", { msn, sub });
    },
    async erase(id, alongside) {
      const existed = isDone(await ask("erase", { id }));
      if (alongside.length > 0) await fromDatabase(site, () => database.batch([...alongside]));
      return existed;
    },
  };
  return registry;
}

function isDone({ status }: RegistryAnswer): boolean {
  return status !== 404 && status !== 409;
}

/** @throws {Failure} `storage_unavailable` when the answer is not what the description promises. */
function read<Schema extends v.GenericSchema>(
  schema: Schema,
  { status, body }: RegistryAnswer,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success && status < 400) return parsed.output;
  throw new Failure("storage_unavailable", { stage: "account", reason: "registry: answer is malformed" });
}

function personMessage(person: VippsPerson): Readonly<Record<string, unknown>> {
  return {
    msn: person.msn,
    sub: person.sub,
    name: person.name,
    given_name: person.givenName,
    family_name: person.familyName,
    phone: person.phone,
    phone_verified: person.phoneVerified,
    email: person.email,
    email_verified: person.emailVerified,
    profile: person.profile,
  };
}

function searchMessage(search: AccountSearch): Readonly<Record<string, unknown>> {
  const { phone, email, name, accountId: id, memberNumber: member_number } = search;
  const fields = Object.entries({ phone, email, name, id, member_number });
  return Object.fromEntries(fields.filter(([, value]) => value));
}

/** JSON leaves out what is `undefined`. */
function correctionMessage({ memberNumber, ...correction }: Correction): Readonly<Record<string, unknown>> {
  return { ...correction, member_number: memberNumber };
}

function accountOf(remote: v.InferOutput<ReturnType<typeof account>>): Account {
  return {
    id: remote.id,
    name: remote.name ?? undefined,
    givenName: remote.given_name ?? undefined,
    familyName: remote.family_name ?? undefined,
    phone: remote.phone ?? undefined,
    phoneVerified: remote.phone_verified,
    email: remote.email ?? undefined,
    emailVerified: remote.email_verified,
    profile: remote.profile,
    memberNumber: remote.member_number ?? undefined,
    groups: readGroups(remote.groups),
    origin: "site",
    createdAt: remote.created_at,
    updatedAt: remote.updated_at,
    lastLoginAt: remote.last_login_at ?? undefined,
  };
}

function recordOf(answer: v.InferOutput<ReturnType<typeof recordAnswer>>): AccountRecord {
  return {
    account: accountOf(answer.account),
    identities: answer.identities.map(identityOf),
  };
}
