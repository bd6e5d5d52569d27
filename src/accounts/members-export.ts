import type { Account, AccountId } from "./account.ts";
import { ACCOUNT_COLUMNS, type AccountRow, accountOf } from "./account-row.ts";
import type { Export, ExportedRow, RunQuery } from "./exported-rows.ts";

/** Of whom a list is; of everybody where it says nothing. */
export interface MemberFilter {
  /** Those in this group. */
  readonly group?: string | undefined;
  /** Those whose newest answer to a question of consent is this one. */
  readonly answer?: { readonly consent: string; readonly granted: boolean } | undefined;
}

/** A person in a list. */
export interface ListedMember {
  readonly id: AccountId;
  /** `undefined` where the site's people are not kept here: then a consent is all that is known. */
  readonly account: Account | undefined;
}

/** The ids of a page, `?2` being the one it comes after, at most `?3` of them. */
export const SOURCES = {
  // By name, and so by one of the rows of a name, that of its first word.
  named: `SELECT n.account_id AS id, n.name FROM account_names n
    CROSS JOIN accounts b ON b.site = n.site AND b.id = n.account_id AND b.search_name = n.name
    WHERE n.site = ?1 AND (n.name, n.account_id) >
      (coalesce((SELECT search_name FROM accounts WHERE site = ?1 AND id = ?2), ''), ?2)
    ORDER BY n.name, n.account_id LIMIT ?3`,
  nameless: `SELECT id, '' AS name FROM accounts INDEXED BY accounts_without_name
    WHERE site = ?1 AND search_name = '' AND id > ?2 ORDER BY id LIMIT ?3`,
  group: `SELECT account_id AS id, '' AS name FROM group_members
    WHERE site = ?1 AND name = ?4 AND account_id > ?2 ORDER BY account_id LIMIT ?3`,
  answer: `SELECT DISTINCT account_id AS id, '' AS name FROM consents INDEXED BY consents_by_answer
    WHERE site = ?1 AND consent = ?4 AND granted = ?5 AND account_id > ?2 ORDER BY account_id LIMIT ?3`,
  everybody: `SELECT id, '' AS name FROM accounts WHERE site = ?1 AND id > ?2 ORDER BY id LIMIT ?3`,
} as const;

/** Whether the newest answer of a person is the one that is asked for, by the numbers of its parameters. */
const answers = (consent: string, granted: string): string =>
  `(SELECT c.granted FROM consents c INDEXED BY consents_by_account
    WHERE c.site = ?1 AND c.account_id = p.id AND c.consent = ${consent} ORDER BY c.id DESC LIMIT 1) = ${granted}`;

export interface Statement {
  readonly sql: string;
  readonly params: (string | number)[];
}

/**
 * A page of accounts, and of each candidate whether it fits: those that do not are still counted, so that it is known
 * where the next page begins.
 */
export function pageOf(
  source: keyof typeof SOURCES,
  site: string,
  { group, answer }: MemberFilter,
  after: string,
  limit: number,
): Statement {
  const params: (string | number)[] = [site, after, limit];
  if (group !== undefined) params.push(group);
  const first = params.length + 1;
  if (answer !== undefined) params.push(answer.consent, answer.granted ? 1 : 0);
  const fits = answer === undefined ? "1" : answers(`?${first}`, `?${first + 1}`);
  return {
    sql: `SELECT p.id AS page_id, ${fits} AS fits, ${ACCOUNT_COLUMNS} FROM (${SOURCES[source]}) p
      LEFT JOIN accounts a ON a.site = ?1 AND a.id = p.id ORDER BY p.name, p.id`,
    params,
  };
}

export function sourceOf({ group, answer }: MemberFilter): "group" | "answer" | undefined {
  if (group !== undefined) return "group";
  return answer === undefined ? undefined : "answer";
}

export type PageRow = AccountRow & { readonly page_id: string; readonly fits: number | null };

export const memberOf = ({ page_id: id, ...row }: PageRow): ListedMember => ({
  id,
  account: row.id === null ? undefined : accountOf(row),
});

const COLUMNS = [
  ...["account_id", "name", "given_name", "family_name", "email", "phone", "member_number", "groups"],
  ...["origin", "created_at", "last_login_at"],
] as const;

/**
 * The people of a list, to be written: names of columns that an import knows, groups with a comma between. Portion by
 * portion in the order of an index.
 */
export const membersExport = (
  run: RunQuery,
  options: { readonly site: string; readonly filter: MemberFilter; readonly portion: number },
): Export => ({ columns: COLUMNS, portions: exportedMembers(run, options) });

async function* exportedMembers(
  run: RunQuery,
  {
    site,
    filter,
    portion,
  }: { readonly site: string; readonly filter: MemberFilter; readonly portion: number },
): AsyncGenerator<readonly ExportedRow[]> {
  let after = "";
  for (;;) {
    const { sql, params } = pageOf(sourceOf(filter) ?? "everybody", site, filter, after, portion);
    const rows = (await run(sql, params)) as unknown as readonly PageRow[];
    const fitting = rows.filter(({ fits }) => fits === 1).map(exported);
    if (fitting.length > 0) yield fitting;
    const last = rows.at(-1)?.page_id;
    if (last === undefined || rows.length < portion) return;
    after = last;
  }
}

function exported(row: PageRow): ExportedRow {
  const { id, account } = memberOf(row);
  const time = (seconds: number | undefined) =>
    seconds === undefined ? null : new Date(seconds * 1000).toISOString();
  const values: Readonly<Record<(typeof COLUMNS)[number], string | null>> = {
    account_id: id,
    name: account?.name ?? null,
    given_name: account?.givenName ?? null,
    family_name: account?.familyName ?? null,
    email: account?.email ?? null,
    phone: account?.phone ?? null,
    member_number: account?.memberNumber ?? null,
    groups: account?.groups.join(", ") ?? null,
    origin: account?.origin ?? null,
    created_at: time(account?.createdAt),
    last_login_at: time(account?.lastLoginAt),
  };
  return values;
}
