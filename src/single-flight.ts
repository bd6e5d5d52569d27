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
