import { DURABLE_WRITE, HONO, PLAIN } from "./baselines.ts";
import type { Design } from "./design.ts";
import { OURS_D1, OURS_NONE } from "./ours.ts";
import { AUTH_JS, BETTER_AUTH_D1, BETTER_AUTH_STATELESS, OIDC_AUTH } from "./peers.ts";

export { DURABLE_WRITE, HONO, OURS_D1, OURS_NONE, PLAIN };

export const PEERS: readonly Design[] = [OIDC_AUTH, AUTH_JS, BETTER_AUTH_STATELESS, BETTER_AUTH_D1];

/** Everything whose size, start and session check are compared, in the order of the tables. */
export const COMPARED: readonly Design[] = [PLAIN, HONO, OURS_D1, ...PEERS];

/** Everything with a login. */
export const LOGINS: readonly Design[] = [OURS_D1, OURS_NONE, ...PEERS];
