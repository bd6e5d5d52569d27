import { putBounded } from "./isolate-state.ts";

/** A field of a log line. Codes, tokens, secrets, phone numbers and email addresses never are. */
type Field = string | number | boolean | readonly string[] | Readonly<Record<string, number>> | undefined;

/** In place of a site, where a line is about all of a deployment. */
export const ALL_SITES = "*";

/**
 * Writes one structured line: JSON, so that Workers Logs and any log pipeline can search its fields.
 * @param level `info`, `warn` or `error`; chooses the console method and so the colour in Cloudflare's log view.
 * @param event what happened, as a stable snake_case name.
 * @param site the origin of the site it happened at; {@link ALL_SITES} for what concerns all.
 */
export function logEvent(
  level: "info" | "warn" | "error",
  event: string,
  site: string,
  fields: Record<string, Field> = {},
): void {
  console[level](JSON.stringify({ level, event, site, ...fields }));
}

/** Origins of sites by the keys of their rows, as far as this isolate has read their settings. */
const origins = new Map<string, string>();
const ORIGINS_LIMIT = 5_000;

/** Notes which site has the rows of a key, so that a line about the rows can say whose they are. */
export function nameSite(partition: string, origin: string): void {
  putBounded(origins, partition, origin, ORIGINS_LIMIT);
}

/** The site that has the rows of a key, as a log line says it; the key itself where the site is not known here. */
export const siteNamed = (partition: string): string => origins.get(partition) ?? partition;
