import { siteRecords } from "./accounts/records.ts";
import { deleteExpired, deleteOutdated, type RetentionGroup, sitesInDatabase } from "./accounts/retention.ts";
import { logEvent } from "./log.ts";
import { SETTINGS } from "./settings/table.ts";
import { dailySettings, OWN_PARTITION } from "./settings.ts";
import { listSites } from "./sites/site-list.ts";
import { faultFields } from "./storage-call.ts";

/** How long a site keeps login events that says nothing about it, in days. */
const DEFAULT_DAYS = SETTINGS.LOGIN_EVENTS_DAYS.default;

/**
 * What the cron trigger of wrangler.toml does once a day: deletes what has been kept long enough, and lets the
 * database look at its tables anew.
 */
export async function runScheduledWork(_controller: ScheduledController, env: Cloudflare.Env): Promise<void> {
  const { own, sites, database } = dailySettings(env);
  // Whose rows must not be taken for those of a site that is gone.
  const known = new Set<string>([OWN_PARTITION]);
  if (own !== undefined) {
    if ("faults" in own) logEvent("error", "retention_failed", { details: own.faults });
    else {
      const records = siteRecords(own.settings);
      const { loginEventsDays } = own.settings.accounts;
      if (records !== undefined) await clear(records.database, [{ sites: [records.site], loginEventsDays }]);
    }
  }
  if (database === undefined) return;
  try {
    if (sites !== undefined) {
      for await (const page of listSites(sites)) {
        for (const { host } of page) known.add(host);
        const groups = Map.groupBy(page, (site) => site.loginEventsDays ?? DEFAULT_DAYS);
        const together = Array.from(groups, ([loginEventsDays, members]) => {
          return { loginEventsDays, sites: members.map(({ host }) => host) };
        });
        await clear(database, together);
      }
      const gone = (await sitesInDatabase(database)).filter((site) => !known.has(site));
      if (gone.length > 0) await clear(database, [{ sites: gone, loginEventsDays: DEFAULT_DAYS }]);
    }
    await deleteOutdated(database);
  } catch (error) {
    logEvent("error", "retention_failed", faultFields(error));
  }
  // Statements name their indexes; this helps whoever asks the database by hand.
  await database
    .prepare("PRAGMA optimize")
    .run()
    .catch(() => logEvent("warn", "database_not_optimized"));
}

async function clear(database: D1Database, groups: readonly RetentionGroup[]): Promise<void> {
  for (const group of groups) {
    try {
      const deleted = await deleteExpired(database, group);
      logEvent("info", "retention_done", {
        sites: group.sites.length,
        login_events: deleted.loginEvents,
        link_requests: deleted.linkRequests,
        waiting_consents: deleted.waitingConsents,
      });
    } catch (error) {
      logEvent("error", "retention_failed", faultFields(error));
    }
  }
}
