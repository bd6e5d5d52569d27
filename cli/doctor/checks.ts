/** The families of checks, in the order in which they are made and shown. */
export const FAMILIES = {
  settings: "Settings",
  secrets: "Keys and secrets",
  worker: "The worker's configuration",
  vipps: "Vipps MobilePay, as it answers now",
  site: "The deployed site",
} as const;

export type Family = keyof typeof FAMILIES;

interface Check {
  readonly family: Family;
  /** Why it matters, in a sentence or two. */
  readonly why: string;
}

const check = (family: Family, why: string): Check => ({ family, why });

/** Every check by its id. Ids are stable: scripts filter by them, and each has its heading in docs/doctor.md. */
export const CHECKS = {
  settings: check(
    "settings",
    "With a setting missing or malformed the worker answers every request with an error page.",
  ),
  "settings-names": check(
    "settings",
    "A misspelt setting is ignored without a word, and its default holds instead.",
  ),
  environment: check(
    "settings",
    "Test and production are two worlds: keys, issuer and users of one do not exist in the other.",
  ),
  "redirect-uri": check(
    "settings",
    "Vipps compares the redirect URI byte by byte with the portal's list, and refuses every login if they differ.",
  ),
  "standard-headers": check(
    "settings",
    "Vipps asks for these headers on every request, 30 characters each, to find your requests when you need help.",
  ),

  "secrets-strength": check(
    "secrets",
    "A placeholder or a guessable secret lets others act as your site, or keeps anybody from logging in.",
  ),
  "secrets-reused": check(
    "secrets",
    "Who learns one secret then has both, and neither can be changed alone.",
  ),
  "secrets-in-vars": check(
    "secrets",
    "Variables in wrangler.toml are readable in the dashboard and in the repository; secrets are neither.",
  ),
  "secrets-in-git": check(
    "secrets",
    "What was committed once stays in the history and in every clone, so the secret is no longer one.",
  ),
  "secrets-file": check("secrets", "Other people on this machine can read the secrets in the file."),
  "session-keys": check(
    "secrets",
    "These keys sign every session. With a broken pair nobody can log in, or everybody is logged out.",
  ),
  "session-keys-age": check(
    "secrets",
    "A key that is replaced now and then limits what an unnoticed leak is worth.",
  ),

  bindings: check("worker", "Without its storage the worker cannot finish a login."),
  "unguarded-assets": check(
    "worker",
    "What Cloudflare shows without asking the worker, it shows to everybody.",
  ),
  routes: check("worker", "Without a route the site's visitors never reach the worker."),
  "compatibility-date": check(
    "worker",
    "It decides how the runtime behaves: with an old date a redirect takes the client secret along to another host.",
  ),
  migrations: check("worker", "Without its tables the database answers no login."),

  discovery: check(
    "vipps",
    "The worker learns every address of Vipps from the discovery document; without it no login starts.",
  ),
  issuer: check(
    "vipps",
    "The issuer must be the very same string in the settings and at Vipps, trailing slash included (OpenID Connect Discovery, section 4.3).",
  ),
  endpoints: check(
    "vipps",
    "Logins go to these addresses, and secrets with them: they must be there, with TLS.",
  ),
  pkce: check("vipps", "PKCE with S256 keeps a stolen code from being of use (RFC 7636)."),
  "signing-algorithm": check("vipps", "The worker accepts ID tokens signed with RS256 and nothing else."),
  "provider-keys": check("vipps", "Without a usable key no ID token can be verified."),
  scopes: check("vipps", "A scope that Vipps does not know ends every login with invalid_scope."),
  "client-authentication": check(
    "vipps",
    "A method that Vipps does not take is answered with invalid_client.",
  ),
  "client-id": check("vipps", "A client id that Vipps does not know sends nobody to the login."),
  "redirect-uri-registered": check(
    "vipps",
    "With a redirect URI that is not registered for the sales unit, customers see an error page at Vipps.",
  ),
  "authorize-request": check("vipps", "This is the request that every login begins with."),
  "client-keys": check("vipps", "With wrong keys customers confirm in the app and then meet an error page."),
  clock: check(
    "vipps",
    "ID tokens are refused when the clocks are more than a minute apart, and so are sessions.",
  ),

  "site-address": check(
    "site",
    "The redirect URI and the session belong to SITE_URL and to no other address.",
  ),
  "site-health": check("site", "A dependency that does not answer makes logins fail."),
  "site-login": check("site", "This is what a customer's first click is answered with."),
  "site-cookies": check(
    "site",
    "The cookie ties a login to the browser that began it; weakened by something in between, logins can be stolen or get lost.",
  ),
  "site-keys": check("site", "Origins verify sessions with the published keys."),
  "site-guard": check("site", "A protected page that opens without a session is public."),
  "site-headers": check(
    "site",
    "They keep other sites from framing the pages or reading more than they should.",
  ),
  "site-cache": check("site", "A cached answer would hand one visitor's login or session to the next."),
} as const satisfies Record<string, Check>;

export type CheckId = keyof typeof CHECKS;

export const CHECK_IDS = Object.keys(CHECKS) as readonly CheckId[];

export const isCheckId = (text: string): text is CheckId => Object.hasOwn(CHECKS, text);

export const isFamily = (text: string): text is Family => Object.hasOwn(FAMILIES, text);
