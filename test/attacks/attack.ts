/** Where an attack is tried. */
export interface Target {
  /** Origin of the site that the worker answers. */
  readonly site: URL;
  /** Origin of the simulator; undefined where a real provider is behind the site. */
  readonly simulator: URL | undefined;
  /** AUTH_PATH. */
  readonly authPath: string;
  /** The events that the worker has logged so far, as lines; undefined where it runs elsewhere. */
  readonly events: readonly string[] | undefined;
  /**
   * Ends the worker, does something with its storage (the folder that wrangler keeps it in) and starts it again,
   * with nothing in memory; undefined where the worker is not ours to end.
   */
  readonly restart: ((between: (state: string) => Promise<void>) => Promise<void>) | undefined;
}

/** What came of an attack. */
export interface Outcome {
  /** Whether the attacker got nothing out of it. */
  readonly withstood: boolean;
  /** What happened and what it cost, a line each: numbers, not promises. */
  readonly seen: readonly string[];
}

/**
 * One attack against a running worker. Each is the default export of a file `NAME.attack.ts` in this folder;
 * `run.ts` finds it there.
 */
export interface Attack {
  /** What the attacker does, in one line. */
  readonly does: string;
  /** Settings without which there is nothing to attack: it is left out of a run against a worker by address. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Does it.
   * @throws when the attack could not be tried at all, which is not the same as withstood.
   */
  readonly run: (target: Target) => Promise<Outcome>;
}

/** An outcome out of single observations: all of them must be good. */
export function outcomeOf(seen: readonly (readonly [good: boolean, line: string])[]): Outcome {
  return {
    withstood: seen.length > 0 && seen.every(([good]) => good),
    seen: seen.map(([good, line]) => (good ? line : `WRONG: ${line}`)),
  };
}
