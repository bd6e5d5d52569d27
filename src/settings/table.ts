// Every setting there is, one row each, in the order of docs/configuration.md. Types, lists of secrets, what a site's
// document may hold and seals, the checks of the doctor, docs/configuration.md and the schema for editors are all made
// from here, so a new setting is a new row and a test of what it does. What the set-up asks is in
// cli/setup/questions.ts, because no Worker needs the words.
//
// The comment above a row is its text in docs/configuration.md, and what an editor shows. @section begins a section
// there, @default says a default that no value can say.

import type * as v from "valibot";
import { BRAND_DATE } from "../pages/brand.ts";
import {
  agencyStaff,
  anyText,
  appRedirectUris,
  baseUrl,
  choice,
  colour,
  consents,
  contacts,
  day,
  eventSecret,
  flag,
  imageUrl,
  type Kind,
  language,
  masterKeys,
  origin,
  origins,
  pageUrl,
  profileClaims,
  protectedPaths,
  purposes,
  scopes,
  sessionKeys,
  settingValues,
  standardHeader,
  supportStaff,
  textLike,
  textOfAtLeast,
  textOfAtMost,
  url,
  visibleText,
  wholeNumber,
} from "./kinds.ts";

export interface Row {
  /** How its value is read: worked out for a setting that is set, and not for every isolate that starts. */
  readonly kind: () => Kind<unknown>;
  /** What an unset setting is; absent where it is nothing, or where it follows from others. */
  readonly default?: unknown;
  /**
   * Whose it is where one deployment serves many sites: each site's own; the `deployment`'s alone; or `inherited`,
   * which is the deployment's unless a site says otherwise.
   */
  readonly scope: "site" | "deployment" | "inherited";
  /** A Worker secret: never among the vars, never printed, sealed in a site's document. */
  readonly secret?: true;
  /** Holds personal data: no secret, but sealed in a site's document. */
  readonly personal?: true;
  /** What cannot be done without: always, or where another setting is set, or has a certain value. */
  readonly needed?: true | { readonly with: string; readonly is?: string };
  /** An address that must be https, unless the site itself is on localhost. */
  readonly encrypted?: true;
  /** The setting that this number must not exceed; an unset one is at most as large. */
  readonly atMost?: string;
}

/** `__Host-` cookies and browsers cap a cookie's life at 400 days (rfc6265bis section 5.5). In seconds. */
const MAX_COOKIE_AGE = 400 * 24 * 3600;

const DAY = 24 * 3600;

/** Made when a setting is first read: an isolate that starts reads none. */
const makeTable = () =>
  ({
    /**
     * Public origin of the site, `https://www.example.com`. The redirect URI is `SITE_URL` + `AUTH_PATH` +
     * `/callback`; register exactly that in the Vipps portal. It never depends on a header.
     * @section Site
     * @default required, except on localhost
     */
    SITE_URL: {
      kind: origin,
      scope: "site",
      encrypted: true,
    },
    /**
     * The day from which our pages and the login element say Vipps where they said MobilePay, from midnight in the
     * market (Copenhagen or Helsinki). Nothing has to be deployed on it.
     */
    BRAND_DATE: { kind: day, default: BRAND_DATE, scope: "site" },
    /**
     * Language of our pages (`nb`, `da`, `fi`, `sv`, `en`, or one that the project brings) for a browser that asks for none of these.
     * @default of `VIPPS_MARKET`, else `en`
     */
    SITE_LANGUAGE: { kind: language, scope: "site" },
    /**
     * What the site calls itself, at most 60 characters: on our pages, and in the mouth of the person they greet.
     * @default the host of `SITE_URL`, without `www.`
     */
    SITE_NAME: {
      kind: () => textOfAtMost(60),
      scope: "site",
    },
    /**
     * Whom to ask, on every page of ours that a person reads: a phone number with or without country code, an email
     * address, or the address of a page; several with commas between: `+47 22 33 44 55, hjelp@example.no`.
     */
    SUPPORT_CONTACT: { kind: contacts, scope: "site" },
    /** An image beside the site's name on our pages: a path of the site, or an https address. Shown up to 44 px high. */
    LOGO_URL: { kind: imageUrl, scope: "site" },
    /** The icon that browsers show beside the title of our pages: a path of the site, or an https address. */
    FAVICON: { kind: imageUrl, scope: "site" },
    /**
     * The site's colour, `#0a7d5c`, on our buttons. Text on it is black or white, whichever is read better, and its lines
     * are darkened or lightened until they can be seen: contrast is WCAG AA whatever it is, in light and dark.
     * @default that of Vipps MobilePay
     */
    ACCENT_COLOR: { kind: colour, scope: "site" },
    /** Where the login routes live. */
    AUTH_PATH: {
      kind: () => textLike(/^(\/[a-z0-9_-]+)+$/i, "must be a path such as /auth"),
      default: "/auth",
      scope: "site",
    },
    /**
     * Path patterns that need a session, such as `/members/* !/members/open/*`, each followed by what it requires
     * besides, if anything: `/board/* group:board fresh:600`. As a list, each member is one of them:
     * `["/members/*", "/board/* group:board fresh:600"]`. See [site.md](site.md#protected-paths).
     */
    PROTECTED_PATHS: {
      kind: protectedPaths,
      scope: "site",
    },
    /**
     * Origin that answers what the static assets do not: see [site.md](site.md). With TLS, unless it is on the same
     * machine: it gets who is logged in.
     * @default the route's own origin
     */
    ORIGIN_URL: { kind: origin, scope: "site" },
    /** `true` lets the origin have the session cookie. */
    FORWARD_SESSION_COOKIE: { kind: flag, default: false, scope: "site" },

    /**
     * Whose keys are used: the sales unit's `own`, or those of the `partner` who acts for it.
     * @section Vipps MobilePay
     */
    VIPPS_KEYS: { kind: () => choice("own", "partner"), default: "own", scope: "site" },
    /** Client id of the sales unit. */
    VIPPS_CLIENT_ID: {
      kind: anyText,
      scope: "site",
      needed: { with: "VIPPS_KEYS", is: "own" },
    },
    /** Client secret of the sales unit. */
    VIPPS_CLIENT_SECRET: {
      kind: anyText,
      scope: "site",
      secret: true,
      needed: { with: "VIPPS_KEYS", is: "own" },
    },
    /**
     * Client id of the partner, for all sites of a deployment. The worker gets an access token with the partner's keys
     * and keeps it in memory until a minute before it expires.
     */
    VIPPS_PARTNER_CLIENT_ID: {
      kind: visibleText,
      scope: "deployment",
      needed: { with: "VIPPS_KEYS", is: "partner" },
    },
    /** Client secret of the partner. */
    VIPPS_PARTNER_CLIENT_SECRET: {
      kind: visibleText,
      scope: "deployment",
      secret: true,
      needed: { with: "VIPPS_KEYS", is: "partner" },
    },
    /** Subscription key of the partner. */
    VIPPS_PARTNER_SUBSCRIPTION_KEY: {
      kind: visibleText,
      scope: "deployment",
      secret: true,
      needed: { with: "VIPPS_KEYS", is: "partner" },
    },
    /** Merchant Serial Number of the sales unit, digits. */
    VIPPS_MSN: {
      kind: () => textLike(/^\d{4,10}$/, "must be the sales unit's number, digits only"),
      scope: "site",
      needed: true,
    },
    /** `test` or `production`. */
    VIPPS_ENVIRONMENT: {
      kind: () => choice("test", "production"),
      default: "test",
      scope: "inherited",
    },
    /**
     * Another issuer: the simulator, or [another OpenID provider](#another-openid-provider). Compared exactly,
     * trailing slash included. Plain http is only accepted when the site itself is on localhost.
     * @default of the environment
     */
    VIPPS_ISSUER: {
      kind: () => url("must be the issuer's URL, without a query"),
      scope: "inherited",
      encrypted: true,
    },
    /**
     * Further origins on which the provider's endpoints may lie, separated by spaces. An endpoint anywhere else is
     * refused, whoever names it: no secret goes there.
     * @default the issuer's origin alone
     */
    PROVIDER_ENDPOINTS: { kind: () => origins(10), scope: "inherited", encrypted: true },
    /** `client_secret_basic` or `client_secret_post`, as the portal says for the sales unit. */
    VIPPS_TOKEN_AUTH: {
      kind: () => choice("client_secret_basic", "client_secret_post"),
      default: "client_secret_basic",
      scope: "site",
    },
    /** Scopes, separated by spaces, `openid` among them. Ask only for what you need. */
    VIPPS_SCOPE: {
      kind: scopes,
      default: ["openid", "name", "phoneNumber", "email"],
      scope: "site",
    },
    /**
     * What is asked for only when it is needed, by name: `delivery: address` asks for the address at
     * `/auth/login?for=delivery`, and at no other login. Several with `;` between, or as a table:
     * `{ delivery = "address", invoice = "address email" }`. See [site.md](site.md#asking-for-more-when-it-is-needed).
     */
    PURPOSES: { kind: purposes, scope: "site" },
    /** `NO`, `DK`, `FI` or `SE`: theme at Vipps, brand name and fallback language of our pages. */
    VIPPS_MARKET: {
      kind: () => choice("NO", "DK", "FI", "SE"),
      scope: "site",
    },
    /**
     * `true` lets the app return by itself (`requested_flow=automatic_return_from_vipps_app`). The return may then
     * land in another browser: see `CROSS_BROWSER`.
     */
    VIPPS_AUTOMATIC_RETURN: { kind: flag, default: false, scope: "site" },
    /** `true` demands confirmation in the app each time (`acr_values`, a paid tier) and checks `acr`. */
    VIPPS_REQUIRE_APP: { kind: flag, default: false, scope: "site" },
    /**
     * The standard header `Vipps-System-Name`, at most 30 characters.
     * @default host of the site
     */
    VIPPS_SYSTEM_NAME: { kind: standardHeader, scope: "site" },
    /** The standard header `Vipps-System-Version`, at most 30 characters. */
    VIPPS_SYSTEM_VERSION: { kind: standardHeader, default: "1", scope: "site" },

    /**
     * JSON Web Key Set of 256-bit symmetric keys (`npm run site init` makes one). With it, hosts other than
     * `SITE_URL`'s are looked up in the KV namespace `SITES`: see [many-sites.md](many-sites.md). The first key seals
     * the secrets of sites, all open them.
     * @section Many sites
     * @default one site
     */
    SITES_KEYS: { kind: masterKeys, scope: "deployment", secret: true },
    /**
     * Settings of every further site that says nothing else itself, as a table: `[vars.SITE_DEFAULTS]`. No secrets, and
     * nothing that can be only one site's. A change is a deployment and bites at once, whatever number of sites there is.
     */
    SITE_DEFAULTS: { kind: settingValues, scope: "deployment" },

    /**
     * What happens when the login comes back in another browser than it began in: `confirm` asks there, `allow` lets
     * it pass (but still asks before replacing somebody's session), `deny` refuses. See
     * [different-browser.md](different-browser.md).
     * @section Login
     */
    CROSS_BROWSER: { kind: () => choice("confirm", "allow", "deny"), default: "confirm", scope: "site" },
    /**
     * Where native apps may receive the redirect, separated by spaces: https links the app has claimed, or a scheme of
     * its own with a path; compared exactly, registered in the Vipps portal too. See [native-apps.md](native-apps.md).
     * @default none: no app can log in
     */
    APP_REDIRECT_URIS: { kind: appRedirectUris, scope: "site" },
    /**
     * Further origins a login may return to, separated by spaces. They may also read `/auth/session` and post
     * `/auth/logout` with credentials (CORS).
     */
    RETURN_TO_ORIGINS: { kind: () => origins(50), scope: "site" },

    /**
     * JSON Web Key Set of ES256 keys, ten at most. The first is private and signs, all verify. Keys that signed before
     * need no private half, or only for an hour after a rotation, and may say in `retired_at` (Unix seconds) since
     * when they do not sign: then they stop verifying by themselves when the last token they signed is gone.
     * @section Session
     */
    SESSION_KEYS: { kind: sessionKeys, scope: "site", secret: true, needed: true },
    /** Absolute lifetime in seconds, at most 400 days. */
    SESSION_TTL: { kind: () => wholeNumber(1, MAX_COOKIE_AGE, " seconds"), default: 30 * DAY, scope: "site" },
    /**
     * Idle lifetime in seconds. Use is noticed when the token is renewed, so a session may end up to `SESSION_FRESH`
     * seconds early, never late.
     */
    SESSION_IDLE: {
      kind: () => wholeNumber(1, MAX_COOKIE_AGE, " seconds"),
      default: 7 * DAY,
      scope: "site",
      atMost: "SESSION_TTL",
    },
    /**
     * Seconds a signed token is trusted before the session store is asked again, at most an hour: how late a
     * revocation may bite elsewhere.
     */
    SESSION_FRESH: {
      kind: () => wholeNumber(1, 3600, " seconds"),
      default: 300,
      scope: "site",
      atMost: "SESSION_IDLE",
    },
    /**
     * Profile claims put into the token and shown by `/auth/session`: `name`, `given_name`, `family_name`, `email`,
     * `email_verified`, `phone_number`, `phone_number_verified`, `birthdate`, `address`, `groups`, `acr`,
     * `age_over_18` (any age). Those by which a rule of `PROTECTED_PATHS` is judged are there without being named. In
     * this order, as far as a cookie has room (4096 bytes); what does not fit is left out and named in the log.
     */
    SESSION_CLAIMS: { kind: profileClaims, default: ["name"], scope: "site" },
    /** Shares the session with subdomains of this domain. The cookie is then called `__Secure-vipps-session`. */
    SESSION_COOKIE_DOMAIN: {
      kind: () => textLike(/^\.?([a-z0-9-]+\.)+[a-z]{2,}$/i, "must be a domain such as example.com"),
      scope: "site",
    },

    /**
     * `eu` keeps the Durable Objects in the EU.
     * @section Data
     */
    DATA_JURISDICTION: {
      kind: () => choice("eu"),
      scope: "inherited",
    },
    /**
     * Where the objects that finish logins stand: near Vipps and the database, not near the visitor. One of
     * Cloudflare's location hints: `wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `oc`, `afr`, `me`. Objects do not
     * move: with another value new ones are made, and logins under way end where they began.
     */
    LOGIN_LOCATION: {
      kind: () => choice("wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"),
      default: "weur",
      scope: "inherited",
    },
    /**
     * How many of them there are, 1 to 256. Each has about four exchanges with Vipps under way at a time and leaves
     * more to the Workers that call it, so a few are enough for hundreds of logins a second. May be changed at any
     * time: a login names its object.
     */
    LOGIN_SHARDS: { kind: () => wholeNumber(1, 256), default: 8, scope: "inherited" },

    /**
     * Where the site's people are kept: `d1`, `remote`, `own` (the registry that the project's code hands to
     * `vippsLogin`) or `none`. All but the last need the database `ACCOUNTS_DB`.
     * @section Accounts
     */
    ACCOUNTS: { kind: () => choice("d1", "remote", "own", "none"), default: "d1", scope: "site" },
    /** `open` gives somebody new an account, `closed` lets only those in who are in the registry. */
    REGISTRATION: {
      kind: () => choice("open", "closed"),
      default: "open",
      scope: "site",
    },
    /** With `ACCOUNTS=remote`: where the site's own registry answers, https outside localhost. */
    REGISTRY_URL: {
      kind: baseUrl,
      scope: "site",
      encrypted: true,
      needed: { with: "ACCOUNTS", is: "remote" },
    },
    /** Shared with the registry, at least 32 characters. Signs requests and proof tickets. */
    REGISTRY_SECRET: {
      kind: () => textOfAtLeast(32),
      scope: "site",
      secret: true,
      needed: { with: "ACCOUNTS", is: "remote" },
    },
    /** The site's page where an old account is proven by the old login. */
    REGISTRY_PROOF_URL: { kind: url, scope: "site", encrypted: true },
    /** Days after which login events are deleted, 1 to 3650; the cron trigger of `wrangler.toml` does it. */
    LOGIN_EVENTS_DAYS: { kind: () => wholeNumber(1, 3650, " days"), default: 90, scope: "site" },

    /**
     * Terms a person must accept before the first session, and again when the version changes. A path of the site or
     * an https address. Set with `TERMS_VERSION` or not at all.
     * @section Terms and consents
     */
    TERMS_URL: {
      kind: pageUrl,
      scope: "site",
    },
    /** The version of the terms: any text of up to 50 characters. */
    TERMS_VERSION: {
      kind: () => textOfAtMost(50),
      scope: "site",
    },
    /** The privacy statement, linked beside the terms. */
    PRIVACY_URL: {
      kind: pageUrl,
      scope: "site",
    },
    /**
     * Voluntary consents a new person is asked for, never ticked beforehand: JSON such as
     * `[{"id":"newsletter","text":{"nb":"Send meg nyhetsbrevet","en":"Send me the newsletter"}}]`. A language without
     * its own text gets the English one.
     */
    CONSENTS: { kind: consents, scope: "site" },
    /**
     * 16 to 200 letters, digits, `-` or `_`. Turns on `POST /auth/webhooks/consent/<secret>`, which you register with
     * Vipps as the consent webhook: it ends the user's sessions and notes the withdrawal.
     * @default off
     */
    CONSENT_WEBHOOK_SECRET: {
      kind: () => textLike(/^[\w-]{16,200}$/, "must be 16 to 200 letters, digits, - or _"),
      scope: "site",
      secret: true,
    },

    /**
     * Where the site's other systems are told what happens: `account.created`, `consent.withdrawn`, `session.ended` and
     * more, signed by the Standard Webhooks specification; https outside localhost. Needs the queue `EVENTS_QUEUE` and
     * `ACCOUNTS_DB`. See [events.md](events.md).
     * @section Events
     * @default nobody is told
     */
    EVENTS_URL: {
      kind: () => url("must be a URL without a query or a name in it"),
      scope: "site",
      encrypted: true,
    },
    /** Signs events: `whsec_` and 24 to 64 random bytes in base64, known to the receiver alone. */
    EVENTS_SECRET: { kind: eventSecret, scope: "site", secret: true, needed: { with: "EVENTS_URL" } },

    /**
     * Who may open the console `/auth/support`: phone numbers such as `+4799999901` (compared with the account's
     * verified one), account ids or `sub`s, or `group:NAME` for everybody in a group, separated by spaces or commas.
     * Needs `ACCOUNTS_DB`. See [support.md](support.md).
     * @section Customer service
     * @default nobody
     */
    SUPPORT_STAFF: { kind: supportStaff, scope: "site", personal: true },
    /**
     * Who may open the console of every site of the deployment, its own and the further ones: an agency's people, by
     * their phone numbers at Vipps (or by `sub`, which is another at each sales unit). What they do is in the audit log
     * of the site it is done at. See [many-sites.md](many-sites.md#people-of-the-agency).
     * @default nobody
     */
    AGENCY_STAFF: { kind: agencyStaff, scope: "deployment", personal: true },
  }) as const satisfies Readonly<Record<string, Row>>;

export type SettingTable = ReturnType<typeof makeTable>;

export type SettingName = keyof SettingTable;

let table: SettingTable | undefined;

export function settingTable(): SettingTable {
  table ??= makeTable();
  return table;
}

let names: readonly SettingName[] | undefined;

export function settingNames(): readonly SettingName[] {
  names ??= Object.keys(settingTable()) as SettingName[];
  return names;
}

/** A setting as it may stand in the environment: text, or what TOML and JSON know beside it. */
export type SettingVariable =
  | string
  | number
  | boolean
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** The settings as members of the Worker's environment. */
export type SettingVariables = { [Name in SettingName]?: SettingVariable };

/** Without any of these a deployment that serves many sites has none of its own. */
export const OWN_SITE = [
  "SITE_URL",
  "VIPPS_CLIENT_ID",
  "VIPPS_MSN",
] as const satisfies readonly SettingName[];

/** What a setting becomes once it is read: `undefined` only where it may be left out and has no default. */
export type ReadValues = {
  readonly [Name in SettingName]:
    | v.InferOutput<ReturnType<ReturnType<SettingTable[Name]["kind"]>["schema"]>>
    | (SettingTable[Name] extends { readonly default: unknown } | { readonly needed: true }
        ? never
        : undefined);
};

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(settingTable(), name);

/** What the table says of a setting. */
export const rowOf = (name: SettingName): Row => settingTable()[name];

export const defaultOf = (name: string): unknown => (isSettingName(name) ? rowOf(name).default : undefined);

const namesWhere = (is: (row: Row) => boolean): readonly SettingName[] =>
  settingNames().filter((name) => is(rowOf(name)));

/** Settings that must be kept secret: their values are never printed. */
export const isSecret = (name: string): name is SettingName =>
  isSettingName(name) && rowOf(name).secret === true;

/** Settings that never stand in the open in a site's document: secrets, and personal data. */
export const isSealed = (name: string): boolean =>
  isSettingName(name) && (rowOf(name).secret ?? rowOf(name).personal) === true;

export const secretNames = (): readonly SettingName[] => namesWhere(({ secret }) => secret === true);

/** What a site of many may set. */
export const siteNames = (): readonly SettingName[] => namesWhere(({ scope }) => scope !== "deployment");

/** What a site of many has from the deployment, unless it says otherwise. */
export const inheritedNames = (): readonly SettingName[] => namesWhere(({ scope }) => scope === "inherited");
