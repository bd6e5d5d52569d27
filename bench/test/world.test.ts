import { describe, expect, it } from "vitest";
import { NO_WAITS } from "../parts/operation.ts";
import { ASSUMED, centralTime, DATABASE, edgeTime, PLACED, recordedAtEdge } from "../world/login-times.ts";
import { DETOUR, distance, LEAST, nearest, PUBLISHED, roundTrip } from "../world/network.ts";
import {
  AMSTERDAM,
  CITIES,
  FRANKFURT,
  LONDON,
  NEW_YORK,
  OBJECT_PLACES,
  OSLO,
  SYDNEY,
  TOKYO,
} from "../world/places.ts";

const NOTHING = { edge: NO_WAITS, object: NO_WAITS };

/** Waits from the edge, and within an object that it called. */
function waitsOf(edge: Partial<typeof NO_WAITS>, object: Partial<typeof NO_WAITS> = {}) {
  return { edge: { ...NO_WAITS, ...edge }, object: { ...NO_WAITS, ...object } };
}

describe("the model of the world", () => {
  it("measures the globe", () => {
    // Great circles as atlases and flight planners have them.
    expect(distance(LONDON, NEW_YORK)).toBeCloseTo(5570, -2);
    expect(distance(SYDNEY, TOKYO)).toBeCloseTo(7820, -2);
    expect(distance(OSLO, OSLO)).toBe(0);
    expect(distance(OSLO, SYDNEY)).toBeCloseTo(distance(SYDNEY, OSLO), 9);
  });

  it("makes a round trip of the way there and back in fibre, with detours", () => {
    expect(roundTrip(OSLO, OSLO)).toBe(LEAST);
    expect(roundTrip(LONDON, NEW_YORK)).toBeCloseTo(
      LEAST + (2 * distance(LONDON, NEW_YORK) * DETOUR) / 200,
      9,
    );
  });

  it("agrees with published round trips within 45 %, and half of them within 25 %", () => {
    const errors = PUBLISHED.map(({ from, to, milliseconds }) =>
      Math.abs(roundTrip(from, to) / milliseconds - 1),
    ).sort((a, b) => a - b);
    expect(errors.at(-1)).toBeLessThan(0.45);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.25);
  });

  it("adds what the answer waits for to the browser's own round trips", () => {
    const city = { place: AMSTERDAM, edge: AMSTERDAM };
    const toEdge = ASSUMED.accessNetwork + LEAST;
    expect(edgeTime(city, { requests: 1, waits: NOTHING }, "open")).toBe(toEdge);
    expect(edgeTime(city, { requests: 2, waits: NOTHING }, "open")).toBe(2 * toEdge);
    expect(edgeTime(city, { requests: 1, waits: NOTHING }, "new")).toBe(3 * toEdge);
    const waits = waitsOf({ fetch: 1, "durable object": 2, "kv read": 1 });
    expect(edgeTime(city, { requests: 1, waits }, "open")).toBe(
      toEdge + (LEAST + ASSUMED.provider) + 2 * (LEAST + ASSUMED.durableWrite) + ASSUMED.kvRead,
    );
  });

  it("pays the way to the provider for each fetch, and to the nearest object for each call", () => {
    const city = { place: OSLO, edge: OSLO };
    const time = (waits: Partial<typeof NO_WAITS>) =>
      edgeTime(city, { requests: 1, waits: waitsOf(waits) }, "open");
    expect(time({ fetch: 2 }) - time({ fetch: 1 })).toBeCloseTo(
      roundTrip(OSLO, AMSTERDAM) + ASSUMED.provider,
      9,
    );
    const objects = nearest(OSLO, OBJECT_PLACES);
    expect(OBJECT_PLACES.every((place) => distance(OSLO, objects) <= distance(OSLO, place))).toBe(true);
    expect(time({ "durable object": 1 }) - time({})).toBeCloseTo(
      roundTrip(OSLO, objects) + ASSUMED.durableWrite,
      9,
    );
  });

  it("asks from where a placed object stands what is asked within it, and goes there once", () => {
    const city = { place: SYDNEY, edge: SYDNEY };
    const step = { requests: 1, waits: waitsOf({ "placed object": 1 }, { fetch: 1, d1: 1 }) };
    const toEdge = ASSUMED.accessNetwork + LEAST;
    const inside = (from: typeof SYDNEY) =>
      roundTrip(from, AMSTERDAM) + ASSUMED.provider + roundTrip(from, DATABASE) + ASSUMED.durableWrite;
    expect(edgeTime(city, step, "open")).toBeCloseTo(
      toEdge + roundTrip(SYDNEY, PLACED) + ASSUMED.durableWrite + inside(PLACED),
      9,
    );
    expect(edgeTime(city, step, "open", "near the visitor")).toBeCloseTo(
      toEdge + LEAST + ASSUMED.durableWrite + inside(SYDNEY),
      9,
    );
    expect(edgeTime(city, step, "open", FRANKFURT)).toBeGreaterThan(edgeTime(city, step, "open", AMSTERDAM));
  });

  it("moves what the placed object asks of others to the edge, and nothing else", () => {
    const city = { place: OSLO, edge: OSLO };
    const step = { requests: 1, waits: waitsOf({ "placed object": 1 }, { fetch: 1, "durable object": 1 }) };
    const moved = recordedAtEdge(step);
    expect(moved.waits).toEqual(waitsOf({ "placed object": 1, "durable object": 1 }, { fetch: 1 }));
    const lost =
      roundTrip(OSLO, nearest(OSLO, OBJECT_PLACES)) - roundTrip(PLACED, nearest(PLACED, OBJECT_PLACES));
    expect(edgeTime(city, moved, "open") - edgeTime(city, step, "open")).toBeCloseTo(lost, 9);
  });

  it("lets a server in one place pay for the distance of everybody", () => {
    const near = { place: FRANKFURT, edge: FRANKFURT };
    const far = { place: SYDNEY, edge: SYDNEY };
    const further = 3 * (roundTrip(SYDNEY, FRANKFURT) - roundTrip(FRANKFURT, FRANKFURT));
    expect(centralTime(far, FRANKFURT, "finish") - centralTime(near, FRANKFURT, "finish")).toBeCloseTo(
      further,
      9,
    );
  });

  it("knows some twenty cities, each once, each with an edge no further than Tromsø's", () => {
    expect(new Set(CITIES.map(({ place }) => place.name)).size).toBe(CITIES.length);
    expect(CITIES.length).toBeGreaterThanOrEqual(20);
    for (const { place, edge } of CITIES) expect(distance(place, edge)).toBeLessThan(1200);
  });
});
