import * as v from "valibot";
import { isAppRedirectUri } from "./vipps/app-redirect-uri.ts";
import type { RelyingParty } from "./vipps/relying-party.ts";

/** The validated settings of one site. Everything that is configurable is here, and nothing else reads `env`. */
export interface Settings {
  readonly site: SiteSettings;
  readonly relyingParty: RelyingParty;
  readonly login: LoginSettings;
  readonly session: SessionSettings;
  readonly accounts: AccountSettings;
  readonly support: SupportSettings;
  readonly limiters: Limiters;
  readonly storage: Storage;
}

export interface SiteSettings {
  /** Public origin, no trailing slash. */
  readonly origin: string;
  /** On this machine: a developer's or a test's. */
  readonly isLocal: boolean;
  /** Where the login routes live, without a trailing slash: `/auth`. */
  readonly authPath: string;
  /** Origin of the site behind the worker, if it isn't the route's own. */
  readonly originUrl: string | undefined;
  /** Path patterns as written: `/members/*` needs a session, `!/members/open/*` needs none all the same. */
  readonly protectedPaths: readonly string[];
  /** Whether the origin gets the session cookie. The other cookies of ours it never gets. */
  readonly forwardSessionCookie: boolean;
}

export interface LoginSettings {
  readonly crossBrowser: "confirm" | "allow" | "deny";
  /** Where native apps may receive the redirect of a login; empty where none may log in. */
  readonly appRedirectUris: readonly string[];
  /** Further origins a login may return to; they may also read the session (CORS). */
  readonly returnToOrigins: ReadonlySet<string>;
}

export interface SessionSettings {
  /** `iss` of the session token: site URL + AUTH_PATH. */
  readonly issuer: string;
  /** `aud` of the session token: the site's origin. */
  readonly audience: string;
  readonly keys: SessionKeys;
  /** Absolute lifetime in seconds. */
  readonly ttl: number;
  /** Idle lifetime in seconds. */
  readonly idle: number;
  /** Seconds a signed token is trusted before the session store is asked again. */
  readonly fresh: number;
  /** Profile claims put into the token and shown by `/auth/session`. */
  readonly claims: readonly string[];
  readonly cookieDomain: string | undefined;
}

/** SESSION_KEYS: the key that signs, and those that signed before and still verify. */
export interface SessionKeys {
  readonly signing: SigningKey;
  readonly previous: readonly PreviousKey[];
}

/** The public members of a key (RFC 7517 section 4, RFC 7518 section 6.2.1). */
export interface VerifyingKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
}

export interface SigningKey extends VerifyingKey {
  readonly d: string;
}

export interface PreviousKey extends VerifyingKey {
  /** When it stopped signing, in seconds since the epoch, where that was written down. */
  readonly retiredAt: number | undefined;
}

export interface AccountSettings {
  /** Under which key this site's rows stand in the database. */
  readonly site: string;
  readonly registry:
    | { readonly kind: "d1"; readonly database: D1Database }
    | {
        readonly kind: "remote";
        /** Without a trailing slash. */
        readonly url: string;
        readonly secret: string;
        /** The site's page where an old account is proven. */
        readonly proofUrl: string | undefined;
        /** Where the worker's own records of a person are. */
        readonly database: D1Database;
      }
    /** No registry: a person's account is their `sub`. */
    | { readonly kind: "none" };
  readonly registration: "open" | "closed";
  /** Days after which login events are deleted. */
  readonly loginEventsDays: number;
  /** What a person must accept before the first session, and again when the version changes. */
  readonly terms: Terms | undefined;
  readonly privacyUrl: string | undefined;
  /** The secret part of the address that Vipps' consent webhook calls; without one there is no such address. */
  readonly consentWebhookSecret: string | undefined;
  /** Voluntary consents that a new person is asked for; never ticked beforehand. */
  readonly consents: readonly ConsentQuestion[];
}

/** SUPPORT_STAFF: who may open the customer-service console. Nobody, where both are empty. */
export interface SupportSettings {
  /** E.164 digits without the plus sign. */
  readonly staffPhones: ReadonlySet<string>;
  /** Account ids, and `sub`s at Vipps. */
  readonly staffIds: ReadonlySet<string>;
}

/** The terms in force. */
export interface Terms {
  readonly url: string;
  readonly version: string;
}

/** One voluntary consent. */
export interface ConsentQuestion {
  /** Under which name the answers are kept: `newsletter`. */
  readonly id: string;
  /** The words that are agreed to, by language; `en` stands in for a language without its own. */
  readonly wording: Readonly<Record<string, string>>;
}

/** Cloudflare's rate limiters, counting by client network. Without one there is no limit. */
export interface Limiters {
  readonly start: RateLimit | undefined;
  readonly finish: RateLimit | undefined;
}

/** The bindings of wrangler.toml, with the data jurisdiction already applied. */
export interface Storage {
  readonly metadata: KVNamespace;
  readonly loginAttempts: Cloudflare.Env["LOGIN_ATTEMPTS"];
  readonly userSessions: Cloudflare.Env["USER_SESSIONS"];
  readonly assets: Fetcher | undefined;
  /** Accounts, consents, login events and the audit log. Only a site with `ACCOUNTS=none` may do without. */
  readonly accounts: D1Database | undefined;
}

/** Settings, or one line per setting that is missing or malformed. */
export type SettingsResult = { readonly settings: Settings } | { readonly faults: readonly string[] };

const ISSUERS = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
} as const;

/** `__Host-` cookies and browsers cap a cookie's life at 400 days (rfc6265bis section 5.5). */
const MAX_COOKIE_AGE = 400 * 24 * 3600;

const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Unset and empty are the same, so that a variable can be blanked in the dashboard. */
const optional = <Schema extends v.GenericSchema<string, unknown>>(schema: Schema) =>
  v.pipe(
    v.optional(v.string(), ""),
    v.transform((text) => (text.trim() === "" ? undefined : text.trim())),
    v.optional(schema),
  );

const required = v.pipe(
  v.optional(v.string(), ""),
  v.transform((text) => text.trim()),
  v.nonEmpty("is missing"),
);

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && (text === url.origin || text === `${url.origin}/`);
};

const origin = v.pipe(
  v.string(),
  v.check(isOrigin, "must be an origin such as https://www.example.com, without a path"),
  v.transform((text) => new URL(text).origin),
);

const list = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

const seconds = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,9}$/, "must be a whole number of seconds"),
    v.transform(Number),
    v.minValue(least, `must be at least ${least} seconds`),
    v.maxValue(most, `must be at most ${most} seconds`),
  );

const flag = v.pipe(
  v.picklist(["true", "false"], "must be true or false"),
  v.transform((text) => text === "true"),
);

const choice = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `must be one of ${options.join(", ")}`);

/** A path from the root, in which `*` stands for anything. No dot segments, no query; percent signs encode. */
const PATH_PATTERN = /^!?(?:\/(?!\.{1,2}(?:\/|$))(?:[^\s,%/?#;\\]|%[0-9a-f]{2})*)+$/i;

const pathPatterns = v.pipe(
  v.string(),
  v.transform(list),
  v.check(
    (patterns) => patterns.every((pattern) => PATH_PATTERN.test(pattern) && isDecodable(pattern)),
    "must be path patterns such as /members/* or !/members/open/*",
  ),
  v.check(
    (patterns) => patterns.some((pattern) => !pattern.startsWith("!")),
    "has exceptions only; begin with what they are exceptions from, such as /*",
  ),
  v.maxLength(100, "must be at most 100 patterns"),
);

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const header = v.pipe(
  v.string(),
  v.regex(/^[\x20-\x7e]*$/, "must be plain ASCII"),
  v.maxLength(30, "must be at most 30 characters (Vipps standard headers)"),
);

const base64urlPart = v.pipe(v.string(), v.regex(/^[\w-]{43}$/));

/** What signed before may have lost its private half, and may say since when it does not sign any more. */
const sessionKeySet = v.object({
  keys: v.pipe(
    v.array(
      v.object({
        kty: v.literal("EC"),
        crv: v.literal("P-256"),
        x: base64urlPart,
        y: base64urlPart,
        d: v.optional(base64urlPart),
        kid: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
        retired_at: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      }),
    ),
    v.minLength(1),
    v.maxLength(10),
    v.check((keys) => new Set(keys.map((key) => key.kid)).size === keys.length),
  ),
});

/** @throws when the text is not a key set whose first key can sign. */
function parseSessionKeys(text: string): SessionKeys {
  const [first, ...others] = v.parse(sessionKeySet, JSON.parse(text)).keys;
  if (first?.d === undefined || first.retired_at !== undefined) throw new Error("the first key cannot sign");
  const { kty, crv, x, y, kid, d } = first;
  return {
    signing: { kty, crv, x, y, kid, d },
    // The private half of a key that does not sign is of no use to anybody but a thief.
    previous: others.map(({ d: _unused, retired_at: retiredAt, ...key }) => ({ ...key, retiredAt })),
  };
}

const sessionKeys = v.pipe(
  required,
  v.rawTransform(({ dataset, addIssue, NEVER }): SessionKeys => {
    try {
      return parseSessionKeys(dataset.value);
    } catch {
      addIssue({
        message: "must be a JSON Web Key Set of ES256 keys, the first of them private, each with its own kid",
      });
      return NEVER;
    }
  }),
);

/** A page of the site, or an address anywhere else with TLS. */
const pageUrl = v.pipe(
  v.string(),
  v.check((text) => {
    const url = URL.parse(text, "https://site.invalid");
    return url?.protocol === "https:" && (text.startsWith("https://") || /^\/(?![/\\])/.test(text));
  }, "must be a path of the site or an https address"),
);

const consentQuestions = v.array(
  v.object({
    id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,39}$/)),
    text: v.union([
      v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
      v.record(
        v.picklist(["nb", "da", "fi", "sv", "en"]),
        v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
      ),
    ]),
  }),
);

const consents = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): readonly ConsentQuestion[] => {
    try {
      const questions = v.parse(consentQuestions, JSON.parse(dataset.value));
      return questions.map(({ id, text }) => ({
        id,
        wording: typeof text === "string" ? { en: text } : { ...text },
      }));
    } catch {
      addIssue({ message: 'must be JSON such as [{"id":"newsletter","text":{"nb":"…","en":"…"}}]' });
      return NEVER;
    }
  }),
);

const plainUrl = v.pipe(
  v.string(),
  v.check((text) => {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  }, "must be a URL without a query"),
);

/** A number with its country code; shorter ones lack it. */
const STAFF_PHONE = /^\+?[1-9]\d{8,14}$/;

const supportStaff = v.pipe(
  v.string(),
  v.transform(list),
  v.check(
    (staff) => staff.every((one) => STAFF_PHONE.test(one) || /^(?=.*[^\d])[\w-]{8,100}$/.test(one)),
    "must be account ids, subs, or phone numbers such as +4799999901 without spaces in them",
  ),
  v.transform(
    (staff): SupportSettings => ({
      staffPhones: new Set(
        staff.filter((one) => STAFF_PHONE.test(one)).map((phone) => phone.replace("+", "")),
      ),
      staffIds: new Set(staff.filter((one) => !STAFF_PHONE.test(one))),
    }),
  ),
);

const schema = v.object({
  SITE_URL: optional(origin),
  AUTH_PATH: optional(v.pipe(v.string(), v.regex(/^(\/[a-z0-9_-]+)+$/i, "must be a path such as /auth"))),
  VIPPS_ENVIRONMENT: optional(choice(["test", "production"])),
  VIPPS_ISSUER: optional(
    v.pipe(
      v.string(),
      v.check((text) => {
        const url = URL.parse(text);
        return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
      }, "must be the issuer's URL, without a query"),
    ),
  ),
  VIPPS_CLIENT_ID: required,
  VIPPS_CLIENT_SECRET: required,
  VIPPS_MSN: v.pipe(required, v.regex(/^\d{4,10}$/, "must be the sales unit's number, digits only")),
  VIPPS_TOKEN_AUTH: optional(choice(["client_secret_basic", "client_secret_post"])),
  VIPPS_SCOPE: optional(
    v.pipe(
      v.string(),
      v.transform(list),
      v.check((scopes) => scopes.includes("openid"), "must contain openid"),
      v.check(
        (scopes) => scopes.every((scope) => /^[\w:.-]+$/.test(scope)),
        "must be scope names with spaces between",
      ),
    ),
  ),
  VIPPS_MARKET: optional(choice(["NO", "DK", "FI", "SE"])),
  VIPPS_AUTOMATIC_RETURN: optional(flag),
  VIPPS_REQUIRE_APP: optional(flag),
  VIPPS_SYSTEM_NAME: optional(header),
  VIPPS_SYSTEM_VERSION: optional(header),
  CROSS_BROWSER: optional(choice(["confirm", "allow", "deny"])),
  APP_REDIRECT_URIS: optional(
    v.pipe(
      v.string(),
      v.transform(list),
      v.check(
        (uris) => uris.every(isAppRedirectUri),
        "must be https links or apps' own schemes with a path, without ? and #",
      ),
      v.maxLength(20, "must be at most 20 redirect URIs"),
    ),
  ),
  RETURN_TO_ORIGINS: optional(
    v.pipe(v.string(), v.transform(list), v.array(origin), v.maxLength(50, "must be at most 50 origins")),
  ),
  SESSION_KEYS: sessionKeys,
  SESSION_TTL: optional(seconds(1, MAX_COOKIE_AGE)),
  SESSION_IDLE: optional(seconds(1, MAX_COOKIE_AGE)),
  SESSION_FRESH: optional(seconds(1, 3600)),
  SESSION_CLAIMS: optional(
    v.pipe(
      v.string(),
      v.transform(list),
      v.array(v.picklist(PROFILE_CLAIMS(), `must be claims out of ${PROFILE_CLAIMS().join(", ")}`)),
    ),
  ),
  SESSION_COOKIE_DOMAIN: optional(
    v.pipe(v.string(), v.regex(/^\.?([a-z0-9-]+\.)+[a-z]{2,}$/i, "must be a domain such as example.com")),
  ),
  ORIGIN_URL: optional(origin),
  PROTECTED_PATHS: optional(pathPatterns),
  FORWARD_SESSION_COOKIE: optional(flag),
  DATA_JURISDICTION: optional(choice(["eu"])),
  ACCOUNTS: optional(choice(["d1", "remote", "none"])),
  REGISTRATION: optional(choice(["open", "closed"])),
  REGISTRY_URL: optional(
    v.pipe(
      plainUrl,
      v.transform((text) => text.replace(/\/+$/, "")),
    ),
  ),
  REGISTRY_PROOF_URL: optional(plainUrl),
  REGISTRY_SECRET: optional(v.pipe(v.string(), v.minLength(32, "must be at least 32 characters"))),
  TERMS_URL: optional(pageUrl),
  TERMS_VERSION: optional(v.pipe(v.string(), v.maxLength(50, "must be at most 50 characters"))),
  PRIVACY_URL: optional(pageUrl),
  CONSENTS: optional(consents),
  CONSENT_WEBHOOK_SECRET: optional(
    v.pipe(v.string(), v.regex(/^[\w-]{16,200}$/, "must be 16 to 200 letters, digits, - or _")),
  ),
  SUPPORT_STAFF: optional(supportStaff),
  LOGIN_EVENTS_DAYS: optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,4}$/, "must be a whole number of days"),
      v.transform(Number),
      v.minValue(1, "must be at least 1 day"),
      v.maxValue(3650, "must be at most 3650 days"),
    ),
  ),
});

/** Claims about a person that may be put into the session token; `sub` is always there. */
function PROFILE_CLAIMS() {
  return [
    "name",
    "given_name",
    "family_name",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "birthdate",
    "address",
  ] as const;
}

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
  const parsed = v.safeParse(schema, env);
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
  read: v.InferOutput<typeof schema>,
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
