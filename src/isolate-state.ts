import { createSingleFlight, type SingleFlight } from "./single-flight.ts";

/**
 * What an isolate remembers from request to request. All of it is caches whose keys hold everything that a decision
 * depends on, so that no request sees what only belongs to another; losing it costs time and nothing else.
 */
const forgetters: (() => void)[] = [];

/** A map that lives as long as the isolate. */
export function isolateMap<Key, Value>(): Map<Key, Value> {
  const map = new Map<Key, Value>();
  forgetters.push(() => map.clear());
  return map;
}

/** Work that the requests of an isolate do once for all that wait for it. */
export function isolateFlights<Value>(): SingleFlight<Value> {
  const flights = createSingleFlight<Value>();
  forgetters.push(() => flights.forget());
  return flights;
}

/** Forgets everything: what a new isolate begins with. */
export function beginIsolate(): void {
  for (const forget of forgetters) forget();
}
