import { d1Directory } from "./d1-directory.ts";
import { d1Login } from "./d1-login.ts";
import type { Registry } from "./registry.ts";

/**
 * The embedded registry: accounts and identities in D1, tables in `migrations/`.
 * @param site the key under which this site's rows are kept.
 */
export function d1Registry(db: D1Database, site: string): Registry {
  return { ...d1Login(db, site), ...d1Directory(db, site) };
}
