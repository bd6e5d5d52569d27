import * as v from "valibot";
import { faceOfHost } from "../pages/site-face.ts";
import { allRequirements } from "../rules/path-rules.ts";
import { claimOf } from "../rules/requirement.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";
import { mistakenNames } from "./names.ts";
import { type ReadValues, rowOf, type SettingName, settingNames } from "./table.ts";
import type { AccountSettings, Settings, SettingsResult, SupportSettings } from "./types.ts";

/** The issuers of Vipps, by environment. */
export const ISSUERS = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
} as const;

/** RFC 6761 section 6.3: names below localhost are this machine too. */
const isLocalName = (name: string): boolean =>
  /^(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(name);

/** Settings as they are written: by their names, as text or as what TOML and JSON know beside it. */
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
  /** What the worker answers besides the site's own origin, as far as the settings say. */
  readonly otherAddresses?: readonly string[];
  /** Whether pages can be shown in a language: which there are is for the code to say that is deployed. */
  readonly isLanguage: (code: string) => boolean;
}

/** Whether a host name is this machine's own. */
export function isLocalHost(hostname: string): boolean {
  return isLocalName(hostname);
}

/** Unset and empty are the same, so that a variable can be blanked in the dashboard. */
export function isUnset(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/**
 * Reads every setting by its row of the table.
 * @returns what each of them is, defaults included, and every fault. What has one is `undefined`, whatever its type says.
 */
function readValues(values: SettingValues): {
  readonly read: ReadValues;
  readonly faults: readonly string[];
} {
  const faults: string[] = [];
  const read: Record<string, unknown> = {};
  for (const name of settingNames()) {
    const row = rowOf(name);
    if (isUnset(values[name])) {
      read[name] = row.default;
      continue;
    }
    const parsed = v.safeParse(schemaOf(name), values[name]);
    if (parsed.success) read[name] = parsed.output;
    else faults.push(`${name} ${parsed.issues[0].message}`);
  }
  for (const name of settingNames()) {
    const { atMost } = rowOf(name);
    const [value, most] = [read[name], read[atMost ?? ""]];
    if (typeof value !== "number" || typeof most !== "number" || value <= most) continue;
    if (isUnset(values[name])) read[name] = most;
    else faults.push(`${name} must not be longer than ${atMost}`);
  }
  const missing = settingNames().flatMap((name) => missingFault(name, values, read) ?? []);
  return { read: read as ReadValues, faults: [...missing, ...faults] };
}

/** That a setting is missing which cannot be done without. */
function missingFault(
  name: SettingName,
  values: SettingValues,
  read: Readonly<Record<string, unknown>>,
): string | undefined {
  const { needed } = rowOf(name);
  if (needed === undefined || !isUnset(values[name])) return undefined;
  if (needed === true) return `${name} is missing`;
  const { with: other, is } = needed;
  if (is === undefined ? isUnset(values[other]) : read[other] !== is) return undefined;
  // Nobody has to be told of what is so unless they say otherwise.
  const why = isUnset(values[other]) ? "" : `, which ${other}${is === undefined ? "" : `=${is}`} needs`;
  return `${name} is missing${why}`;
}

const schemas = new Map<SettingName, v.GenericSchema<unknown, unknown>>();

/** How a setting is read once it is set. */
function schemaOf(name: SettingName): v.GenericSchema<unknown, unknown> {
  const schema = schemas.get(name) ?? rowOf(name).kind().schema();
  schemas.set(name, schema);
  return schema;
}

/** What is wrong with the value of one setting by itself; undefined if nothing is, or if it is unset. */
export function faultOfValue(name: SettingName, value: unknown): string | undefined {
  if (isUnset(value)) return undefined;
  const parsed = v.safeParse(schemaOf(name), value);
  return parsed.success ? undefined : `${name} ${parsed.issues[0].message}`;
}

/** Names that resemble a setting which is not there: a slip, and what the setting was to do is not done. */
function mistakenFaults(values: SettingValues): readonly string[] {
  return mistakenNames(Object.keys(values).filter((name) => isData(values[name])))
    .filter(({ meant }) => isUnset(values[meant]))
    .map(({ name, meant }) => `${name} is no setting; was ${meant} meant?`);
}

/** Whether a member of the environment is a variable or a secret, not a binding. */
function isData(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/** What the worker cannot do without, whatever its settings. */
function missingBindings(storage: Bindings): readonly string[] {
  const needed: Readonly<Record<string, unknown>> = {
    VIPPS_METADATA: storage.metadata,
    LOGIN_ATTEMPTS: storage.loginAttempts,
    USER_SESSIONS: storage.userSessions,
  };
  return Object.keys(needed)
    .filter((name) => typeof needed[name] !== "object")
    .map((name) => `${name} is not bound`);
}

/** Addresses that must be https where the site is not on this machine, and are not. */
function plainAddresses(read: ReadValues, isLocal: boolean): readonly string[] {
  if (isLocal) return [];
  const isPlain = (value: unknown) => [value].flat().some((one) => String(one).startsWith("http:"));
  const names = settingNames().filter((name) => rowOf(name).encrypted && isPlain(read[name]));
  // It gets who is logged in, and a signed assertion of it. A server on the same machine needs no TLS.
  const { ORIGIN_URL: origin } = read;
  const isOpen = origin?.startsWith("http:") && !isLocalHost(new URL(origin).hostname);
  return [...names, ...(isOpen ? ["ORIGIN_URL"] : [])].map(
    (name) => `${name} must start with https:// outside localhost`,
  );
}

/** Whether requests to one address come to the server of the other: on this machine a port has one server. */
function isSameServer(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  const portOf = ({ protocol, port }: URL) => port || (protocol === "https:" ? "443" : "80");
  if (isLocalHost(a.hostname) && isLocalHost(b.hostname)) return portOf(a) === portOf(b);
  return a.hostname.replace(/\.$/, "") === b.hostname.replace(/\.$/, "") && a.port === b.port;
}

/**
 * Checks the settings of one site and puts together what the rooms need of them.
 * @returns the settings, or every fault at once. Never throws.
 */
export function settingsFrom(values: SettingValues, surroundings: Surroundings): SettingsResult {
  const { storage } = surroundings;
  const faults: string[] = [];
  if (isUnset(values.SITE_URL) && surroundings.origin === undefined) faults.push("SITE_URL is missing");
  faults.push(...missingBindings(storage), ...mistakenFaults(values));
  const { read, faults: faultsOfValues } = readValues(values);
  faults.push(...faultsOfValues);
  // What follows is about several settings together, as far as they can be read: whoever sets up sees it all at once.
  const siteOrigin = isUnset(values.SITE_URL) ? surroundings.origin : read.SITE_URL;
  const issuer = read.VIPPS_ISSUER ?? ISSUERS[read.VIPPS_ENVIRONMENT];
  const isLocal = siteOrigin !== undefined && isLocalHost(new URL(siteOrigin).hostname);
  if (siteOrigin !== undefined) faults.push(...plainAddresses(read, isLocal));
  const { SITE_LANGUAGE: language, ORIGIN_URL: originUrl } = read;
  const answered = [siteOrigin ?? [], surroundings.otherAddresses ?? []].flat();
  if (originUrl !== undefined && answered.some((address) => isSameServer(originUrl, address)))
    faults.push(leadingBack(originUrl));
  if (language !== undefined && !surroundings.isLanguage(language))
    faults.push(`SITE_LANGUAGE is ${language}, a language without texts here`);
  const cookieDomain = read.SESSION_COOKIE_DOMAIN?.replace(/^\./, "").toLowerCase();
  if (cookieDomain !== undefined && siteOrigin !== undefined) {
    const host = new URL(siteOrigin).hostname;
    if (host !== cookieDomain && !host.endsWith(`.${cookieDomain}`)) {
      faults.push("SESSION_COOKIE_DOMAIN must be the host of SITE_URL or a parent domain of it");
    }
  }
  if (isUnset(values.TERMS_URL) !== isUnset(values.TERMS_VERSION)) {
    faults.push("TERMS_URL and TERMS_VERSION must be set together");
  }
  if ((read.TERMS_URL ?? read.CONSENTS) !== undefined && storage.accounts === undefined) {
    faults.push("TERMS_URL and CONSENTS need the database ACCOUNTS_DB to keep the answers in");
  }
  if ((read.SUPPORT_STAFF ?? read.AGENCY_STAFF) !== undefined && storage.accounts === undefined) {
    faults.push("SUPPORT_STAFF and AGENCY_STAFF need the database ACCOUNTS_DB to keep the audit log in");
  }
  if (read.EVENTS_URL !== undefined) faults.push(...missingForEvents("EVENTS_URL", storage));
  const registry = registryOf(read, storage.accounts);
  if ("faults" in registry) faults.push(...registry.faults);
  const keys = keysOf(read);
  if (faults.length > 0 || siteOrigin === undefined || keys === undefined || "faults" in registry)
    return { faults };

  const authPath = read.AUTH_PATH;
  const jurisdiction = read.DATA_JURISDICTION;
  const protectedPaths = read.PROTECTED_PATHS ?? [];
  // First what paths are judged by: where a cookie has not room for everything, that stays.
  const judgedBy = allRequirements(protectedPaths).flatMap((requirement) => claimOf(requirement) ?? []);
  const claims = [...new Set([...judgedBy, ...read.SESSION_CLAIMS])];
  return {
    settings: {
      site: {
        origin: siteOrigin,
        isLocal,
        partition: surroundings.partition,
        language,
        brandDate: read.BRAND_DATE,
        face: {
          ...faceOfHost(siteOrigin),
          ...(read.SITE_NAME !== undefined && { name: read.SITE_NAME }),
          contacts: read.SUPPORT_CONTACT ?? [],
          logo: read.LOGO_URL,
          icon: read.FAVICON,
          accent: read.ACCENT_COLOR,
        },
        authPath,
        originUrl,
        protectedPaths,
        forwardSessionCookie: read.FORWARD_SESSION_COOKIE,
      },
      relyingParty: {
        issuer,
        endpointOrigins: read.PROVIDER_ENDPOINTS ?? [],
        allowHttp: isLocal,
        keys,
        merchantSerialNumber: read.VIPPS_MSN,
        redirectUri: `${siteOrigin}${authPath}/callback`,
        scope: read.VIPPS_SCOPE,
        market: read.VIPPS_MARKET,
        automaticReturn: read.VIPPS_AUTOMATIC_RETURN,
        requireApp: read.VIPPS_REQUIRE_APP,
        systemName: read.VIPPS_SYSTEM_NAME ?? new URL(siteOrigin).host.slice(0, 30),
        systemVersion: read.VIPPS_SYSTEM_VERSION,
      },
      login: {
        crossBrowser: read.CROSS_BROWSER,
        location: read.LOGIN_LOCATION,
        shards: read.LOGIN_SHARDS,
        appRedirectUris: read.APP_REDIRECT_URIS ?? [],
        purposes: read.PURPOSES ?? new Map(),
        returnToOrigins: new Set(read.RETURN_TO_ORIGINS),
      },
      session: {
        issuer: siteOrigin + authPath,
        audience: siteOrigin,
        generation: surroundings.partition.split("~")[1],
        keys: read.SESSION_KEYS,
        ttl: read.SESSION_TTL,
        idle: read.SESSION_IDLE,
        fresh: read.SESSION_FRESH,
        claims,
        hasGroups: claims.includes("groups"),
        cookieDomain,
      },
      accounts: {
        registry,
        registration: read.REGISTRATION,
        loginEventsDays: read.LOGIN_EVENTS_DAYS,
        terms:
          read.TERMS_URL === undefined || read.TERMS_VERSION === undefined
            ? undefined
            : { url: read.TERMS_URL, version: read.TERMS_VERSION },
        privacyUrl: read.PRIVACY_URL,
        consentWebhookSecret: read.CONSENT_WEBHOOK_SECRET,
        consents: read.CONSENTS ?? [],
      },
      events: {
        receiver:
          read.EVENTS_URL === undefined || read.EVENTS_SECRET === undefined
            ? undefined
            : { url: read.EVENTS_URL, key: read.EVENTS_SECRET },
      },
      support: read.SUPPORT_STAFF ?? NOBODY,
      agency: read.AGENCY_STAFF ?? NOBODY,
      limiters: surroundings.limiters,
      storage: {
        ...storage,
        metadata: {
          namespace: storage.metadata,
          site: siteOrigin,
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

/** That the worker would ask itself for what it does not have. */
export const leadingBack = (originUrl: string): string =>
  `ORIGIN_URL must be another server: the worker itself answers ${new URL(originUrl).host}. Without ORIGIN_URL it asks the route's own origin`;

/** What telling anybody of events needs and there is not. @param what needs it, for people. */
export function missingForEvents(
  what: string,
  { events, accounts }: Pick<Bindings, "events" | "accounts">,
): readonly string[] {
  const needed = { "the queue EVENTS_QUEUE": events, "the database ACCOUNTS_DB": accounts };
  return Object.entries(needed).flatMap(([name, binding]) =>
    binding === undefined ? [`${what} needs ${name} (docs/events.md)`] : [],
  );
}

const NOBODY: SupportSettings = { staffPhones: new Set(), staffIds: new Set(), staffGroups: new Set() };

/** @returns `undefined` where one of the keys is missing. */
function keysOf(read: ReadValues): RelyingParty["keys"] | undefined {
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
    tokenAuth: read.VIPPS_TOKEN_AUTH,
  };
}

/** The registry that ACCOUNTS names, or what it lacks. */
function registryOf(
  read: ReadValues,
  database: D1Database | undefined,
): AccountSettings["registry"] | { readonly faults: readonly string[] } {
  const { ACCOUNTS: kind, REGISTRY_URL: url, REGISTRY_SECRET: secret, REGISTRY_PROOF_URL: proofUrl } = read;
  if (kind === "none") return { kind };
  if (kind === undefined) return { faults: [] };
  if (database === undefined) return { faults: [`ACCOUNTS_DB is not bound, which ACCOUNTS=${kind} needs`] };
  if (kind === "d1" || kind === "own") return { kind, database };
  // That they are missing is said by their rows.
  return url === undefined || secret === undefined
    ? { faults: [] }
    : { kind, url, secret, proofUrl, database };
}
