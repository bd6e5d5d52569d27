import { Failure } from "./failure.ts";
import { type AppContext, providerAccess } from "./http/request-context.ts";
import { type Flights, joinFlight } from "./isolate-state.ts";
import { logEvent } from "./log.ts";
import { importedKeys } from "./session/session.ts";
import type { Settings } from "./settings.ts";
import { faultFields, fromStorage } from "./storage-call.ts";
import type { FaultClass, Store } from "./storage-fault.ts";
import { metadataAge } from "./vipps/provider.ts";
import { withinTime } from "./waiting.ts";

/** One dependency: whether it answers, and what is worth knowing of it. */
interface Health {
  readonly ok: boolean;
  readonly age_seconds?: number;
  /** Of a store that fails: why, as in the log. */
  readonly class?: FaultClass | undefined;
  readonly cause?: string | undefined;
  /** Of the provider's metadata: why there is none. */
  readonly reason?: string | undefined;
}

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
  readonly asking: Flights<Answer>;
}

const rememberedOf = new WeakMap<Settings, Remembered>();

/**
 * `GET /auth/health`: 200 when every dependency answers, else 503. Nothing secret, nothing stored. The dependencies
 * are asked once in five seconds, however many want to know.
 * @throws {Failure} `settings_invalid` where the session keys look right and sign nothing.
 */
export async function showHealth(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  await importedKeys(settings.session);
  const remembered = rememberedOf.get(settings) ?? { last: undefined, asking: new Map() };
  rememberedOf.set(settings, remembered);
  const { last } = remembered;
  const isFresh = last !== undefined && Date.now() - last.at < FRESH_FOR;
  const { body } = isFresh ? last : await askOnce(c, remembered);
  return Response.json(body, { status: body.ok ? 200 : 503, headers: { "cache-control": "no-store" } });
}

async function askOnce(c: AppContext, remembered: Remembered): Promise<Answer> {
  const background = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  return joinFlight(remembered.asking, "health", background, async () => {
    const dependencies = await askDependencies(c);
    const ok = Object.values(dependencies).every((dependency) => dependency.ok);
    const answer = { body: { ok, dependencies }, at: Date.now() };
    remembered.last = answer;
    return answer;
  });
}

/**
 * Needs every table of the newest migration, and its newest columns, and reads no row: fails where a migration has not
 * been applied.
 */
const NEWEST_TABLES = `SELECT 1 FROM accounts, identities, logins, login_figures, audit_log, consents, vipps_consents,
  site_versions, erasures, proof_guesses, counted_logins WHERE consents.required = 0
  AND proof_guesses.last_guess IS NULL AND logins.uncounted IS NULL LIMIT 0`;

async function askDependencies(c: AppContext): Promise<Readonly<Record<string, Health>>> {
  const { storage, site } = c.env.settings;
  const { origin } = site;
  const { accounts } = storage;
  const [kv, loginAttempts, userSessions, database, metadata] = await Promise.all([
    answers(origin, "kv", () => storage.metadata.namespace.get("health")),
    answers(origin, "login_attempts", () => storage.loginAttempts.getByName("health").ping()),
    answers(origin, "user_sessions", () => storage.userSessions.getByName("health").ping()),
    accounts && answers(origin, "accounts_db", () => accounts.prepare(NEWEST_TABLES).first()),
    withinTime(
      TIME_LIMIT,
      metadataAge(providerAccess(c)).then(
        (age): Health => ({ ok: true, age_seconds: age }),
        (error): Health => ({ ok: false, ...(error instanceof Failure && { reason: error.facts.reason }) }),
      ),
      (): Health => ({ ok: false, reason: "no answer in time" }),
    ),
  ]);
  return {
    kv,
    login_attempts: loginAttempts,
    user_sessions: userSessions,
    ...(database && { accounts_db: database }),
    vipps_metadata: metadata,
  };
}

/** Asks a store once, so that what passes is seen too. */
async function answers(site: string, store: Store, probe: () => PromiseLike<unknown>): Promise<Health> {
  try {
    await fromStorage({ site, store, stage: "site", timeLimit: TIME_LIMIT, repeats: "none" }, probe);
    return { ok: true };
  } catch (error) {
    const { class: kind, cause } = faultFields(error);
    logEvent("warn", "store_unhealthy", site, faultFields(error));
    return { ok: false, class: kind, cause };
  }
}
