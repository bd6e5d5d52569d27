import type { LoginAttempts } from "./login/login-attempts.ts";
import type { UserSessions } from "./session/user-sessions.ts";
import type { SettingVariables } from "./settings/table.ts";

/** What wrangler's configuration, `.dev.vars` and secrets hand to the Worker: bindings, and every setting. */
export interface VippsLoginEnv extends SettingVariables {
  /** The provider's discovery document and keys. */
  VIPPS_METADATA: KVNamespace;
  /** The few objects that finish logins. */
  LOGIN_ATTEMPTS: DurableObjectNamespace<LoginAttempts>;
  /** One object for the sessions of one person. */
  USER_SESSIONS: DurableObjectNamespace<UserSessions>;
  /** The site's own files. */
  ASSETS?: Fetcher;
  /** Accounts, consents, login events, audit log; only with `ACCOUNTS=none` it may be missing. */
  ACCOUNTS_DB?: D1Database;
  /** The documents of further sites, with `SITES_KEYS`. */
  SITES?: KVNamespace;
  /** What has events delivered, with `EVENTS_URL` or the option `events`. */
  EVENTS_QUEUE?: Queue;
  LOGIN_LIMITER?: RateLimit;
  LOGIN_FINISH_LIMITER?: RateLimit;
  LOGIN_WIDE_LIMITER?: RateLimit;
  /** Counts what each of many sites finishes, whoever sends it. */
  LOGIN_SITE_LIMITER?: RateLimit;
}
