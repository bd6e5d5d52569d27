import { noteLeftErasures } from "./accounts/erasure-list.ts";
import { countLogins } from "./accounts/login-figures.ts";
import { siteRecords } from "./accounts/records.ts";
import { deleteExpired, deleteOutdated, type RetentionGroup, sitesInDatabase } from "./accounts/retention.ts";
import { sweepEvents } from "./events/notice.ts";
import { ALL_SITES, logEvent, siteNamed } from "./log.ts";
import { type DailySettings, dailySettings, OWN_PARTITION } from "./settings.ts";
import { listSites } from "./sites/site-list.ts";
import { faultFields } from "./storage-call.ts";

/**
 * What the cron triggers of wrangler.toml do: every few minutes they find events that nobody has in hand; once a day
 * they delete what has been kept long enough, and let the database look at its tables anew.
 */
export async function runScheduledWork(controller: ScheduledController, env: Cloudflare.Env): Promise<void> {
  const daily = dailySettings(env);
  await findOverdueEvents(daily);
  if (controller.cron !== EVENTS_CRON) await clearDaily(daily);
}

/** The trigger that only looks for events which nobody has in hand; with any other everything is done. */
const EVENTS_CRON = "*/5 * * * *";

async function findOverdueEvents({ own, sites, database, events }: DailySettings): Promise<void> {
  if (database === undefined || events === undefined) return;
  try {
    await sweepEvents(database, events, async (keys) => {
      const addresses = new Map<string, string>();
      if (own !== undefined && "settings" in own) addresses.set(OWN_PARTITION, own.settings.site.origin);
      if (sites === undefined || keys.every((key) => addresses.has(key))) return addresses;
      for await (const { partition, host } of listSites(sites)) addresses.set(partition, `https://${host}`);
      return addresses;
    });
  } catch (error) {
    logEvent("error", "events_not_swept", ALL_SITES, faultFields(error));
  }
}

async function clearDaily({ own, sites, defaultDays, database, metadata }: DailySettings): Promise<void> {
  if (own !== undefined) {
    if ("faults" in own)
      logEvent("error", "retention_failed", siteNamed(OWN_PARTITION), { details: own.faults });
    else {
      const records = siteRecords(own.settings);
      const { loginEventsDays } = own.settings.accounts;
      if (records !== undefined) await clear(records.database, [{ sites: [records.site], loginEventsDays }]);
    }
  }
  if (database === undefined) return;
  try {
    await clear(database, await furtherGroups(database, sites, defaultDays));
  } catch (error) {
    logEvent("error", "retention_failed", ALL_SITES, faultFields(error));
  }
  try {
    await noteLeftErasures(database, metadata);
    await deleteOutdated(database);
  } catch (error) {
    logEvent("error", "retention_failed", ALL_SITES, faultFields(error));
  }
  // Statements name their indexes; this helps whoever asks the database by hand.
  await database
    .prepare("PRAGMA optimize")
    .run()
    .catch(() => logEvent("warn", "database_not_optimized", ALL_SITES));
}

/**
 * Whoever has rows in the database beside the deployment's own site, by how long their events are kept: as their
 * document says, and without a word or a document as long as the deployment says.
 */
async function furtherGroups(
  database: D1Database,
  sites: KVNamespace | undefined,
  defaultDays: number,
): Promise<readonly RetentionGroup[]> {
  const present = (await sitesInDatabase(database)).filter((site) => site !== OWN_PARTITION);
  const days = new Map<string, number>();
  if (sites !== undefined && present.length > 0) {
    for await (const { partition, loginEventsDays } of listSites(sites)) {
      if (loginEventsDays !== undefined) days.set(partition, loginEventsDays);
    }
  }
  const groups = Map.groupBy(present, (site) => days.get(site) ?? defaultDays);
  return Array.from(groups, ([loginEventsDays, members]) => ({ loginEventsDays, sites: members }));
}

async function clear(database: D1Database, groups: readonly RetentionGroup[]): Promise<void> {
  for (const group of groups) {
    const [first, another] = group.sites;
    const site = first === undefined || another !== undefined ? ALL_SITES : siteNamed(first);
    try {
      await countLogins(database, group.sites);
      const deleted = await deleteExpired(database, group);
      logEvent("info", "retention_done", site, {
        sites: group.sites.length,
        login_events: deleted.loginEvents,
        link_requests: deleted.linkRequests,
        waiting_consents: deleted.waitingConsents,
      });
    } catch (error) {
      logEvent("error", "retention_failed", site, faultFields(error));
    }
  }
}
