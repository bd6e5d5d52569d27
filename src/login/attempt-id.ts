import { Failure, type Stage } from "../failure.ts";
import type { Settings } from "../settings.ts";

/** The attempt a `state` names. */
export type AttemptStub = ReturnType<Settings["storage"]["loginAttempts"]["get"]>;

/**
 * Finds the attempt of a state. The platform signs its object ids, so an invented or altered one is refused
 * here, without a call.
 * @throws {Failure} `state_missing` or `state_invalid`.
 */
export function attemptOfState(settings: Settings, state: string | undefined, stage: Stage): AttemptStub {
  if (state === undefined) throw new Failure("state_missing", { stage });
  const { loginAttempts } = settings.storage;
  try {
    // Ids are written in lower case; the platform would read other spellings of the same id too.
    if (!/^[0-9a-f]{64}$/.test(state)) throw new TypeError("not an object id");
    return loginAttempts.get(loginAttempts.idFromString(state));
  } catch {
    throw new Failure("state_invalid", { stage });
  }
}
