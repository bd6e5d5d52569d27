import { putBounded } from "../bounded-map.ts";
import { Failure } from "../failure.ts";
import { logEvent } from "../log.ts";
import { createSingleFlight } from "../single-flight.ts";
import { withinTime } from "../time-limit.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import type { ProviderAccess } from "./metadata.ts";
import type { PartnerKeys } from "./relying-party.ts";

/** A partner's access token. Times in milliseconds since the epoch. */
interface PartnerToken {
  readonly token: string;
  readonly fetchedAt: number;
  readonly expiresAt: number;
}

/** How long fetching a token may take, in milliseconds. */
const TIME_LIMIT = 5_000;
/** A token that is about to expire could do so on its way. In milliseconds. */
const MARGIN = 60_000;
/** A login that begins now needs a token when it comes back. In milliseconds: as long as a login may take. */
const AHEAD = 10 * 60_000;
/** Partners whose tokens are kept. */
const LIMIT = 50;

const tokens = new Map<string, PartnerToken>();
const fetches = createSingleFlight<PartnerToken>();

/**
 * The access token of the partner whose keys the relying party uses: the one in memory until shortly before it
 * expires, else a new one, fetched once however many logins wait for it.
 * @throws {Failure} `partner_token_unavailable` when there is no answer in time, `partner_token_refused` when the
 *   keys are wrong.
 */
export async function partnerToken(access: ProviderAccess): Promise<string> {
  return (await tokenFor(access, MARGIN)).token;
}

/**
 * Sees to it, in the background, that a login which begins now finds a token when it comes back. Nothing to do
 * for a sales unit with its own keys.
 */
export function preparePartnerToken(access: ProviderAccess): void {
  if (access.relyingParty.keys.kind === "own") return;
  const prepared = tokenFor(access, AHEAD).catch((error: unknown) => {
    const { code, facts } = error instanceof Failure ? error : { code: "internal_error", facts: undefined };
    logEvent("warn", "partner_token_failed", { code, reason: facts?.reason });
  });
  access.background(prepared);
}

/** Forgets the partner's token: Vipps has just refused it. */
export function forgetPartnerToken(access: ProviderAccess): void {
  tokens.delete(tokenName(access, partnerKeys(access)));
}

/** Forgets all tokens: what a new isolate starts with. */
export function forgetPartnerTokens(): void {
  tokens.clear();
  fetches.forget();
}

/** @param ahead how long the token must still live, in milliseconds, or half its life if that is less. */
async function tokenFor(access: ProviderAccess, ahead: number): Promise<PartnerToken> {
  const keys = partnerKeys(access);
  const name = tokenName(access, keys);
  const known = tokens.get(name);
  if (known !== undefined) {
    const needed = Math.min(ahead, (known.expiresAt - known.fetchedAt) / 2);
    if (Date.now() < known.expiresAt - needed) return known;
  }
  const fetched = fetches.run(name, access.background, async () => {
    const token = await fetchToken(access, keys);
    putBounded(tokens, name, token, LIMIT);
    return token;
  });
  // The work may belong to another request, which has more time.
  return withinTime(Math.max(0, access.answerBy - Date.now()), fetched, () => {
    throw unavailable("no answer in time");
  });
}

const unavailable = (reason: string) => new Failure("partner_token_unavailable", { stage: "token", reason });
const refused = (reason: string) => new Failure("partner_token_refused", { stage: "token", reason });

/** `POST /accesstoken/get` at the provider's host: keys in headers, no body (Vipps, Access token API). */
async function fetchToken(access: ProviderAccess, keys: PartnerKeys): Promise<PartnerToken> {
  const fetchedAt = Date.now();
  const exchange = boundedFetch(access.relyingParty, {
    unavailable: "partner_token_unavailable",
    stage: "token",
    timeLimit: TIME_LIMIT,
  });
  const response = await exchange(endpoint(access), {
    method: "POST",
    headers: {
      client_id: keys.clientId,
      client_secret: keys.clientSecret,
      "Ocp-Apim-Subscription-Key": keys.subscriptionKey,
    },
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status !== 200) throw refused(`answered with ${response.status}`);
  const { access_token: token, expires_in: expiresIn } = Object(body) as Record<string, unknown>;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) throw refused("no access token");
  // Vipps writes the number as text.
  const lifetime = Number(expiresIn) * 1000;
  if (!(lifetime > 0 && lifetime < Number.POSITIVE_INFINITY)) throw refused("no lifetime");
  return { token, fetchedAt, expiresAt: fetchedAt + lifetime };
}

function endpoint({ relyingParty }: ProviderAccess): string {
  return new URL("/accesstoken/get", relyingParty.issuer).href;
}

/** Sites that share a partner's keys share its token; the name stays in memory. */
function tokenName(access: ProviderAccess, { clientId, clientSecret, subscriptionKey }: PartnerKeys): string {
  return JSON.stringify([endpoint(access), clientId, clientSecret, subscriptionKey]);
}

function partnerKeys({ relyingParty: { keys } }: ProviderAccess): PartnerKeys {
  if (keys.kind === "partner") return keys;
  throw new Error("a sales unit with its own keys has no partner token");
}
