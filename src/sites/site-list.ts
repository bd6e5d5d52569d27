import { fromStorage } from "../storage-call.ts";
import { siteKey } from "./site-document.ts";

const READING = { store: "sites", stage: "settings", repeats: "any" } as const;

/** What the daily clearing needs of a site. */
export interface ListedSite {
  readonly host: string;
  /** LOGIN_EVENTS_DAYS of the site. */
  readonly loginEventsDays: number | undefined;
}

/**
 * All sites of a deployment, a thousand with each call to KV; their documents are not read.
 * @throws {Failure} `storage_unavailable`.
 */
export async function* listSites(store: KVNamespace): AsyncGenerator<readonly ListedSite[]> {
  const prefix = siteKey("");
  let cursor: string | undefined;
  do {
    const from = cursor;
    const page: KVNamespaceListResult<{ days?: unknown }> = await fromStorage(READING, () =>
      store.list({ prefix, ...(from !== undefined && { cursor: from }) }),
    );
    yield page.keys.map(({ name, metadata }) => {
      const days = Number(metadata?.days);
      return { host: name.slice(prefix.length), loginEventsDays: days >= 1 ? days : undefined };
    });
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
}
