import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";

/** Changes an answer on its way; a deliberate fault of whatever stands in between. */
export type Alteration = (answer: Response, path: string) => Response | Promise<Response>;

/** A server whose true answers can be altered on their way out. */
export interface AlteredServer {
  readonly port: number;
  /** What answers truly. */
  handler: (request: Request) => Promise<Response>;
  /** What becomes of the answers; nothing where undefined. */
  alteration: Alteration | undefined;
  readonly close: () => Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function startAlteredServer(): Promise<AlteredServer> {
  const server = createAdaptorServer({
    fetch: async (request: Request) => {
      const answer = await altered.handler(request);
      return altered.alteration?.(answer, new URL(request.url).pathname) ?? answer;
    },
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
  const altered: AlteredServer = {
    port,
    handler: async () => new Response(null, { status: 503 }),
    alteration: undefined,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
  return altered;
}

/** Passes requests on to another server, paths and host as they are, and redirects back as they come. */
export const passedOnTo =
  (origin: string) =>
  (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const headers = Object.fromEntries(request.headers);
    delete headers.connection;
    // What would come packed would have to be unpacked.
    delete headers["accept-encoding"];
    // fetch always names the host it goes to.
    return new Promise((resolve, reject) => {
      get(origin + pathname + search, { headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => resolve(passedBack(answer, Buffer.concat(parts))));
      }).on("error", reject);
    });
  };

function passedBack({ statusCode: status = 502, headersDistinct }: IncomingMessage, body: Buffer): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    if (!/^(content-encoding|content-length|transfer-encoding|connection|keep-alive)$/.test(name))
      for (const value of values) headers.append(name, value);
  return new Response([204, 304].includes(status) ? null : new Uint8Array(body), { status, headers });
}

/** The answer with other headers. */
export function withHeaders(answer: Response, change: (headers: Headers) => void): Response {
  const headers = new Headers(answer.headers);
  change(headers);
  return new Response(answer.body, { status: answer.status, headers });
}

/** The answer with another JSON body. */
export async function withBody(
  answer: Response,
  change: (body: Record<string, unknown>) => unknown,
  status = answer.status,
): Promise<Response> {
  return Response.json(change(await answer.json()), { status });
}
