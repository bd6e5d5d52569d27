import { Client } from "undici";

/** The site as a browser knows it; the connection goes to this machine all the same. */
export const SITE = "https://site.example";

export interface Sent {
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One HTTP/1.1 connection, kept alive, one request at a time. */
export interface Connection {
  send(request: Sent): Promise<Received>;
  /** The connection itself, for load that can't afford more than a callback. */
  readonly client: Client;
  close(): Promise<void>;
}

/** What every request carries, as Cloudflare would send it on. */
export const COMMON_HEADERS = { host: new URL(SITE).host, "x-forwarded-proto": "https" } as const;

export function openConnection(port: number): Connection {
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 1 });
  return {
    client,
    async send({ path, method = "GET", headers = {}, body }) {
      const response = await client.request({
        path,
        method,
        headers: { ...COMMON_HEADERS, ...headers },
        ...(body !== undefined && { body }),
      });
      return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
    },
    close: () => client.destroy(),
  };
}
