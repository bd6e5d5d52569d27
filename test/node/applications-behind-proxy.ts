import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CgiApplications, startCgiApplications } from "./cgi-applications.ts";
import { freePorts } from "./free-ports.ts";

/** What stands behind a proxy: files, and applications in Node, PHP and Python. */
export interface ApplicationsBehindProxy {
  /** The proxy's own address; whoever starts it starts it there. */
  readonly url: URL;
  /** A second free port. */
  readonly adminPort: number;
  readonly folder: string;
  /** Where the files are, `/members/index.html` among them. */
  readonly root: string;
  readonly appPort: number;
  readonly cgi: CgiApplications;
  readonly close: () => Promise<void>;
}

export async function startApplications(): Promise<ApplicationsBehindProxy> {
  const folder = mkdtempSync(join(tmpdir(), "behind-proxy-"));
  const root = join(folder, "site");
  mkdirSync(join(root, "members"), { recursive: true });
  writeFileSync(join(root, "index.html"), "for everybody");
  writeFileSync(join(root, "members/index.html"), "for members only");
  const [port, adminPort] = await freePorts();
  const app = createServer(answer);
  app.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"] ?? "";
    // RFC 6455 section 4.2.2
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const headers = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
    const user = `X-User: ${request.headers["remote-user"]}`;
    socket.write(["HTTP/1.1 101 Switching Protocols", ...headers, user, "", ""].join("\r\n"));
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await once(app.listen(0, "127.0.0.1"), "listening");
  const cgi = await startCgiApplications(folder, root);
  return {
    url: new URL(`http://localhost:${port}`),
    adminPort,
    folder,
    root,
    appPort: (app.address() as AddressInfo).port,
    cgi,
    close: async () => {
      await cgi.end();
      app.closeAllConnections();
      app.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The application: its headers, or events, or how much was uploaded. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://app");
  if (pathname.endsWith("/events")) {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n");
    return;
  }
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  if (pathname.endsWith("/upload")) response.end(String(bytes));
  else response.end(JSON.stringify({ path: request.url, ...request.headers }));
}
