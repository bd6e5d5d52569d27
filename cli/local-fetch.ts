// `fetch` for the sites of this machine.

import { once } from "node:events";
import http from "node:http";

/** Statuses whose answers have no body (Fetch standard, section 2.2.3). */
const WITHOUT_BODY: readonly number[] = [101, 204, 205, 304];

/**
 * `fetch`, for which every name below `localhost` leads to this machine, as it does in browsers (RFC 6761 section
 * 6.3): Node asks DNS for them, where most are not known. Such an answer is never redirected.
 * @throws what `fetch` throws, or the connection's error where it is this machine that does not answer.
 */
export const fetchFromHere: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  if (url.protocol !== "http:" || !url.hostname.endsWith(".localhost")) return fetch(request);
  const { method, signal } = request;
  const asked = http.request({
    ...{ host: "localhost", port: url.port || 80, path: `${url.pathname}${url.search}`, method, signal },
    // A connection of its own: one that was kept may be about to be closed at the other end.
    agent: false,
    headers: { ...Object.fromEntries(request.headers), host: url.host },
  });
  asked.end(new Uint8Array(await request.arrayBuffer()));
  const [answer]: http.IncomingMessage[] = await once(asked, "response");
  if (answer === undefined) throw new TypeError("There was no answer.");
  const pieces: Uint8Array[] = [];
  for await (const piece of answer) pieces.push(piece);
  const { statusCode: status = 500, headersDistinct } = answer;
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Response(WITHOUT_BODY.includes(status) ? null : Buffer.concat(pieces), { status, headers });
};
