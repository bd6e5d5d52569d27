import type { Account } from "../accounts/account.ts";
import { linkRequestByReference } from "../accounts/link-requests.ts";
import { loginEventByReference, normalReference, type RecordedLoginEvent } from "../accounts/login-events.ts";
import type { AccountSearch } from "../accounts/registry.ts";
import { normalEmail, normalPhone } from "../accounts/vipps-person.ts";
import { formBody, typedText } from "../http/request.ts";
import { resultsPage } from "../pages/support/support-pages.ts";
import type { Settings } from "../settings.ts";
import { accountPath, answerPage, consolePath, seeOther } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { searchEverywhere } from "./search-everywhere.ts";
import { bareAccount, shownAccount } from "./shown-account.ts";
import { shownLogin } from "./shown-login.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** As many accounts as the registry gives at a time. */
const SHOWN_LIMIT = 50;

/**
 * `POST /auth/support/search`: finds people by the one field `query`, whatever of them it holds. One account
 * alone is opened at once. The deployment's own people may look at all its sites with it (`everywhere`).
 * @throws {Failure} `storage_unavailable`.
 */
export async function searchPeople(request: StaffRequest): Promise<Response> {
  const { c, settings, records, registry } = request;
  const form = await formBody(c.req.raw);
  const query = typedText(form?.get("query"));
  if (query === "") return seeOther(consolePath(settings));
  const searches = searchesFor(settings, query);
  const reference = normalReference(query);
  const by = [...new Set(searches.flatMap((search) => Object.keys(search)))];
  const isEverywhere = request.staff.isAgency && form?.get("everywhere") === "yes";
  if (isEverywhere) {
    await noteDeed(request, "searched", undefined, { where: "everywhere" });
    const elsewhere = await searchEverywhere(request, searches, reference);
    const nothing = { accounts: [], isCut: false, login: undefined, request: undefined };
    return answerPage(request, resultsPage({ ...pageBasis(request), ...nothing, elsewhere }));
  }
  await noteDeed(request, "searched", undefined, { by: reference === undefined ? by : [...by, "reference"] });
  const [event, waiting, bySub, ...found] = await Promise.all([
    reference === undefined ? undefined : loginEventByReference(records, reference),
    reference === undefined ? undefined : linkRequestByReference(records, reference),
    isId(query) ? accountOfSub(request, query) : undefined,
    ...searches.map((search) => registry.search(search)),
  ]);
  const ofEvent = event && (await accountOfEvent(request, event));
  const accounts = distinct([...found.flat(), ...[bySub, ofEvent].filter((one) => one !== undefined)]);
  const shown = accounts.map((account) => shownAccount(request, account));
  if (shown.length === 0 && settings.accounts.registry.kind === "none") {
    const id = event?.accountId ?? (isId(query) ? query : undefined);
    if (id !== undefined) shown.push(bareAccount(request, id));
  }
  const [only] = shown;
  if (only !== undefined && shown.length === 1 && event === undefined && waiting === undefined) {
    return seeOther(accountPath(request, only.id));
  }
  return answerPage(
    request,
    resultsPage({
      ...pageBasis(request),
      accounts: shown.slice(0, SHOWN_LIMIT),
      isCut: shown.length >= SHOWN_LIMIT,
      login: event && shownLogin(request, event),
      request: waiting && shownRequest(request, waiting),
    }),
  );
}

/** Ids of accounts and `sub`s have no spaces and are long. */
const isId = (query: string): boolean => /^(?=.*[^\d])[\w-]{16,100}$/.test(query);

/** Everything that a typed text may be of a person. */
function searchesFor(settings: Settings, query: string): readonly AccountSearch[] {
  const email = normalEmail(query);
  if (email !== undefined) return [{ email }];
  const phones = phoneNumbers(settings, query).map((phone) => ({ phone }));
  const ids = isId(query) ? [{ accountId: query }] : [];
  const names = /\p{L}/u.test(query) && !isId(query) ? [{ name: query }] : [];
  return [...phones, ...ids, { memberNumber: query }, ...names];
}

const COUNTRY_CODES = { NO: "47", DK: "45", FI: "358", SE: "46" } as const;

/** What a number may be in E.164 digits: as typed, and with the country code that people leave out. */
function phoneNumbers({ relyingParty }: Settings, query: string): readonly string[] {
  const typed = query.replace(/[\s().-]/g, "").replace(/^00/, "+");
  const { market } = relyingParty;
  const codes = market === undefined ? Object.values(COUNTRY_CODES) : [COUNTRY_CODES[market]];
  // In Norway and Denmark no number has a trunk prefix; in Finland and Sweden it is a zero that falls away.
  const local = /^\d{7,15}$/.test(typed) ? codes.map((code) => code + typed.replace(/^0/, "")) : [];
  return [...new Set([normalPhone(typed), ...local])].filter((phone) => phone !== undefined);
}

async function accountOfSub({ settings, registry }: StaffRequest, sub: string): Promise<Account | undefined> {
  const id = await registry.accountOfSub(settings.relyingParty.merchantSerialNumber, sub);
  return id === undefined ? undefined : (await registry.get(id))?.account;
}

async function accountOfEvent(
  request: StaffRequest,
  { accountId, sub }: RecordedLoginEvent,
): Promise<Account | undefined> {
  if (accountId !== undefined) return (await request.registry.get(accountId))?.account;
  return sub === undefined ? undefined : accountOfSub(request, sub);
}

function distinct(accounts: readonly Account[]): readonly Account[] {
  return [...new Map(accounts.map((account) => [account.id, account])).values()];
}
