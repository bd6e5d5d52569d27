// What a run sees: requests with their answers, and lines of the worker's log.

import { jsonObject } from "../doctor/bounded-request.ts";
import type { ShownExchange } from "./evidence.ts";

/** One request and its answer as they went over the wire, secrets included. Kept in memory alone. */
export interface Exchange {
  /** When it was sent, in milliseconds since the epoch. */
  readonly at: number;
  /** Who sent it, and who answered. */
  readonly from: ShownExchange["from"];
  readonly to: ShownExchange["to"];
  readonly method: string;
  readonly url: string;
  /** Names in lower case. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string | undefined;
  readonly status: number;
  /** Names in lower case; several of one name (Set-Cookie) on lines of their own. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Undefined where it was not read: a redirect, or a page that the browser kept to itself. */
  readonly responseBody: string | undefined;
}

/** Headers as an object; several Set-Cookie stay apart, on lines of their own. */
export function headersOf(headers: Headers): Record<string, string> {
  const all = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  return cookies.length > 0 ? { ...all, "set-cookie": cookies.join("\n") } : all;
}

/** The path of a request, without the query, in which its secrets are. */
export const pathOf = ({ url }: Pick<Exchange, "url">): string => new URL(url).pathname;

/** That something answered as it should, and what it answered with. */
export const answeredWith = (status: number, seen: number) =>
  [seen === status, `answered with ${seen}`] as const;

/** The endpoints of Vipps' Login API that the worker asks, or must not ask, by the end of their path. */
const ENDPOINTS = {
  discovery: "/.well-known/openid-configuration",
  jwks: "/.well-known/jwks.json",
  token: "/oauth2/token",
  userinfo: "/vipps-userinfo-api/userinfo",
  ciba: "/backchannel/authentication",
} as const;

export type Endpoint = keyof typeof ENDPOINTS;
type Traffic = { readonly exchanges: readonly Exchange[] };

/** What the worker asked of an endpoint, oldest first; of one that is deployed, what this command asked. */
export const asked = ({ exchanges }: Traffic, endpoint: Endpoint): readonly Exchange[] =>
  exchanges.filter((one) => one.from !== "browser" && pathOf(one).endsWith(ENDPOINTS[endpoint]));

/** The first good answer. */
export const answered = (traffic: Traffic, endpoint: Endpoint): Exchange | undefined =>
  asked(traffic, endpoint).find(({ status }) => status === 200);

/** The JSON object that was answered; an empty one where it was something else. */
export const jsonOf = (exchange: Exchange | undefined): Readonly<Record<string, unknown>> =>
  jsonObject(exchange?.responseBody ?? "") ?? {};

/** A field of the form that was sent, or an empty text. */
export const field = (exchange: Exchange | undefined, name: string): string =>
  new URLSearchParams(exchange?.requestBody).get(name) ?? "";

/** A parameter of an address, or an empty text. */
export function parameter(address: string | undefined, name: string): string {
  return (address === undefined ? undefined : URL.parse(address)?.searchParams.get(name)) ?? "";
}

/** One structured line of the worker's log (src/log.ts). */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly level: string;
  readonly event: string;
}

/** @returns undefined for what is no line of the worker's own */
export function parseLogLine(text: string): LogLine | undefined {
  const { level, event, ...fields } = jsonObject(text) ?? {};
  return typeof level === "string" && typeof event === "string" ? { level, event, ...fields } : undefined;
}

/**
 * The worker's lines in what `wrangler tail --format json` wrote: an object per request, one after the other,
 * whose `logs` hold what the worker printed.
 */
export function parseTail(text: string): readonly LogLine[] {
  const messages = text.matchAll(/"message":\s*\[\s*("(?:[^"\\]|\\.)*")/g);
  return [...messages].flatMap(([, quoted = '""']) => parseLogLine(JSON.parse(quoted) as string) ?? []);
}
