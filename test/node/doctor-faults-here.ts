import { randomBytes } from "node:crypto";
import type { SettingsSource, WorkerConfig } from "../../cli/doctor/settings-source.ts";
import { newEventSecret } from "../../cli/event-secret.ts";
import { newKeySet, rotated, type SessionKeySet } from "../../cli/session-key-set.ts";
import { withNewMasterKey } from "../../cli/sites/master-key-place.ts";
import { type Fault, withValues } from "./doctor-fault.ts";

const withWorker =
  (change: (worker: WorkerConfig) => Partial<WorkerConfig>, values: Readonly<Record<string, string>> = {}) =>
  (source: SettingsSource): SettingsSource => {
    if (source.worker === undefined) throw new Error("the patient has no wrangler.toml");
    return { ...withValues(values)(source), worker: { ...source.worker, ...change(source.worker) } };
  };

const without = (names: readonly string[]) => (worker: WorkerConfig) => ({
  bindings: new Map([...worker.bindings].filter(([name]) => !names.includes(name))),
});

/** A public site: what can be told of it without any network. */
const PUBLIC = { SITE_URL: "https://www.example.com", VIPPS_ISSUER: "" };

const YEAR_AND_MORE = 400 * 24 * 3600;

function mixedUpKeys(): string {
  const [one, other] = [newKeySet(), newKeySet()].flatMap(({ keys }) => keys);
  return JSON.stringify({ keys: [{ ...one, x: other?.x, y: other?.y }] });
}

/** A set whose signing key has signed for longer than a year. */
const oldKeys = (): SessionKeySet => {
  const at = Math.floor(Date.now() / 1000) - YEAR_AND_MORE;
  const [signing, ...previous] = rotated(newKeySet(), { at, idle: YEAR_AND_MORE }).keys;
  // A later command takes out the private halves, which are kept for an hour.
  const retired = previous.map(({ d: _private, ...key }) => key);
  return { keys: signing === undefined ? retired : [signing, ...retired] };
};

/** Of no file: the doctor would find it. */
const FRESH_SECRET = randomBytes(24).toString("base64url");

const OFFLINE = ["settings", "secrets", "worker"];

/** Faults in the settings, the secrets and wrangler.toml. */
export const FAULTS_HERE: readonly Fault[] = [
  {
    fault: "several settings malformed",
    found: ["settings"],
    says: /VIPPS_MARKET must be one of[\s\S]*SESSION_TTL must be a whole number of seconds/,
    source: withValues({ SESSION_TTL: "a month", VIPPS_MARKET: "UK" }),
  },
  {
    fault: "a secret missing",
    found: ["settings"],
    says: /VIPPS_CLIENT_SECRET is missing/,
    source: withValues({ VIPPS_CLIENT_SECRET: "" }),
  },
  {
    fault: "a setting misspelt",
    found: ["settings", "settings-names"],
    says: /no setting VIPPS_SCOPES.*\n.*VIPPS_SCOPE meant/,
    source: withValues({ VIPPS_SCOPES: "openid" }),
  },
  {
    fault: "the issuer of the other environment",
    found: ["environment"],
    says: /VIPPS_ENVIRONMENT is test, but VIPPS_ISSUER is Vipps' production environment/,
    source: withWorker(() => ({ routes: ["www.example.com"] }), {
      ...PUBLIC,
      VIPPS_ISSUER: "https://api.vipps.no/access-management-1.0/access/",
    }),
    only: OFFLINE,
  },
  {
    fault: "an origin without TLS that may read the session",
    found: ["environment"],
    says: /RETURN_TO_ORIGINS names http:\/\/shop\.example\.com: whoever/,
    source: withWorker(() => ({ routes: ["www.example.com"] }), {
      ...PUBLIC,
      RETURN_TO_ORIGINS: "https://www.example.org http://localhost:5173 http://shop.example.com",
    }),
    only: OFFLINE,
  },
  {
    fault: "test keys in [env.production]",
    found: ["environment"],
    says: /nobody can log in with the real app/,
    source: (source) => ({
      ...withWorker(() => ({ routes: ["www.example.com"], assets: "public" }), PUBLIC)(source),
      environment: "production",
    }),
    only: OFFLINE,
  },
  {
    fault: "a query in SITE_URL",
    found: ["settings", "redirect-uri"],
    says: /SITE_URL has a query string/,
    source: withValues({ SITE_URL: "https://www.example.com/?from=vipps" }),
  },
  {
    fault: "a # in SITE_URL",
    found: ["settings", "redirect-uri"],
    says: /SITE_URL has a #/,
    source: withValues({ SITE_URL: "https://www.example.com/#top" }),
  },
  {
    fault: "a site without TLS",
    found: ["settings", "redirect-uri"],
    says: /does not begin with https/,
    source: withValues({ ...PUBLIC, SITE_URL: "http://www.example.com" }),
  },
  {
    fault: "a slash at the end of AUTH_PATH",
    found: ["settings", "redirect-uri"],
    says: /AUTH_PATH ends with a slash/,
    source: withValues({ AUTH_PATH: "/auth/" }),
  },
  {
    fault: "production on this machine",
    found: ["environment", "redirect-uri"],
    says: /on this machine .* test environment only/,
    source: withValues({ VIPPS_ENVIRONMENT: "production" }),
    only: OFFLINE,
  },
  {
    fault: "a host too long for the standard headers",
    found: ["standard-headers"],
    says: /Vipps-System-Name is cut to "members-of-the-bathing-club.ex"/,
    source: withWorker(() => ({ routes: ["*.example.com/*"] }), {
      ...PUBLIC,
      SITE_URL: "https://members-of-the-bathing-club.example.com",
    }),
    only: OFFLINE,
  },
  ...["customFlow", "delegatedConsents"].map((scope) => ({
    fault: `no webhook beside ${scope}`,
    found: ["consent-webhook"] as const,
    says: new RegExp(`VIPPS_SCOPE has ${scope}, but CONSENT_WEBHOOK_SECRET is not set`),
    source: withValues({ VIPPS_SCOPE: `openid name ${scope}` }),
    only: OFFLINE,
  })),
  {
    fault: "a placeholder for a secret",
    found: ["secrets-strength"],
    says: /CONSENT_WEBHOOK_SECRET is a placeholder/,
    source: withValues({ CONSENT_WEBHOOK_SECRET: "your-webhook-secret-here" }),
  },
  {
    fault: "one secret for two purposes",
    found: ["secrets-reused"],
    says: /VIPPS_CLIENT_SECRET and REGISTRY_SECRET are the same/,
    source: (source) =>
      withValues({
        VIPPS_CLIENT_SECRET: FRESH_SECRET,
        REGISTRY_SECRET: FRESH_SECRET,
      })(source),
    only: OFFLINE,
  },
  {
    fault: "one key set for two environments",
    found: ["secrets-reused"],
    says: /SESSION_KEYS is also used in \.dev\.vars\.staging/,
    source: (source) => ({ ...source, otherEnvironments: { ".dev.vars.staging": source.values } }),
  },
  {
    fault: "a secret among the variables",
    found: ["secrets-in-vars"],
    says: /VIPPS_CLIENT_SECRET stands among the vars of wrangler\.toml/,
    source: (source) => ({ ...source, vars: source.values }),
  },
  {
    fault: "a secret in a file that git tracks",
    found: ["secrets-in-git"],
    says: /SESSION_KEYS stands in notes\/keys\.txt/,
    source: (source) => ({
      ...source,
      trackedFiles: [{ path: "notes/keys.txt", text: `old keys: ${source.values.SESSION_KEYS}` }],
    }),
  },
  {
    fault: "a settings file that anybody can read",
    found: ["secrets-file"],
    says: /Others on this machine can read/,
    source: (source) => ({ ...source, settingsFiles: [{ path: ".dev.vars", mode: 0o100644 }] }),
  },
  {
    fault: "halves of two key pairs",
    found: ["session-keys"],
    says: /do not belong together/,
    source: withValues({ SESSION_KEYS: mixedUpKeys() }),
    here: true,
  },
  {
    fault: "a signing key older than a year",
    found: ["session-keys-age"],
    says: /400 days old/,
    source: withValues({ SESSION_KEYS: JSON.stringify(oldKeys()) }),
    here: true,
  },
  {
    fault: "a Durable Object without a binding",
    found: ["bindings"],
    says: /USER_SESSIONS \(durable object\) is not bound/,
    source: withWorker(without(["USER_SESSIONS"])),
  },
  {
    fault: "no rate limiter and no cron trigger",
    found: ["bindings"],
    says: /LOGIN_LIMITER is not bound[\s\S]*no cron trigger/,
    source: withWorker((worker) => ({ ...without(["LOGIN_LIMITER"])(worker), crons: [] })),
  },
  {
    fault: "logs with the addresses of requests",
    found: ["bindings"],
    says: /wrangler\.toml has Cloudflare log the address of each request/,
    source: withWorker(() => ({ logsAddresses: true })),
  },
  {
    fault: "a network of many networks without a limit of its own",
    found: ["bindings"],
    says: /LOGIN_WIDE_LIMITER is not bound in wrangler\.toml: whoever has an IPv6 \/48/,
    source: withWorker(without(["LOGIN_WIDE_LIMITER"])),
  },
  {
    fault: "many sites without a share for each",
    found: ["bindings"],
    says: /LOGIN_SITE_LIMITER is not bound in wrangler\.toml: a flood of one site may slow the logins of all/,
    source: withWorker(without(["LOGIN_SITE_LIMITER"]), { SITES_KEYS: withNewMasterKey(undefined) }),
  },
  {
    fault: "many sites whose master key is at Cloudflare alone, without a share for each",
    found: ["bindings"],
    says: /LOGIN_SITE_LIMITER is not bound/,
    source: (source) => ({
      ...withWorker(without(["LOGIN_SITE_LIMITER"]))(source),
      deployedSecrets: ["SITES_KEYS"],
    }),
  },
  {
    fault: "many sites and no place where they stand",
    found: ["bindings"],
    says: /SITES \(kv\) is not bound in wrangler\.toml, which SITES_KEYS needs/,
    source: withWorker(without(["SITES"]), { SITES_KEYS: withNewMasterKey(undefined) }),
  },
  {
    fault: "events that nobody takes from their queue, nor looks for",
    found: ["bindings"],
    says: /puts events into a queue that nobody takes[\s\S]*looks once a day at most/,
    source: withWorker(() => ({ consumesEvents: false, crons: ["17 3 * * *"] }), {
      EVENTS_URL: "http://localhost:8791/events",
      EVENTS_SECRET: newEventSecret(),
    }),
  },
  {
    fault: "the demo in production",
    found: ["bindings"],
    says: /\[env\.production\] shows the demo club/,
    source: (source) => ({
      ...withWorker(() => ({ routes: ["www.example.com"], assets: "./demo" }), {
        ...PUBLIC,
        VIPPS_ENVIRONMENT: "production",
      })(source),
      environment: "production",
    }),
    only: OFFLINE,
  },
  {
    fault: "protected files left out of the worker",
    found: ["unguarded-assets"],
    says: /"!\/m\*" takes protected paths \("\/members\/\*"\)/,
    source: withWorker(() => ({ assetRouting: { workerFirst: ["/*", "!/m*"], notFound: "404-page" } })),
  },
  {
    fault: "no file passes the worker",
    found: ["unguarded-assets"],
    says: /every file is shown/,
    source: withWorker(() => ({ assetRouting: { workerFirst: false, notFound: undefined } })),
  },
  {
    fault: "the page of an app for browsers on their way to the login",
    found: ["unguarded-assets"],
    says: /lacks "\/auth\/\*".*\nName "\/auth\/\*" in run_worker_first/,
    source: withWorker(
      () => ({ assetRouting: { workerFirst: ["/api/*"], notFound: "single-page-application" } }),
      { PROTECTED_PATHS: "" },
    ),
  },
  {
    fault: "secrets among the files of the site",
    found: ["site-files"],
    says: /folder demo holds .*: \.env, keys\/id_rsa, \.git\/\.\nTake it out, or name it in demo\/\.assetsignore/,
    source: withWorker(() => ({
      shownFiles: { folder: "demo", paths: [".env", "keys/id_rsa", ".git/", "members/index.html"] },
    })),
  },
  {
    fault: "protected paths that are no files",
    found: ["site-files"],
    says: /\/members\/\* in PROTECTED_PATHS fits no file of the site's folder demo/,
    source: withWorker(() => ({ shownFiles: { folder: "demo", paths: ["medlem/index.html"] } })),
  },
  {
    fault: "a route that leaves the callback out",
    found: ["routes"],
    says: /do not cover \/auth\/callback/,
    source: withWorker(() => ({ routes: ["www.example.com/members/*"] }), PUBLIC),
    only: OFFLINE,
  },
  {
    fault: "no route at all",
    found: ["routes"],
    says: /No route in wrangler.toml leads www.example.com/,
    source: withWorker(() => ({ routes: [] }), PUBLIC),
    only: OFFLINE,
  },
  {
    fault: "an old compatibility date",
    found: ["compatibility-date"],
    says: /2024-01-01 is before/,
    source: withWorker(() => ({ compatibilityDate: "2024-01-01" })),
  },
  {
    fault: "a migration not applied",
    found: ["migrations"],
    says: /Not applied: 0001_accounts.sql/,
    source: (source) => ({ ...source, pendingMigrations: ["0001_accounts.sql"] }),
  },
];
