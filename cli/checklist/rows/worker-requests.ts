import { type Endpoint, type Exchange, exchangesWith } from "../exchange.ts";
import type { Seen } from "../seen.ts";

/** Only the worker's own requests are evidence of what the worker does. */
export const byWorker = (seen: Seen, endpoint: Endpoint): readonly Exchange[] =>
  exchangesWith(seen.exchanges, endpoint).filter(({ from }) => from === "worker");

export const isOk = ({ status }: Exchange): boolean => status === 200;

/** What an endpoint answered with, in words. */
export function statuses(exchanges: readonly Exchange[]): string {
  return exchanges.length === 0
    ? "no request"
    : `answered with ${[...new Set(exchanges.map(({ status }) => status))].join(", ")}`;
}
