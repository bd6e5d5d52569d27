import * as v from "valibot";
import { settingsSchema } from "./settings-schema.ts";
import type { AccountSettings, SettingsResult } from "./settings-types.ts";

export type * from "./settings-types.ts";

const ISSUERS = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
} as const;

const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const DAY = 24 * 3600;

/**
 * Reads and checks the settings of the site a request came to.
 * @param env the Worker's environment.
 * @param requestUrl only looked at when SITE_URL is missing: then a request to localhost is its own site, and to
 *   any other host it is a fault. The redirect URI must never depend on a header (RFC 9700 section 4.1).
 * @returns the settings, or every fault at once. Never throws.
 */
export function readSettings(env: Cloudflare.Env, requestUrl: string): SettingsResult {
  const local = env.SITE_URL ? undefined : localOrigin(requestUrl);
  const key = local ?? "";
  const known = cache.get(env)?.get(key);
  if (known !== undefined) return known;
  const result = parseSettings(env, local);
  const perOrigin = cache.get(env) ?? new Map<string, SettingsResult>();
  if (perOrigin.size < 10) perOrigin.set(key, result);
  cache.set(env, perOrigin);
  return result;
}

/** One `env` object per isolate and deployment, so its settings are parsed once. */
const cache = new WeakMap<Cloudflare.Env, Map<string, SettingsResult>>();

function localOrigin(requestUrl: string): string | undefined {
  const url = new URL(requestUrl);
  return LOCAL_HOST.test(url.hostname) ? url.origin : undefined;
}

function parseSettings(env: Cloudflare.Env, local: string | undefined): SettingsResult {
  const parsed = v.safeParse(settingsSchema, env);
  const faults = parsed.issues?.map((issue) => `${String(issue.path?.[0]?.key)} ${issue.message}`) ?? [];
  if (!env.SITE_URL && local === undefined) faults.push("SITE_URL is missing");
  if (!parsed.success) return { faults: [...new Set(faults)] };

  const read = parsed.output;
  const siteOrigin = read.SITE_URL ?? local;
  const issuer = read.VIPPS_ISSUER ?? ISSUERS[read.VIPPS_ENVIRONMENT ?? "test"];
  const ttl = read.SESSION_TTL ?? 30 * DAY;
  const idle = read.SESSION_IDLE ?? Math.min(7 * DAY, ttl);
  const fresh = read.SESSION_FRESH ?? Math.min(300, idle);
  const isLocal = siteOrigin !== undefined && LOCAL_HOST.test(new URL(siteOrigin).hostname);
  if (siteOrigin !== undefined && !isLocal) {
    if (!siteOrigin.startsWith("https:")) faults.push("SITE_URL must start with https:// outside localhost");
    if (!issuer.startsWith("https:")) {
      faults.push("VIPPS_ISSUER must start with https:// outside localhost");
    }
  }
  if (idle > ttl) faults.push("SESSION_IDLE must not be longer than SESSION_TTL");
  if (fresh > idle) faults.push("SESSION_FRESH must not be longer than SESSION_IDLE");
  const cookieDomain = read.SESSION_COOKIE_DOMAIN?.replace(/^\./, "").toLowerCase();
  if (cookieDomain !== undefined && siteOrigin !== undefined) {
    const host = new URL(siteOrigin).hostname;
    if (host !== cookieDomain && !host.endsWith(`.${cookieDomain}`)) {
      faults.push("SESSION_COOKIE_DOMAIN must be the host of SITE_URL or a parent domain of it");
    }
  }
  if ((read.TERMS_URL === undefined) !== (read.TERMS_VERSION === undefined)) {
    faults.push("TERMS_URL and TERMS_VERSION must be set together");
  }
  if ((read.TERMS_URL ?? read.CONSENTS) !== undefined && env.ACCOUNTS_DB === undefined) {
    faults.push("TERMS_URL and CONSENTS need the database ACCOUNTS_DB to keep the answers in");
  }
  if (read.SUPPORT_STAFF !== undefined && env.ACCOUNTS_DB === undefined) {
    faults.push("SUPPORT_STAFF needs the database ACCOUNTS_DB to keep the audit log in");
  }
  const registry = registryOf(read, env.ACCOUNTS_DB, isLocal);
  if ("faults" in registry) faults.push(...registry.faults);
  if (faults.length > 0 || siteOrigin === undefined || "faults" in registry) return { faults };

  const authPath = read.AUTH_PATH ?? "/auth";
  const jurisdiction = read.DATA_JURISDICTION;
  return {
    settings: {
      site: {
        origin: siteOrigin,
        isLocal,
        authPath,
        originUrl: read.ORIGIN_URL,
        protectedPaths: read.PROTECTED_PATHS ?? [],
        forwardSessionCookie: read.FORWARD_SESSION_COOKIE ?? false,
      },
      relyingParty: {
        issuer,
        allowHttp: isLocal,
        clientId: read.VIPPS_CLIENT_ID,
        clientSecret: read.VIPPS_CLIENT_SECRET,
        tokenAuth: read.VIPPS_TOKEN_AUTH ?? "client_secret_basic",
        merchantSerialNumber: read.VIPPS_MSN,
        redirectUri: `${siteOrigin}${authPath}/callback`,
        scope: read.VIPPS_SCOPE ?? ["openid", "name", "phoneNumber", "email"],
        market: read.VIPPS_MARKET,
        automaticReturn: read.VIPPS_AUTOMATIC_RETURN ?? false,
        requireApp: read.VIPPS_REQUIRE_APP ?? false,
        systemName: read.VIPPS_SYSTEM_NAME ?? new URL(siteOrigin).host.slice(0, 30),
        systemVersion: read.VIPPS_SYSTEM_VERSION ?? "1",
      },
      login: {
        crossBrowser: read.CROSS_BROWSER ?? "confirm",
        appRedirectUris: read.APP_REDIRECT_URIS ?? [],
        returnToOrigins: new Set(read.RETURN_TO_ORIGINS),
      },
      session: {
        issuer: siteOrigin + authPath,
        audience: siteOrigin,
        keys: read.SESSION_KEYS,
        ttl,
        idle,
        fresh,
        claims: read.SESSION_CLAIMS ?? ["name"],
        cookieDomain,
      },
      accounts: {
        site: "default",
        registry,
        registration: read.REGISTRATION ?? "open",
        loginEventsDays: read.LOGIN_EVENTS_DAYS ?? 90,
        terms:
          read.TERMS_URL === undefined || read.TERMS_VERSION === undefined
            ? undefined
            : { url: read.TERMS_URL, version: read.TERMS_VERSION },
        privacyUrl: read.PRIVACY_URL,
        consentWebhookSecret: read.CONSENT_WEBHOOK_SECRET,
        consents: read.CONSENTS ?? [],
      },
      support: read.SUPPORT_STAFF ?? { staffPhones: new Set(), staffIds: new Set() },
      limiters: { start: env.LOGIN_LIMITER, finish: env.LOGIN_FINISH_LIMITER },
      storage: {
        metadata: env.VIPPS_METADATA,
        loginAttempts: jurisdiction ? env.LOGIN_ATTEMPTS.jurisdiction(jurisdiction) : env.LOGIN_ATTEMPTS,
        userSessions: jurisdiction ? env.USER_SESSIONS.jurisdiction(jurisdiction) : env.USER_SESSIONS,
        assets: env.ASSETS,
        accounts: env.ACCOUNTS_DB,
      },
    },
  };
}

/** The registry that ACCOUNTS names, or what it lacks. */
function registryOf(
  read: v.InferOutput<typeof settingsSchema>,
  database: D1Database | undefined,
  isLocal: boolean,
): AccountSettings["registry"] | { readonly faults: readonly string[] } {
  const kind = read.ACCOUNTS ?? "d1";
  if (kind === "none") return { kind };
  const faults: string[] = [];
  if (database === undefined) faults.push(`ACCOUNTS_DB is not bound, which ACCOUNTS=${kind} needs`);
  if (kind === "d1") return database === undefined ? { faults } : { kind, database };

  const { REGISTRY_URL: url, REGISTRY_SECRET: secret, REGISTRY_PROOF_URL: proofUrl } = read;
  if (url === undefined) faults.push("REGISTRY_URL is missing, which ACCOUNTS=remote needs");
  if (secret === undefined) faults.push("REGISTRY_SECRET is missing, which ACCOUNTS=remote needs");
  for (const [name, value] of Object.entries({ REGISTRY_URL: url, REGISTRY_PROOF_URL: proofUrl })) {
    if (value?.startsWith("http:") && !isLocal)
      faults.push(`${name} must start with https:// outside localhost`);
  }
  if (url === undefined || secret === undefined || database === undefined || faults.length > 0)
    return { faults };
  return { kind, url, secret, proofUrl, database };
}
