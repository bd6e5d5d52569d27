import type { Provider } from "../load/provider.ts";
import type { Visitor } from "../load/visitor.ts";

/** One way to put a login in front of a site, or a baseline without one. */
export interface Design {
  readonly id: string;
  /** What it is called in tables. */
  readonly name: string;
  readonly kind: "ours" | "peer" | "baseline";
  readonly source: Source;
  readonly bindings: Bindings;
  /** Settings and secrets, as text. */
  readonly vars: (provider: Provider) => Readonly<Record<string, string>>;
  readonly compatibilityFlags: readonly string[];
  /** Where a script asks who is logged in; absent where there is no such route. */
  readonly sessionPath: string | undefined;
  /** A static page that only somebody who is logged in may see. */
  readonly guardedPath: string | undefined;
  readonly login: LoginFlow | undefined;
  /** What it is configured after, and what a reader should know of it. */
  readonly configuredAs: string;
}

/** What is bundled: this project, or another revision of it in a folder, with its own wrangler.toml; or one file of bench/. */
export type Source = "this project" | { readonly project: string } | { readonly entry: string };

export interface Bindings {
  readonly assets: boolean;
  readonly kv: string | undefined;
  /** A D1 binding and the SQL files its tables are made with. */
  readonly d1: { readonly name: string; readonly schema: readonly string[] } | undefined;
  /** Bindings of Durable Objects and the classes behind them. */
  readonly durableObjects: Readonly<Record<string, string>>;
}

export interface LoginFlow {
  /**
   * What the browser does from the click until it stands at the provider.
   * @returns the authorize URL
   * @throws Error when the design sends the browser nowhere
   */
  readonly start: (visitor: Visitor) => Promise<string>;
  /** Requests of the browser that {@link start} makes. */
  readonly requests: number;
  /** What stands behind the figures, in words. */
  readonly behind: {
    /** Where the login is kept until the callback, and whether it can be used twice. */
    readonly attempt: string;
    /** Whether a session can be ended from elsewhere than its own browser, and when that bites. */
    readonly ending: string;
    /** Whether the ID token's signature is checked. */
    readonly signature: string;
    /** What happens to a session of Vipps', which gives no refresh token. */
    readonly life: string;
  };
}

export const NO_BINDINGS: Bindings = { assets: false, kv: undefined, d1: undefined, durableObjects: {} };
export const ASSETS: Bindings = { ...NO_BINDINGS, assets: true };
