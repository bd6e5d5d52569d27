import { createECDH, createPublicKey } from "node:crypto";
import { neededUntil } from "../../src/session/key-retirement.ts";
import type { Settings } from "../../src/settings/types.ts";
import { error, type Look, skipped, warning } from "../findings/finding.ts";
import { needsPrivateHalf, parseKeySet, type SessionKey } from "../session-key-set.ts";
import type { SettingsSource } from "./settings-source.ts";

const ROTATE = "npm run keys -- rotate";

/** The keys of a key set; none where it cannot be read. */
function keysIn(text: string): readonly SessionKey[] {
  try {
    return parseKeySet(text, "SESSION_KEYS").keys;
  } catch {
    return [];
  }
}

/** The key that signs; undefined where there is none to be seen. */
export const signingKeyIn = ({ values }: SettingsSource): SessionKey | undefined =>
  keysIn(values.SESSION_KEYS ?? "")[0];

/** Whether the public half is the private half's own (SEC 1 section 3.2.1). */
function isPair({ x, y, d = "" }: SessionKey): boolean {
  try {
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(d, "base64url");
    const point = curve.getPublicKey();
    return (
      point.subarray(1, 33).toString("base64url") === x && point.subarray(33, 65).toString("base64url") === y
    );
  } catch {
    return false;
  }
}

function isOnCurve({ kty, crv, x, y }: SessionKey): boolean {
  try {
    createPublicKey({ key: { kty, crv, x, y }, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether the keys can do what they are for. That they are a key set at all, the settings check says.
 * @param now seconds since the epoch.
 */
export function* checkSessionKeys({ values }: SettingsSource, now: number): Look {
  if (!values.SESSION_KEYS) return NO_KEYS;
  const keys = keysIn(values.SESSION_KEYS);
  const [signing, ...previous] = keys;
  const replace = "Make new ones: npm run keys -- make --replace. Everybody has to log in again.";
  if (signing?.d === undefined) return error("There is no private ES256 key that could sign.", replace);
  if (!isPair(signing))
    yield error("The private and the public half of the signing key do not belong together.", replace);
  for (const key of previous) {
    if (!isOnCurve(key))
      yield error(
        `The key ${key.kid} is not a point on P-256.`,
        "Take it out: npm run keys -- prune, or by hand.",
      );
    else if (key.d !== undefined && !needsPrivateHalf({ keys }, key, now))
      yield warning(
        `The key ${key.kid} signs no more but has kept its private half, which only a thief has a use for.`,
        `Take the member "d" out of it; ${ROTATE} does that by itself.`,
      );
  }
  return `A P-256 pair that fits; ${previous.length} more to verify with.`;
}

const NO_KEYS = skipped("SESSION_KEYS is not to be seen here.");

const DAY = 24 * 3600;
/** docs/operations.md asks for a new key once or twice a year. In seconds. */
const OLD = 366 * DAY;

/** How long the signing key signs already, as far as the keys before it tell. Times in seconds since the epoch. */
export function* checkSessionKeyAge(
  { values }: SettingsSource,
  { idle }: Settings["session"],
  now: number,
): Look {
  const [, ...previous] = keysIn(values.SESSION_KEYS ?? "");
  if (!values.SESSION_KEYS) return NO_KEYS;
  const retirements: number[] = [];
  for (const { kid, retired_at: retiredAt } of previous) {
    if (retiredAt !== undefined) retirements.push(retiredAt);
    else
      yield warning(
        `It is not written down since when the key ${kid} does not sign, so it verifies for ever.`,
        `Give it "retired_at" (seconds since 1970); ${ROTATE} does that by itself.`,
      );
  }
  if (retirements.length === 0)
    return "The first key; its age is not written down. Rotate it once or twice a year.";
  const since = Math.max(...retirements);
  const age = `The signing key is ${Math.floor((now - since) / DAY)} days old`;
  if (now - since > OLD) yield warning(`${age}.`, `${ROTATE}; nobody is logged out.`);
  const gone = retirements.filter((at) => neededUntil(at, idle) <= now).length;
  return `${age}${gone === 0 ? "" : `; ${gone} older ones are not needed any more (npm run keys -- prune)`}.`;
}
