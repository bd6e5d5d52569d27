// A registry of a site's own, for the worker's setting ACCOUNTS=remote. Run it, with Node 22.18 or newer, as
//   REGISTRY_SECRET=… node examples/registry-server/server.ts

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { parseArgs } from "node:util";
import { createAccounts } from "./accounts.ts";
import { createProofPage, hashPassword } from "./proof-page.ts";
import { createRegistry } from "./registry.ts";

const HELP = `Usage: REGISTRY_SECRET=… node examples/registry-server/server.ts [options]

  --port N        the port to listen on (8790; 0 takes a free one)
  --data FILE     where the accounts are kept, as JSON (in memory only)
  --worker URL    the worker's issuer, SITE_URL + AUTH_PATH (http://localhost:8787/auth)
  --url URL       this server's public address (http://localhost and the port)
  --password TEXT prints the hash of a password, to stand in the data as "password", and ends
  --help          this text

The worker needs ACCOUNTS=remote, REGISTRY_URL=<url>/registry, REGISTRY_PROOF_URL=<url>/connect and the same
REGISTRY_SECRET, at least 32 characters.`;

/** Requests are small; what is larger is not read. In bytes. */
const BODY_LIMIT = 64 * 1024;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8790" },
    data: { type: "string" },
    worker: { type: "string", default: "http://localhost:8787/auth" },
    url: { type: "string" },
    password: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

/** Starts the server and prints where it is. */
function serve() {
  const secret = process.env.REGISTRY_SECRET ?? "";
  if (secret.length < 32) {
    console.error("REGISTRY_SECRET must have at least 32 characters.");
    process.exit(1);
  }
  const { data } = values;
  const list = data !== undefined && existsSync(data) ? JSON.parse(readFileSync(data, "utf8")) : [];
  const accounts = createAccounts(list, () => {
    if (data === undefined) return;
    // Written beside and moved into place: a crash never leaves half a file.
    writeFileSync(`${data}.new`, JSON.stringify(list, undefined, 2));
    renameSync(`${data}.new`, data);
  });

  const server = createServer(async (incoming, outgoing) => {
    const request = await requestOf(incoming, url);
    const response = request === undefined ? new Response(null, { status: 413 }) : await answer(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  let url = "";
  let answer = async (_request: Request) => new Response(null, { status: 503 });
  server.listen(Number(values.port), "127.0.0.1", () => {
    const address = server.address();
    url = values.url ?? `http://localhost:${typeof address === "object" ? address?.port : ""}`;
    const registry = createRegistry(accounts, secret);
    const proofPage = createProofPage(accounts, { secret, worker: values.worker, url: `${url}/connect` });
    answer = async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/registry/")) return registry(request);
      if (pathname === "/connect") return proofPage(request);
      return new Response("not found", { status: 404 });
    };
    console.log(`registry at ${url}/registry, ${list.length} accounts, proof page at ${url}/connect`);
  });
}

/**
 * A request of node:http as the web's Request.
 * @returns `undefined` where the body is too large
 */
async function requestOf(incoming: IncomingMessage, url: string): Promise<Request | undefined> {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const { method = "GET" } = incoming;
  const body = method === "GET" || method === "HEAD" ? null : Buffer.concat(chunks);
  return new Request(new URL(incoming.url ?? "/", url), { method, headers, body });
}

if (values.help) console.log(HELP);
else if (values.password !== undefined) console.log(await hashPassword(values.password));
else serve();
