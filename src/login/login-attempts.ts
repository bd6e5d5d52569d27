import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import type { AccountId } from "../accounts/account.ts";
import { Failure, type FailureCode, type FailureFacts, thrownAt } from "../failure.ts";
import type { SessionClient } from "../http/request.ts";
import { logEvent } from "../log.ts";
import { type ObjectTable, openTables } from "../object-tables.ts";
import { sessionStart } from "../session/session.ts";
import { endSession, recordSession } from "../session/session-store.ts";
import { type Settings, settingsOfAddress } from "../settings.ts";
import { storageFailure } from "../storage-call.ts";
import { storageFault } from "../storage-fault.ts";
import { type StepTimes, timed } from "../waiting.ts";
import { beganAt, firstIdAt, LOGIN_LIFETIME, MEMORY_LIFETIME } from "./login-state.ts";
import {
  type Asked,
  type GivenAnswer,
  type Question,
  saysNo,
  type Verdict,
  type WaitingLogin,
} from "./question.ts";
import { QUESTIONS } from "./questions.ts";
import {
  type Conclusion,
  type ConsumedLogin,
  concludeLogin,
  finishConsumed,
  forgetDeclined,
  namingPerson,
} from "./settle-login.ts";

/** The objects that finish logins: what they are asked, what they do, and what they keep, with all SQL for it. */

/** What every call says of the site it is about and of the client that is there. */
interface LoginCall {
  /** The shape of this message (another release may send another one). */
  readonly version: 1;
  /** An address of the site: under it the object finds the site's settings, secrets included, by itself. */
  readonly site: string;
  /** SHA-256 of the cookie of the browser that is there, or of the app's secret. */
  readonly browser: string;
  /** The id of the session that is to be made. A call that is made again has the same. */
  readonly sid: string;
  /**
   * What the session keeps of the client, so that it is recorded here, without a further trip around the world. A
   * Worker of another release leaves it out and records the session itself.
   */
  readonly client?: SessionClient | undefined;
  /** `undefined` where only the site's own login knows of the login. */
  readonly state: string | undefined;
  /**
   * Is told whose session is being recorded, so that it can be ended should the object be gone before it answers: this
   * costs no write of the object's own. A Worker of another release is not told.
   */
  readonly recording?: ((accountId: string) => unknown) | undefined;
}

/** A code that came back. */
export interface FinishCall extends LoginCall, ConsumedLogin {
  readonly state: string;
  /** Whether the browser may send the same navigation twice at once: both get the same answer. */
  readonly isDoubled?: boolean | undefined;
}

/** An answer to the question a login waits for. */
export interface AnswerCall extends LoginCall {
  readonly id: string;
  /** The question that is answered; a login that waits for another one asks that again. */
  readonly question: Question;
  /** Without one it only looks: what is being waited for? */
  readonly given?: GivenAnswer | undefined;
}

/** A login that has been finished, or thrown away, before. */
export interface AlreadyUsed {
  readonly outcome: "used";
  readonly sid: string;
  /** Whether the asking browser is the one that brought the code. */
  readonly broughtHere: boolean;
  readonly declined: boolean;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

/** How a step of a login ends. Failures are values here: an error would lose its code on the way. */
export type LoginOutcome =
  | Exclude<Conclusion, { outcome: "hold" }>
  | { readonly outcome: "asked"; readonly asked: Asked }
  | AlreadyUsed
  /** The login is used up here; the caller does the rest itself, because this object has enough under way. */
  | { readonly outcome: "consumed" }
  /** Nothing is known of the login, or not any more. */
  | { readonly outcome: "expired" }
  /** It waits while the person is at the site's own login. */
  | { readonly outcome: "left" }
  | { readonly outcome: "failed"; readonly code: FailureCode; readonly facts: FailureFacts };

/** An outcome, and what the caller may not have. */
type WithState = LoginOutcome & {
  readonly state?: string | undefined;
  /** Of the session, where the other request of the same navigation has made it. */
  readonly sid?: string | undefined;
};

/** An outcome and what it took. */
export type LoginAnswer = WithState & { readonly stepTimes: StepTimes };

/**
 * Exchanges with the provider that an object has under way before it leaves further ones to its callers. Cloudflare
 * lets six requests wait for an answer at a time and queues the rest (Workers limits, 'Simultaneous open
 * connections'), and all calls of an object share one context: a slow answer must hold up no login but its own.
 */
const EXCHANGES_AT_ONCE = 4;
/** As many of them are kept for the others, where an object finishes logins of several sites. */
const KEPT_FOR_OTHERS = 2;

/** For this long a call that is made again gets the first one's answer, in milliseconds: it got lost on the way. */
const REPEATABLE_FOR = 60_000;
/** As many answers are remembered for that. */
const REPEATABLE_LIMIT = 1_000;

/**
 * A few long-lived objects finish all logins. They stand where Vipps and the database are, so that what takes several
 * trips is done there, in one hop from the visitor, the record of the session included; which of them finishes a
 * login was settled when it began.
 *
 * A login is used up by one durable insert, before anything is sent to Vipps: the platform holds every outgoing
 * message of an object back until what it wrote is safe. So used once means once, however many callbacks come at once.
 */
export class LoginAttempts extends DurableObject<Cloudflare.Env> {
  static {
    const { finish, hold, answer, abandon, look, keepReturnUrl, returnUrl, ping } = LoginAttempts.prototype;
    retryable(finish, hold, answer, abandon, look, keepReturnUrl, returnUrl, ping);
  }

  readonly #store: LoginStore;
  readonly #answered = new Map<string, { readonly at: number; readonly answer: Promise<LoginAnswer> }>();
  /** Exchanges under way, by the site whose they are. */
  readonly #exchanges = new Map<string, number>();
  /** The site of the first login here, and whether another one has come since. */
  #first: string | undefined;
  #isShared = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#store = openLoginStore(ctx.storage);
  }

  /** Finishes a login whose code came back, as far as it goes without a session. */
  finish(call: FinishCall): Promise<LoginAnswer> {
    const { id } = call.login;
    return this.#once(call, `${id} ${call.sid}`, async (stepTimes) => {
      const settings = await this.#settings(call);
      const used = this.#store.use({ ...call, id });
      if (used !== undefined)
        return (await this.#toldBefore(call, used)) ?? this.#resume({ ...call, id }, stepTimes);
      if (!this.#hasRoom(call)) return { outcome: "consumed" };
      const conclusion = await this.#exchanged(settings, call, stepTimes);
      return this.#kept(id, await this.#recorded(settings, call, conclusion, stepTimes));
    });
  }

  /** Keeps a login that its caller has finished by itself until the person has answered. */
  hold(login: WaitingLogin): void {
    this.#store.hold(login);
  }

  /** Takes the answer to the question that a login waits for, from the browser that brought its code. */
  answer(call: AnswerCall): Promise<LoginAnswer> {
    const { id, given } = call;
    return this.#once(call, `${id} ${call.sid}`, async (stepTimes) => {
      const waiting = this.#waiting(call);
      if (waiting === undefined || given === undefined) return this.#resume(call, stepTimes);
      // A no counts whatever has come to be asked since: another tab has said yes, and nobody is logged in yet.
      if (waiting.question !== call.question && !saysNo(given)) return this.#resume(call, stepTimes);
      const settings = await this.#settings(call);
      const verdict = await namingPerson(waiting.identity, () =>
        QUESTIONS[call.question].answer(settings, waiting, given),
      );
      const outcome = await this.#follow(call, { settings, waiting, verdict }, stepTimes);
      return { ...outcome, state: waiting.state };
    });
  }

  /**
   * Ends the session of a login whose answer never reached its caller: nobody has a token of it, and none is made
   * any more.
   * @returns whether there was one; an object that has been started anew knows nothing of it.
   */
  async abandon(call: Pick<FinishCall, "site" | "sid"> & { readonly id: string }): Promise<boolean> {
    const accountId = await this.#finishedFor(call);
    if (accountId !== undefined) await endSession(await this.#settings(call), accountId, call.sid);
    return accountId !== undefined;
  }

  /** What became of a login that its caller finishes by itself. Changes nothing. */
  look({ id, browser }: { readonly id: string; readonly browser: string }): AlreadyUsed | undefined {
    return this.#usedBefore(id, browser);
  }

  /** Keeps a return URL that is too long for a state. */
  keepReturnUrl(id: string, returnTo: string): void {
    this.#store.keepReturnUrl(id, returnTo);
  }

  /** The return URL kept for a login. */
  returnUrl(id: string): string | undefined {
    return this.#store.returnUrl(id);
  }

  /** Answers the health check. */
  ping(): true {
    return true;
  }

  override async alarm(): Promise<void> {
    await this.#store.sweep();
  }

  /** An answer that got lost on the way is given again: nothing is done twice. */
  #once(
    { site }: Pick<LoginCall, "site">,
    key: string,
    work: (stepTimes: StepTimes) => Promise<WithState>,
  ): Promise<LoginAnswer> {
    const before = this.#answered.get(key);
    if (before !== undefined) return before.answer;
    const now = Date.now();
    for (const [known, { at }] of this.#answered) {
      if (now - at < REPEATABLE_FOR && this.#answered.size < REPEATABLE_LIMIT) break;
      this.#answered.delete(known);
    }
    const stepTimes: StepTimes = {};
    const answer = failureAsValue(site, work(stepTimes)).then((outcome) => ({ ...outcome, stepTimes }));
    this.#answered.set(key, { at: now, answer });
    return answer;
  }

  /**
   * What the other request of the same navigation is told: which of two answers a browser takes, and whose cookie it
   * keeps, is for it to say. Nothing is made twice.
   */
  async #toldBefore(
    { login, browser, isDoubled }: FinishCall,
    used: UsedLogin,
  ): Promise<WithState | undefined> {
    if (isDoubled !== true || used.browser !== browser) return undefined;
    const answer = await this.#answered.get(`${login.id} ${used.sid}`)?.answer;
    // Then its caller does the rest, and it is not known here what comes of it.
    return answer === undefined || answer.outcome === "consumed" ? undefined : { ...answer, sid: used.sid };
  }

  /** Whether another exchange of a site may begin here: one that is flooded takes no other's place. */
  #hasRoom({ site }: Pick<LoginCall, "site">): boolean {
    this.#first ??= site;
    this.#isShared ||= site !== this.#first;
    const all = [...this.#exchanges.values()].reduce((sum, count) => sum + count, 0);
    const own = this.#exchanges.get(site) ?? 0;
    return (
      all < EXCHANGES_AT_ONCE &&
      own < (this.#isShared ? EXCHANGES_AT_ONCE - KEPT_FOR_OTHERS : EXCHANGES_AT_ONCE)
    );
  }

  async #exchanged(settings: Settings, call: FinishCall, stepTimes: StepTimes): Promise<Conclusion> {
    const { site } = call;
    this.#exchanges.set(site, (this.#exchanges.get(site) ?? 0) + 1);
    try {
      const background = (work: Promise<unknown>) => this.ctx.waitUntil(work);
      const used = async () => {
        const now = this.#store.used(call.login.id);
        return now && { ...now, accountId: await this.#finishedFor(now) };
      };
      return await finishConsumed(settings, call, { stepTimes, background, used });
    } finally {
      const left = (this.#exchanges.get(site) ?? 1) - 1;
      if (left > 0) this.#exchanges.set(site, left);
      else this.#exchanges.delete(site);
    }
  }

  /** Records the session of a finished login, where its caller says on which client it begins. */
  async #recorded(
    settings: Settings,
    { sid, client, browser, recording }: Pick<LoginCall, "sid" | "client" | "browser" | "recording">,
    conclusion: Conclusion,
    stepTimes: StepTimes,
  ): Promise<Conclusion> {
    if (conclusion.outcome !== "finished" || client === undefined) return conclusion;
    const { identity, settled } = conclusion;
    const { brought } = identity;
    const session = { sid, startedAt: sessionStart(sid), browserId: browser, ...client, brought };
    try {
      const recorded = recordSession(settings, settled.accountId, session);
      // A caller that is gone needs to know nothing.
      this.ctx.waitUntil((async () => recording?.(settled.accountId))().catch(() => undefined));
      const sameBrowser = await namingPerson(identity, () => timed(stepTimes, "session", recorded));
      return { ...conclusion, isRecorded: true, sameBrowser };
    } catch (error) {
      // The store may have recorded it all the same, too late to say so: nobody holds that session.
      this.ctx.waitUntil(endSession(settings, settled.accountId, sid).catch(() => undefined));
      throw error;
    }
  }

  /** Whose login it was that a call finished, as long as its answer is remembered. */
  async #finishedFor({ id, sid }: Pick<UsedLogin, "id" | "sid">): Promise<AccountId | undefined> {
    const answer = await this.#answered.get(`${id} ${sid}`)?.answer;
    return answer?.outcome === "finished" ? answer.settled.accountId : undefined;
  }

  /** Asks again what a login waits for, or goes on when there is nothing left to ask. */
  async #resume(call: LoginCall & { readonly id: string }, stepTimes: StepTimes): Promise<WithState> {
    const waiting = this.#waiting(call);
    if (waiting === undefined) return this.#usedBefore(call.id, call.browser) ?? { outcome: "expired" };
    const settings = await this.#settings(call);
    const verdict = await QUESTIONS[waiting.question].resume(settings, waiting);
    const outcome = await this.#follow(call, { settings, waiting, verdict }, stepTimes);
    return { ...outcome, state: waiting.state };
  }

  async #follow(
    call: LoginCall & { readonly id: string },
    { settings, waiting, verdict }: { settings: Settings; waiting: WaitingLogin; verdict: Verdict },
    stepTimes: StepTimes,
  ): Promise<LoginOutcome> {
    const { id, browser, sid, state } = call;
    if (verdict.kind === "ask") return { outcome: "asked", asked: verdict.asked };
    if (verdict.kind === "leave") {
      this.#store.hold({ ...waiting, state });
      return { outcome: "left" };
    }
    // Nothing a stranger declined may be left behind: what came with the login goes before it is forgotten itself.
    if (verdict.kind === "decline") await forgetDeclined(settings, waiting.identity, beganAt(id));
    // Taken out before anything is written: of two answers at once, one counts.
    const isTaken = this.#store.release(id, { sid, declined: verdict.kind === "decline" });
    if (!isTaken || verdict.kind === "decline")
      return this.#usedBefore(id, browser) ?? { outcome: "expired" };
    try {
      const { identity } = waiting;
      const concluded = await namingPerson(identity, () =>
        concludeLogin(settings, { id, identity, answers: verdict.answers }, stepTimes),
      );
      const recorded = await this.#recorded(settings, call, concluded, stepTimes);
      const outcome = this.#kept(id, recorded, waiting.state);
      const isIncomplete = outcome.outcome === "asked" && outcome.asked.question === "terms";
      return isIncomplete && verdict.missing === true
        ? { ...outcome, asked: { ...outcome.asked, missing: true } }
        : outcome;
    } catch (error) {
      // Storage that fails for a moment costs nobody the login: the question can be answered again.
      if (error instanceof Failure && error.code === "storage_unavailable") this.#store.hold(waiting);
      throw error;
    }
  }

  #kept(id: string, conclusion: Conclusion, state?: string): LoginOutcome {
    if (conclusion.outcome !== "hold") return conclusion;
    const { asked, identity, answers } = conclusion;
    this.#store.hold({ id, question: asked.question, identity, answers, state });
    return { outcome: "asked", asked };
  }

  /** A login that waits for the browser that is there. */
  #waiting({ id, browser }: { readonly id: string; readonly browser: string }): WaitingLogin | undefined {
    return this.#store.used(id)?.browser === browser ? this.#store.waiting(id) : undefined;
  }

  #usedBefore(id: string, browser: string): AlreadyUsed | undefined {
    const used = this.#store.used(id);
    // One whose question was never answered made no session and never will.
    if (used === undefined || (used.held && used.browser === browser)) return undefined;
    const { sid, declined, usedAt } = used;
    return { outcome: "used", sid, declined, usedAt, broughtHere: used.browser === browser };
  }

  #settings({ site }: Pick<LoginCall, "site">): Promise<Settings> {
    return settingsOfAddress(this.env, site, (work) => this.ctx.waitUntil(work));
  }
}

/** Errors lose their code on the way out of an object; what is no failure of ours is logged where it happened. */
async function failureAsValue(site: string, work: Promise<WithState>): Promise<WithState> {
  try {
    return await work;
  } catch (thrown) {
    const fault = storageFault("login_attempts", thrown);
    // What the object's own database throws is no call of another's: it is told here what it means.
    const isStorage = fault.class !== "unknown" || fault.cause.startsWith("SQLITE_");
    const error = thrown instanceof Failure || !isStorage ? thrown : storageFailure("callback", fault);
    if (error instanceof Failure) return { outcome: "failed", code: error.code, facts: error.facts };
    logEvent("error", "login_object_failed", site, { at: thrownAt(error) });
    return { outcome: "failed", code: "internal_error", facts: { stage: "callback" } };
  }
}

/** A login whose code has been brought. Its secrets can no longer be used, and it makes one session at most. */
interface UsedLogin {
  readonly id: string;
  /** SHA-256 of the cookie of the browser that brought the code. The one that began the login counts no more. */
  readonly browser: string;
  /** The session that this login makes, if it makes one. */
  readonly sid: string;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
  /** Whether the person said that it was not them, or declined the terms. */
  readonly declined: boolean;
  /** Whether it waits for an answer, or waited for one that never came. */
  readonly held: boolean;
}

/** What an object keeps of logins, and all SQL for it. Everything but the sweep is synchronous: nothing comes between. */
interface LoginStore {
  used(id: string): UsedLogin | undefined;
  /**
   * Uses a login up.
   * @returns how it was used before, if it was: then nothing changes.
   * @throws {Failure} `state_used` where that is about to be forgotten.
   */
  use(login: Pick<UsedLogin, "id" | "browser" | "sid">): UsedLogin | undefined;
  /** Keeps a used login until the person has answered, or for ten minutes. */
  hold(login: WaitingLogin): void;
  waiting(id: string): WaitingLogin | undefined;
  /** Takes a waiting login out, once. @returns whether it was still waiting. */
  release(id: string, end: Pick<UsedLogin, "sid" | "declined">): boolean;
  keepReturnUrl(id: string, returnTo: string): void;
  returnUrl(id: string): string | undefined;
  /** Forgets what has been kept long enough, and comes again where something is left. */
  sweep(): Promise<void>;
}

/** How often what waits is looked through, in milliseconds. */
const SWEEP_SOON = LOGIN_LIFETIME;
/** How often what has been used is looked through, in milliseconds. */
const SWEEP_LATER = 3600_000;

/** Columns to be added stand at the end, and need no value from a release that does not know them. */
const TABLES: readonly ObjectTable[] = [
  {
    name: "used_logins",
    columns: [
      "id TEXT PRIMARY KEY",
      "browser TEXT NOT NULL",
      "sid TEXT NOT NULL",
      "used_at INTEGER NOT NULL",
      "declined INTEGER NOT NULL DEFAULT 0",
      "held INTEGER NOT NULL DEFAULT 0",
    ],
    options: "WITHOUT ROWID",
  },
  {
    name: "waiting_logins",
    columns: [
      "id TEXT PRIMARY KEY",
      "question TEXT NOT NULL",
      "identity TEXT NOT NULL",
      "answers TEXT NOT NULL",
      "state TEXT",
      "held_at INTEGER NOT NULL",
    ],
    options: "WITHOUT ROWID",
  },
  { name: "return_urls", columns: ["id TEXT PRIMARY KEY", "url TEXT NOT NULL"], options: "WITHOUT ROWID" },
];

type UsedRow = {
  browser: string;
  sid: string;
  used_at: number;
  declined: number;
  held: number;
};
type WaitingRow = {
  question: Question;
  identity: string;
  answers: string;
  state: string | null;
  held_at: number;
};

/** @param storage of the object. One that no login has come to stores nothing, not even an empty table. */
function openLoginStore(storage: DurableObjectStorage): LoginStore {
  const { sql } = storage;
  const tables = openTables(sql, TABLES);
  let hasTables = tables.areMade;
  let sweepAt = Number.POSITIVE_INFINITY;

  function rows<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: SqlStorageValue[]
  ): Row[] {
    return hasTables ? sql.exec<Row>(query, ...values).toArray() : [];
  }

  function write(query: string, ...values: SqlStorageValue[]): number {
    if (!hasTables) tables.make();
    hasTables = true;
    return sql.exec(query, ...values).rowsWritten;
  }

  const isLeft = (table: string) => rows(`SELECT 1 FROM ${table} LIMIT 1`).length > 0;

  /** How soon what is kept has to be looked through; `undefined` where nothing is kept. */
  function sweepPeriod(): number | undefined {
    if (isLeft("waiting_logins") || isLeft("return_urls")) return SWEEP_SOON;
    return isLeft("used_logins") ? SWEEP_LATER : undefined;
  }

  /** On the full hour or ten minutes, so that an object which has just been started need not ask what is set. */
  function sweepWithin(period: number): void {
    const due = (Math.floor(Date.now() / period) + 1) * period;
    if (due >= sweepAt) return;
    sweepAt = due;
    void storage.setAlarm(due);
  }

  function used(id: string): UsedLogin | undefined {
    const [row] = rows<UsedRow>(
      "SELECT browser, sid, used_at, declined, held FROM used_logins WHERE id = ?",
      id,
    );
    if (row === undefined || Date.now() - row.used_at > MEMORY_LIFETIME) return undefined;
    return {
      id,
      browser: row.browser,
      sid: row.sid,
      usedAt: row.used_at,
      declined: row.declined === 1,
      held: row.held === 1,
    };
  }

  return {
    used,
    use({ id, browser, sid }) {
      const written = write(
        "INSERT INTO used_logins (id, browser, sid, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        id,
        browser,
        sid,
        Date.now(),
      );
      if (written === 0) {
        const before = used(id);
        if (before !== undefined) return before;
        throw new Failure("state_used", { stage: "callback" });
      }
      // What waited before the object was started anew is not to wait longer for that.
      sweepWithin((sweepAt === Number.POSITIVE_INFINITY ? sweepPeriod() : undefined) ?? SWEEP_LATER);
      return undefined;
    },
    hold({ id, question, identity, answers, state }) {
      write(
        `INSERT OR REPLACE INTO waiting_logins (id, question, identity, answers, state, held_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        id,
        question,
        JSON.stringify(identity),
        JSON.stringify(answers),
        state ?? null,
        Date.now(),
      );
      write("UPDATE used_logins SET held = 1 WHERE id = ?", id);
      sweepWithin(SWEEP_SOON);
    },
    waiting(id) {
      const [row] = rows<WaitingRow>(
        "SELECT question, identity, answers, state, held_at FROM waiting_logins WHERE id = ?",
        id,
      );
      if (row === undefined || Date.now() - row.held_at > LOGIN_LIFETIME) return undefined;
      return {
        id,
        question: row.question,
        identity: JSON.parse(row.identity),
        answers: JSON.parse(row.answers),
        state: row.state ?? undefined,
      };
    },
    release(id, { sid, declined }) {
      if (rows("DELETE FROM waiting_logins WHERE id = ? RETURNING id", id).length === 0) return false;
      write(
        "UPDATE used_logins SET sid = ?, used_at = ?, declined = ?, held = 0 WHERE id = ?",
        sid,
        Date.now(),
        declined ? 1 : 0,
        id,
      );
      return true;
    },
    keepReturnUrl(id, returnTo) {
      write("INSERT INTO return_urls (id, url) VALUES (?, ?) ON CONFLICT DO NOTHING", id, returnTo);
      sweepWithin(SWEEP_SOON);
    },
    returnUrl(id) {
      return rows<{ url: string }>("SELECT url FROM return_urls WHERE id = ?", id)[0]?.url;
    },
    async sweep() {
      sweepAt = Number.POSITIVE_INFINITY;
      const now = Date.now();
      const abandoned = firstIdAt(now - LOGIN_LIFETIME);
      const forgotten = firstIdAt(now - LOGIN_LIFETIME - MEMORY_LIFETIME);
      rows("DELETE FROM used_logins WHERE id < ?", forgotten);
      rows("DELETE FROM waiting_logins WHERE held_at < ?", now - LOGIN_LIFETIME);
      rows(
        "DELETE FROM return_urls WHERE id < ? AND (id < ? OR id NOT IN (SELECT id FROM used_logins))",
        abandoned,
        forgotten,
      );
      const period = sweepPeriod();
      if (period !== undefined) sweepWithin(period);
    },
  };
}
