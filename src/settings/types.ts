import type { Language } from "../pages/language.ts";
import type { SiteFace } from "../pages/site-face.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";

/** The validated settings of one site. Everything that is configurable is here, and nothing else reads `env`. */
export interface Settings {
  readonly site: SiteSettings;
  readonly relyingParty: RelyingParty;
  readonly login: LoginSettings;
  readonly session: SessionSettings;
  readonly accounts: AccountSettings;
  readonly events: EventSettings;
  readonly support: SupportSettings;
  /** The deployment's own people, who may open the console of every site. */
  readonly agency: SupportSettings;
  readonly limiters: Limiters;
  readonly storage: Storage;
}

export interface SiteSettings {
  /** Public origin, no trailing slash. */
  readonly origin: string;
  /** On this machine: a developer's or a test's. */
  readonly isLocal: boolean;
  /** Under which key everything kept of this site stands; no other site has the same. */
  readonly partition: string;
  /** The day from which MobilePay is called Vipps on our pages, as `2027-01-12`. */
  readonly brandDate: string;
  /** Name, contact, logo, icon and colour of the site on our pages. */
  readonly face: SiteFace;
  /** The language of our pages for a browser that asks for none of ours; `undefined` for the market's. */
  readonly language: Language | undefined;
  /** Where the login routes live, without a trailing slash: `/auth`. */
  readonly authPath: string;
  /** Origin of the site behind the worker, if it isn't the route's own. */
  readonly originUrl: string | undefined;
  /**
   * Path patterns as written: `/members/*` needs a session, `!/members/open/*` needs none all the same,
   * `/board/* group:board` needs one of somebody in that group.
   */
  readonly protectedPaths: readonly string[];
  /** Whether the origin gets the session cookie. The other cookies of ours it never gets. */
  readonly forwardSessionCookie: boolean;
}

export interface LoginSettings {
  /** Where the objects that finish logins stand: near Vipps and the database, not near the visitor. */
  readonly location: DurableObjectLocationHint;
  /** How many of them there are. */
  readonly shards: number;
  readonly crossBrowser: "confirm" | "allow" | "deny";
  /** Where native apps may receive the redirect of a login; empty where none may log in. */
  readonly appRedirectUris: readonly string[];
  /** Scopes that a login asks for on top of every login's where it names what for, by that name. */
  readonly purposes: ReadonlyMap<string, readonly string[]>;
  /** Further origins a login may return to; they may also read the session (CORS). */
  readonly returnToOrigins: ReadonlySet<string>;
}

export interface SessionSettings {
  /** `iss` of the session token: site URL + AUTH_PATH. */
  readonly issuer: string;
  /** `aud` of the session token: the site's origin. */
  readonly audience: string;
  /**
   * Tells a site from one that had the same host before, also where both have the same keys; `undefined` for the first
   * site of a host.
   */
  readonly generation: string | undefined;
  readonly keys: SessionKeys;
  /** Absolute lifetime in seconds. */
  readonly ttl: number;
  /** Idle lifetime in seconds. */
  readonly idle: number;
  /** Seconds a signed token is trusted before the session store is asked again. */
  readonly fresh: number;
  /**
   * Profile claims put into the token and shown by `/auth/session`: those by which PROTECTED_PATHS is judged, and
   * SESSION_CLAIMS.
   */
  readonly claims: readonly string[];
  /** Whether the groups of a person are among them, and so looked up at login and whenever a token is renewed. */
  readonly hasGroups: boolean;
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
  /** Its private half, for a while: what it sealed before it was retired is still to be opened. */
  readonly d: string | undefined;
  /** When it stopped signing, in seconds since the epoch, where that was written down. */
  readonly retiredAt: number | undefined;
}

export interface AccountSettings {
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
    /** The one that the project's code hands over; the worker's own records of a person are in `database`. */
    | { readonly kind: "own"; readonly database: D1Database }
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
  /** Voluntary consents that a new person, or a member at the first login, is asked for; never ticked beforehand. */
  readonly consents: readonly ConsentQuestion[];
}

/** Who is told what happens. */
export interface EventSettings {
  /** EVENTS_URL and EVENTS_SECRET; `undefined` where there is no such receiver. */
  readonly receiver: EventReceiver | undefined;
}

export interface EventReceiver {
  readonly url: string;
  /** What signs events. */
  readonly key: Uint8Array<ArrayBuffer>;
}

/** SUPPORT_STAFF: who may open the customer-service console. Nobody, where all are empty. */
export interface SupportSettings {
  /** E.164 digits without the plus sign. */
  readonly staffPhones: ReadonlySet<string>;
  /** Account ids, and `sub`s at Vipps. */
  readonly staffIds: ReadonlySet<string>;
  /** Everybody in one of these groups is staff. Only the member list and a registry of the site's own fill them. */
  readonly staffGroups: ReadonlySet<string>;
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
  /** Counts what comes from an IPv6 /48 as well. */
  readonly wide: RateLimit | undefined;
  /** Counts all that one site has finished. None where it is the only one: it has nobody to be kept from. */
  readonly site: RateLimit | undefined;
}

/** The bindings of wrangler.toml, with the data jurisdiction already applied. */
export interface Storage {
  readonly metadata: MetadataStore;
  readonly loginAttempts: Cloudflare.Env["LOGIN_ATTEMPTS"];
  readonly userSessions: Cloudflare.Env["USER_SESSIONS"];
  readonly assets: Fetcher | undefined;
  /** Accounts, consents, login events and the audit log. Only a site with `ACCOUNTS=none` may do without. */
  readonly accounts: D1Database | undefined;
  /** What has events delivered. Only a site that tells nobody may do without. */
  readonly events: Queue | undefined;
}

/**
 * Where the provider's metadata is kept for all isolates of a deployment. Others may be able to write there, so
 * each copy carries a MAC under a key derived from a secret of the deployment: a copy of anybody else's making is
 * no copy.
 */
export interface MetadataStore {
  readonly namespace: KVNamespace;
  /** The site that asks, for the log: what is asked for may be many sites'. */
  readonly site: string;
  /** A secret that every isolate of the deployment has, and all sites that share the namespace. */
  readonly secret: string;
}

/** Settings, or one line per setting that is missing or malformed. */
export type SettingsResult = { readonly settings: Settings } | { readonly faults: readonly string[] };
