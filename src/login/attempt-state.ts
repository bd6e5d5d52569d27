import type { LoginSecrets } from "../vipps/authorize-url.ts";
import type { VippsIdentity } from "../vipps/identity.ts";

/** A login as the browser begins it. */
export interface LoginStart extends LoginSecrets {
  /** The partition of the site it began at; at any other it is unknown. */
  readonly site: string;
  /** SHA-256 of the browser cookie. */
  readonly browser: string;
  readonly returnTo: string;
}

/** The login has begun; its secrets are still needed. Times in milliseconds since the epoch. */
interface Open extends LoginStart {
  readonly status: "open";
  readonly startedAt: number;
}

/** The code has been brought; the login's secrets are gone. */
interface Brought {
  readonly site: string;
  /** SHA-256 of the cookie of the browser that brought the code. The one that began the login counts no more. */
  readonly broughtBy: string;
  readonly returnTo: string;
  /** The session that this login makes, if it makes one. */
  readonly sid: string;
}

/** The login has been finished, is being finished, or came to nothing. */
interface Used extends Brought {
  readonly status: "used";
  readonly usedAt: number;
  /** Whether the person said that it was not them. */
  readonly declined: boolean;
}

/**
 * What a complete login waits for: that a browser which did not begin it says yes, that the person proves an
 * old account, or that they accept the terms.
 */
export type Question = "confirm" | "proof" | "terms";

/** The login is complete, but the person has to answer a question before it may become a session. */
interface Held extends Brought {
  readonly status: "held";
  readonly question: Question;
  readonly identity: VippsIdentity;
  readonly heldAt: number;
}

/** What the object keeps of a login. */
export type Attempt = Open | Used | Held;

/** A login that may now be finished, once. */
export interface Consumed extends LoginSecrets {
  readonly outcome: "consumed";
  readonly returnTo: string;
  readonly sid: string;
  /** Whether the browser that brought the code is the one that began the login. */
  readonly sameBrowser: boolean;
}

/** A login that has been finished, or thrown away, before. */
export interface AlreadyUsed {
  readonly outcome: "used";
  readonly returnTo: string;
  readonly sid: string;
  /** Whether the asking browser is the one that brought the code. */
  readonly broughtHere: boolean;
  readonly declined: boolean;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

/** A login that waits for the answer of the browser that is asking. */
export interface Waiting {
  readonly outcome: "waiting";
  readonly question: Question;
  readonly returnTo: string;
  readonly identity: VippsIdentity;
}

/** Nothing is known of the login any more. */
export interface Expired {
  readonly outcome: "expired";
}

export type ConsumeResult =
  | Consumed
  | AlreadyUsed
  | Waiting
  | Expired
  | { readonly outcome: "otherBrowser"; readonly returnTo: string };

export type ReleaseResult =
  | {
      readonly outcome: "released";
      readonly identity: VippsIdentity;
      readonly returnTo: string;
      readonly sid: string;
    }
  | AlreadyUsed
  | Waiting
  | Expired;

/** A login as a native app begins it. */
export interface AppLoginStart extends LoginSecrets {
  /** The partition of the site whose app it is; at any other it is unknown. */
  readonly site: string;
  /** SHA-256 of the secret that only the app that begins the login gets: its stand-in for a browser cookie. */
  readonly appSecret: string;
  /** Where Vipps sends the app back to. */
  readonly redirectUri: string;
}

/**
 * What the object keeps of an app's login, apart from browsers' logins: neither can be finished as the other.
 * Times in milliseconds since the epoch.
 */
export type AppAttempt =
  | (AppLoginStart & { readonly status: "open"; readonly startedAt: number })
  | { readonly status: "used"; readonly site: string };

/** What becomes of an app's login when its code is brought. */
export type AppConsumeResult =
  | (LoginSecrets & { readonly outcome: "consumed"; readonly redirectUri: string })
  | { readonly outcome: "used" }
  | { readonly outcome: "otherApp" }
  | Expired;
