import type { Account } from "../accounts/account.ts";
import { readGroups } from "../group-name.ts";
import { type Language, textsIn } from "../pages/language.ts";
import { phoneWords } from "../pages/phone-words.ts";
import { birthdayWords } from "../pages/time-words.ts";
import type { SessionClaims } from "../session/session.ts";
import type { SharedClaims } from "../session/session-store.ts";

/** One line of what the site knows: what it is, and what it says. */
export interface ShownFact {
  readonly label: string;
  readonly value: string;
}

/**
 * What the registry knows of a person, in words; where there is no registry, what their session says.
 * Nothing is left out that a person would look for; what is empty is not shown.
 */
export function shownData(
  language: Language,
  account: Account | undefined,
  { sub, profile }: SessionClaims,
): readonly ShownFact[] {
  const { me } = textsIn(language);
  const known = account ?? {
    name: text(profile.name),
    phone: text(profile.phone_number),
    email: text(profile.email),
    memberNumber: undefined,
    groups: readGroups(profile.groups),
    profile,
  };
  return factsOf([
    [me.name, known.name],
    [me.phone, known.phone === undefined ? undefined : phoneWords(known.phone)],
    [me.email, known.email],
    [me.address, addressLines(known.profile.address)],
    [me.birthdate, birthday(language, text(known.profile.birthdate))],
    [me.memberNumber, known.memberNumber],
    [me.groups, known.groups.join(", ")],
    [me.accountId, sub],
  ]);
}

/** What a person shared for a purpose of the site's, behind the site's word for it; each once. */
export function shownShared(language: Language, shared: readonly SharedClaims[]): readonly ShownFact[] {
  const { me } = textsIn(language);
  const all = shared.flatMap(({ purpose, claims }) => {
    const words = Object.hasOwn(me.purposes, purpose) ? me.purposes[purpose] : purpose;
    return factsOf([
      [`${me.name} (${words})`, claims.name],
      [`${me.phone} (${words})`, claims.phone_number && phoneWords(claims.phone_number)],
      [`${me.email} (${words})`, claims.email],
      [`${me.address} (${words})`, addressLines(claims.address)],
      [`${me.birthdate} (${words})`, birthday(language, claims.birthdate)],
    ]);
  });
  return [...new Map(all.map((fact) => [`${fact.label} ${fact.value}`, fact])).values()];
}

function factsOf(facts: readonly (readonly [string, string | undefined])[]): readonly ShownFact[] {
  return facts.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
}

const birthday = (language: Language, day: string | undefined) => day && birthdayWords(language, day);

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Vipps puts a unit or floor behind a line break in `street_address`, and sends empty strings for no address. */
function addressLines(address: unknown): string | undefined {
  if (typeof address !== "object" || address === null) return undefined;
  const { street_address: street, postal_code: code, region } = address as Record<string, unknown>;
  const place = [text(code), text(region)].filter(Boolean).join(" ");
  return [text(street)?.replaceAll("\n", ", "), place].filter(Boolean).join(", ");
}
