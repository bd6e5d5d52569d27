import type { Outbox } from "../events/outbox.ts";
import { d1Directory } from "./d1-directory.ts";
import { d1Login } from "./d1-login.ts";
import type { Registry } from "./registry.ts";

/**
 * The embedded registry: accounts and identities in D1, tables in `migrations/`.
 * @param site the key under which this site's rows are kept.
 * @param readsGroups whether a login looks up the person's groups.
 * @param outbox where changes are told; nobody is told of them where it is left out.
 */
export function d1Registry(db: D1Database, site: string, readsGroups = false, outbox?: Outbox): Registry {
  const place = { db, site, outbox };
  return { ...d1Login(place, readsGroups), ...d1Directory(place) };
}
