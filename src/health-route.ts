import { type AppContext, providerAccess } from "./http/request-context.ts";
import { withinTime } from "./time-limit.ts";
import { metadataAge } from "./vipps/metadata.ts";

/** One dependency: whether it answers, and what is worth knowing of it. */
type Health = { readonly ok: boolean; readonly age_seconds?: number };

/** Milliseconds after which a dependency counts as down. */
const TIME_LIMIT = 5_000;

/** `GET /auth/health`: 200 when every dependency answers, else 503. Nothing secret, nothing stored. */
export async function showHealth(c: AppContext): Promise<Response> {
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
  const dependencies = {
    kv,
    login_attempts: loginAttempts,
    user_sessions: userSessions,
    ...(accounts && { accounts_db: accounts }),
    vipps_metadata: metadata,
  };
  const ok = Object.values(dependencies).every((dependency) => dependency.ok);
  return Response.json(
    { ok, dependencies },
    { status: ok ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}

function within(probe: Promise<Health>): Promise<Health> {
  const down = (): Health => ({ ok: false });
  return withinTime(TIME_LIMIT, probe.catch(down), down);
}
