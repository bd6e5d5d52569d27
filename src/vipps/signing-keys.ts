import { Failure } from "../failure.ts";
import type { SigningKey } from "./jwks.ts";
import { type Metadata, type ProviderAccess, providerMetadata, refresh } from "./metadata.ts";

/** Refetches for keys that then weren't there, within {@link FRUITLESS_WINDOW}. */
const FRUITLESS_LIMIT = 5;
/** In milliseconds. */
const FRUITLESS_WINDOW = 60_000;
/** By issuer: which `kid` was looked for in vain, and when, in milliseconds since the epoch. */
const fruitless = new Map<string, { readonly kid: string; readonly at: number }[]>();

/**
 * The key that fits an ID token's header. A `kid` that is not in the cached set asks the provider once more, at
 * once, because keys rotate (OpenID Connect Core section 10.1.1). Only refetches that find nothing are held
 * back: the same unknown `kid` asks once a minute, all unknown ones together five times, so that nobody can
 * use us to drive traffic to the provider.
 * @throws {Failure} `keys_unavailable` when there are no keys, `id_token_invalid` when none or several fit.
 */
export async function signingKeyFor(access: ProviderAccess, kid: string | undefined): Promise<SigningKey> {
  const cached = await providerMetadata(access);
  const found = fittingKey(cached, kid);
  if (found !== undefined) return found;
  if (cached.keys === undefined || (kid !== undefined && mayAskAgain(access, kid))) {
    const fresh = await refetch(access, cached, kid);
    const rotated = fittingKey(fresh, kid);
    if (rotated !== undefined) return rotated;
    if (fresh.keys === undefined) throw new Failure("keys_unavailable", { stage: "id_token" });
    if (kid !== undefined) rememberFruitless(access, kid);
  }
  throw new Failure("id_token_invalid", { stage: "id_token", reason: "no key, or more than one, fits" });
}

/** A refetch that fails must not cost the keys that are already known. */
async function refetch(access: ProviderAccess, cached: Metadata, kid: string | undefined): Promise<Metadata> {
  try {
    return await refresh(access);
  } catch (error) {
    if (cached.keys === undefined) throw new Failure("keys_unavailable", { stage: "id_token" });
    if (kid !== undefined) rememberFruitless(access, kid);
    if (error instanceof Failure) return cached;
    throw error;
  }
}

function fittingKey({ keys }: Metadata, kid: string | undefined): SigningKey | undefined {
  const fitting = keys?.filter((key) => kid === undefined || key.kid === kid) ?? [];
  return fitting.length === 1 ? fitting[0] : undefined;
}

function mayAskAgain({ relyingParty }: ProviderAccess, kid: string): boolean {
  const now = Date.now();
  const recent = (fruitless.get(relyingParty.issuer) ?? []).filter(({ at }) => now - at < FRUITLESS_WINDOW);
  fruitless.set(relyingParty.issuer, recent);
  return recent.length < FRUITLESS_LIMIT && !recent.some((refetch) => refetch.kid === kid);
}

function rememberFruitless({ relyingParty }: ProviderAccess, kid: string): void {
  fruitless.get(relyingParty.issuer)?.push({ kid, at: Date.now() });
}

/** Forgets which refetches were in vain: what a new isolate starts with. */
export function forgetFruitlessRefetches(): void {
  fruitless.clear();
}
