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
  async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("connection");
    const answer = await fetch(origin + pathname + search, { headers, redirect: "manual" });
    const passed = new Headers(answer.headers);
    for (const name of ["content-encoding", "content-length", "transfer-encoding", "connection"])
      passed.delete(name);
    return new Response(await answer.arrayBuffer(), { status: answer.status, headers: passed });
  };

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
