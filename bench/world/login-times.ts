import { KINDS, type Kind, type Origin, type Waits } from "../parts/operation.ts";
import { nearest, PROVIDER, roundTrip } from "./network.ts";
import { AMSTERDAM, type City, OBJECT_PLACES, type Place } from "./places.ts";

/** What is assumed beside distances, in milliseconds. The same for every design. */
export const ASSUMED = {
  /** From the device to the operator's network and back: fixed line, Wi-Fi or 4G. */
  accessNetwork: 15,
  /** Until the provider answers a request that has reached it. */
  provider: 20,
  /** Until a write is confirmed by the other places that keep it: Durable Objects and D1 confirm before they answer. */
  durableWrite: 10,
  /** A read of a KV value that others near by have read lately. */
  kvRead: 10,
  /** A statement of a database in the same building. */
  localDatabase: 1,
} as const;

/** Round trips before the first answer on a new connection: TCP and TLS 1.3. */
const CONNECTING = 2;

/** Where D1's primary is: one place for the whole world. For a Nordic site, Western Europe. */
export const DATABASE: Place = AMSTERDAM;

/** A step of a login as it was measured: the requests of the browser, and what the answer waits for. */
export interface Step {
  readonly requests: number;
  /** What the answer waits for from the edge, and within a Durable Object that the edge called. */
  readonly waits: Readonly<Record<Origin, Waits>>;
}

/** Where objects stand whose callers say where: the place their location hint stands for, or near each visitor. */
export type ObjectPlacement = Place | "near the visitor";

/**
 * What `weur` stands for: the place of {@link DATABASE} and {@link PROVIDER}. Cloudflare publishes no cities; others of
 * western Europe that it may choose are in `OBJECT_PLACES`.
 */
export const PLACED: Place = AMSTERDAM;

/** Whether the browser still has a connection to the site, or begins anew. */
export type Link = "open" | "new";

/**
 * What somebody waits for a step of a design that runs at the edge, in milliseconds: the browser's round trips to
 * the edge, and from there, and from the object that was called there, everything the answer waits for.
 */
export function edgeTime(
  { place, edge }: City,
  step: Step,
  link: Link,
  placement: ObjectPlacement = PLACED,
): number {
  const toEdge = ASSUMED.accessNetwork + roundTrip(place, edge);
  const objects = placement === "near the visitor" ? nearest(edge, OBJECT_PLACES) : placement;
  const behind =
    waitingTime(edge, step.waits.edge, objects) + waitingTime(objects, step.waits.object, objects);
  return browserTime(toEdge, step.requests, link) + behind;
}

/** What is waited for at a place. */
function waitingTime(here: Place, waits: Waits, placed: Place): number {
  const each: Readonly<Record<Kind, number>> = {
    fetch: roundTrip(here, PROVIDER) + ASSUMED.provider,
    "kv read": ASSUMED.kvRead,
    "kv write": ASSUMED.durableWrite,
    "durable object": roundTrip(here, nearest(here, OBJECT_PLACES)) + ASSUMED.durableWrite,
    "placed object": roundTrip(here, placed) + ASSUMED.durableWrite,
    d1: roundTrip(here, DATABASE) + ASSUMED.durableWrite,
  };
  return KINDS.reduce((total, kind) => total + waits[kind] * each[kind], 0);
}

/** The same step with what the placed object asks of others near it asked by the edge instead, near the edge. */
export function recordedAtEdge(step: Step): Step {
  const { edge, object } = step.waits;
  const moved = object["durable object"];
  return {
    ...step,
    waits: {
      edge: { ...edge, "durable object": edge["durable object"] + moved },
      object: { ...object, "durable object": 0 },
    },
  };
}

/**
 * The same for a server in one place with its database beside it and the provider's documents in memory: to start
 * a login it stores one row; to finish one it makes the token request and four statements.
 */
export function centralTime({ place }: City, server: Place, step: "start" | "finish"): number {
  const toServer = ASSUMED.accessNetwork + roundTrip(place, server);
  if (step === "start") return browserTime(toServer, 1, "open") + ASSUMED.localDatabase;
  const token = roundTrip(server, PROVIDER) + ASSUMED.provider;
  return browserTime(toServer, 1, "new") + token + 4 * ASSUMED.localDatabase;
}

function browserTime(roundTripTime: number, requests: number, link: Link): number {
  return roundTripTime * (requests + (link === "new" ? CONNECTING : 0));
}
