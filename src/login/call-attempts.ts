import { Failure, type Stage } from "../failure.ts";
import { limitPerSite } from "../http/around.ts";
import { sessionClient } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { newSessionId } from "../session/session.ts";
import { endSession } from "../session/session-store.ts";
import type { Settings } from "../settings.ts";
import { fromStorage } from "../storage-call.ts";
import { timed } from "../waiting.ts";
import type { AnswerCall, LoginAnswer, LoginAttempts } from "./login-attempts.ts";
import { type BegunLogin, type LoginFlow, openState } from "./login-state.ts";

/** The object that finishes a login. */
type AttemptsStub = DurableObjectStub<LoginAttempts>;

/**
 * How long a step of a login may take in the object, in milliseconds: what the provider may take, and a little for
 * storage. The visitor is told within ten seconds.
 */
const STEP_TIME_LIMIT = 9_000;

/** A state that somebody brought, and the login behind it. */
export interface BroughtState {
  readonly state: string;
  readonly login: BegunLogin;
  /** Too late to finish it; but a browser that finished it may be taken home. */
  readonly isLate: boolean;
}

/**
 * Opens the state that somebody brought. Asks nobody.
 * @throws {Failure} `state_missing`, `state_invalid` or `state_expired`.
 */
export async function broughtState(
  settings: Settings,
  flow: LoginFlow,
  state: string | undefined,
  stage: Stage,
): Promise<BroughtState> {
  if (state === undefined) throw new Failure("state_missing", { stage });
  const opened = await openState(settings, flow, state, Date.now());
  if (opened === undefined) throw new Failure("state_invalid", { stage });
  if (opened.standing === "over") throw new Failure("state_expired", { stage });
  return { state, login: opened.login, isLate: opened.standing === "late" };
}

/** The name of the object that finishes a login with this id: one of a few, where LOGIN_LOCATION says. */
export function objectFor({ login: { location, shards } }: Settings, id: string): string {
  return `${location}-${Number.parseInt(id.slice(-4), 16) % shards}`;
}

function attempts({ storage, login }: Settings, object: string): AttemptsStub {
  return storage.loginAttempts.getByName(object, { locationHint: login.location });
}

/**
 * A step of a login, in the object that finishes it. It is made once more where the platform says that the first call
 * did not get through: the object answers a call that it knows as it did before. Where no answer comes at all, the
 * object is told to end the session that it may have recorded; where it no longer knows of one, it is ended from here.
 * @param attempt the login, and the session that the step may make.
 * @throws {Failure} `rate_limited` where the site has had its share of them, `storage_unavailable` where the object
 *   does not answer, or what the step itself failed with.
 */
export async function loginStep(
  c: AppContext,
  object: string,
  stage: Stage,
  attempt: { readonly id: string; readonly sid: string },
  step: (object: AttemptsStub, recording: (accountId: string) => void) => Promise<LoginAnswer>,
): Promise<Exclude<LoginAnswer, { outcome: "failed" }>> {
  const { settings, stepTimes } = c.env;
  await limitPerSite(settings, stage);
  const { id, sid } = attempt;
  let recordedFor: string | undefined;
  const recording = (accountId: string) => {
    recordedFor = accountId;
  };
  const call = () => step(attempts(settings, object), recording);
  const site = settings.site.origin;
  const endUnreceived = async () => {
    if (recordedFor !== undefined) await endSession(settings, recordedFor, sid);
  };
  const place = { site, store: "login_attempts", stage, timeLimit: STEP_TIME_LIMIT } as const;
  let answer: LoginAnswer;
  try {
    answer = await timed(stepTimes, "attempt", fromStorage(place, call));
  } catch (error) {
    const abandoned = attemptsCall(settings, object, stage, (stub) => stub.abandon({ id, sid, site }));
    const ended = abandoned.then((hasEnded) => (hasEnded ? undefined : endUnreceived()));
    c.executionCtx.waitUntil(ended.catch(() => logEvent("warn", "login_not_abandoned", site, { sid })));
    throw error;
  }
  // The very same call again, answered by an object that no longer knew what it had done.
  if (answer.outcome === "used") c.executionCtx.waitUntil(endUnreceived().catch(() => undefined));
  for (const [name, took] of Object.entries(answer.stepTimes))
    Object.assign(stepTimes, { [name]: took, attempt: Math.max(0, (stepTimes.attempt ?? 0) - took) });
  if (answer.outcome === "failed") throw new Failure(answer.code, answer.facts);
  return answer;
}

/**
 * Gives an answer to what a login waits for, or only looks what that is.
 * @returns what came of it, and the id of the session that it makes, if it makes one.
 */
export async function answerStep(
  c: AppContext,
  object: string,
  stage: Stage,
  answer: Pick<AnswerCall, "id" | "browser" | "state" | "question" | "given">,
) {
  const sid = newSessionId();
  const call: AnswerCall = {
    ...answer,
    version: 1,
    site: c.env.settings.site.origin,
    sid,
    client: sessionClient(c),
  };
  const outcome = await loginStep(c, object, stage, call, (stub, recording) =>
    stub.answer({ ...call, recording }),
  );
  return { outcome, sid };
}

/** A short call to the object of a login, made once more where the first did not get through. */
export function attemptsCall<Value>(
  settings: Settings,
  object: string,
  stage: Stage,
  call: (object: AttemptsStub) => Promise<Value>,
): Promise<Value> {
  return fromStorage({ site: settings.site.origin, store: "login_attempts", stage }, () =>
    call(attempts(settings, object)),
  );
}

/** Where a login leads. @throws {Failure} `storage_unavailable` where that is kept in its object. */
export async function returnUrlOf(settings: Settings, login: BegunLogin, stage: Stage): Promise<string> {
  if (login.returnTo !== undefined) return login.returnTo === "" ? "/" : login.returnTo;
  return (await attemptsCall(settings, login.object, stage, (object) => object.returnUrl(login.id))) ?? "/";
}
