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
