/**
 * All values a Cookie header carries under exactly this name, in the order sent.
 *
 * Stricter than a general cookie parser on purpose (RFC 6265 section 5.4): only space and tab are trimmed, so a
 * name padded with other white space stays another name, and duplicates are all returned so that the caller can
 * decide which of them is authentic instead of trusting the first or the last.
 */
export function cookieValues(header: string | null | undefined, name: string): string[] {
  if (!header?.includes(name)) return [];
  const values: string[] = [];
  for (const pair of header.split(";")) {
    if (!pair.includes(name)) continue;
    const equals = pair.indexOf("=");
    if (equals > 0 && trimBlanks(pair.slice(0, equals)) === name)
      values.push(trimBlanks(pair.slice(equals + 1)));
  }
  return values;
}

/**
 * A Cookie header without the cookies of this worker, however their names are spelled: an origin has no use for
 * them, and what it does not get it cannot lose.
 * @returns `null` where nothing is left.
 */
export function withoutOwnCookies(header: string | null): string | null {
  const kept = header?.split(";").filter((pair) => !isOwnCookie(pair));
  return kept?.map(trimBlanks).join("; ") || null;
}

/** Whether a `name=value` pair, or the beginning of a Set-Cookie header, names a cookie of this worker. */
export function isOwnCookie(pair: string): boolean {
  return /^__(?:host|secure)-vipps-/i.test(pair.trim());
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
