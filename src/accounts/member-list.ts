import { fromDatabase } from "../storage-call.ts";
import {
  type ListedMember,
  type MemberFilter,
  memberOf,
  type PageRow,
  pageOf,
  type SOURCES,
  type Statement,
  sourceOf,
} from "./members-export.ts";
import type { Records } from "./records.ts";

export interface MemberPage {
  readonly members: readonly ListedMember[];
  /** What the next page comes after; `undefined` where this is the last. It says nothing of a person. */
  readonly next: string | undefined;
}

/** In place of an id: the page of those who have no name comes next. */
const NAMELESS = "-";

/**
 * A page of a list of people: of everybody by name, of a group or an answer in the order of the index, each page by
 * name. Reads no more than a page, however many people there are.
 * @param after `next` of the page before; the first page where `undefined`.
 * @param limit how many are looked at; where an answer is asked for, some who gave it may have changed their mind.
 * @throws {Failure} `storage_unavailable`.
 */
export async function listMembers(
  records: Records,
  filter: MemberFilter,
  after: string | undefined,
  limit: number,
): Promise<MemberPage> {
  const source = sourceOf(filter);
  const read = (from: keyof typeof SOURCES, id: string, most: number) =>
    readPage(records, pageOf(from, records.site, filter, id, most), most);
  if (source !== undefined) {
    const { members, last } = await read(source, after ?? "", limit);
    return { members: members.sort(byName), next: last };
  }
  const isNameless = after?.startsWith(NAMELESS) === true;
  const named = isNameless ? { members: [], last: undefined } : await read("named", after ?? "", limit);
  if (named.last !== undefined) return { members: named.members, next: named.last };
  const from = isNameless ? after.slice(NAMELESS.length) : "";
  const { members, last } = await read("nameless", from, limit - named.members.length);
  return {
    members: [...named.members, ...members],
    next: last === undefined ? undefined : NAMELESS + last,
  };
}

/** @returns those who fit, and the last who was looked at where there may be more. */
async function readPage(
  { database, site }: Records,
  { sql, params }: Statement,
  limit: number,
): Promise<{ members: ListedMember[]; readonly last: string | undefined }> {
  const statement = database.prepare(sql).bind(...params);
  const { results } = await fromDatabase(site, () => statement.all<PageRow>());
  return {
    members: results.filter(({ fits }) => fits === 1).map(memberOf),
    last: results.length < limit ? undefined : results.at(-1)?.page_id,
  };
}

const byName = (one: ListedMember, other: ListedMember): number =>
  (one.account?.name ?? "").localeCompare(other.account?.name ?? "");

/** More are no help to anybody who chooses one. */
const CONSENTS_LIMIT = 100;

/**
 * All consents that somebody has answered, with the words of one answer, from each to the next, so that one costs two
 * looks however many people have answered it.
 * @throws {Failure} `storage_unavailable`.
 */
export async function answeredConsents({
  database,
  site,
}: Records): Promise<readonly { readonly id: string; readonly wording: string | null }[]> {
  const statement = database
    .prepare(
      `WITH RECURSIVE asked (id) AS (
         SELECT (SELECT min(consent) FROM consents INDEXED BY consents_by_answer WHERE site = ?1)
         UNION ALL
         SELECT (SELECT min(consent) FROM consents INDEXED BY consents_by_answer
           WHERE site = ?1 AND consent > asked.id) FROM asked
         WHERE asked.id IS NOT NULL LIMIT ${CONSENTS_LIMIT})
       SELECT id, (SELECT wording FROM consents INDEXED BY consents_by_answer
         WHERE site = ?1 AND consent = asked.id LIMIT 1) AS wording FROM asked WHERE id IS NOT NULL`,
    )
    .bind(site);
  return (await fromDatabase(site, () => statement.all<{ id: string; wording: string | null }>())).results;
}
