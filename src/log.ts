/** A field of a log line. Codes, tokens, secrets, phone numbers and email addresses never are. */
type Field = string | number | boolean | readonly string[] | Readonly<Record<string, number>> | undefined;

/**
 * Writes one structured line: JSON, so that Workers Logs and any log pipeline can search its fields.
 * @param level `info`, `warn` or `error`; chooses the console method and so the colour in Cloudflare's log view.
 * @param event what happened, as a stable snake_case name.
 */
export function logEvent(
  level: "info" | "warn" | "error",
  event: string,
  fields: Record<string, Field> = {},
): void {
  console[level](JSON.stringify({ level, event, ...fields }));
}
