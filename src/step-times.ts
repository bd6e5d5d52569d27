/** What a login waits for: the attempt's object, the provider, the registry of accounts, the session's object. */
export type Step = "metadata" | "attempt" | "token" | "keys" | "userinfo" | "account" | "session";

/** Milliseconds that the steps of one request have taken so far. */
export type StepTimes = Partial<Record<Step, number>>;

/**
 * Waits for a step and adds what it took, whether or not it succeeds.
 *
 * A Worker's clock stands still while it computes, against timing attacks: these are times of waiting, for storage
 * and for the provider.
 */
export async function timed<Value>(times: StepTimes, step: Step, work: Promise<Value>): Promise<Value> {
  const begunAt = Date.now();
  try {
    return await work;
  } finally {
    times[step] = (times[step] ?? 0) + Date.now() - begunAt;
  }
}
