/** Names of this machine, which nobody else can have. */
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether a request is for a simulator of this origin, or asks for it by a name of this machine, as what stands
 * before it may.
 *
 * It has no passwords, and whoever reaches its control can log in as anybody: a page that gave its own name the
 * address of this machine (DNS rebinding) must not get an answer.
 */
export function isForUs({ url, headers }: Request, origin: string): boolean {
  const { host } = new URL(origin);
  const asked = [new URL(url).host, headers.get("host") ?? host];
  return asked.every((name) => name === host || LOOPBACK.has(URL.parse(`http://${name}`)?.hostname ?? ""));
}

/** Whether a page of somebody else's makes a browser send a request that would change something here. */
export function isFromElsewhere({ method, url, headers }: Request, origin: string): boolean {
  if (["GET", "HEAD", "OPTIONS"].includes(method)) return false;
  const from = headers.get("origin");
  return from !== null && from !== new URL(url).origin && from !== new URL(origin).origin;
}

/** 421 Misdirected Request (RFC 9110 section 15.5.20) for another's name, 403 for another's page. */
export function refuseForeign(status: 421 | 403): Response {
  return new Response("This simulator answers under its own names only, and to its own pages.\n", {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" },
  });
}
