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
  for (const forget of forgetters) forget();
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

/** Work that many requests need at the same time and one of them does. */
export interface SingleFlight<Value> {
  /**
   * Joins the work of this name that is under way, or begins it.
   * @param background keeps the work alive when the request that began it is gone (`waitUntil`).
   */
  run(
    name: string,
    background: (work: Promise<unknown>) => void,
    begin: () => Promise<Value>,
  ): Promise<Value>;
  isRunning(name: string): boolean;
  /** Forgets what is under way: what a new isolate starts with. */
  forget(): void;
}

/**
 * Work older than this is not waited for: the request that did it may have been ended by the platform, and then
 * its promise never settles. In milliseconds, longer than any request to the provider may take.
 */
const ABANDONED_AFTER = 8_000;

export function createSingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, { readonly work: Promise<Value>; readonly begunAt: number }>();
  const running = (name: string) => {
    const flight = flights.get(name);
    return flight !== undefined && Date.now() - flight.begunAt < ABANDONED_AFTER ? flight : undefined;
  };
  return {
    run(name, background, begin) {
      const joined = running(name);
      if (joined !== undefined) return joined.work;
      const flight = { work: begin(), begunAt: Date.now() };
      flights.set(name, flight);
      const landed = () => {
        if (flights.get(name) === flight) flights.delete(name);
      };
      background(flight.work.then(landed, landed));
      return flight.work;
    },
    isRunning: (name) => running(name) !== undefined,
    forget: () => flights.clear(),
  };
}
