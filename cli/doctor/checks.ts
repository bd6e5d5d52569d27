import type { RelyingParty } from "../../src/vipps/relying-party.ts";
import { type Found, type Look, type SlowLook, skipped } from "../findings/finding.ts";
import type { Answer } from "./bounded-request.ts";
import * as discovery from "./discovery-checks.ts";
import type { Facts, KnownFacts } from "./facts.ts";
import * as secrets from "./secret-checks.ts";
import * as keys from "./session-key-checks.ts";
import * as settings from "./settings-checks.ts";
import * as deployed from "./site-checks.ts";
import { checkClientKeys } from "./token-checks.ts";
import * as worker from "./worker-checks.ts";

/** The families of checks, in the order in which they are made and shown. */
export const FAMILIES = {
  settings: "Settings",
  secrets: "Keys and secrets",
  worker: "The worker's configuration",
  vipps: "Vipps MobilePay, as it answers now",
  site: "The deployed site",
} as const;

export type Family = keyof typeof FAMILIES;

/**
 * Every check by its family, in its order, and why it matters. Ids are stable: scripts filter by them, and each has
 * its heading in docs/doctor.md.
 */
const WHY = {
  settings: {
    settings: "With a setting missing or malformed the worker answers every request with an error page.",
    "settings-names": "A misspelt setting is ignored without a word, and its default holds instead.",
    environment:
      "Test and production are two worlds: keys, issuer and users of one do not exist in the other.",
    "redirect-uri":
      "Vipps compares the redirect URI byte by byte with the portal's list, and refuses every login if they differ.",
    "standard-headers":
      "Vipps asks for these headers on every request, 30 characters each, to find your requests when you need help.",
  },
  secrets: {
    "secrets-strength":
      "A placeholder or a guessable secret lets others act as your site, or keeps anybody from logging in.",
    "secrets-reused": "Who learns one secret then has both, and neither can be changed alone.",
    "secrets-in-vars":
      "Variables in wrangler.toml are readable in the dashboard and in the repository; secrets are neither.",
    "secrets-in-git":
      "What was committed once stays in the history and in every clone, so the secret is no longer one.",
    "secrets-file": "Other people on this machine can read the secrets in the file.",
    "session-keys":
      "These keys sign every session. With a broken pair nobody can log in, or everybody is logged out.",
    "session-keys-age": "A key that is replaced now and then limits what an unnoticed leak is worth.",
  },
  worker: {
    bindings: "Without its storage the worker cannot finish a login.",
    "unguarded-assets": "What Cloudflare shows without asking the worker, it shows to everybody.",
    routes: "Without a route the site's visitors never reach the worker.",
    "compatibility-date":
      "It decides how the runtime behaves: with an old date a redirect takes the client secret along to another host.",
    migrations: "Without its tables the database answers no login.",
  },
  vipps: {
    discovery:
      "The worker learns every address of Vipps from the discovery document; without it no login starts.",
    issuer:
      "The issuer must be the very same string in the settings and at Vipps, trailing slash included (OpenID Connect Discovery, section 4.3).",
    endpoints: "Logins go to these addresses, and secrets with them: they must be there, with TLS.",
    pkce: "PKCE with S256 keeps a stolen code from being of use (RFC 7636).",
    "signing-algorithm": "The worker accepts ID tokens signed with RS256 and nothing else.",
    "provider-keys": "Without a usable key no ID token can be verified.",
    scopes: "A scope that Vipps does not know ends every login with invalid_scope.",
    "client-authentication": "A method that Vipps does not take is answered with invalid_client.",
    "client-id": "A client id that Vipps does not know sends nobody to the login.",
    "redirect-uri-registered":
      "With a redirect URI that is not registered for the sales unit, customers see an error page at Vipps.",
    "authorize-request": "This is the request that every login begins with.",
    "client-keys": "With wrong keys customers confirm in the app and then meet an error page.",
    clock: "ID tokens are refused when the clocks are more than a minute apart, and so are sessions.",
  },
  site: {
    "site-address": "The redirect URI and the session belong to SITE_URL and to no other address.",
    "site-health": "A dependency that does not answer makes logins fail.",
    "site-login": "This is what a customer's first click is answered with.",
    "site-cookies":
      "The cookie ties a login to the browser that began it; weakened by something in between, logins can be stolen or get lost.",
    "site-keys": "Origins verify sessions with the published keys.",
    "site-guard": "A protected page that opens without a session is public.",
    "site-headers": "They keep other sites from framing the pages or reading more than they should.",
    "site-cache": "A cached answer would hand one visitor's login or session to the next.",
  },
} as const satisfies Record<Family, Record<string, string>>;

export type CheckId = { [Name in Family]: keyof (typeof WHY)[Name] }[Family];

/** One thing found, or a look that finds several. */
type Made = Found | Look | SlowLook;
type Make<Given extends readonly unknown[]> = (...given: Given) => Made | Promise<Made>;

/** A check that can be made whatever the settings are. */
type Check = Make<[facts: Facts | KnownFacts]>;

/** One that needs the settings to be right. */
const known =
  (make: Make<[facts: KnownFacts]>): Check =>
  (facts) =>
    "settings" in facts ? make(facts) : facts.missing;

/** One that reads Vipps' discovery document. */
const document = (
  make: Make<[RelyingParty, discovery.Document, Pick<KnownFacts, "network"> & { readonly answer: Answer }]>,
): Check =>
  known(async ({ relyingParty, discovered, network }) => {
    const found = await discovered();
    return "document" in found
      ? make(relyingParty, found.document, { network, answer: found.answer })
      : skipped("Without a discovery document there is nothing to look at.");
  });

/** One that asks the deployed site. */
const site = (make: Make<[deployed.Site, KnownFacts]>): Check =>
  known(async (facts) => {
    const found = await facts.site();
    if ("severity" in found) return found;
    return found.answers ? make(found, facts) : skipped("The worker does not answer at this address.");
  });

const MAKE: Readonly<Record<CheckId, Check>> = {
  settings: ({ source, read }) => settings.checkSettings(source, read),
  "settings-names": ({ source }) => settings.checkSettingsNames(source),
  environment: known(({ source, settings: all }) => settings.checkEnvironment(source, all)),
  "redirect-uri": ({ source, read }) =>
    "noSite" in read ? settings.NO_SITE : settings.checkRedirectUri(source),
  "standard-headers": known(({ settings: all }) => settings.checkStandardHeaders(all)),

  "secrets-strength": ({ source }) => secrets.checkStrength(source),
  "secrets-reused": ({ source }) => secrets.checkReuse(source),
  "secrets-in-vars": ({ source }) => secrets.checkVars(source),
  "secrets-in-git": ({ source }) => secrets.checkTrackedFiles(source),
  "secrets-file": ({ source }) => secrets.checkSettingsFiles(source),
  "session-keys": ({ source, now }) => keys.checkSessionKeys(source, now / 1000),
  "session-keys-age": known(({ source, settings: { session }, now }) =>
    keys.checkSessionKeyAge(source, session, now / 1000),
  ),

  bindings: ({ source }) => worker.checkBindings(source),
  "unguarded-assets": known(({ source, settings: all }) => worker.checkUnguardedAssets(source, all)),
  routes: known(({ source, settings: all }) => worker.checkRoutes(source, all)),
  "compatibility-date": ({ source, now }) => worker.checkCompatibilityDate(source, now),
  migrations: ({ source }) => worker.checkMigrations(source),

  discovery: known(async ({ relyingParty, discovered }) =>
    discovery.checkDiscovery(relyingParty, await discovered()),
  ),
  issuer: document(discovery.checkIssuer),
  endpoints: document(discovery.checkEndpoints),
  pkce: document(discovery.checkPkce),
  "signing-algorithm": document(discovery.checkAlgorithm),
  "provider-keys": document((_, found, { network }) => discovery.checkProviderKeys(network, found)),
  scopes: document(discovery.checkScopes),
  "client-authentication": document(discovery.checkMethods),
  "client-id": known(async ({ begun }) => (await begun())["client-id"]),
  "redirect-uri-registered": known(async ({ begun }) => (await begun())["redirect-uri-registered"]),
  "authorize-request": known(async ({ begun }) => (await begun())["authorize-request"]),
  "client-keys": known(checkClientKeys),
  clock: document((_, __, { answer }) => discovery.checkClock(answer)),

  "site-address": known(async ({ site: ask }) => {
    const found = await ask();
    return "severity" in found ? found : found.address;
  }),
  "site-health": site(deployed.checkHealth),
  "site-login": site(async (_, { login, discovered }) =>
    deployed.checkLogin(await login(), discovery.endpointIn(await discovered(), "authorization_endpoint")),
  ),
  "site-cookies": site(async (_, { login }) => deployed.checkCookies(await login())),
  "site-keys": site((at, { isHidden, source }) =>
    deployed.checkPublishedKeys(at, isHidden("SESSION_KEYS") ? undefined : keys.signingKeyIn(source)),
  ),
  "site-guard": site(deployed.checkGuard),
  "site-headers": site(deployed.checkPageHeaders),
  "site-cache": site(async (_, { login }) => deployed.checkCaching(await login())),
};

/** Every check, in its order. */
export const CHECKS = (Object.keys(WHY) as Family[]).flatMap((family) =>
  Object.entries<string>(WHY[family]).map(([name, why]) => {
    const id = name as CheckId;
    return { id, family, why, make: MAKE[id] };
  }),
);

export const CHECK_IDS: readonly CheckId[] = CHECKS.map(({ id }) => id);
