/**
 * What wrangler.toml, `.dev.vars` and the Worker's secrets hand to the Worker: the bindings, and every setting of the
 * table. Only `settings.ts` reads it.
 */
declare namespace Cloudflare {
  interface Env extends SettingVariables {
    VIPPS_METADATA: KVNamespace;
    LOGIN_ATTEMPTS: DurableObjectNamespace<import("./login/login-attempts.ts").LoginAttempts>;
    USER_SESSIONS: DurableObjectNamespace<import("./session/user-sessions.ts").UserSessions>;
    ASSETS?: Fetcher;
    ACCOUNTS_DB?: D1Database;
    SITES?: KVNamespace;
    LOGIN_LIMITER?: RateLimit;
    LOGIN_FINISH_LIMITER?: RateLimit;
    LOGIN_WIDE_LIMITER?: RateLimit;
  }
}

type SettingVariables = import("./settings/table.ts").SettingVariables;

declare module "*.client.js" {
  const text: string;
  export default text;
}
