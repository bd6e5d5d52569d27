import * as v from "valibot";
import { BRAND_DATE } from "./pages/brand.ts";
import { settingsSchema } from "./settings-schema.ts";
import type { AccountSettings, Settings, SettingsResult } from "./settings-types.ts";
import { PARTNER_KEYS } from "./sites/deployment-settings.ts";
import type { RelyingParty } from "./vipps/relying-party.ts";

const ISSUERS = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
} as const;

/** RFC 6761 section 6.3: names below localhost are this machine too. */
const LOCAL_HOST = /^(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const DAY = 24 * 3600;

/** Settings as they are written: by their names, as text. */
export type SettingValues = Readonly<Record<string, unknown>>;

/** The bindings of wrangler.toml as they are. */
export type Bindings = Omit<Settings["storage"], "metadata"> & { readonly metadata: KVNamespace };

/** What the settings of a site are read with. */
export interface Surroundings {
  /** The site's origin where SITE_URL does not say it. */
  readonly origin: string | undefined;
  /** Under which key everything kept of this site stands. */
  readonly partition: string;
  /** The bindings of wrangler.toml, before any data jurisdiction. */
  readonly storage: Bindings;
  /** A secret that all sites of the deployment share, where there is more than one. */
  readonly deploymentSecret?: string | undefined;
  readonly limiters: Settings["limiters"];
}

/** Whether a host name is this machine's own. */
export function isLocalHost(hostname: string): boolean {
  return LOCAL_HOST.test(hostname);
}

/**
 * Checks the settings of one site and puts together what the rooms need of them.
 * @returns the settings, or every fault at once. Never throws.
 */
export function settingsFrom(values: SettingValues, surroundings: Surroundings): SettingsResult {
  const parsed = v.safeParse(settingsSchema(), values);
  const faults = [...missingKeys(values)];
  for (const issue of parsed.issues ?? []) faults.push(`${String(issue.path?.[0]?.key)} ${issue.message}`);
  if (!isSet(values.SITE_URL) && surroundings.origin === undefined) faults.push("SITE_URL is missing");
  if (!parsed.success) return { faults: [...new Set(faults)] };

  const { storage } = surroundings;
  const read = parsed.output;
  const siteOrigin = read.SITE_URL ?? surroundings.origin;
  const issuer = read.VIPPS_ISSUER ?? ISSUERS[read.VIPPS_ENVIRONMENT ?? "test"];
  const ttl = read.SESSION_TTL ?? 30 * DAY;
  const idle = read.SESSION_IDLE ?? Math.min(7 * DAY, ttl);
  const fresh = read.SESSION_FRESH ?? Math.min(300, idle);
  const isLocal = siteOrigin !== undefined && isLocalHost(new URL(siteOrigin).hostname);
  if (siteOrigin !== undefined && !isLocal) {
    if (!siteOrigin.startsWith("https:")) faults.push("SITE_URL must start with https:// outside localhost");
    if (!issuer.startsWith("https:")) {
      faults.push("VIPPS_ISSUER must start with https:// outside localhost");
    }
    // It gets who is logged in, and a signed assertion of it. A server on the same machine needs no TLS.
    if (read.ORIGIN_URL?.startsWith("http:") && !isLocalHost(new URL(read.ORIGIN_URL).hostname)) {
      faults.push("ORIGIN_URL must start with https:// outside localhost");
    }
    if (read.PROVIDER_ENDPOINTS?.some((endpoint) => endpoint.startsWith("http:"))) {
      faults.push("PROVIDER_ENDPOINTS must start with https:// outside localhost");
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
  if ((read.TERMS_URL ?? read.CONSENTS) !== undefined && storage.accounts === undefined) {
    faults.push("TERMS_URL and CONSENTS need the database ACCOUNTS_DB to keep the answers in");
  }
  if (read.SUPPORT_STAFF !== undefined && storage.accounts === undefined) {
    faults.push("SUPPORT_STAFF needs the database ACCOUNTS_DB to keep the audit log in");
  }
  const registry = registryOf(read, storage.accounts, isLocal);
  if ("faults" in registry) faults.push(...registry.faults);
  const keys = keysOf(read);
  if (faults.length > 0 || siteOrigin === undefined || keys === undefined || "faults" in registry)
    return { faults };

  const authPath = read.AUTH_PATH ?? "/auth";
  const jurisdiction = read.DATA_JURISDICTION;
  return {
    settings: {
      site: {
        origin: siteOrigin,
        isLocal,
        partition: surroundings.partition,
        language: read.SITE_LANGUAGE,
        brandDate: read.BRAND_DATE ?? BRAND_DATE,
        authPath,
        originUrl: read.ORIGIN_URL,
        protectedPaths: read.PROTECTED_PATHS ?? [],
        forwardSessionCookie: read.FORWARD_SESSION_COOKIE ?? false,
      },
      relyingParty: {
        issuer,
        endpointOrigins: read.PROVIDER_ENDPOINTS ?? [],
        allowHttp: isLocal,
        keys,
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
        location: read.LOGIN_LOCATION ?? "weur",
        shards: read.LOGIN_SHARDS ?? 8,
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
      limiters: surroundings.limiters,
      storage: {
        ...storage,
        metadata: {
          namespace: storage.metadata,
          secret: surroundings.deploymentSecret ?? read.SESSION_KEYS.signing.d,
        },
        loginAttempts: jurisdiction
          ? storage.loginAttempts.jurisdiction(jurisdiction)
          : storage.loginAttempts,
        userSessions: jurisdiction ? storage.userSessions.jurisdiction(jurisdiction) : storage.userSessions,
      },
    },
  };
}

const isSet = (value: unknown): boolean => typeof value === "string" && value.trim() !== "";

/** Which keys VIPPS_KEYS asks for and are not there; said beside whatever else is wrong. */
function missingKeys(values: SettingValues): readonly string[] {
  const isPartner = isSet(values.VIPPS_KEYS) && String(values.VIPPS_KEYS).trim() === "partner";
  return (isPartner ? PARTNER_KEYS : OWN_KEYS)
    .filter((name) => !isSet(values[name]))
    .map((name) => `${name} is missing${isPartner ? ", which VIPPS_KEYS=partner needs" : ""}`);
}

const OWN_KEYS = ["VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET"] as const;

/** @returns `undefined` where one of the keys is missing. */
function keysOf(read: v.InferOutput<ReturnType<typeof settingsSchema>>): RelyingParty["keys"] | undefined {
  if (read.VIPPS_KEYS === "partner") {
    const clientId = read.VIPPS_PARTNER_CLIENT_ID;
    const clientSecret = read.VIPPS_PARTNER_CLIENT_SECRET;
    const subscriptionKey = read.VIPPS_PARTNER_SUBSCRIPTION_KEY;
    if (clientId === undefined || clientSecret === undefined || subscriptionKey === undefined)
      return undefined;
    return { kind: "partner", clientId, clientSecret, subscriptionKey };
  }
  const { VIPPS_CLIENT_ID: clientId, VIPPS_CLIENT_SECRET: clientSecret } = read;
  if (clientId === undefined || clientSecret === undefined) return undefined;
  return {
    kind: "own",
    clientId,
    clientSecret,
    tokenAuth: read.VIPPS_TOKEN_AUTH ?? "client_secret_basic",
  };
}

/** The registry that ACCOUNTS names, or what it lacks. */
function registryOf(
  read: v.InferOutput<ReturnType<typeof settingsSchema>>,
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
