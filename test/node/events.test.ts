import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newEventSecret } from "../../cli/event-secret.ts";
import { eventReceiver } from "../../examples/event-receiver/receiver.mjs";
import { runCommand } from "./command-under-test.ts";
import { type RunningSite, runSite } from "./running-site.ts";

const SECRET = newEventSecret();

/** An event as the receiver took it. */
interface TakenEvent {
  readonly id: string;
  readonly type: string;
}

let server: Server;
let site: RunningSite;
/** What answers now. */
let listener: RequestListener;
/** The ids of all requests that came, in their order. */
const asked: string[] = [];
const taken: TakenEvent[] = [];

const receiver = (secret: string) => eventReceiver(secret, (event: TakenEvent) => void taken.push(event));

/** The receiver as it may be, and what the worker says of it then. */
const FAILING: readonly (readonly [fault: string, listener: RequestListener])[] = [
  ["answered with 500", (_request, response) => response.writeHead(500).end()],
  [
    "answered with a redirect",
    (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  ],
  ["answered with 401", receiver(newEventSecret())],
  ["no connection", (request) => request.socket.destroy()],
  ["no answer in 10 seconds", () => undefined],
];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(String(request.headers["webhook-id"]));
    listener(request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  site = await runSite({
    vars: { EVENTS_URL: `http://127.0.0.1:${port}/events`, EVENTS_SECRET: SECRET },
  });
});
afterAll(async () => {
  await site?.close();
  server.closeAllConnections();
  server.close();
});

const events = async (...args: readonly string[]) => {
  const run = await runCommand(["events", ...args, "--persist-to", site.state, "--json"]);
  expect(run).toMatchObject({ code: 0 });
  return JSON.parse(run.stdout);
};
const listed = async () => (await events("list")).events;

/** Has everything sent again now, as somebody does at the command line and the cron trigger after them. */
async function again(): Promise<void> {
  await events("replay");
  await fetch(new URL(`/cdn-cgi/local/scheduled?cron=${encodeURIComponent("*/5 * * * *")}`, site.worker));
}

test("events wait for a receiver that fails in every way, and all arrive when it is up, each with one id", async () => {
  listener = FAILING[0]?.[1] ?? receiver(SECRET);
  const visitor = await site.logIn();
  for (const [fault, failing] of FAILING) {
    listener = failing;
    // Whoever lists events has the local database open, which may be what the worker meets: then it is asked again.
    await vi.waitFor(
      async () => {
        await again();
        await vi.waitFor(
          async () =>
            expect(await listed()).toMatchObject([{ type: "account.created", state: "waiting", fault }]),
          { timeout: 15_000, interval: 1_000 },
        );
      },
      { timeout: 60_000, interval: 100 },
    );
  }
  expect(taken).toEqual([]);
  expect(new Set(asked).size).toBe(1);
  const session = await visitor.session();
  if (!session.authenticated) throw new Error("nobody is logged in");
  await visitor.request("/auth/logout", { method: "POST", headers: { origin: site.origin } });
  // Its end is written down behind that of the account's beginning, and does not overtake it. Whoever lists events has
  // the local database open, which may be what the object meets: then it writes the end a minute later.
  await vi.waitFor(async () => expect(await listed()).toHaveLength(2), { timeout: 90_000, interval: 2_000 });
  expect(taken).toEqual([]);

  listener = receiver(SECRET);
  await again();
  await vi.waitFor(() => expect(taken).toHaveLength(2), { timeout: 20_000, interval: 100 });
  expect(taken.map(({ type }) => type)).toEqual(["account.created", "session.ended"]);
  expect(JSON.stringify(taken)).toContain(session.user.sub);
  expect(JSON.stringify(taken)).not.toMatch(/nordmann|kari|4799|@/i);
  await vi.waitFor(async () =>
    expect((await listed()).map(({ state }: { state: string }) => state)).toEqual(["delivered", "delivered"]),
  );

  // What was delivered comes again where somebody asks for it, and the receiver knows it.
  const before = asked.length;
  expect(await events("replay", "--since", "2026-01-01")).toMatchObject({ events: 2 });
  await fetch(new URL(`/cdn-cgi/local/scheduled?cron=${encodeURIComponent("*/5 * * * *")}`, site.worker));
  await vi.waitFor(() => expect(asked.length).toBe(before + 2), { timeout: 20_000, interval: 100 });
  expect(taken).toHaveLength(2);
  expect(new Set(asked).size).toBe(2);
});
