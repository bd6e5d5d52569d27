import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import { deliverEvents } from "../../src/events/deliver-events.ts";
import { openSite, type SiteOptions, type TestSite } from "./site.ts";

export const EVENTS_URL = "https://crm.example/hooks/vipps";
export const EVENTS_SECRET = `whsec_${btoa("a secret of exactly 32 bytes, so")}`;

/** An event as its receiver got it: proven by the specification's own library, not by ours. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** A site that tells its events, the queue between and the receiver behind. */
export interface ToldSite extends TestSite {
  /** What is in the queue: about whom there are events. */
  readonly queued: { readonly address: string; readonly about: string }[];
  /** What the receiver took, in its order. */
  readonly received: ReceivedEvent[];
  /** Every request that came to it, as text. */
  readonly requests: string[];
  /** How it answers; it takes everything at first. */
  answer: () => Response | Promise<Response>;
  /** Delivers what is in the queue. @returns after how many seconds each message that is not done comes back. */
  deliver(): Promise<readonly number[]>;
}

export function openToldSite(options: SiteOptions = {}): ToldSite {
  const queued: ToldSite["queued"] = [];
  const received: ReceivedEvent[] = [];
  const requests: string[] = [];
  const webhook = new Webhook(EVENTS_SECRET);
  const queue = {
    async sendBatch(messages: Iterable<{ body: ToldSite["queued"][number] }>) {
      for (const { body } of messages) queued.push(structuredClone(body));
    },
  };
  const site = openSite({
    ...options,
    vars: { EVENTS_URL, EVENTS_SECRET, EVENTS_QUEUE: queue as unknown as Queue, ...options.vars },
    async origin(request) {
      if (request.url !== EVENTS_URL) return new Response("elsewhere", { status: 500 });
      const body = await request.text();
      const headers = Object.fromEntries(request.headers);
      requests.push(JSON.stringify({ headers, body }));
      const answer = await told.answer();
      if (answer.status < 300) {
        const { type, data } = webhook.verify(body, headers) as Omit<ReceivedEvent, "id">;
        received.push({ id: headers["webhook-id"] ?? "", type, data });
      }
      // Who is sent on without having said no goes there, and who is there takes anything.
      if (answer.headers.has("location") && request.redirect === "follow")
        return new Response(null, { status: 204 });
      return answer;
    },
  });
  const told: ToldSite = Object.assign(site, {
    queued,
    received,
    requests,
    answer: () => new Response(null, { status: 204 }),
    async deliver() {
      const delays: number[] = [];
      let decided = 0;
      const taken = queued.splice(0);
      const messages = taken.map((body, at) => ({
        id: String(at),
        timestamp: new Date(),
        attempts: 1,
        body,
        ack() {
          decided += 1;
        },
        retry({ delaySeconds = 0 }: QueueRetryOptions = {}) {
          decided += 1;
          delays.push(delaySeconds);
          queued.push(body);
        },
      }));
      const ctx = createExecutionContext();
      await deliverEvents({ messages, queue: "events" } as unknown as MessageBatch, site.env, ctx);
      await waitOnExecutionContext(ctx);
      if (decided !== taken.length) throw new Error("a message is left undecided");
      return delays;
    },
  });
  return told;
}
