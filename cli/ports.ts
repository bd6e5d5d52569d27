import { createServer } from "node:net";

/** Where a program may listen on this machine: on one loopback address, or on all addresses at once. */
const ADDRESSES = ["127.0.0.1", "::1", "::"];

/** Errors of an address this machine doesn't have (IPv6 is often switched off): nobody listens there. */
const NO_SUCH_ADDRESS = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(NO_SUCH_ADDRESS.has(error.code ?? "")));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** True if no program listens on the port, on whichever address of this machine. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ADDRESSES) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

/** How many ports are tried before giving up. */
const SEARCH = 100;

/**
 * The first free port from `first` on.
 * @param except ports that are spoken for, though nobody listens there yet
 * @returns undefined if none of the next hundred is free
 */
export async function nextFreePort(first: number, except: readonly number[]): Promise<number | undefined> {
  const last = Math.min(first + SEARCH, 65_535);
  for (let port = first; port <= last; port += 1) {
    if (!except.includes(port) && (await isFree(port))) return port;
  }
  return undefined;
}
