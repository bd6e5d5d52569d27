import type { Connection, Received, Sent } from "./connection.ts";

/** A browser: a connection with cookies of its own. Follows no redirect by itself. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  send(request: Sent): Promise<Received>;
  /** The `Cookie` header it sends; undefined while it has none. */
  cookieHeader(): string | undefined;
}

export function newVisitor(connection: Connection, cookies = new Map<string, string>()): Visitor {
  const cookieHeader = () =>
    cookies.size === 0 ? undefined : Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
  return {
    cookies,
    cookieHeader,
    async send(request) {
      const cookie = cookieHeader();
      const headers = { ...request.headers, ...(cookie !== undefined && { cookie }) };
      const received = await connection.send({ ...request, headers });
      for (const line of [received.headers["set-cookie"] ?? []].flat()) storeCookie(cookies, line);
      return received;
    },
  };
}

function storeCookie(cookies: Map<string, string>, line: string): void {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (name === undefined || value === undefined) return;
  if (value === "" || /max-age=0(;|$)/i.test(line)) cookies.delete(name);
  else cookies.set(name, value);
}
