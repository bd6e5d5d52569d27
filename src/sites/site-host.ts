/** One label of a host name: letters, digits, and hyphens within (RFC 1123 section 2.1). */
const isLabel = (text: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);

/** The longest host name, in characters (RFC 1035 section 2.3.4). */
const LONGEST = 253;

/**
 * The one form of a site's host, in the worker, the commands and every file: as the URL standard writes it (lower
 * case, names of other alphabets in Punycode, no port that goes without saying), without a dot at the end.
 * @param url the address of a site or of a request to it.
 * @returns `undefined` for what no site can have: IPv6 addresses, wildcards, names with underscores.
 * @example siteHost("https://WWW.Blåbær.no.:443/auth") // "www.xn--blbr-poad.no"
 */
export function siteHost(url: string | undefined): string | undefined {
  const { protocol = "", hostname = "", port = "" } = URL.parse(url ?? "") ?? {};
  if (protocol !== "https:" && protocol !== "http:") return undefined;
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  if (name.length > LONGEST || !name.split(".").every((label) => isLabel(label))) return undefined;
  return port === "" ? name : `${name}:${port}`;
}

/**
 * The host that somebody means, however they write it: a host or an address, with or without its dot and port.
 * @returns `undefined` for what no site can have.
 */
export function siteHostNamed(text: string): string | undefined {
  const named = text.trim();
  return siteHost(named.includes("://") ? named : `https://${named}`);
}

/** Where a host answers: on this machine without TLS. */
export const originOfHost = (host: string): string =>
  `${/(?:^|\.)localhost(?::\d+)?$/.test(host) ? "http" : "https"}://${host}`;
