import { putBounded } from "../bounded-map.ts";
import type { SessionSettings } from "../settings.ts";
import type { AuthenticSession } from "./session.ts";

/**
 * Tokens whose signature, `typ`, `iss` and `aud` were found right, by the exact text of the token, each with the
 * settings it was checked under: keys, issuer and audience are part of these, and a site never sees what another
 * site's settings made of a token. Verifying once saves an elliptic-curve operation on every later request.
 *
 * Only that a token is authentic is remembered. Whether it is still fresh, and whether its session has ended,
 * is asked anew at every request. What did not verify is not remembered: anybody can make such tokens.
 */
const verified = new Map<string, VerifiedToken>();

interface VerifiedToken {
  readonly settings: SessionSettings;
  readonly session: AuthenticSession;
}

/** Tokens of all sites together. A token is 400 to 4,000 characters, so this is a few megabytes. */
const LIMIT = 4_000;

/** What this very token said when it was verified under these very settings, if that was not long ago. */
export function verifiedToken(settings: SessionSettings, token: string): AuthenticSession | undefined {
  const known = verified.get(token);
  return known?.settings === settings ? known.session : undefined;
}

/** Remembers what a token says. Call it only with what was verified under these settings. */
export function rememberVerified(settings: SessionSettings, token: string, session: AuthenticSession): void {
  putBounded(verified, token, { settings, session }, LIMIT);
}
