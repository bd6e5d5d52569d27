/** Groups that one person may be in: the token that names them is a cookie. */
export const GROUP_LIMIT = 20;

/**
 * The name of a group in the one spelling in which groups are compared: lower case, with `-` for blanks.
 * @returns `undefined` for what is no name: empty, over 40 characters, or with other signs in it.
 * @example groupName("Board members") // "board-members"
 */
export function groupName(text: string): string | undefined {
  const name = text.normalize("NFKC").trim().toLowerCase().replace(/\s+/g, "-");
  // Letters of any language, digits, `-` and `_`. Written here, it is made when a group is first read, and not by
  // every isolate that starts: the tables of all letters take it a third of a millisecond.
  return /^[\p{L}\p{N}][\p{L}\p{N}\p{M}_-]{0,39}$/u.test(name) ? name : undefined;
}

/**
 * Groups as a registry keeps them or a token says them: sorted, each once; anything that is no name is left out, and so
 * are those behind the limit.
 * @param said anything.
 */
export function readGroups(said: unknown): readonly string[] {
  if (!Array.isArray(said)) return [];
  const names = said.flatMap((one) => (typeof one === "string" ? (groupName(one) ?? []) : []));
  return [...new Set(names)].slice(0, GROUP_LIMIT).sort();
}
