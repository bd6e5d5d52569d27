import { type AppContext, providerAccess } from "./http/request-context.ts";
import type { Settings } from "./settings.ts";
import { createSingleFlight, type SingleFlight } from "./single-flight.ts";
import { withinTime } from "./time-limit.ts";
import { metadataAge } from "./vipps/metadata.ts";

/** One dependency: whether it answers, and what is worth knowing of it. */
type Health = { readonly ok: boolean; readonly age_seconds?: number };

/** Milliseconds after which a dependency counts as down. */
const TIME_LIMIT = 5_000;

/** For this long the last answer is given again, in milliseconds: whoever asks in a loop asks nobody but us. */
const FRESH_FOR = 5_000;

interface Answer {
  readonly body: { readonly ok: boolean; readonly dependencies: Readonly<Record<string, Health>> };
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Remembered {
  last: Answer | undefined;
  readonly asking: SingleFlight<Answer>;
}

const rememberedOf = new WeakMap<Settings, Remembered>();

/**
 * `GET /auth/health`: 200 when every dependency answers, else 503. Nothing secret, nothing stored. The dependencies
 * are asked once in five seconds, however many want to know.
 */
export async function showHealth(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const remembered = rememberedOf.get(settings) ?? { last: undefined, asking: createSingleFlight<Answer>() };
  rememberedOf.set(settings, remembered);
  const { last } = remembered;
  const isFresh = last !== undefined && Date.now() - last.at < FRESH_FOR;
  const { body } = isFresh ? last : await askOnce(c, remembered);
  return Response.json(body, { status: body.ok ? 200 : 503, headers: { "cache-control": "no-store" } });
}

async function askOnce(c: AppContext, remembered: Remembered): Promise<Answer> {
  const background = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  return remembered.asking.run("health", background, async () => {
    const dependencies = await askDependencies(c);
    const ok = Object.values(dependencies).every((dependency) => dependency.ok);
    const answer = { body: { ok, dependencies }, at: Date.now() };
    remembered.last = answer;
    return answer;
  });
}

async function askDependencies(c: AppContext): Promise<Readonly<Record<string, Health>>> {
  const { storage } = c.env.settings;
  const answers = (probe: Promise<unknown>): Promise<Health> => within(probe.then(() => ({ ok: true })));
  const [kv, loginAttempts, userSessions, accounts, metadata] = await Promise.all([
    answers(storage.metadata.namespace.get("health")),
    answers(storage.loginAttempts.getByName("health").ping()),
    answers(storage.userSessions.getByName("health").ping()),
    // Fails too where the migrations have not been applied.
    storage.accounts && answers(storage.accounts.prepare("SELECT 1 FROM accounts LIMIT 1").first()),
    within(metadataAge(providerAccess(c)).then((age): Health => ({ ok: true, age_seconds: age }))),
  ]);
  return {
    kv,
    login_attempts: loginAttempts,
    user_sessions: userSessions,
    ...(accounts && { accounts_db: accounts }),
    vipps_metadata: metadata,
  };
}

function within(probe: Promise<Health>): Promise<Health> {
  const down = (): Health => ({ ok: false });
  return withinTime(TIME_LIMIT, probe.catch(down), down);
}
