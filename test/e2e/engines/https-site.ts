import { mkdtempSync, rmSync } from "node:fs";
import { request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHttpsServer } from "../../node/https-server.ts";
import { type OwnSite, startSiteWith } from "../environment/site-with.ts";

/** A worker of its own behind a proxy that speaks https, as WebKit wants it for cookies that are Secure. */
export async function startHttpsSite(from: number): Promise<OwnSite> {
  const folder = mkdtempSync(join(tmpdir(), "https-site-"));
  let behind: OwnSite | undefined;
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (behind === undefined) return outgoing.writeHead(502).end();
    const headers = {
      ...incoming.headers,
      // Wrangler would take the site's address in other headers for its own, too.
      host: new URL(behind.origin).host,
      "x-forwarded-host": incoming.headers.host ?? "",
      "x-forwarded-proto": "https",
    };
    const passed = ask(`${behind.origin}${incoming.url}`, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
    return undefined;
  };
  const server = await startHttpsServer(folder, pass);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const origin = `https://localhost:${address.port}`;
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
    await behind?.stop();
  };
  try {
    behind = await startSiteWith({ SITE_URL: origin }, from);
    return { origin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
