import { siteRecords } from "./accounts/records.ts";
import { deleteExpired } from "./accounts/retention.ts";
import { Failure } from "./failure.ts";
import { logEvent } from "./log.ts";
import { readSettings } from "./settings.ts";

/** Settings are those of a site; without SITE_URL the site is on localhost. */
const NO_REQUEST = "http://localhost/";

/** What the cron trigger of wrangler.toml does once a day: deletes what has been kept long enough. */
export async function runScheduledWork(_controller: ScheduledController, env: Cloudflare.Env): Promise<void> {
  const read = readSettings(env, NO_REQUEST);
  if ("faults" in read) return logEvent("error", "retention_failed", { details: read.faults });
  const records = siteRecords(read.settings);
  if (records === undefined) return;
  try {
    const deleted = await deleteExpired(records, read.settings.accounts.loginEventsDays);
    logEvent("info", "retention_done", {
      login_events: deleted.loginEvents,
      link_requests: deleted.linkRequests,
    });
  } catch (error) {
    logEvent("error", "retention_failed", { code: error instanceof Failure ? error.code : "internal_error" });
  }
}
