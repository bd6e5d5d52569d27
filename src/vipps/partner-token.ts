import { randomText } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { type Flight, isolateMap, joinFlight, putBounded } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import { withinTime } from "../waiting.ts";
import { refusedPartnerKey } from "./partner-refusal.ts";
import { boundedFetch, type ProviderAccess, providerMetadata } from "./provider.ts";
import type { PartnerKeys } from "./relying-party.ts";

/** A partner's access token. Times in milliseconds since the epoch. */
interface PartnerToken {
  readonly token: string;
  readonly fetchedAt: number;
  readonly expiresAt: number;
  /** When Vipps was last seen to take it; a token may be revoked before it expires. */
  provenAt: number;
}

/** How long fetching a token may take, in milliseconds. */
const TIME_LIMIT = 5_000;
/** A token that is about to expire could do so on its way. In milliseconds. */
const MARGIN = 60_000;
/** A token that was taken this lately is sent with a code unseen. In milliseconds. */
const PROVEN_FOR = 60_000;
/** How long trying a token may take, in milliseconds. */
const TRIAL_TIME_LIMIT = 2_000;
/** Partners whose tokens are kept. */
const LIMIT = 50;

const tokens = isolateMap<string, PartnerToken>();
const fetches = isolateMap<string, Flight<PartnerToken>>();
const trials = isolateMap<string, Flight<boolean>>();

/**
 * The access token of the partner whose keys the relying party uses: the one in memory until shortly before it
 * expires, else a new one, fetched once however many logins wait for it. One that nobody has seen to work for a
 * minute is tried first, without the code that it is for: a code is sent once, so it must not go with a token that
 * was revoked.
 * @throws {Failure} `partner_token_unavailable` when there is no answer in time, `partner_token_refused` when the
 *   keys are wrong.
 */
export async function partnerToken(access: ProviderAccess): Promise<string> {
  return (await workingToken(access)).token;
}

/** Notes that Vipps has just taken the token that is in memory. */
export function confirmPartnerToken(access: ProviderAccess): void {
  const known = tokens.get(tokenName(access, partnerKeys(access)));
  if (known !== undefined) known.provenAt = Date.now();
}

async function workingToken(access: ProviderAccess): Promise<PartnerToken> {
  const known = await tokenFor(access);
  if (Date.now() - known.provenAt < PROVEN_FOR) return known;
  const name = tokenName(access, partnerKeys(access));
  const works = await joinFlight(trials, name, access.background, () => isTaken(access, known.token));
  if (works) return known;
  // Others may have got a new one in the meantime.
  if (tokens.get(name)?.token === known.token) {
    tokens.delete(name);
    logEvent("warn", "partner_token_failed", access.store.site, {
      code: "partner_token_refused",
      reason: "revoked early",
    });
  }
  return tokenFor(access);
}

/**
 * Shows a token to the token endpoint with an invented code: whoever may ask is told that the code is wrong, and
 * who may not gets a 401. Anything else, an endpoint that does not answer too, says nothing against the token.
 */
async function isTaken(access: ProviderAccess, token: string): Promise<boolean> {
  const { relyingParty, answerBy } = access;
  try {
    const { discovery } = await providerMetadata(access);
    const exchange = boundedFetch(relyingParty, {
      unavailable: "token_unavailable",
      stage: "token",
      timeLimit: Math.min(TRIAL_TIME_LIMIT, answerBy - Date.now()),
    });
    const response = await exchange(discovery.token_endpoint, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: randomText(24),
        redirect_uri: relyingParty.redirectUri,
        code_verifier: randomText(32),
      }),
    });
    if (response.status === 401) return false;
    confirmPartnerToken(access);
    return true;
  } catch {
    return true;
  }
}

/** Forgets the partner's token: Vipps has just refused it. */
export function forgetPartnerToken(access: ProviderAccess): void {
  tokens.delete(tokenName(access, partnerKeys(access)));
}

async function tokenFor(access: ProviderAccess): Promise<PartnerToken> {
  const keys = partnerKeys(access);
  const name = tokenName(access, keys);
  const known = tokens.get(name);
  if (known !== undefined) {
    const needed = Math.min(MARGIN, (known.expiresAt - known.fetchedAt) / 2);
    if (Date.now() < known.expiresAt - needed) return known;
  }
  const fetched = joinFlight(fetches, name, access.background, async () => {
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
  if (response.status !== 200) {
    throw refused(`answered with ${response.status}: ${refusedPartnerKey(body)} refused`);
  }
  const { access_token: token, expires_in: expiresIn } = Object(body) as Record<string, unknown>;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) throw refused("no access token");
  // Vipps writes the number as text.
  const lifetime = Number(expiresIn) * 1000;
  if (!(lifetime > 0 && lifetime < Number.POSITIVE_INFINITY)) throw refused("no lifetime");
  return { token, fetchedAt, expiresAt: fetchedAt + lifetime, provenAt: fetchedAt };
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
