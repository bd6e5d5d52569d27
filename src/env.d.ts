/** What wrangler.toml, `.dev.vars` and the Worker's secrets hand to the Worker. Only `settings.ts` reads it. */
declare namespace Cloudflare {
  interface Env {
    VIPPS_METADATA: KVNamespace;
    LOGIN_ATTEMPTS: DurableObjectNamespace<import("./login/login-attempts.ts").LoginAttempts>;
    USER_SESSIONS: DurableObjectNamespace<import("./session/user-sessions.ts").UserSessions>;
    ASSETS?: Fetcher;
    ACCOUNTS_DB?: D1Database;
    SITES?: KVNamespace;
    LOGIN_LIMITER?: RateLimit;
    LOGIN_FINISH_LIMITER?: RateLimit;
    LOGIN_WIDE_LIMITER?: RateLimit;

    SITE_URL?: string;
    SITE_LANGUAGE?: string;
    AUTH_PATH?: string;
    VIPPS_ENVIRONMENT?: string;
    VIPPS_ISSUER?: string;
    PROVIDER_ENDPOINTS?: string;
    VIPPS_KEYS?: string;
    VIPPS_PARTNER_CLIENT_ID?: string;
    VIPPS_PARTNER_CLIENT_SECRET?: string;
    VIPPS_PARTNER_SUBSCRIPTION_KEY?: string;
    SITES_KEYS?: string;
    VIPPS_CLIENT_ID?: string;
    VIPPS_CLIENT_SECRET?: string;
    VIPPS_MSN?: string;
    VIPPS_TOKEN_AUTH?: string;
    VIPPS_SCOPE?: string;
    VIPPS_MARKET?: string;
    VIPPS_AUTOMATIC_RETURN?: string;
    VIPPS_REQUIRE_APP?: string;
    VIPPS_SYSTEM_NAME?: string;
    VIPPS_SYSTEM_VERSION?: string;
    CROSS_BROWSER?: string;
    LOGIN_LOCATION?: string;
    LOGIN_SHARDS?: string;
    APP_REDIRECT_URIS?: string;
    RETURN_TO_ORIGINS?: string;
    SESSION_KEYS?: string;
    SESSION_TTL?: string;
    SESSION_IDLE?: string;
    SESSION_FRESH?: string;
    SESSION_CLAIMS?: string;
    SESSION_COOKIE_DOMAIN?: string;
    ORIGIN_URL?: string;
    PROTECTED_PATHS?: string;
    FORWARD_SESSION_COOKIE?: string;
    DATA_JURISDICTION?: string;
    ACCOUNTS?: string;
    REGISTRATION?: string;
    REGISTRY_URL?: string;
    REGISTRY_SECRET?: string;
    REGISTRY_PROOF_URL?: string;
    BRAND_DATE?: string;
    LOGIN_EVENTS_DAYS?: string;
    TERMS_URL?: string;
    TERMS_VERSION?: string;
    PRIVACY_URL?: string;
    CONSENTS?: string;
    CONSENT_WEBHOOK_SECRET?: string;
    SUPPORT_STAFF?: string;
  }
}

declare module "*.client.js" {
  const text: string;
  export default text;
}
