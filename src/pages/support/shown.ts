/** What the console's pages show: everything already in the reader's words. */

export interface ShownPerson {
  readonly name: string | undefined;
  /** With the plus sign. */
  readonly phone: string | undefined;
  readonly email: string | undefined;
}

export interface ShownAccount extends ShownPerson {
  readonly id: string;
  readonly href: string;
  readonly memberNumber: string | undefined;
  readonly lastLogin: string | undefined;
}

/** What one of the deployment's sites has of what its own people look for. */
export interface ShownElsewhere {
  readonly host: string;
  /** Where to go on: the account here, the console of another site. */
  readonly href: string;
  readonly who: string;
  readonly contact: string;
  readonly last: string | undefined;
}

export interface ShownLogin {
  readonly when: string;
  readonly loggedIn: boolean;
  /** What happened, in one sentence. */
  readonly outcome: string;
  /** What to tell the customer. */
  readonly tell: string | undefined;
  /** For whoever runs the site: codes and fixed phrases, nothing personal. */
  readonly technical: string;
  readonly reference: string | undefined;
  /** Whether it is only the same browser that connects it with the account. */
  readonly byBrowser: boolean;
}

export interface ShownIdentity {
  readonly msn: string;
  readonly sub: string;
  readonly linked: string;
  readonly lastLogin: string | undefined;
  readonly revoked: string | undefined;
}

export interface ShownSession {
  readonly id: string;
  readonly device: string;
  readonly place: string | undefined;
  readonly used: string;
  readonly begun: string;
}

export interface ShownConsent {
  readonly wording: string;
  readonly granted: boolean;
  readonly when: string;
}

/** A Vipps user who waits to be linked. */
export interface ShownRequest extends ShownPerson {
  readonly reference: string;
  readonly href: string;
  readonly reason: string;
  readonly when: string;
}

/** One or several equal deeds in a row. */
export interface ShownDeed {
  readonly when: string;
  readonly actor: string;
  /** The actor's own account, where it has a page. */
  readonly actorHref: string | undefined;
  readonly action: string;
  readonly details: string;
  readonly times: number;
  /** Whose account, where the list is about several. */
  readonly accountHref: string | undefined;
}

/** One hour of a day's logins. */
export interface ShownHour {
  /** `14` */
  readonly hour: string;
  readonly loggedIn: number;
  readonly cancelled: number;
  readonly failed: number;
}

export interface ShownFigures {
  readonly day: string;
  readonly hours: readonly ShownHour[];
  /** By what the customers read, the most frequent first. */
  readonly reasons: readonly { readonly title: string; readonly count: number }[];
  readonly previousHref: string;
  /** There is none after today. */
  readonly nextHref: string | undefined;
}
