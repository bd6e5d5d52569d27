import type { Device, Place } from "../http/request.ts";
import { filled, type Language, textsIn } from "../pages/language.ts";
import type { ListedSession } from "../pages/sessions-page.ts";
import { agoWords, countryName, dateWords } from "../pages/time-words.ts";
import { now } from "./session.ts";
import type { StoredSession } from "./user-sessions.ts";

/** A device in words: `Safari on iPhone`. */
export function deviceWords(language: Language, { browser, system }: Device): string {
  const { sessions } = textsIn(language);
  if (browser !== undefined && system !== undefined) return filled(sessions.device, { browser, system });
  return browser ?? system ?? sessions.unknownDevice;
}

/** A place in words: `Oslo, Norway`. */
function placeWords(language: Language, { city, country }: Place): string | undefined {
  const parts = [city, country && countryName(language, country)].filter((part) => part !== undefined);
  // Singapore, Monaco: once is enough.
  return parts.length === 0 ? undefined : [...new Set(parts)].join(", ");
}

const PHONES: ReadonlySet<string | undefined> = new Set(["iPhone", "Android"]);

/** Below this it was just now. In seconds. */
const A_MOMENT = 60;

/**
 * A session as its owner reads it.
 * @param current id of the session that asks: it is in use at this moment.
 */
export function sessionWords(
  language: Language,
  zone: string,
  session: StoredSession,
  current: string,
): ListedSession {
  const ago = now() - session.lastSeenAt;
  const isCurrent = session.sid === current;
  return {
    id: session.sid,
    device: deviceWords(language, session.device),
    isPhone: PHONES.has(session.device.system),
    place: placeWords(language, session.place),
    current: isCurrent,
    lastUsed: isCurrent || ago < A_MOMENT ? undefined : agoWords(language, ago),
    begun: dateWords(language, zone, session.startedAt),
  };
}
