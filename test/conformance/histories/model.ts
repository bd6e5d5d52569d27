/**
 * What logins and sessions are to do, said once more and more simply: no network, no storage, no cryptography.
 * Times in seconds since the epoch.
 */

export const POLICIES = ["confirm", "allow", "deny"] as const;
export const USERS = ["kari", "mette", "aino"] as const;
/** Two isolates: each knows at once what ended in it, and of the other only what the session store says. */
export const PLACES = ["here", "elsewhere"] as const;

export type Policy = (typeof POLICIES)[number];
export type User = (typeof USERS)[number];
export type Place = (typeof PLACES)[number];

/** The settings' defaults, and how long an authorization code lives at Vipps. */
const LIFE = { attempt: 600, memory: 86_400, code: 120, fresh: 300, idle: 7 * 86_400, ttl: 30 * 86_400 };
/** How long what has been kept long enough may lie about until it is swept. */
const SWEEP = { waiting: 600, used: 3600 };

export interface ModelSession {
  readonly user: User;
  readonly startedAt: number;
  lastSeenAt: number;
  ended: boolean;
  readonly endedIn: Set<Place>;
}

export interface ModelToken {
  readonly session: ModelSession;
  readonly issuedAt: number;
  /** Sessions that end when it is first used: those its browser had before. Of a session's first token. */
  readonly replaces: readonly ModelSession[];
  /** What it was renewed to, in each place. */
  readonly successors: Map<Place, ModelToken>;
}

export interface ModelBrowser {
  /** Stands for the browser cookie. */
  name: symbol | undefined;
  token: ModelToken | undefined;
  /** For each question this browser was shown: the session that the page took into account. */
  readonly shown: Map<ModelAttempt, ModelSession | undefined>;
}

/** What Vipps sent the browser back with. */
export type Return = { readonly user: User; readonly at: number } | "cancelled";

export interface ModelAttempt {
  readonly client: "web" | "app";
  /** The browser that began it. */
  readonly begunBy: symbol | undefined;
  readonly returnTo: string;
  readonly begunAt: number;
  returned: Return | undefined;
  state:
    | { readonly is: "open" }
    | { readonly is: "held"; readonly by: symbol; readonly user: User; readonly at: number }
    | {
        readonly is: "used";
        readonly by: symbol | undefined;
        readonly made: ModelSession | undefined;
        readonly declined: boolean;
        readonly at: number;
      };
}

export interface Model {
  readonly policy: Policy;
  now: number;
  readonly browsers: readonly ModelBrowser[];
  readonly attempts: ModelAttempt[];
}

/** What a request is answered with. */
export type Answer =
  | { readonly is: "home"; readonly returnTo: string; readonly made: ModelSession | undefined }
  | { readonly is: "question"; readonly user: User; readonly replaces: User | undefined }
  /** A no to a login that was answered with yes. */
  | { readonly is: "tooLate" }
  | { readonly is: "refused"; readonly status: 400 | 401 | 403 | 404 | 502 };

const refused = (status: 400 | 401 | 403 | 404 | 502): Answer => ({ is: "refused", status });

export function newModel(policy: Policy, now: number, browsers: number): Model {
  const browser = (): ModelBrowser => ({ name: undefined, token: undefined, shown: new Map() });
  return { policy, now, browsers: Array.from({ length: browsers }, browser), attempts: [] };
}

/** The token that a token is worth now: itself, what it is renewed to, or nothing. */
export function livingToken(
  model: Model,
  token: ModelToken | undefined,
  place: Place,
): ModelToken | undefined {
  if (token === undefined || token.session.endedIn.has(place)) return undefined;
  const { session, issuedAt } = token;
  const age = model.now - issuedAt;
  if (age < LIFE.fresh) {
    endReplaced(token, place);
    return token;
  }
  if (age >= LIFE.idle || model.now >= session.startedAt + LIFE.ttl) return undefined;
  endReplaced(token, place);
  const successor = token.successors.get(place);
  if (successor !== undefined && model.now - successor.issuedAt < LIFE.fresh) return successor;
  if (!livesInStore(model, session)) {
    session.endedIn.add(place);
    return undefined;
  }
  session.lastSeenAt = model.now;
  const renewed = newToken(session, model.now);
  token.successors.set(place, renewed);
  return renewed;
}

const newToken = (
  session: ModelSession,
  issuedAt: number,
  replaces: readonly ModelSession[] = [],
): ModelToken => ({ session, issuedAt, replaces, successors: new Map() });

function endReplaced({ replaces }: ModelToken, place: Place): void {
  for (const session of replaces) endSession(session, place);
}

function livesInStore({ now }: Model, session: ModelSession): boolean {
  return !session.ended && now < session.lastSeenAt + LIFE.idle && now < session.startedAt + LIFE.ttl;
}

export function endSession(session: ModelSession, place: Place): void {
  session.ended = true;
  session.endedIn.add(place);
}

/** `GET /auth/session`: the browser learns the renewed token, or that it has none. */
export function ask(model: Model, browser: ModelBrowser, place: Place): ModelToken | undefined {
  browser.token = livingToken(model, browser.token, place);
  return browser.token;
}

/** `GET /auth/login`. @returns the attempt, or where a browser that is logged in goes at once */
export function begin(
  model: Model,
  browser: ModelBrowser,
  wanted: { readonly returnTo: string; readonly evenIfLoggedIn: boolean; readonly place: Place },
): ModelAttempt | Answer {
  const { returnTo, evenIfLoggedIn, place } = wanted;
  if (ask(model, browser, place) !== undefined && !evenIfLoggedIn)
    return { is: "home", returnTo, made: undefined };
  browser.name ??= Symbol("browser");
  return addAttempt(model, "web", browser.name, returnTo);
}

export function addAttempt(
  model: Model,
  client: "web" | "app",
  begunBy: symbol | undefined,
  returnTo: string,
): ModelAttempt {
  const begunAt = model.now;
  const attempt: ModelAttempt = {
    ...{ client, begunBy, returnTo, begunAt, returned: undefined },
    state: { is: "open" },
  };
  model.attempts.push(attempt);
  return attempt;
}

/** How old the attempt's state is: it may be finished, it only leads home whoever finished it, or it says nothing. */
function standing({ now }: Model, { begunAt }: ModelAttempt): "begun" | "late" | "over" {
  if (now - begunAt <= LIFE.attempt) return "begun";
  return now - begunAt <= LIFE.attempt + LIFE.memory ? "late" : "over";
}

/** Whether a callback would finish the attempt, or cancel it. */
export function isUnderWay(model: Model, attempt: ModelAttempt): boolean {
  return attempt.state.is === "open" && standing(model, attempt) === "begun";
}

/** Whether a question waits for its answer. */
export function isWaiting({ now }: Model, { state }: ModelAttempt): boolean {
  return state.is === "held" && now - state.at <= LIFE.attempt;
}

/** How many rows logins may have left: at least those still needed, at most those not swept yet. */
export function rowsOf({
  now,
  attempts,
}: Model): Readonly<Record<"used" | "waiting", { readonly least: number; readonly most: number }>> {
  const used = attempts.filter(({ state }) => state.is !== "open");
  const usedWithin = (age: number) => used.filter(({ begunAt }) => now - begunAt <= age).length;
  const held = attempts.flatMap(({ state }) => (state.is === "held" ? [state.at] : []));
  const heldWithin = (age: number) => held.filter((at) => now - at <= age).length;
  const memory = LIFE.attempt + LIFE.memory;
  return {
    used: { least: usedWithin(memory), most: usedWithin(memory + SWEEP.used) },
    waiting: { least: heldWithin(LIFE.attempt), most: heldWithin(LIFE.attempt + SWEEP.waiting) },
  };
}

/** `GET /auth/callback` with the attempt's state and what Vipps returned for `from`. */
export function callback(
  model: Model,
  attempt: ModelAttempt,
  from: ModelAttempt,
  browser: ModelBrowser,
  place: Place,
): Answer {
  const { returned } = from;
  const age = standing(model, attempt);
  if (attempt.client !== "web" || age === "over" || returned === undefined) return refused(400);
  if (age === "late") return again(model, attempt, browser, place);
  // An error says the same however often it is brought, and uses nothing up.
  if (returned === "cancelled") return refused(403);
  const { state, returnTo } = attempt;
  const sameBrowser = attempt.begunBy === browser.name;
  if (!sameBrowser && model.policy === "deny") return refused(400);
  const living = sameBrowser ? undefined : livingToken(model, browser.token, place);
  const by = browser.name ?? Symbol("unknown browser");
  if (state.is === "held" && state.by === browser.name)
    return question(model, attempt, state.user, browser, place);
  if (state.is !== "open") {
    const answer = again(model, attempt, browser, place);
    if (answer.is === "home") browser.name = by;
    return answer;
  }
  use(model, attempt, by, undefined);
  if (from !== attempt || model.now - returned.at >= LIFE.code) return refused(502);
  if (sameBrowser) return makeSession(model, attempt, returned.user, browser);

  browser.name = by;
  const same = living?.session.user === returned.user;
  if (model.policy === "confirm" && living !== undefined && same) {
    browser.token = living;
    return { is: "home", returnTo, made: undefined };
  }
  if (model.policy === "allow" && (living === undefined || same))
    return makeSession(model, attempt, returned.user, browser);
  attempt.state = { is: "held", by, user: returned.user, at: model.now };
  return question(model, attempt, returned.user, browser, place);
}

function use(
  model: Model,
  attempt: ModelAttempt,
  by: symbol | undefined,
  made: ModelSession | undefined,
  declined = false,
): void {
  attempt.state = { is: "used", by, made, declined, at: model.now };
}

function question(
  model: Model,
  attempt: ModelAttempt,
  user: User,
  browser: ModelBrowser,
  place: Place,
): Answer {
  const session = livingToken(model, browser.token, place)?.session;
  browser.shown.set(attempt, session);
  return { is: "question", user, replaces: session?.user === user ? undefined : session?.user };
}

/** A login that somebody has brought before, or one that is too old to be finished. */
function again(model: Model, attempt: ModelAttempt, browser: ModelBrowser, place: Place): Answer {
  const { state, returnTo } = attempt;
  if (state.is === "open" || model.now - state.at > LIFE.memory) return refused(400);
  const broughtHere = browser.name !== undefined && state.by === browser.name;
  // A question that is not answered in time makes no session, and leads nobody home.
  if (state.is === "held" && broughtHere) return refused(400);
  const living = livingToken(model, browser.token, place);
  if (state.is === "held") return refused(400);
  if (state.declined) return refused(403);
  const itsOwn = state.made !== undefined && living?.session === state.made;
  if (living === undefined || !(broughtHere || itsOwn)) return refused(400);
  browser.token = living;
  return { is: "home", returnTo, made: undefined };
}

function makeSession(model: Model, attempt: ModelAttempt, user: User, browser: ModelBrowser): Answer {
  const made = newSession(model, user);
  use(model, attempt, browser.name, made);
  const { token } = browser;
  browser.token = newToken(made, model.now, token === undefined ? [] : [token.session, ...token.replaces]);
  return { is: "home", returnTo: attempt.returnTo, made };
}

function newSession({ now }: Model, user: User): ModelSession {
  return { user, startedAt: now, lastSeenAt: now, ended: false, endedIn: new Set() };
}

/** `POST /auth/continue` with the page that this browser was shown, if any. */
export function answer(
  model: Model,
  attempt: ModelAttempt,
  yes: boolean,
  browser: ModelBrowser,
  place: Place,
): Answer {
  if (attempt.client !== "web" || standing(model, attempt) === "over") return refused(400);
  const living = livingToken(model, browser.token, place);
  const { state } = attempt;
  if (state.is !== "held" || state.by !== browser.name || !isWaiting(model, attempt)) {
    const before = again(model, attempt, browser, place);
    return !yes && before.is === "home" ? { is: "tooLate" } : before;
  }
  if (!yes) {
    use(model, attempt, browser.name, undefined, true);
    return refused(403);
  }
  const unannounced = living !== undefined && living.session !== browser.shown.get(attempt);
  if (unannounced) return question(model, attempt, state.user, browser, place);
  return makeSession(model, attempt, state.user, browser);
}

/** `POST /auth/app/finish` with what Vipps returned. @returns the app's token where there is a session */
export function finishInApp(
  model: Model,
  attempt: ModelAttempt,
  withSecretOf: ModelAttempt,
): { readonly status: number; readonly token?: ModelToken } {
  const { returned } = attempt;
  if (attempt.client !== "app" || standing(model, attempt) !== "begun") return { status: 400 };
  if (withSecretOf !== attempt || returned === undefined) return { status: 400 };
  if (returned === "cancelled") return { status: 403 };
  if (attempt.state.is !== "open") return { status: 400 };
  use(model, attempt, undefined, undefined);
  if (model.now - returned.at >= LIFE.code) return { status: 502 };
  return { status: 200, token: newToken(newSession(model, returned.user), model.now) };
}

/** `POST /auth/logout`: this browser also becomes a stranger to the logins it began. */
export function logOut(browser: ModelBrowser, place: Place): void {
  if (browser.token !== undefined) {
    endSession(browser.token.session, place);
    endReplaced(browser.token, place);
  }
  browser.token = undefined;
  browser.name = undefined;
}

/** `DELETE /auth/sessions`. @returns the HTTP status */
export function endOthers(
  model: Model,
  browser: ModelBrowser,
  sessions: readonly ModelSession[],
  place: Place,
): 204 | 401 {
  const living = ask(model, browser, place);
  if (living === undefined) return 401;
  if (!livesInStore(model, living.session)) {
    living.session.endedIn.add(place);
    browser.token = undefined;
    return 401;
  }
  for (const session of sessions) {
    const other = session !== living.session && session.user === living.session.user;
    if (other && livesInStore(model, session)) endSession(session, place);
  }
  return 204;
}
