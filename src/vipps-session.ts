/** Who is logged in, as code of the project's own is told. */
export interface VippsSession {
  /** The account id. */
  readonly sub: string;
  /** The session's id, as in the list of a person's sessions. */
  readonly id: string;
  /** When the person logged in, in seconds since the epoch. */
  readonly authTime: number;
  /** What SESSION_CLAIMS names, as far as it is known: `name`, `email`, `phone_number`, … */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What a token says of a session. */
interface TokenClaims {
  readonly sub: string;
  readonly sid: string;
  readonly authTime: number;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** A session as the project's own code is told of it. */
export function vippsSession({ sub, sid, authTime, profile }: TokenClaims): VippsSession {
  return { sub, id: sid, authTime, claims: profile };
}
