import type { RecordedAudit } from "../accounts/audit-log.ts";
import { filled } from "../pages/language.ts";
import type { ShownDeed } from "../pages/support/shown.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import type { SupportTexts } from "../pages/texts/support/support-texts.ts";
import { accountPath } from "./answers.ts";
import { when } from "./shown-account.ts";
import type { StaffRequest } from "./staff.ts";

/** Colleagues whose names are looked up for one page. */
const NAMES_LIMIT = 10;

/**
 * Lines of the audit log in words, equal ones in a row as one.
 * @param aboutOne whether all of them are about one account, so that it need not be named.
 * @throws {Failure} `storage_unavailable`.
 */
export async function shownDeeds(
  request: StaffRequest,
  lines: readonly RecordedAudit[],
  aboutOne: boolean,
): Promise<readonly ShownDeed[]> {
  const names = await namesOf(request, lines);
  const shown: ShownDeed[] = [];
  let before: RecordedAudit | undefined;
  for (const line of lines) {
    const last = shown.at(-1);
    if (last !== undefined && before !== undefined && isSame(before, line)) {
      shown[shown.length - 1] = { ...last, times: last.times + 1 };
    } else shown.push(shownDeed(request, line, names, aboutOne));
    before = line;
  }
  return shown;
}

function shownDeed(
  request: StaffRequest,
  line: RecordedAudit,
  names: ReadonlyMap<string, string>,
  aboutOne: boolean,
): ShownDeed {
  const { page, staff } = request;
  const texts = supportTextsIn(page.language);
  const isStaff = line.actorRole === "staff";
  const isOwn = isStaff && line.actor === staff.accountId;
  // Of another site, where the account is that of somebody of the agency's.
  const colleague =
    line.details.from === undefined ? (names.get(line.actor) ?? line.actor) : texts.details.agency;
  // What nobody on the console took out, a command did.
  const other = isStaff ? colleague : texts[line.action === "exported" ? "commandLine" : line.actorRole];
  return {
    when: when(request, line.at),
    actor: isOwn ? texts.you : other,
    actorHref:
      isStaff && !isOwn && line.details.from === undefined ? accountPath(request, line.actor) : undefined,
    action: filled(texts.actions[line.action], { brand: page.brand }),
    details: Object.entries(line.details)
      .flatMap(([name, detail]) =>
        name === "rows" ? filled(texts.rows, { count: String(detail) }) : wordsOf(texts, detail),
      )
      .join(", "),
    times: 1,
    accountHref: aboutOne || line.accountId === undefined ? undefined : accountPath(request, line.accountId),
  };
}

const FIELDS = ["name", "phone", "email", "memberNumber", "accountId"] as const;

const wordsOf = (texts: SupportTexts, detail: unknown): readonly string[] =>
  [detail].flat().map((one) => wordOf(texts, one));

/** A detail in the reader's words, where it is one of ours; ids, references and names of consents stay as they are. */
function wordOf(texts: SupportTexts, detail: unknown): string {
  const field = FIELDS.find((name) => name === detail);
  if (field !== undefined) return texts[field];
  const { details } = texts;
  return isDetail(details, detail) ? details[detail] : String(detail);
}

function isDetail(words: SupportTexts["details"], detail: unknown): detail is keyof SupportTexts["details"] {
  return typeof detail === "string" && Object.hasOwn(words, detail);
}

function isSame(one: RecordedAudit, other: RecordedAudit): boolean {
  const key = ({ actor, actorRole, action, accountId, details }: RecordedAudit) =>
    JSON.stringify([actor, actorRole, action, accountId, details]);
  return key(one) === key(other);
}

/** The names of colleagues. */
async function namesOf(
  { registry, staff }: StaffRequest,
  lines: readonly RecordedAudit[],
): Promise<ReadonlyMap<string, string>> {
  const colleagues = new Set(
    lines.filter(({ actorRole }) => actorRole === "staff").map(({ actor }) => actor),
  );
  colleagues.delete(staff.accountId);
  const records = await Promise.all([...colleagues].slice(0, NAMES_LIMIT).map((id) => registry.get(id)));
  return new Map(
    records.flatMap((record) =>
      record?.account.name === undefined ? [] : [[record.account.id, record.account.name]],
    ),
  );
}
