import type { BehaviourStore, Endpoint, FailingAnswer } from "./behaviour.ts";

/** Where the answer `redirect` leads: a relying party that follows it is counted in the journal. */
export const REDIRECT_TARGET_PATH = "/simulator/redirect-target";

/** Spoils answers as the behaviour says. */
export interface EndpointFaults {
  /**
   * Answers a request to an endpoint, properly or not.
   * @param proper makes the proper answer
   * @throws the signal's reason when the request is given up while the answer is held back
   */
  answer(endpoint: Endpoint, signal: AbortSignal, proper: () => Promise<Response>): Promise<Response>;
}

export function createEndpointFaults(behaviour: BehaviourStore, origin: string): EndpointFaults {
  const draw = createDraws(behaviour);
  return {
    async answer(endpoint, signal, proper) {
      const { delay, answer, failureRate, failures } = behaviour.current.endpoints[endpoint];
      if (answer !== "proper") behaviour.useUp(endpoint);
      const fails = answer === "proper" && failureRate > 0 && draw() < failureRate;
      const failure = fails ? pick(failures, draw()) : answer;
      if (delay > 0) await pause(delay, signal);
      if (failure === "proper") return proper();
      return failing(failure, behaviour.current.endpoints[endpoint], { origin, signal, proper });
    },
  };
}

interface ErrorAnswer {
  readonly errorCode: string;
  readonly errorDescription: string;
  readonly errorStatus: number;
}

interface Situation {
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly proper: () => Promise<Response>;
}

async function failing(failure: FailingAnswer, error: ErrorAnswer, situation: Situation): Promise<Response> {
  switch (failure) {
    case "down":
      return new Response("Service Unavailable", { status: 503, headers: { "Content-Type": "text/plain" } });
    case "hang":
      return never(situation.signal);
    case "stall":
      return halfOf(await situation.proper(), (half) => stalled(half, situation.signal));
    case "truncated":
      return halfOf(await situation.proper(), (half) => half);
    case "html":
      return new Response("<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>", {
        headers: { "Content-Type": "text/html; charset=utf-8" },
      });
    case "huge":
      return new Response(hugeBody(), { headers: { "Content-Type": "application/json" } });
    case "redirect":
      // 307 keeps the method and the body, so that following it would hand the secrets on.
      return new Response(null, {
        status: 307,
        headers: { Location: situation.origin + REDIRECT_TARGET_PATH },
      });
    case "error":
      return Response.json(
        { error: error.errorCode, error_description: error.errorDescription },
        { status: error.errorStatus },
      );
  }
}

/** Resolves after some milliseconds; rejects as soon as the request is given up. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}

/** An hour is never for whoever waits, and keeps a runtime that looks for stuck promises content. */
const NEVER = 60 * 60_000;

async function never(signal: AbortSignal): Promise<Response> {
  await pause(NEVER, signal);
  return new Response(null, { status: 504 });
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The proper answer with the first half of its body. */
async function halfOf(
  response: Response,
  bodyOf: (half: Bytes) => Bytes | ReadableStream<Bytes>,
): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const half = whole.slice(0, Math.floor(whole.length / 2));
  return new Response(bodyOf(half), { status: response.status, headers: response.headers });
}

/** A body that stops without an end; reading it fails once the request is given up, as over a network. */
function stalled(half: Bytes, signal: AbortSignal): ReadableStream<Bytes> {
  const over = new AbortController();
  return new ReadableStream({
    start(controller) {
      controller.enqueue(half);
      // A server cancels the body by itself when its client is gone; a caller of the function gets the error.
      const giveUp = () => {
        over.abort();
        setTimeout(() => controller.error(signal.reason));
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener("abort", giveUp, { once: true });
    },
    pull: () => pause(NEVER, over.signal).catch(() => undefined),
    cancel: () => over.abort(),
  });
}

const HUGE_BODY_CHUNKS = 1024;

/** 64 MiB that begin like JSON, made as they are read. */
function hugeBody(): ReadableStream<Uint8Array> {
  const chunk = new TextEncoder().encode("a".repeat(64 * 1024));
  let sent = 0;
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"padding":"')),
    pull(controller) {
      if (sent === HUGE_BODY_CHUNKS) return controller.close();
      sent += 1;
      controller.enqueue(chunk);
    },
  });
}

function pick(failures: readonly FailingAnswer[], draw: number): FailingAnswer {
  return failures[Math.floor(draw * failures.length)] ?? "down";
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32); a new seed begins anew. */
function createDraws(behaviour: BehaviourStore): () => number {
  let seed = behaviour.current.seed;
  let state = seed;
  return () => {
    if (behaviour.current.seed !== seed) {
      seed = behaviour.current.seed;
      state = seed;
    }
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
