import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/** Stands before the worker and counts who asks for its public keys. */
export interface CountingProxy {
  readonly url: URL;
  /** Where requests are passed on to; answered with 503 until it is set. */
  target: URL | undefined;
  /** Requests for the public keys so far. */
  readonly keyRequests: () => number;
  readonly close: () => void;
}

export async function startCountingProxy(): Promise<CountingProxy> {
  let keyRequests = 0;
  const proxy: { target: URL | undefined } = { target: undefined };
  const server = createServer(async (request, response) => {
    const { url = "/", method = "GET", headers } = request;
    if (url.endsWith("/.well-known/jwks.json")) keyRequests += 1;
    if (proxy.target === undefined) return response.writeHead(503).end();
    const answer = await fetch(new URL(url, proxy.target), {
      method,
      headers: [
        ...Object.entries(headers).flatMap(([name, value]): [string, string][] =>
          ["connection", "host"].includes(name) ? [] : [[name, String(value)]],
        ),
        ["x-forwarded-host", headers.host ?? ""],
        ["x-forwarded-proto", "http"],
      ],
      redirect: "manual",
    });
    for (const [name, value] of answer.headers) {
      if (!["set-cookie", "content-encoding", "content-length"].includes(name))
        response.setHeader(name, value);
    }
    response.setHeader("set-cookie", answer.headers.getSetCookie());
    response.writeHead(answer.status);
    if (answer.body === null) return response.end();
    return Readable.fromWeb(answer.body as import("node:stream/web").ReadableStream).pipe(response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(proxy, {
    url: new URL(`http://localhost:${port}`),
    keyRequests: () => keyRequests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
}
