import { createServer } from "node:http";

/** What a test tells a relying party: where the provider is and by which keys it knows it. */
export const settings = {
  issuer: process.env.ISSUER ?? "",
  clientId: process.env.CLIENT_ID ?? "",
  clientSecret: process.env.CLIENT_SECRET ?? "",
  scope: process.env.SCOPE ?? "openid name phoneNumber email",
  port: Number(process.env.PORT),
};
export const origin = `http://localhost:${settings.port}`;

/** The session of each browser, by cookie. */
const sessions = new Map();

/**
 * Serves a relying party and shows, as JSON, what it makes of a login.
 * @param {(request: import("node:http").IncomingMessage & { url: string }, response: import("node:http").ServerResponse,
 *   url: URL, session: Record<string, unknown>) => Promise<void>} answer
 */
export function serve(answer) {
  createServer(async (request, response) => {
    const known = /(?:^|; )rp=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const id = known ?? crypto.randomUUID().replaceAll("-", "");
    if (!sessions.has(id)) sessions.set(id, {});
    if (known === undefined) response.setHeader("set-cookie", `rp=${id}; Path=/`);
    try {
      await answer(request, response, new URL(request.url ?? "/", origin), sessions.get(id));
    } catch (error) {
      response.writeHead(500).end(JSON.stringify({ error: String(error), cause: String(error?.cause) }));
    }
  }).listen(settings.port, "127.0.0.1");
}
