import { basename } from "node:path";
import { patternOf } from "../../src/rules/path-rules.ts";
import { error, skipped, warning } from "../findings/finding.ts";
import { SAFE_SINCE, sectionName } from "../project-config.ts";
import { faultsOfFiles } from "../site-files.ts";
import { unguardedFaults } from "../unguarded-assets.ts";
import { type Check, known } from "./facts.ts";
import type { WorkerConfig } from "./settings-source.ts";
import { servesFurtherSites } from "./worker-settings.ts";

/** Bindings that no login works without, with their Durable Object class where they have one. */
const REQUIRED = [
  { name: "VIPPS_METADATA", kind: "kv", objectClass: undefined },
  { name: "LOGIN_ATTEMPTS", kind: "durable object", objectClass: "LoginAttempts" },
  { name: "USER_SESSIONS", kind: "durable object", objectClass: "UserSessions" },
] as const;

/** Rate limiters, and what nothing bounds without them. */
const LIMITERS = [
  ["LOGIN_LIMITER", "anybody may start logins without a limit"],
  ["LOGIN_FINISH_LIMITER", "anybody may finish logins without a limit"],
  ["LOGIN_WIDE_LIMITER", "whoever has an IPv6 /48 has the limit of each of its 65,536 networks"],
] as const;

/** The one that counts by site. */
const SITE_LIMITER = ["LOGIN_SITE_LIMITER", "a flood of one site may slow the logins of all others"] as const;

const NO_CONFIG = skipped("The configuration was not looked at.");
const YEAR = 366 * 24 * 3600 * 1000;

export const WORKER_CHECKS = {
  /** What the code needs against what wrangler.toml binds. Environments inherit no bindings from the top level. */
  bindings: {
    why: "Without its storage the worker cannot finish a login.",
    *look({ source }) {
      const { worker, values, configName, environment } = source;
      if (worker === undefined) return NO_CONFIG;
      const hasFurtherSites = servesFurtherSites(source);
      const { bindings, objectClasses, crons, logsAddresses, routes } = worker;
      const place = sectionName(configName, environment);
      const todo = `Add it to ${place} as at the top level; environments inherit no bindings.`;
      for (const { name, kind, objectClass } of REQUIRED) {
        if (bindings.get(name) !== kind) yield error(`${name} (${kind}) is not bound in ${place}.`, todo);
        else if (objectClass !== undefined && !objectClasses.includes(objectClass))
          yield error(
            `No migration creates ${objectClass}.`,
            `Add it to the new_sqlite_classes of a migration in ${configName}.`,
          );
      }
      if ((values.ACCOUNTS || "d1") !== "none" && bindings.get("ACCOUNTS_DB") !== "d1")
        yield error(`ACCOUNTS_DB (d1) is not bound in ${place}, which ACCOUNTS needs.`, todo);
      if (hasFurtherSites && bindings.get("SITES") !== "kv")
        yield error(`SITES (kv) is not bound in ${place}, which SITES_KEYS needs.`, todo);
      for (const [name, without] of hasFurtherSites ? [...LIMITERS, SITE_LIMITER] : LIMITERS) {
        if (bindings.get(name) !== "rate limiter")
          yield warning(`${name} is not bound in ${place}: ${without}.`, todo);
      }
      if (bindings.has("ACCOUNTS_DB") && crons.length === 0)
        yield warning(
          `${place} has no cron trigger: login events are kept for ever.`,
          'Add [triggers] crons = ["17 3 * * *"].',
        );
      if (logsAddresses)
        yield warning(
          `${place} has Cloudflare log the address of each request, with codes and state in it, and visitors' IP addresses.`,
          "Under [observability]: redact_query_string = true and logs = { enabled = true, invocation_logs = false }.",
        );
      if (values.EVENTS_URL) yield* eventProblems(worker, place);
      if (!bindings.has("ASSETS") && !values.ORIGIN_URL && routes.length === 0)
        yield warning(
          "There is no site: neither ASSETS, nor ORIGIN_URL, nor a route.",
          "Bind [assets], or set ORIGIN_URL; neither, where code of your own answers.",
        );
      if (environment === "production" && basename(worker.assets ?? "") === "demo")
        yield warning(
          `${place} shows the demo club to your customers.`,
          "Name your own folder under [env.production.assets], or run npm run setup, which does it (--assets, --origin-url, --own-origin).",
        );
      return `${bindings.size} in ${place}.`;
    },
  },
  /** Whether something protected could be shown by Cloudflare without the worker. */
  "unguarded-assets": {
    why: "What Cloudflare shows without asking the worker, it shows to everybody.",
    look: known(function* ({ source: { worker }, settings: { site } }) {
      if (worker === undefined) return NO_CONFIG;
      if (worker.assetRouting === undefined) return skipped("There are no assets.");
      const { authPath, protectedPaths } = site;
      const guarded = { authPath, protectedPaths: protectedPaths.map(patternOf) };
      for (const fault of unguardedFaults(worker.assetRouting, guarded))
        yield error(
          fault,
          protectedPaths.length === 0
            ? `Name "${authPath}/*" in run_worker_first under [assets], beside every path that your own code answers, or set it to true.`
            : 'Set run_worker_first = true under [assets], or ["/*", "!/images/*"] with folders that hold nothing protected.',
        );
      const { workerFirst } = worker.assetRouting;
      if (workerFirst === false || (workerFirst !== true && !workerFirst.includes("/*")))
        return "Files are shown without the worker; none is protected by PROTECTED_PATHS.";
      const leftOut =
        typeof workerFirst === "boolean" ? [] : workerFirst.filter((one) => one.startsWith("!"));
      return leftOut.length === 0
        ? "Every file passes the worker."
        : `Past the worker: ${leftOut.join(", ")}.`;
    }),
  },
  /** Whether the files of the site are those that were meant, and PROTECTED_PATHS names any of them. */
  "site-files": {
    why: "Every file of the site's folder is shown, but what needs a login or is left out by an .assetsignore.",
    look: known(function* ({ source: { worker, values }, settings: { site } }) {
      if (worker === undefined) return NO_CONFIG;
      const { shownFiles, routes, assetRouting } = worker;
      if (shownFiles === undefined) return skipped("There is no folder of files here.");
      // A server behind, and an app of one page, have addresses that are no files.
      const isAll =
        !values.ORIGIN_URL &&
        !routes.some((route) => route.includes("/")) &&
        assetRouting?.notFound !== "single-page-application";
      const { secrets, unused } = faultsOfFiles(shownFiles, isAll ? site.protectedPaths.map(patternOf) : []);
      if (secrets !== undefined)
        yield error(
          secrets,
          `Take it out, or name it in ${shownFiles.folder}/.assetsignore (docs/site.md); what was shown already is known, so change the secrets in it.`,
        );
      if (unused !== undefined)
        yield warning(
          unused,
          "Write it as the folder is called, or what was meant to need a login stands open. Where code of yours answers it, leave it.",
        );
      const { length } = shownFiles.paths;
      return `${length} file${length === 1 ? "" : "s"} of ${shownFiles.folder}, none with the name of a secret.`;
    }),
  },
  /** Whether the site's address leads to the worker, as far as wrangler.toml tells. */
  routes: {
    why: "Without a route the site's visitors never reach the worker.",
    look: known(function* ({ source: { worker, configName }, settings: { site } }) {
      if (worker === undefined) return NO_CONFIG;
      if (site.isLocal) return skipped("The site is on this machine.");
      const { hostname } = new URL(site.origin);
      if (hostname.endsWith(".workers.dev") && worker.workersDev)
        return "The worker's own workers.dev address.";
      const ofHost = worker.routes.map(partsOf).filter(({ host }) => coversHost(host, hostname));
      const callback = `${site.authPath}/callback`;
      if (ofHost.length === 0)
        yield warning(
          `No route in ${configName} leads ${hostname} to the worker.`,
          `Add routes = [{ pattern = "${hostname}", custom_domain = true }], or one in the dashboard if you keep them there.`,
        );
      else if (!ofHost.some(({ path }) => coversPath(path, callback)))
        yield error(
          `The routes of ${hostname} do not cover ${callback}.`,
          `Let a route cover ${hostname}${site.authPath}/* at least.`,
        );
      return `${hostname} leads to the worker.`;
    }),
  },
  "compatibility-date": {
    why: "It decides how the runtime behaves: with an old date a redirect takes the client secret along to another host.",
    *look({ source: { worker, configName }, now }) {
      if (worker === undefined) return NO_CONFIG;
      const date = worker.compatibilityDate;
      const todo = `Set compatibility_date to "2026-10-01" in ${configName}, and try the site.`;
      if (date === undefined || Number.isNaN(Date.parse(date))) return error(`${configName} has none.`, todo);
      if (date < SAFE_SINCE) yield error(`${date} is before ${SAFE_SINCE}.`, todo);
      else if (Date.parse(date) > now) yield error(`${date} is in the future.`, todo);
      else if (now - Date.parse(date) > YEAR)
        yield warning(`${date} is more than a year ago.`, "Take a newer one, and try the site.");
      return date;
    },
  },
  /** Migrations of the database, where they can be seen. */
  migrations: {
    why: "Without its tables the database answers no login.",
    *look({ source: { pendingMigrations, worker, environment } }) {
      if (worker !== undefined && !worker.bindings.has("ACCOUNTS_DB"))
        return skipped("There is no database.");
      if (pendingMigrations === undefined)
        return skipped("Not to be seen from here; --remote asks Cloudflare, --url asks the site's health.");
      const what = `Not applied: ${pendingMigrations.join(", ")}.`;
      if (pendingMigrations.length > 0)
        yield environment === undefined
          ? warning(what, "npm start applies them by itself, here on this machine.")
          : error(what, `npx wrangler d1 migrations apply ACCOUNTS_DB --remote --env ${environment}`);
      return "All are applied.";
    },
  },
} as const satisfies Record<string, Check>;

/** What the delivery of events lacks; that the queue is not bound is a fault of the settings. */
function* eventProblems({ bindings, crons, consumesEvents }: WorkerConfig, place: string) {
  if (bindings.get("EVENTS_QUEUE") === "queue" && !consumesEvents)
    yield error(
      `${place} puts events into a queue that nobody takes them from.`,
      "Add [[queues.consumers]] with the queue of EVENTS_QUEUE (docs/events.md).",
    );
  if (!crons.includes("*/5 * * * *"))
    yield warning(
      `${place} looks once a day at most for events that were left over.`,
      'Add "*/5 * * * *" to crons under [triggers] (docs/events.md).',
    );
}

/** The host and path of a route's pattern; one without a path stands for all of them. */
function partsOf(route: string): { readonly host: string; readonly path: string } {
  const [, host = "", path = "/*"] = /^(?:https?:\/\/)?([^/]*)(\/.*)?$/.exec(route) ?? [];
  return { host, path };
}

const coversHost = (pattern: string, host: string) =>
  pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : pattern === host;

const coversPath = (pattern: string, path: string) =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
