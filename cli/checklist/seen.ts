import type { Exchange } from "./exchange.ts";
import type { LogLine } from "./log-lines.ts";
import type { Environment, Picture } from "./row.ts";
import type { ChangedSetting } from "./run-settings.ts";
import type { SiteValues } from "./site-values.ts";

/** What the walk is made of; a row names the scenes it needs. */
export const SCENES = [
  "button",
  "starts",
  "login",
  "olderToken",
  "errors",
  "otherBrowser",
  "members",
  "console",
  "nativeApp",
  "webhook",
] as const;

export type SceneName = (typeof SCENES)[number];

/** Everything a run saw, secrets included. Kept in memory alone; rows judge it and show it blanked. */
export interface Seen {
  readonly environment: Environment;
  /** The site's origin. */
  readonly site: string;
  readonly issuer: string;
  /** The redirect URI that follows from the settings of the run. */
  readonly redirectUri: string;
  /** The site's own settings. */
  readonly own: SiteValues;
  /** Those that were different during the run. */
  readonly changed: readonly ChangedSetting[];
  readonly exchanges: readonly Exchange[];
  /** The worker's log, where it can be seen. */
  readonly log: readonly LogLine[] | undefined;
  /** What must never reach a browser, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly button?: ButtonPage;
  readonly starts?: Starts;
  readonly login?: Login;
  readonly olderToken?: OlderToken;
  readonly errors?: readonly ShownError[];
  readonly otherBrowser?: OtherBrowser;
  readonly members?: Members;
  readonly console?: Console;
  readonly nativeApp?: NativeApp;
  readonly webhook?: Webhook;
}

/** The page of the site that has the login button. */
export interface ButtonPage {
  readonly path: string;
  /** Whether the page asks for Vipps' own component, and whether its script could be loaded. */
  readonly official: "shown" | "asked for, script not loaded" | "not asked for";
  /** The words of the button or link that leads to the login; undefined if there is none. */
  readonly words: string | undefined;
  /** What `<vipps-login official>` asks of Vipps' component, by the language it was asked for; none without the element. */
  readonly attributes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Addresses of frames on the page that hold the login; none if all is well. */
  readonly loginFrames: readonly string[];
  readonly pictures: readonly Picture[];
}

/** Logins begun one after the other in fresh browsers; none of them was finished. */
export interface Starts {
  readonly urls: readonly string[];
  /** One begun with parameters of a stranger's: another redirect URI, scope and client. */
  readonly tampered: string;
}

export interface Login {
  /** What the browser was sent to and what it was sent back with. */
  readonly authorize: Exchange | undefined;
  readonly callback: Exchange | undefined;
  /** Whether the browser was at Vipps in the top-level window, never in a frame. */
  readonly topLevel: boolean;
  readonly authenticatedBefore: boolean;
  readonly authenticatedAfter: boolean;
  readonly cookies: readonly CookieFlags[];
  /** The page that presents the terms, if there was one on the way. */
  readonly terms: { readonly ticked: number; readonly pictures: readonly Picture[] } | undefined;
}

/** A login whose ID token carried no more than before September 2025, so that userinfo had to be asked. */
export interface OlderToken {
  readonly authenticatedAfter: boolean;
}

export interface CookieFlags {
  readonly name: string;
  readonly httpOnly: boolean;
  readonly secure: boolean;
  readonly sameSite: string;
}

/** An error as a customer met it. */
export interface ShownError {
  /** What was done to bring it about. */
  readonly cause: string;
  readonly status: number;
  readonly heading: string;
  readonly reference: string;
  /** Whether the page offers to try again and to go back to the site. */
  readonly offers: { readonly retry: boolean; readonly back: boolean };
  readonly authenticatedAfter: boolean;
  /** The line of the worker's log under the same reference. */
  readonly line: LogLine | undefined;
  readonly pictures: readonly Picture[];
}

/** A login that came back in another browser than it began in. */
export interface OtherBrowser {
  readonly status: number;
  readonly heading: string;
  /** Whether the page asked, and what became of the answer yes. */
  readonly asked: boolean;
  readonly authenticatedThere: boolean;
  readonly authenticatedWhereItBegan: boolean;
  readonly pictures: readonly Picture[];
}

/** A member that the site knew before, logging in with Vipps for the first time. */
export interface Members {
  readonly linked: boolean;
  /** Whether the second login of the same person came to the same account. */
  readonly sameAccount: boolean;
  /** Whether somebody else under the same email address was asked to prove it, and not let in. */
  readonly strangerAsked: boolean;
  readonly pictures: readonly Picture[];
}

export interface Console {
  /** Whether staff found the failed login by the reference on the customer's page. */
  readonly foundByReference: boolean;
  readonly customerStatus: number;
  readonly pictures: readonly Picture[];
}

export interface NativeApp {
  /** The addresses that apps may come back to. */
  readonly redirectUris: readonly string[];
  readonly status: number;
  readonly authorizeUrl: string | undefined;
  /** Whether another app, without the secret of the start, was refused; undefined where nobody could log in. */
  readonly strangerRefused: boolean | undefined;
  /** Whether the login ended with a session token that the site takes; undefined likewise. */
  readonly tokenAccepted: boolean | undefined;
}

export interface Webhook {
  readonly status: number;
  /** Whether the person was logged in before and is not any more. */
  readonly sessionEnded: boolean;
  /** What an address with another secret answers. */
  readonly wrongSecretStatus: number;
}
