import type { MetadataStore } from "../../src/settings/types.ts";
import { readSettings } from "../../src/settings.ts";
import { SITE, type TestSite } from "./site.ts";

/** Where a site keeps the provider's metadata, with the secret that authenticates it. */
export function metadataStore({ env }: TestSite): MetadataStore {
  const read = readSettings(env, SITE);
  if ("faults" in read) throw new Error(read.faults.join());
  return read.settings.storage.metadata;
}

/** The names of all that stands in the namespace. */
export async function namesInKv(store: KVNamespace): Promise<readonly string[]> {
  return (await store.list()).keys.map(({ name }) => name);
}
