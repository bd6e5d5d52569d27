// What PROTECTED_PATHS says of one address: the worker's own judgement, in a form for people and programs.

import * as v from "valibot";
import { isPathTooLong, plainPathname, readPath } from "../src/http/request-path.ts";
import { requirementsOf, rulesFor } from "../src/rules/path-rules.ts";
import { requirementText } from "../src/rules/requirement.ts";
import { protectedPaths } from "../src/settings/kinds.ts";
import { isUnset } from "../src/settings/read-settings.ts";
import type { SiteSettings } from "../src/settings/types.ts";

/**
 * The rules of PROTECTED_PATHS as the worker reads them.
 * @param value as TOML, JSON and settings files have it: a text, a list or a table
 */
export function readRules(
  value: unknown,
): { readonly rules: readonly string[] } | { readonly fault: string } {
  if (isUnset(value)) return { rules: [] };
  const read = v.safeParse(protectedPaths().schema(), value);
  return read.success ? { rules: read.output } : { fault: read.issues[0].message };
}

/** Who may see an address. */
export interface PathExplanation {
  /** The path as the worker decides on it; undefined for one that it refuses to read. */
  readonly path: string | undefined;
  /**
   * `open` to everybody, to whoever has a `session` that meets `requires`, a route of the `login` itself, or
   * `refused` whoever asks, because it can be read in more than one way.
   */
  readonly access: "open" | "session" | "login" | "refused";
  /** What a session must meet: each of them. */
  readonly requires: readonly string[];
  /** The rules of PROTECTED_PATHS that fit, as they are written. */
  readonly rules: readonly string[];
  /** Whether an exception opens what the rules protect. */
  readonly excepted: boolean;
}

/**
 * Says who may see an address.
 * @param address a path, with or without a query, or a whole URL
 */
export function explainPath(
  site: Pick<SiteSettings, "origin" | "authPath" | "protectedPaths">,
  address: string,
): PathExplanation {
  const nothing = { requires: [], rules: [], excepted: false };
  const url = URL.parse(address.startsWith("/") ? site.origin + address : address, `${site.origin}/`);
  const plain = url === null ? undefined : plainPathname(url.href);
  const read =
    plain === undefined
      ? url === null || isPathTooLong(url.href)
        ? undefined
        : readPath(url.pathname)
      : { path: plain, readings: new Set([plain]) };
  if (read === undefined) return { path: undefined, access: "refused", ...nothing };
  const { path } = read;
  if (path === site.authPath || path.startsWith(`${site.authPath}/`))
    return { path, access: "login", ...nothing };
  const { protect, isExcepted } = rulesFor(site, read);
  const required = requirementsOf(site, read);
  return {
    path,
    access: required === undefined ? "open" : "session",
    requires: (required ?? []).map(requirementText),
    rules: protect,
    excepted: protect.length > 0 && isExcepted,
  };
}
