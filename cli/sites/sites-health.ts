// `site health`: what the deployed sites say of themselves, side by side.

import * as v from "valibot";
import { settingTable } from "../../src/settings/table.ts";
import { type DeploymentValues, siteDefaults } from "../../src/sites/deployment-settings.ts";
import { openSettings, readSiteDocument } from "../../src/sites/site-document.ts";
import type { D1Session } from "../d1-session.ts";
import { startProgress } from "../progress-bar.ts";
import { whyOther } from "./opened-site.ts";
import { readSites } from "./site-store.ts";
import { whyNoSite } from "./sites-command.ts";

/** What one site says of itself. */
export interface SiteHealth {
  readonly host: string;
  readonly ok: boolean;
  /** What is wrong, in a few words; undefined where nothing is. */
  readonly fault: string | undefined;
}

/** Sites that are asked side by side. */
const SIDE_BY_SIDE = 12;
/** How long an answer may take, in milliseconds: the worker itself answers within ten seconds. */
const TIME_LIMIT = 12_000;

const answerSchema = v.object({
  ok: v.boolean(),
  dependencies: v.record(
    v.string(),
    v.object({ ok: v.boolean(), reason: v.optional(v.string()), class: v.optional(v.string()) }),
  ),
});

export interface HealthCheck {
  readonly session: D1Session;
  readonly hosts: readonly string[];
  /** The deployment's settings: where AUTH_PATH is said for all. */
  readonly deployment: DeploymentValues;
  readonly fetch: typeof fetch;
}

/** Asks sites for their health (`/auth/health`). @throws {CommandError} where there is no looking up where they are */
export async function healthOfSites(check: HealthCheck): Promise<readonly SiteHealth[]> {
  const { session, hosts, deployment, fetch } = check;
  const texts = await readSites(session, hosts);
  const defaults = siteDefaults(deployment);
  const shared = "values" in defaults ? defaults.values.AUTH_PATH : undefined;
  const results = new Map<string, SiteHealth>();
  const waiting = hosts.values();
  const progress = startProgress("Asking");
  async function work(): Promise<void> {
    for (const host of waiting) {
      const document = readSiteDocument(texts.get(host) ?? "");
      const { SITE_URL: origin, AUTH_PATH = shared ?? settingTable().AUTH_PATH.default } = document
        ? openSettings(document)
        : {};
      const other = document && whyOther(host, document);
      const fault =
        origin === undefined || other !== undefined
          ? (other ?? (await whyNoSite(session, host)))
          : await faultOf(fetch, `${origin}${String(AUTH_PATH)}/health`);
      results.set(host, { host, ok: fault === undefined, fault });
      progress.update(results.size / hosts.length, `${results.size} of ${hosts.length}`);
    }
  }
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  } finally {
    progress.done();
  }
  return hosts.flatMap((host) => results.get(host) ?? []);
}

async function faultOf(ask: typeof fetch, url: string): Promise<string | undefined> {
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIME_LIMIT);
    response = await ask(url, { headers: { accept: "application/json" }, redirect: "manual", signal });
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError"
      ? "does not answer in time"
      : "is out of reach";
  }
  const read = v.safeParse(answerSchema, await response.json().catch(() => undefined));
  if (!read.success) return `answers ${response.status}, which is not its health`;
  const failing = Object.entries(read.output.dependencies).filter(([, { ok }]) => !ok);
  if (read.output.ok) return undefined;
  return failing
    .map(([name, { class: kind, reason }]) => [name, kind ?? reason].filter(Boolean).join(": "))
    .join(", ");
}
