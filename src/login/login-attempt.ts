import { DurableObject } from "cloudflare:workers";
import type { LoginSecrets } from "../vipps/authorize-url.ts";
import type { VippsIdentity } from "../vipps/identity.ts";

/** How long a login may take from click to return, in milliseconds. */
export const ATTEMPT_LIFETIME = 10 * 60_000;
/** How long a finished login is remembered, so that a reload or the back button finds home. In milliseconds. */
const MEMORY_LIFETIME = 24 * 3600_000;

/** What is known of a login before the user has gone to Vipps. */
export interface LoginStart extends LoginSecrets {
  /** SHA-256 of the browser cookie. */
  readonly browser: string;
  readonly returnTo: string;
}

/** The login has begun; its secrets are still needed. */
interface Open extends LoginStart {
  readonly status: "open";
  readonly startedAt: number;
}

/** The login has been finished, or is being finished; its secrets are gone. */
interface Used {
  readonly status: "used";
  readonly browser: string;
  readonly returnTo: string;
  /** The session that this login makes, if it makes one. */
  readonly sid: string;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

/** The login is complete but came back in another browser, which must say yes first. */
interface Held {
  readonly status: "held";
  readonly browser: string;
  readonly returnTo: string;
  readonly sid: string;
  /** SHA-256 of the cookie of the browser that brought the code, and alone may confirm. */
  readonly confirmingBrowser: string;
  readonly identity: VippsIdentity;
  readonly heldAt: number;
}

type Attempt = Open | Used | Held;

/** A login that may now be finished, once. */
export interface Consumed extends LoginSecrets {
  readonly outcome: "consumed";
  readonly returnTo: string;
  readonly sid: string;
  readonly sameBrowser: boolean;
}

/** A login that has been finished before. */
export interface AlreadyUsed {
  readonly outcome: "used";
  readonly returnTo: string;
  readonly sid: string;
  readonly sameBrowser: boolean;
  readonly usedAt: number;
}

/** A login that waits for the answer of the browser that brought the code. */
export interface StillHeld {
  readonly outcome: "held";
  readonly returnTo: string;
  readonly identity: VippsIdentity;
}

export type ConsumeResult =
  | Consumed
  | AlreadyUsed
  | StillHeld
  | { readonly outcome: "otherBrowser"; readonly returnTo: string }
  | { readonly outcome: "expired" };

export type ReleaseResult =
  | {
      readonly outcome: "released";
      readonly identity: VippsIdentity;
      readonly returnTo: string;
      readonly sid: string;
    }
  | { readonly outcome: "refused"; readonly returnTo: string | undefined };

/**
 * One login from click to session, in an object of its own. Its id is the `state`. Every method is synchronous
 * inside the object, so two requests can never both find a login open: used once means once.
 */
export class LoginAttempt extends DurableObject<Cloudflare.Env> {
  /** Begins the login. */
  begin(start: LoginStart): void {
    this.#write({ status: "open", startedAt: Date.now(), ...start });
    void this.ctx.storage.setAlarm(Date.now() + ATTEMPT_LIFETIME);
  }

  /**
   * Takes the login's secrets out, once.
   * @param browser SHA-256 of the calling browser's cookie, if it has one.
   * @param otherBrowsers whether a browser that did not begin the login may go on.
   * @param sid the id of the session that is to be made.
   */
  consume(browser: string | undefined, otherBrowsers: "welcome" | "refused", sid: string): ConsumeResult {
    const attempt = this.#read();
    if (attempt === undefined) return { outcome: "expired" };
    const { returnTo } = attempt;
    const sameBrowser = attempt.browser === browser;
    if (attempt.status === "held") {
      if (attempt.confirmingBrowser === browser)
        return { outcome: "held", returnTo, identity: attempt.identity };
      return { outcome: "used", returnTo, sid: attempt.sid, sameBrowser, usedAt: attempt.heldAt };
    }
    if (attempt.status === "used") {
      return { outcome: "used", returnTo, sid: attempt.sid, sameBrowser, usedAt: attempt.usedAt };
    }
    if (!sameBrowser && otherBrowsers === "refused") return { outcome: "otherBrowser", returnTo };
    this.#finish({ browser: attempt.browser, returnTo, sid });
    return {
      outcome: "consumed",
      returnTo,
      sid,
      sameBrowser,
      codeVerifier: attempt.codeVerifier,
      nonce: attempt.nonce,
    };
  }

  /** Keeps a complete login until the browser that brought it has answered. */
  hold(identity: VippsIdentity, confirmingBrowser: string): void {
    const attempt = this.#read();
    if (attempt?.status !== "used") throw new Error("only a consumed login can be held");
    const { browser, returnTo, sid } = attempt;
    this.#write({ status: "held", browser, returnTo, sid, confirmingBrowser, identity, heldAt: Date.now() });
    void this.ctx.storage.setAlarm(Date.now() + ATTEMPT_LIFETIME);
  }

  /** Gives a held login out, once, to the browser it waits for, or forgets it when the answer is no. */
  release(browser: string | undefined, answer: "yes" | "no"): ReleaseResult {
    const attempt = this.#read();
    if (attempt?.status !== "held" || attempt.confirmingBrowser !== browser) {
      return { outcome: "refused", returnTo: attempt?.returnTo };
    }
    const { identity, returnTo, sid } = attempt;
    // From now on the browser that said yes is the one a reload may come from.
    this.#finish({ browser: attempt.confirmingBrowser, returnTo, sid });
    return answer === "yes"
      ? { outcome: "released", identity, returnTo, sid }
      : { outcome: "refused", returnTo };
  }

  /** Answers the health check. */
  ping(): true {
    return true;
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  #read(): Attempt | undefined {
    const attempt = this.ctx.storage.kv.get<Attempt>("attempt");
    // The alarm may be late; the lifetime holds all the same.
    const begun =
      attempt?.status === "open"
        ? attempt.startedAt
        : attempt?.status === "held"
          ? attempt.heldAt
          : Number.POSITIVE_INFINITY;
    return Date.now() - begun > ATTEMPT_LIFETIME ? undefined : attempt;
  }

  #finish(used: Pick<Used, "browser" | "returnTo" | "sid">): void {
    const usedAt = Date.now();
    this.#write({ status: "used", usedAt, ...used });
    void this.ctx.storage.setAlarm(usedAt + MEMORY_LIFETIME);
  }

  #write(attempt: Attempt): void {
    this.ctx.storage.kv.put("attempt", attempt);
  }
}
