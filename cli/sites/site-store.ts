// The documents of sites in KV, read and written: here, or at Cloudflare.

import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { siteKey } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";

/** What stands beside the document of a site and is listed with it: nothing secret. */
const siteSummary = v.object({
  msn: v.string(),
  keys: v.picklist(["own", "partner"]),
  market: v.optional(v.string()),
  /** LOGIN_EVENTS_DAYS, where the site says so itself: the daily clearing goes by it. */
  days: v.optional(v.number()),
  /** SESSION_COOKIE_DOMAIN: two sites must not share one. */
  cookie: v.optional(v.string()),
  /** The key of its rows, where that is not its host. */
  partition: v.optional(v.string()),
  /** Which master key sealed the document. */
  kid: v.string(),
  /** Keyed digest of the settings, by which an unchanged site is recognised. */
  print: v.string(),
  /** Of the document, in milliseconds since the epoch; only the document itself is believed. */
  version: v.optional(v.number()),
  /** When the document was written, in seconds since the epoch. */
  at: v.number(),
});

export type SiteSummary = v.InferOutput<typeof siteSummary>;

/** What stands beside a document that is no site of its own. */
const otherSummary = v.variant("kind", [
  v.object({ kind: v.literal("removed"), version: v.number() }),
  v.object({ kind: v.literal("alias"), of: v.string(), version: v.number() }),
]);

export type OtherSummary = v.InferOutput<typeof otherSummary>;

/** What a host has in KV. */
export type SiteEntry =
  /** The summary is missing for a document that some other hand wrote. */
  | { readonly kind: "site"; readonly summary: SiteSummary | undefined }
  /** Another address of a site. */
  | { readonly kind: "alias"; readonly of: string; readonly version: number }
  /** A site whose removal is not finished. */
  | { readonly kind: "removed"; readonly version: number };

/** A document as it goes into KV. */
export interface StoredDocument {
  readonly host: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly version: number;
  readonly summary: SiteSummary | OtherSummary;
}

/** What every host has in KV. @throws {CommandError} */
export async function listEntries(session: D1Session): Promise<ReadonlyMap<string, SiteEntry>> {
  const keys = await session.sites.list(siteKey(""));
  return new Map(
    keys.map(({ name, metadata }) => [name.slice(siteKey("").length), entryOf(metadata)] as const),
  );
}

function entryOf(metadata: unknown): SiteEntry {
  const other = v.safeParse(otherSummary, metadata);
  if (other.success) return other.output;
  const summary = v.safeParse(siteSummary, metadata);
  return { kind: "site", summary: summary.success ? summary.output : undefined };
}

/** All sites, by host. @throws {CommandError} */
export async function listSites(session: D1Session): Promise<ReadonlyMap<string, SiteSummary | undefined>> {
  return sitesAmong(await listEntries(session));
}

/** The entries that are sites of their own. */
export function sitesAmong(
  entries: ReadonlyMap<string, SiteEntry>,
): ReadonlyMap<string, SiteSummary | undefined> {
  return new Map(
    [...entries].flatMap(([host, entry]) => (entry.kind === "site" ? [[host, entry.summary] as const] : [])),
  );
}

/** Documents that are read or written at a time: progress can be seen, and little is lost when it is cut off. */
const PORTION = 100;

/** The documents of hosts, by host; those that are not there are missing. @throws {CommandError} */
export async function readSites(
  session: D1Session,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const portion of portionsOf(hosts)) {
    const texts = await session.sites.read(portion.map(siteKey));
    for (const host of portion) {
      const text = texts.get(siteKey(host));
      if (text !== undefined) found.set(host, text);
    }
  }
  return found;
}

/**
 * Writes documents in portions, and reads each back.
 * @param onWritten hears after each portion how many are done.
 * @throws {CommandError}; what was written before stays.
 */
export async function writeSites(
  session: D1Session,
  sites: readonly StoredDocument[],
  onWritten: (count: number) => void = () => undefined,
): Promise<void> {
  let count = 0;
  for (const portion of portionsOf(sites)) {
    await session.sites.write(
      portion.map(({ host, text, summary }) => ({ key: siteKey(host), value: text, metadata: summary })),
    );
    await confirm(session, new Map(portion.map(({ host, text }) => [host, text])));
    count += portion.length;
    onWritten(count);
  }
}

/** Deletes documents, and looks whether they are gone. @throws {CommandError} */
export async function deleteSites(session: D1Session, hosts: readonly string[]): Promise<void> {
  for (const portion of portionsOf(hosts)) {
    await session.sites.delete(portion.map(siteKey));
    await confirm(session, new Map(portion.map((host) => [host, undefined])));
  }
}

/** How often KV is asked whether it shows what was written, and how long to wait before the second time, in milliseconds. */
const LOOKS = 7;
const FIRST_WAIT = 1_000;

/**
 * Waits until KV shows what was written: what a command says is what stands there.
 * @param expected the text of each host, or undefined where there should be none.
 */
async function confirm(session: D1Session, expected: ReadonlyMap<string, string | undefined>): Promise<void> {
  for (let look = 1; ; look += 1) {
    const shown = await readSites(session, [...expected.keys()]);
    const missing = [...expected].filter(([host, text]) => shown.get(host) !== text).map(([host]) => host);
    if (missing.length === 0) return;
    if (look === LOOKS)
      throw new CommandError(
        `KV does not show what was written for ${missing.join(", ")}. Run the same again.`,
      );
    await pause(FIRST_WAIT * 2 ** (look - 1));
  }
}

function portionsOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / PORTION) }, (_, index) =>
    items.slice(index * PORTION, (index + 1) * PORTION),
  );
}
