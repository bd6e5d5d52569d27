import type { Exchange } from "../exchange.ts";

/** The JSON object that was answered; an empty one where it was something else. */
export function jsonOf(exchange: Exchange | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(exchange?.responseBody ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
