/** Who is logged in, as the token says it. Times in seconds since the epoch. */
export interface SessionClaims {
  /** The account id. */
  readonly sub: string;
  readonly sid: string;
  readonly authTime: number;
  readonly profile: Readonly<Record<string, unknown>>;
}

/**
 * A session whose token carries our signature. That alone says nothing of whether the session still lives: see
 * `session-lifetime.ts`.
 */
export interface AuthenticSession extends SessionClaims {
  readonly issuedAt: number;
  /** Until when an origin believes the token. */
  readonly expiresAt: number;
}

/** A new token for a session that lives. */
export interface SignedSession {
  readonly session: AuthenticSession;
  readonly token: string;
}
