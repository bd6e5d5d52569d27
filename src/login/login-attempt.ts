import { DurableObject } from "cloudflare:workers";
import type { VippsIdentity } from "../vipps/identity.ts";
import type {
  AlreadyUsed,
  AppAttempt,
  AppConsumeResult,
  AppLoginStart,
  Attempt,
  ConsumeResult,
  LoginStart,
  Question,
  ReleaseResult,
} from "./attempt-state.ts";

/** How long a login may take from click to return, and an answer after that. In milliseconds. */
export const ATTEMPT_LIFETIME = 10 * 60_000;
/** How long a finished login is remembered, so that a reload or the back button finds home. In milliseconds. */
const MEMORY_LIFETIME = 24 * 3600_000;

/**
 * One login from click to session, in an object of its own. Its id is the `state`. Every method is synchronous
 * inside the object, so two requests can never both find a login open: used once means once.
 */
export class LoginAttempt extends DurableObject<Cloudflare.Env> {
  /** Begins the login. */
  begin(start: LoginStart): void {
    const startedAt = Date.now();
    this.#write({ status: "open", startedAt, ...start }, startedAt + ATTEMPT_LIFETIME);
  }

  /**
   * Takes the login's secrets out, once. From then on only the browser that brought the code has to do with the
   * login; the one that began it, where it is another, gets nothing.
   * @param site the partition of the asking site.
   * @param browser SHA-256 of the calling browser's cookie.
   * @param otherBrowsers whether a browser that did not begin the login may go on.
   * @param sid the id of the session that is to be made.
   */
  consume(site: string, browser: string, otherBrowsers: "welcome" | "refused", sid: string): ConsumeResult {
    const attempt = this.#read(site);
    if (attempt === undefined) return { outcome: "expired" };
    if (attempt.status === "used") return usedBefore(attempt, browser);
    const { returnTo } = attempt;
    if (attempt.status === "held") {
      if (attempt.broughtBy !== browser) return usedBefore(attempt, browser);
      return { outcome: "waiting", returnTo, identity: attempt.identity, question: attempt.question };
    }
    const sameBrowser = attempt.browser === browser;
    if (!sameBrowser && otherBrowsers === "refused") return { outcome: "otherBrowser", returnTo };
    this.#finish({ site, broughtBy: browser, returnTo, sid, declined: false });
    const { codeVerifier, nonce } = attempt;
    return { outcome: "consumed", returnTo, sid, sameBrowser, codeVerifier, nonce };
  }

  /** Keeps a complete login until the browser that brought it has answered. */
  hold(site: string, identity: VippsIdentity, question: Question): void {
    const attempt = this.#read(site);
    if (attempt?.status !== "used") throw new Error("only a consumed login can be held");
    const { broughtBy, returnTo, sid } = attempt;
    const heldAt = Date.now();
    this.#write(
      { status: "held", site, question, broughtBy, returnTo, sid, identity, heldAt },
      heldAt + ATTEMPT_LIFETIME,
    );
  }

  /**
   * Gives a held login out, once, to the browser that brought it, or forgets it when the answer is no.
   * @param site the partition of the asking site.
   * @param asked the question that is answered; a login that waits for another one goes on waiting.
   * @param answer `undefined` only looks: who is waiting, and for what?
   * @param sid the id of the session that is to be made: its life begins with the answer, not with the question.
   */
  release(
    site: string,
    browser: string,
    asked: Question,
    answer: "yes" | "no" | undefined,
    sid: string,
  ): ReleaseResult {
    const attempt = this.#read(site);
    if (attempt === undefined || attempt.status === "open") return { outcome: "expired" };
    if (attempt.status === "used" || attempt.broughtBy !== browser) return usedBefore(attempt, browser);
    const { broughtBy, identity, returnTo, question } = attempt;
    if (answer === undefined || question !== asked)
      return { outcome: "waiting", returnTo, identity, question };
    const declined = answer === "no";
    const usedAt = this.#finish({ site, broughtBy, returnTo, sid, declined });
    return declined
      ? { outcome: "used", returnTo, sid, broughtHere: true, declined, usedAt }
      : { outcome: "released", identity, returnTo, sid };
  }

  /** Begins the login of a native app. */
  beginForApp(start: AppLoginStart): void {
    const startedAt = Date.now();
    this.#writeOfApp({ status: "open", startedAt, ...start }, startedAt + ATTEMPT_LIFETIME);
  }

  /**
   * Takes the secrets of an app's login out, once.
   * @param site the partition of the asking site.
   * @param appSecret SHA-256 of the secret the calling app has; another app than the one that began the login
   *   changes nothing.
   */
  consumeForApp(site: string, appSecret: string): AppConsumeResult {
    const attempt = this.ctx.storage.kv.get<AppAttempt>("appAttempt");
    if (attempt === undefined || attempt.site !== site) return { outcome: "expired" };
    if (attempt.status === "used") return { outcome: "used" };
    if (Date.now() - attempt.startedAt > ATTEMPT_LIFETIME) return { outcome: "expired" };
    if (attempt.appSecret !== appSecret) return { outcome: "otherApp" };
    this.#writeOfApp({ status: "used", site }, Date.now() + ATTEMPT_LIFETIME);
    const { codeVerifier, nonce, redirectUri } = attempt;
    return { outcome: "consumed", codeVerifier, nonce, redirectUri };
  }

  /** Answers the health check. */
  ping(): true {
    return true;
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  /** What is kept of the login, for the site it began at: to any other, nothing was ever kept. */
  #read(site: string): Attempt | undefined {
    const attempt = this.ctx.storage.kv.get<Attempt>("attempt");
    if (attempt?.site !== site) return undefined;
    if (attempt.status === "used") return attempt;
    // The alarm may be late; the lifetime holds all the same.
    const begun = attempt.status === "open" ? attempt.startedAt : attempt.heldAt;
    return Date.now() - begun > ATTEMPT_LIFETIME ? undefined : attempt;
  }

  #finish(used: Omit<Extract<Attempt, { status: "used" }>, "status" | "usedAt">): number {
    const usedAt = Date.now();
    this.#write({ status: "used", usedAt, ...used }, usedAt + MEMORY_LIFETIME);
    return usedAt;
  }

  #writeOfApp(attempt: AppAttempt, forgetAt: number): void {
    this.ctx.storage.kv.put("appAttempt", attempt);
    void this.ctx.storage.setAlarm(forgetAt);
  }

  #write(attempt: Attempt, forgetAt: number): void {
    this.ctx.storage.kv.put("attempt", attempt);
    void this.ctx.storage.setAlarm(forgetAt);
  }
}

function usedBefore(attempt: Extract<Attempt, { status: "used" | "held" }>, browser: string): AlreadyUsed {
  const { returnTo, sid, broughtBy } = attempt;
  const used = attempt.status === "used";
  return {
    outcome: "used",
    returnTo,
    sid,
    broughtHere: broughtBy === browser,
    declined: used && attempt.declined,
    usedAt: used ? attempt.usedAt : attempt.heldAt,
  };
}
