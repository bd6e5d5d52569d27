import { ALL_SITES } from "../log.ts";
import { fromStorage } from "../storage-call.ts";
import { siteKey } from "./site-document.ts";

const READING = { site: ALL_SITES, store: "sites", stage: "settings", repeats: "any" } as const;

/** What scheduled work needs of a site. */
export interface ListedSite {
  /** Under which key its rows stand. */
  readonly partition: string;
  readonly host: string;
  /** LOGIN_EVENTS_DAYS of the site, where it says so itself. */
  readonly loginEventsDays: number | undefined;
}

/**
 * All sites of a deployment, a thousand with each call to KV; their documents are not read.
 * @throws {Failure} `storage_unavailable`.
 */
export async function* listSites(store: KVNamespace): AsyncGenerator<ListedSite> {
  const prefix = siteKey("");
  let cursor: string | undefined;
  do {
    const from = cursor;
    const page: KVNamespaceListResult<{ days?: unknown; partition?: unknown }> = await fromStorage(
      READING,
      () => store.list({ prefix, ...(from !== undefined && { cursor: from }) }),
    );
    for (const { name, metadata } of page.keys) {
      const days = Number(metadata?.days);
      const { partition } = metadata ?? {};
      yield {
        partition: typeof partition === "string" ? partition : name.slice(prefix.length),
        host: name.slice(prefix.length),
        loginEventsDays: days >= 1 ? days : undefined,
      };
    }
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
}
