/** Addresses that never reach Cloudflare from outside: the visitor is on this very machine. */
const LOOPBACK = /^(127\.|::1$)/;

/** The longest spelling of an address, an IPv4 one within an IPv6 one. In characters. */
const LONGEST_ADDRESS = 45;

/**
 * The network a request comes from, as far as one visitor can be told from another: the IPv4 address, or the /64
 * of an IPv6 address, within which one household or phone can take any address it likes (RFC 6177).
 *
 * Cloudflare sets `CF-Connecting-IP` on every request and removes what a client sends under that name.
 * @returns `undefined` without an address, or for one of this machine: local development and tests.
 */
export function clientNetwork(headers: Headers): string | undefined {
  const address = headers.get("cf-connecting-ip");
  if (address === null || LOOPBACK.test(address)) return undefined;
  if (address.length > LONGEST_ADDRESS) return "unreadable";
  if (!address.includes(":")) return address.slice(0, 15);
  const canonical = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (canonical === undefined) return "unreadable";
  // IPv4 written as IPv6 (RFC 4291 section 2.5.5.2): its /64 would be everybody's.
  if (canonical.startsWith("::ffff:")) return canonical;
  return `${groupsOf(canonical).slice(0, 4).join(":")}::/64`;
}

/** The eight groups of an address in the canonical form of RFC 5952. */
function groupsOf(canonical: string): readonly string[] {
  const [head = "", tail] = canonical.split("::").map((part) => (part === "" ? [] : part.split(":")));
  if (tail === undefined) return [...head];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
}
