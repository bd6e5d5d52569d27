// Which Node the commands need. Read by every Node that may be there, before anything else is loaded.

/** wrangler needs 22.12; running TypeScript without a build needs 22.18. */
const LEAST_NODE = [22, 18];

/** The oldest Node that will do, such as `22.18`. */
export const leastNode = LEAST_NODE.join(".");

/**
 * Whether a Node is new enough to run the commands.
 * @param {string} version such as `24.1.0`
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE;
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
