import { createECDH, createPublicKey } from "node:crypto";
import { neededUntil } from "../../src/session/key-retirement.ts";
import type { Settings } from "../../src/settings/types.ts";
import { needsPrivateHalf, parseKeySet, type SessionKey } from "../session-key-set.ts";
import { error, type Found, orOk, skipped, warning } from "./finding.ts";
import type { SettingsSource } from "./settings-source.ts";

const ROTATE = "npm run keys -- rotate";

/** The keys of a key set; none where it cannot be read. */
export function keysIn(text: string): readonly SessionKey[] {
  try {
    return parseKeySet(text, "SESSION_KEYS").keys;
  } catch {
    return [];
  }
}

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
export function checkSessionKeys({ values }: SettingsSource, now: number): readonly Found[] {
  if (!values.SESSION_KEYS) return [skipped("SESSION_KEYS is not to be seen here.")];
  const keys = keysIn(values.SESSION_KEYS);
  const [signing, ...previous] = keys;
  const replace = `Make new ones: npm run keys -- make --replace. Everybody has to log in again.`;
  if (signing?.d === undefined) return [error("There is no private ES256 key that could sign.", replace)];
  const problems: Found[] = [];
  if (!isPair(signing))
    problems.push(
      error("The private and the public half of the signing key do not belong together.", replace),
    );
  for (const key of previous) {
    if (!isOnCurve(key))
      problems.push(
        error(
          `The key ${key.kid} is not a point on P-256.`,
          "Take it out: npm run keys -- prune, or by hand.",
        ),
      );
    else if (key.d !== undefined && !needsPrivateHalf({ keys }, key, now))
      problems.push(
        warning(
          `The key ${key.kid} signs no more but has kept its private half, which only a thief has a use for.`,
          `Take the member "d" out of it; ${ROTATE} does that by itself.`,
        ),
      );
  }
  return orOk(problems, `A P-256 pair that fits; ${previous.length} more to verify with.`);
}

const DAY = 24 * 3600;
/** docs/operations.md asks for a new key once or twice a year. In seconds. */
const OLD = 366 * DAY;

/** How long the signing key signs already, as far as the keys before it tell. Times in seconds since the epoch. */
export function checkSessionKeyAge(
  { values }: SettingsSource,
  { session }: Settings,
  now: number,
): readonly Found[] {
  const [, ...previous] = keysIn(values.SESSION_KEYS ?? "");
  if (!values.SESSION_KEYS) return [skipped("SESSION_KEYS is not to be seen here.")];
  const problems = previous
    .filter((key) => key.retired_at === undefined)
    .map((key) =>
      warning(
        `It is not written down since when the key ${key.kid} does not sign, so it verifies for ever.`,
        `Give it "retired_at" (seconds since 1970); ${ROTATE} does that by itself.`,
      ),
    );
  const retirements = previous.flatMap((key) => (key.retired_at === undefined ? [] : [key.retired_at]));
  if (retirements.length === 0)
    return orOk(problems, "The first key; its age is not written down. Rotate it once or twice a year.");
  const since = Math.max(...retirements);
  if (now - since > OLD)
    problems.push(
      warning(
        `The signing key is ${Math.floor((now - since) / DAY)} days old.`,
        `${ROTATE}; nobody is logged out.`,
      ),
    );
  const gone = retirements.filter((at) => neededUntil(at, session.idle) <= now).length;
  const rest = gone === 0 ? "" : `; ${gone} older ones are not needed any more (npm run keys -- prune)`;
  return orOk(problems, `The signing key is ${Math.floor((now - since) / DAY)} days old${rest}.`);
}
