/**
 * What an isolate remembers from request to request. All of it is caches whose keys hold everything that a decision
 * depends on, so that no request sees what only belongs to another; losing it costs time and nothing else.
 */
const kept: Map<unknown, unknown>[] = [];

/** A map that lives as long as the isolate. */
export function isolateMap<Key, Value>(): Map<Key, Value> {
  const map = new Map<Key, Value>();
  kept.push(map);
  return map;
}

/**
 * What takes time to make, and is the same ever after: made when it is first asked for, so that an isolate starts
 * without it.
 */
export function onFirstUse<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Forgets everything: what a new isolate begins with. */
export function beginIsolate(): void {
  for (const map of kept) map.clear();
}

/**
 * Puts an entry into a map that must not grow without end: over the limit, what was put first goes first.
 * @param limit how many entries the map may hold.
 */
export function putBounded<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, limit: number): void {
  map.delete(key);
  const oldest = map.size >= limit ? map.keys().next() : undefined;
  if (oldest?.done === false) map.delete(oldest.value);
  map.set(key, value);
}

/** Work that many requests need at the same time and one of them does, by name. */
export type Flights<Value> = Map<string, Flight<Value>>;

export interface Flight<Value> {
  readonly work: Promise<Value>;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
}

/**
 * Work older than this is not waited for: the request that did it may have been ended by the platform, and then
 * its promise never settles. In milliseconds, longer than any request to the provider may take.
 */
const ABANDONED_AFTER = 8_000;

/**
 * Joins the work of this name that is under way, or begins it.
 * @param background keeps the work alive when the request that began it is gone (`waitUntil`).
 */
export function joinFlight<Value>(
  flights: Flights<Value>,
  name: string,
  background: (work: Promise<unknown>) => void,
  begin: () => Promise<Value>,
): Promise<Value> {
  const joined = flightUnderWay(flights, name);
  if (joined !== undefined) return joined.work;
  const flight = { work: begin(), begunAt: Date.now() };
  flights.set(name, flight);
  const landed = () => {
    if (flights.get(name) === flight) flights.delete(name);
  };
  background(flight.work.then(landed, landed));
  return flight.work;
}

/** The work of this name that can be joined, if there is any. */
export function flightUnderWay<Value>(flights: Flights<Value>, name: string): Flight<Value> | undefined {
  const flight = flights.get(name);
  return flight !== undefined && Date.now() - flight.begunAt < ABANDONED_AFTER ? flight : undefined;
}
