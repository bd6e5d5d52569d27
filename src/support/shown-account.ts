import type { Account, LinkedIdentity } from "../accounts/account.ts";
import { filled, textsIn } from "../pages/language.ts";
import { phoneWords } from "../pages/phone-words.ts";
import type { ShownAccount, ShownIdentity, ShownPerson } from "../pages/support/shown.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import { birthdayWords, dateWords } from "../pages/time-words.ts";
import { accountPath } from "./answers.ts";
import type { StaffRequest } from "./staff.ts";

/** A moment as the staff read it. @param at seconds since the epoch */
export const when = ({ page, zone }: StaffRequest, at: number): string => dateWords(page.language, zone, at);

const whenever = (request: StaffRequest, at: number | undefined): string | undefined =>
  at === undefined ? undefined : when(request, at);

export function shownPerson(person: {
  readonly name?: string | undefined;
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
}): ShownPerson {
  return {
    name: person.name,
    phone: person.phone === undefined ? undefined : phoneWords(person.phone),
    email: person.email,
  };
}

/** An account as it stands in a list. */
export function shownAccount(request: StaffRequest, account: Account): ShownAccount {
  return {
    ...shownPerson(account),
    id: account.id,
    href: accountPath(request, account.id),
    memberNumber: account.memberNumber,
    lastLogin: whenever(request, account.lastLoginAt),
  };
}

/** An account of which the registry knows nothing but that there is one (`ACCOUNTS=none`). */
export function bareAccount(request: StaffRequest, id: string): ShownAccount {
  const nothing = { name: undefined, phone: undefined, email: undefined, memberNumber: undefined };
  return { ...nothing, id, href: accountPath(request, id), lastLogin: undefined };
}

/** What the registry knows of a person, line by line; what is empty is not shown. */
export function shownFacts(request: StaffRequest, account: Account) {
  const { language } = request.page;
  const texts = supportTextsIn(language);
  const { me } = textsIn(language);
  const vouched = (value: string | undefined, verified: boolean) =>
    value && `${value} (${verified ? texts.verified : texts.unverified})`;
  const { phone, email } = shownPerson(account);
  const { address, birthdate } = account.profile;
  const created = whenever(request, account.createdAt);
  const facts: readonly (readonly [string, string | undefined])[] = [
    [texts.name, account.name],
    [texts.phone, vouched(phone, account.phoneVerified)],
    [texts.email, vouched(email, account.emailVerified)],
    [texts.memberNumber, account.memberNumber],
    [texts.groups, account.groups.join(", ")],
    [me.address, formattedAddress(address)],
    [me.birthdate, typeof birthdate === "string" ? birthdayWords(language, birthdate) : undefined],
    [texts.created, created && `${created}, ${texts.origins[account.origin]}`],
    [texts.lastLogin, whenever(request, account.lastLoginAt) ?? texts.never],
    [texts.accountId, account.id],
  ];
  return facts.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
}

/** Vipps sends every address also as lines of text, and empty ones for a person without. */
function formattedAddress(address: unknown): string | undefined {
  if (typeof address !== "object" || address === null) return undefined;
  const { formatted } = address as Record<string, unknown>;
  return typeof formatted === "string" ? formatted.replaceAll("\n", ", ") : undefined;
}

export function shownIdentity(request: StaffRequest, identity: LinkedIdentity): ShownIdentity {
  const texts = supportTextsIn(request.page.language);
  const { msn, sub, linkedAt, linkedBy, lastLoginAt, consentRevokedAt } = identity;
  return {
    msn,
    sub,
    linked: `${texts.linkedBy[linkedBy]}, ${when(request, linkedAt)}`,
    lastLogin: whenever(request, lastLoginAt),
    revoked:
      consentRevokedAt === undefined
        ? undefined
        : filled(texts.revoked, { when: when(request, consentRevokedAt) }),
  };
}
