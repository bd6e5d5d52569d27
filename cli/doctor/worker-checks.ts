import { basename } from "node:path";
import { patternOf } from "../../src/rules/path-rules.ts";
import type { Settings } from "../../src/settings/types.ts";
import { unguardedFaults } from "../unguarded-assets.ts";
import { error, type Found, ok, orOk, skipped, warning } from "./finding.ts";
import type { SettingsSource } from "./settings-source.ts";

/** Bindings that no login works without, with their Durable Object class where they have one. */
const REQUIRED = [
  { name: "VIPPS_METADATA", kind: "kv", objectClass: undefined },
  { name: "LOGIN_ATTEMPTS", kind: "durable object", objectClass: "LoginAttempts" },
  { name: "USER_SESSIONS", kind: "durable object", objectClass: "UserSessions" },
] as const;

const LIMITERS = ["LOGIN_LIMITER", "LOGIN_FINISH_LIMITER", "LOGIN_WIDE_LIMITER"];

const NO_CONFIG = "wrangler.toml was not looked at.";

/** What the code needs against what wrangler.toml binds. Environments inherit no bindings from the top level. */
export function checkBindings({ worker, values, environment }: SettingsSource): readonly Found[] {
  if (worker === undefined) return [skipped(NO_CONFIG)];
  const place = environment === undefined ? "wrangler.toml" : `[env.${environment}]`;
  const todo = `Add it to ${place} as at the top level; environments inherit no bindings.`;
  const problems: Found[] = [];
  for (const { name, kind, objectClass } of REQUIRED) {
    if (worker.bindings.get(name) !== kind)
      problems.push(error(`${name} (${kind}) is not bound in ${place}.`, todo));
    else if (objectClass !== undefined && !worker.objectClasses.includes(objectClass))
      problems.push(
        error(
          `No migration creates ${objectClass}.`,
          "Add [[migrations]] with new_sqlite_classes to wrangler.toml.",
        ),
      );
  }
  if ((values.ACCOUNTS || "d1") !== "none" && worker.bindings.get("ACCOUNTS_DB") !== "d1")
    problems.push(error(`ACCOUNTS_DB (d1) is not bound in ${place}, which ACCOUNTS needs.`, todo));
  for (const name of LIMITERS.filter((one) => worker.bindings.get(one) !== "rate limiter"))
    problems.push(
      warning(`${name} is not bound in ${place}: anybody may start logins without a limit.`, todo),
    );
  if (worker.bindings.has("ACCOUNTS_DB") && worker.crons.length === 0)
    problems.push(
      warning(
        `${place} has no cron trigger: login events are kept for ever.`,
        'Add [triggers] crons = ["17 3 * * *"].',
      ),
    );
  if (!worker.bindings.has("ASSETS") && !values.ORIGIN_URL && worker.routes.length === 0)
    problems.push(
      warning(
        "There is no site: neither ASSETS, nor ORIGIN_URL, nor a route.",
        "Bind [assets], or set ORIGIN_URL.",
      ),
    );
  if (environment === "production" && basename(worker.assets ?? "") === "demo")
    problems.push(
      warning(
        `${place} shows the demo club to your customers.`,
        "Name your own folder under [env.production.assets], or run npm run setup, which does it (--assets, --origin-url, --own-origin).",
      ),
    );
  return orOk(problems, `${worker.bindings.size} in ${place}.`);
}

/** The host and path of a route's pattern. */
function partsOf(route: string): { readonly host: string; readonly path: string } {
  const pattern = route.replace(/^https?:\/\//, "");
  const slash = pattern.indexOf("/");
  return slash === -1
    ? { host: pattern, path: "/*" }
    : { host: pattern.slice(0, slash), path: pattern.slice(slash) };
}

const coversHost = (pattern: string, host: string) =>
  pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : pattern === host;

const coversPath = (pattern: string, path: string) =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;

/** Whether the site's address leads to the worker, as far as wrangler.toml tells. */
export function checkRoutes({ worker }: SettingsSource, { site }: Settings): readonly Found[] {
  if (worker === undefined) return [skipped(NO_CONFIG)];
  if (site.isLocal) return [skipped("The site is on this machine.")];
  const { hostname } = new URL(site.origin);
  if (hostname.endsWith(".workers.dev") && worker.workersDev)
    return [ok("The worker's own workers.dev address.")];
  const ofHost = worker.routes.map(partsOf).filter(({ host }) => coversHost(host, hostname));
  if (ofHost.length === 0)
    return [
      warning(
        `No route in wrangler.toml leads ${hostname} to the worker.`,
        `Add routes = [{ pattern = "${hostname}", custom_domain = true }], or one in the dashboard if you keep them there.`,
      ),
    ];
  const callback = `${site.authPath}/callback`;
  return ofHost.some(({ path }) => coversPath(path, callback))
    ? [ok(`${hostname} leads to the worker.`)]
    : [
        error(
          `The routes of ${hostname} do not cover ${callback}.`,
          `Let a route cover ${hostname}${site.authPath}/* at least.`,
        ),
      ];
}

/** Whether something protected could be shown by Cloudflare without the worker. */
export function checkUnguardedAssets({ worker }: SettingsSource, { site }: Settings): readonly Found[] {
  if (worker === undefined) return [skipped(NO_CONFIG)];
  if (worker.assetRouting === undefined) return [skipped("There are no assets.")];
  const guarded = { authPath: site.authPath, protectedPaths: site.protectedPaths.map(patternOf) };
  const problems = unguardedFaults(worker.assetRouting, guarded).map((fault) =>
    error(
      fault,
      'Set run_worker_first = true under [assets], or ["/*", "!/images/*"] with folders that hold nothing protected.',
    ),
  );
  const { workerFirst } = worker.assetRouting;
  const leftOut = typeof workerFirst === "boolean" ? [] : workerFirst.filter((one) => one.startsWith("!"));
  const what =
    leftOut.length === 0 ? "Every file passes the worker." : `Past the worker: ${leftOut.join(", ")}.`;
  return orOk(problems, what);
}

/** Since then no Authorization header follows a redirect to another origin (compatibility flags of workerd). */
const SAFE_SINCE = "2025-09-01";
const YEAR = 366 * 24 * 3600 * 1000;

/** @param now milliseconds since the epoch. */
export function checkCompatibilityDate({ worker }: SettingsSource, now: number): readonly Found[] {
  if (worker === undefined) return [skipped(NO_CONFIG)];
  const date = worker.compatibilityDate;
  const todo = 'Set compatibility_date = "2026-10-01" in wrangler.toml, and run npm test.';
  if (date === undefined || Number.isNaN(Date.parse(date))) return [error("wrangler.toml has none.", todo)];
  if (date < SAFE_SINCE) return [error(`${date} is before ${SAFE_SINCE}.`, todo)];
  if (Date.parse(date) > now) return [error(`${date} is in the future.`, todo)];
  if (now - Date.parse(date) > YEAR)
    return [warning(`${date} is more than a year ago.`, "Take a newer one, and run npm test.")];
  return [ok(date)];
}

/** Migrations of the database, where they can be seen. */
export function checkMigrations({
  pendingMigrations,
  worker,
  environment,
}: SettingsSource): readonly Found[] {
  if (worker !== undefined && !worker.bindings.has("ACCOUNTS_DB")) return [skipped("There is no database.")];
  if (pendingMigrations === undefined)
    return [skipped("Not to be seen from here; --remote asks Cloudflare, --url asks the site's health.")];
  if (pendingMigrations.length === 0) return [ok("All are applied.")];
  const what = `Not applied: ${pendingMigrations.join(", ")}.`;
  if (environment === undefined)
    return [warning(what, "npm start applies them by itself, here on this machine.")];
  return [error(what, `npx wrangler d1 migrations apply ACCOUNTS_DB --remote --env ${environment}`)];
}
