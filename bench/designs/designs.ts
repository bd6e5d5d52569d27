import { DURABLE_WRITE, HONO, PLAIN, REDIRECT } from "./baselines.ts";
import type { Design } from "./design.ts";
import { OURS_D1, OURS_NONE } from "./ours.ts";
import { AUTH_JS, BETTER_AUTH_D1, BETTER_AUTH_STATELESS, OIDC_AUTH } from "./peers.ts";

export {
  AUTH_JS,
  BETTER_AUTH_D1,
  BETTER_AUTH_STATELESS,
  DURABLE_WRITE,
  HONO,
  OIDC_AUTH,
  OURS_D1,
  OURS_NONE,
  PLAIN,
  REDIRECT,
};

export const PEERS: readonly Design[] = [OIDC_AUTH, AUTH_JS, BETTER_AUTH_STATELESS, BETTER_AUTH_D1];

/** Everything whose size, start and session check are compared, in the order of the tables. */
export const COMPARED: readonly Design[] = [PLAIN, HONO, OURS_D1, ...PEERS];

/** Everything whose size, start and session check are compared, and another revision of this project where one is asked for. */
export function comparedWith(earlier: Design | undefined): readonly Design[] {
  return COMPARED.flatMap((design) =>
    design === OURS_D1 && earlier !== undefined ? [design, earlier] : [design],
  );
}

/** Everything with a login. */
export const LOGINS: readonly Design[] = [OURS_D1, OURS_NONE, ...PEERS];

/** Everything with a login, and another revision of this project where one is asked for. */
export function loginsWith(earlier: Design | undefined): readonly Design[] {
  return earlier === undefined ? LOGINS : [OURS_D1, OURS_NONE, earlier, ...PEERS];
}
