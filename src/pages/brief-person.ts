import type { VippsClaims } from "../vipps/claims.ts";

/** Enough of a person to notice a stranger, too little to learn who a stranger is. */
export type BriefPerson =
  /** Given name and initial: `Kari N.` */
  | { readonly by: "name"; readonly name: string }
  /** The last two digits of the phone number, where the site doesn't ask for names. */
  | { readonly by: "phone"; readonly ending: string }
  | { readonly by: "nothing" };

/** What a page may say of a person to somebody who may be another. */
export function briefly({ name, given_name, family_name, phone_number }: VippsClaims): BriefPerson {
  const words = name?.trim().split(/\s+/) ?? [];
  const given = given_name?.trim() || words[0];
  const family = family_name?.trim() || (words.length > 1 ? words.at(-1) : undefined);
  if (given) {
    const [initial] = family ?? "";
    return { by: "name", name: initial === undefined ? given : `${given} ${initial.toUpperCase()}.` };
  }
  const ending = phone_number?.match(/\d{2}$/)?.[0];
  return ending === undefined ? { by: "nothing" } : { by: "phone", ending };
}
