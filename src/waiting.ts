/** Waiting for others: not for ever, with a note of how long it took, and for no more than so many bytes. */

/**
 * Waits for work, but not for ever.
 * @param milliseconds how long to wait.
 * @param tooLate gives the value that stands in, or throws what the caller shall see.
 * @returns what the work gives, or what `tooLate` gives. The work itself is not stopped.
 */
export async function withinTime<Value>(
  milliseconds: number,
  work: Promise<Value>,
  tooLate: () => Value,
): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const timer = setTimeout(() => {
    try {
      resolve(tooLate());
    } catch (error) {
      reject(error);
    }
  }, milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What waits for nobody settles within fewer turns of the promises; longer chains get a timer that they do not need. */
const TURNS_AT_ONCE = 40;

/** Whether work settles without waiting for anybody: then it needs no timer, which costs as much as sealing a state. */
export async function settlesAtOnce(work: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  work.then(settled, settled);
  for (let turn = 0; turn < TURNS_AT_ONCE && !isSettled; turn += 1) await undefined;
  return isSettled;
}

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

/**
 * The whole body of an answer or a request, if it is small enough.
 * @param sizeLimit bytes.
 * @returns `undefined` for a larger body, of which no more than the limit is read.
 */
export async function boundedText(
  { body }: Pick<Body, "body">,
  sizeLimit: number,
): Promise<string | undefined> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength;
    if (size > sizeLimit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
