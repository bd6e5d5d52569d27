// The documents of sites in KV, read and written by wrangler: here, or at Cloudflare.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { siteKey } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import { runWrangler, wranglerFault } from "../wrangler.mjs";
import type { SitesPlace } from "./sites-place.ts";

/** The binding of the namespace in wrangler.toml. */
const NAMESPACE = "SITES";

/** What stands beside a document and is listed with it: nothing secret. */
const siteSummary = v.object({
  msn: v.string(),
  keys: v.picklist(["own", "partner"]),
  market: v.optional(v.string()),
  /** LOGIN_EVENTS_DAYS, which the daily clearing goes by. */
  days: v.number(),
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

/** A document as it goes into KV. */
export interface StoredDocument {
  readonly host: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly version: number;
  readonly summary: SiteSummary;
}

const keyList = v.array(v.object({ name: v.string(), metadata: v.optional(v.unknown()) }));

/**
 * All sites, by host. The summary is missing for a document that some other hand wrote.
 * @throws {CommandError}
 */
export async function listSites(place: SitesPlace): Promise<ReadonlyMap<string, SiteSummary | undefined>> {
  const output = await kv(place, ["key", "list", "--prefix", siteKey("")]);
  const sites = v.parse(keyList, jsonIn(output)).map(({ name, metadata }) => {
    const summary = v.safeParse(siteSummary, metadata);
    return [name.slice(siteKey("").length), summary.success ? summary.output : undefined] as const;
  });
  return new Map(sites);
}

const documents = v.record(
  v.string(),
  v.nullable(v.union([v.string(), v.object({ value: v.nullable(v.string()) })])),
);

/** The documents of hosts, by host; those that are not there are missing. @throws {CommandError} */
export async function readSites(
  place: SitesPlace,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const portion of portionsOf(hosts, READ_PORTION)) {
    const output = await withFile(portion.map(siteKey), (file) => kv(place, ["bulk", "get", file]));
    const answer = v.parse(documents, jsonIn(output));
    for (const host of portion) {
      const entry = answer[siteKey(host)];
      const text = typeof entry === "object" ? entry?.value : entry;
      if (typeof text === "string") found.set(host, text);
    }
  }
  return found;
}

/** Documents that one run of wrangler reads, as many as Cloudflare takes at a time. */
const READ_PORTION = 100;
/** Documents that one run of wrangler writes: progress can be seen, and little is lost when it is cut off. */
const WRITE_PORTION = 100;

/**
 * Writes documents in portions.
 * @param onWritten hears after each portion how many are done.
 * @throws {CommandError}; what was written before stays.
 */
export async function writeSites(
  place: SitesPlace,
  sites: readonly StoredDocument[],
  onWritten: (count: number) => void = () => undefined,
): Promise<void> {
  let count = 0;
  for (const portion of portionsOf(sites, WRITE_PORTION)) {
    const entries = portion.map(({ host, text, summary }) => ({
      key: siteKey(host),
      value: text,
      metadata: summary,
    }));
    await withFile(entries, (file) => kv(place, ["bulk", "put", file]));
    count += portion.length;
    onWritten(count);
  }
}

/** @throws {CommandError} */
export async function deleteSite(place: SitesPlace, host: string): Promise<void> {
  await kv(place, ["key", "delete", siteKey(host)]);
}

function portionsOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Hands JSON to wrangler in a file that only this user can read and that is gone afterwards. */
async function withFile<Result>(content: unknown, use: (file: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "sites-"));
  try {
    const file = join(folder, "sites.json");
    writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function kv({ root, environment, persistTo }: SitesPlace, command: readonly string[]): Promise<string> {
  const where =
    environment === undefined
      ? ["--local", ...(persistTo === undefined ? [] : ["--persist-to", persistTo])]
      : ["--remote", ...(environment === "" ? [] : ["--env", environment])];
  const run = await runWrangler(root, ["kv", ...command, "--binding", NAMESPACE, ...where]);
  if (run.code === 0) return run.output;
  throw new CommandError(`KV could not be reached: ${wranglerFault(run)}`);
}

/** wrangler may say a word before the JSON it prints, and one after it. */
function jsonIn(output: string): unknown {
  const start = output.search(/^[[{]/m);
  const end = Math.max(output.lastIndexOf("]"), output.lastIndexOf("}"));
  try {
    return JSON.parse(output.slice(start, end + 1));
  } catch {
    throw new CommandError("wrangler answered with something that is no result.");
  }
}
