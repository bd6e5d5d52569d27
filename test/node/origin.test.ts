import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { HAND_WRITTEN, originsReached, spelling } from "../conformance/path-spellings.ts";
import { type Memory, watchWorkerdMemory } from "./process-memory.ts";
import { rawRequest } from "./raw-request.ts";
import { type RunningSite, runSite } from "./running-site.ts";
import type { Visitor } from "./visitor.ts";

const MEGABYTE = 1024 * 1024;

/** What reached the origin, as it was written on the wire. */
interface Seen {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly body: Promise<{ readonly bytes: number; readonly sha256: string }>;
}

let origin: Server;
let site: RunningSite;
let visitor: Visitor;
const seen: Seen[] = [];

/** What the origin does with a request, by the path of it; else it says that it was here. */
const answers = new Map<
  string,
  (request: IncomingMessage, response: import("node:http").ServerResponse) => void
>();

async function read(request: IncomingMessage) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest("hex") };
}

beforeAll(async () => {
  origin = createServer((request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    seen.push({ method, target: url, rawHeaders, body: read(request) });
    const answer = answers.get(url) ?? ((_request, plain) => plain.end("the origin was here"));
    answer(request, response);
  });
  await once(origin.listen(0, "127.0.0.1"), "listening");
  const { port } = origin.address() as AddressInfo;
  site = await runSite({
    vars: { PROTECTED_PATHS: "/members/*", ORIGIN_URL: `http://127.0.0.1:${port}` },
  });
  visitor = await site.logIn();
});
afterAll(async () => {
  await site?.close();
  origin.closeAllConnections();
  origin.close();
});
beforeEach(() => {
  seen.length = 0;
});

describe("an origin behind the running worker", () => {
  test("is heard while it still talks, and notices when nobody listens any more", async () => {
    const gone = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    answers.set("/members/stream", (request, response) => {
      request.on("close", gone.resolve);
      response.on("close", gone.resolve);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
      goOn.promise.then(() => response.write("data: two\n\n"));
    });
    const response = await visitor.request("/members/stream");
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    // The origin says the second word only after the first has arrived, and never ends.
    expect((await reader?.read())?.value).toBe("data: one\n\n");
    goOn.resolve();
    expect((await reader?.read())?.value).toBe("data: two\n\n");
    await reader?.cancel();
    await gone.promise;
  });

  test("gets 50 MB as they are sent, and the worker keeps none of it", async () => {
    const block = Buffer.alloc(MEGABYTE, "sixteen bytes..\n");
    const firstByte = Promise.withResolvers<void>();
    answers.set("/members/upload", (request, response) => {
      request.once("data", () => firstByte.resolve());
      request.on("end", () => response.end("thanks"));
    });
    const sent = createHash("sha256");
    const upload = async () => {
      const client = httpRequest(new URL("/members/upload", site.worker), {
        method: "PUT",
        headers: { cookie: visitor.cookies(), "content-length": 50 * MEGABYTE },
      });
      const answered = once(client, "response");
      for (let index = 0; index < 50; index += 1) {
        sent.update(block);
        if (!client.write(block)) await once(client, "drain");
        // The rest is sent only when the origin has got the beginning.
        if (index === 0) await firstByte.promise;
      }
      client.end();
      const [response] = (await answered) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      response.resume();
    };
    const memory = await watchWorkerdMemory(site.pid, upload);
    expect(await seen[0]?.body).toEqual({ bytes: 50 * MEGABYTE, sha256: sent.digest("hex") });
    expect(seen[0]?.rawHeaders.map((text) => text.toLowerCase())).toContain("content-length");
    expectFlat("a 50 MB upload", memory);
  });

  test("sends 50 MB to somebody slow, and the worker keeps none of it", async () => {
    const block = Buffer.alloc(MEGABYTE, "sixteen bytes..\n");
    answers.set("/members/download", async (_request, response) => {
      for (let index = 0; index < 50; index += 1) {
        if (!response.write(block)) await once(response, "drain");
      }
      response.end();
    });
    let bytes = 0;
    const download = async () => {
      const response = await visitor.request("/members/download");
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        await new Promise((next) => setImmediate(next));
      }
    };
    const memory = await watchWorkerdMemory(site.pid, download);
    expect(bytes).toBe(50 * MEGABYTE);
    expectFlat("a 50 MB download", memory);
  });

  test("does not let identity headers of a visitor through, in whatever way they are written", async () => {
    const spoofed = [
      ...[
        "Remote-User: evil",
        "remote-user: evil",
        "REMOTE_USER: evil",
        "Remote_User: evil",
        "Remote.User: evil",
      ],
      ...["Remote-Name: evil", "Remote-Email: evil", "X-Remote-User: evil", "Session-Assertion: evil"],
      ...[
        "session_assertion: evil",
        "X-Forwarded-User: evil",
        "X-Auth-Request-Email: evil",
        "Forwarded: for=evil",
      ],
      ...[
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-Forwarded-Host: evil",
        "X_Forwarded_Host: evil",
      ],
      ...[
        "Connection: Remote-User, Session-Assertion",
        "Remote-User:evil",
        "Remote-User:\tevil",
        "REMOTE-USER: evil",
      ],
    ];
    await rawRequest(site.worker, "/public/page", spoofed);
    await rawRequest(site.worker, "/public/page", [...spoofed, `Cookie: ${visitor.cookies()}`]);
    const [stranger, member] = seen.map(({ rawHeaders }) => rawHeaders);
    expect(stranger?.join("\n")).not.toMatch(/evil|remote.user|assertion/i);
    expect(member?.join("\n")).not.toMatch(/evil|__Host-vipps/i);
    const sub = (await visitor.session()) as { user: { sub: string } };
    const users = member?.filter((_, index) => /^remote.user$/i.test(member[index - 1] ?? ""));
    expect(users).toEqual([sub.user.sub]);
  });

  test("gets no protected path without a session, however it is spelled", async () => {
    const targets = [...HAND_WRITTEN, ...fc.sample(spelling, { numRuns: 200, seed: 22 })];
    expect(targets.length).toBeGreaterThan(400);
    const queue = targets.values();
    const statuses = new Map<number, number>();
    const send = async () => {
      for (const target of queue) {
        const { status } = await rawRequest(site.worker, target.replaceAll(" ", "%20"));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, send));
    const leaks = seen.map(({ target }) => [target, originsReached(target.split("?")[0] ?? "")] as const);
    expect(leaks.filter(([, origins]) => origins.length > 0)).toEqual([]);
    console.log(`${targets.length} spellings, answered with ${JSON.stringify(Object.fromEntries(statuses))}`);
    // That nothing leaked is no wonder if everything failed.
    expect([...statuses.keys()].filter((status) => status >= 500 || Number.isNaN(status))).toEqual([]);
    expect(statuses.get(302)).toBeGreaterThan(100);
  });
});

describe("a websocket through the running worker", () => {
  let echo: TestHarness;
  let live: RunningSite;

  beforeAll(async () => {
    const main = new URL("websocket-echo.worker.js", import.meta.url).pathname;
    echo = createTestHarness({
      workers: [{ config: { name: "echo", main, compatibility_date: "2026-10-01" } }],
    });
    const { url } = await echo.listen();
    live = await runSite({ vars: { PROTECTED_PATHS: "/members/*", ORIGIN_URL: url.origin } });
  });
  afterAll(async () => {
    await live?.close();
    await echo?.close();
  });

  test("reaches the origin and back, with who is asking, and the worker keeps nothing of it", async () => {
    const member = await live.logIn();
    const socket = await openSocket(new URL("/members/live", live.worker), member.cookies());
    const headers = JSON.parse(await socket.next()) as Record<string, string>;
    expect(headers["remote-name"]).toBe("Kari Nordmann");
    expect(headers["session-assertion"]).toMatch(/^ey/);
    expect(headers.cookie).toBeUndefined();
    expect(socket.protocol).toBe("chat");

    const message = "å".repeat(8_000);
    const talk = async () => {
      for (let count = 0; count < 1_000; count += 1) {
        socket.send(message);
        expect((await socket.next()).length).toBe(message.length);
      }
    };
    const memory = await watchWorkerdMemory(live.pid, talk);
    expectFlat("1,000 websocket messages of 16 kB there and back", memory);
    expect(await socket.close(4001, "enough")).toEqual({ code: 4001, reason: "enough" });
  });

  test("is refused without a session", async () => {
    const { status } = await rawRequest(live.worker, "/members/live", [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcy4uLg==",
      "Sec-WebSocket-Version: 13",
    ]);
    expect(status).toBe(401);
  });
});

/** What may be added to memory by buffers of a fixed size and by garbage not collected yet. */
const NOISE = 25 * MEGABYTE;

function expectFlat(what: string, memory: Memory | undefined): void {
  if (memory === undefined) return;
  const [before, peak] = [memory.before, memory.peak].map((bytes) => (bytes / MEGABYTE).toFixed(1));
  console.log(`${what}: workerd used ${before} MB before, ${peak} MB at most`);
  expect(memory.before).toBeGreaterThan(0);
  expect(memory.peak - memory.before).toBeLessThan(NOISE);
}

interface Socket {
  readonly protocol: string;
  readonly send: (text: string) => void;
  /** The next message that comes, or came and was not asked for yet. */
  readonly next: () => Promise<string>;
  readonly close: (
    code: number,
    reason: string,
  ) => Promise<{ readonly code: number; readonly reason: string }>;
}

async function openSocket(url: URL, cookie: string): Promise<Socket> {
  url.protocol = "ws:";
  const options = { protocols: ["chat"], headers: { cookie } };
  // Node's WebSocket takes headers, which those of browsers do not.
  const socket = new WebSocket(url, options as unknown as string[]);
  const messages: string[] = [];
  let arrived = Promise.withResolvers<void>();
  socket.addEventListener("message", ({ data }) => {
    messages.push(String(data));
    arrived.resolve();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the websocket was refused")));
  });
  return {
    protocol: socket.protocol,
    send: (text) => socket.send(text),
    next: async () => {
      while (messages.length === 0) {
        arrived = Promise.withResolvers();
        await arrived.promise;
      }
      return messages.shift() ?? "";
    },
    close: (code, reason) => {
      const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
      socket.close(code, reason);
      return closed.then((event) => ({ code: event.code, reason: event.reason }));
    },
  };
}
