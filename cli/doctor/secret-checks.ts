import { createECDH, createPublicKey } from "node:crypto";
import { neededUntil } from "../../src/session/key-retirement.ts";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { isSecret, type SettingName } from "../../src/settings/table.ts";
import { error, skipped, warning } from "../findings/finding.ts";
import { needsPrivateHalf, parseKeySet, type SessionKey } from "../session-key-set.ts";
import { type Check, known } from "./facts.ts";
import type { SettingsSource } from "./settings-source.ts";

/** What people write where a secret shall go later. */
const PLACEHOLDER =
  /^(x+|\.+|…|-+|\*+|change[-_ ]?(me|this)?|secret|password|passord|todo|tbd|none|null|undefined|dummy|placeholder|(my|your|test|example)[-_ ].*|.*[-_ ](here|goes[-_ ]here)|<.*>|\$\{.*\}|\{\{.*\}\}|0+|1234.*|abc.*)$/i;

/** Shorter ones, or of fewer different characters, can be guessed. */
const LEAST = { length: 16, variety: 8 };

const NO_SECRET = skipped("No secret is to be seen here.");

/** Shorter values may stand anywhere by chance. */
const LEAST_TELLING = 12;

const NO_KEYS = skipped("SESSION_KEYS is not to be seen here.");
const ROTATE = "npm run keys -- rotate";

const DAY = 24 * 3600;
/** docs/operations.md asks for a new key once or twice a year. In seconds. */
const OLD = 366 * DAY;

export const SECRET_CHECKS = {
  /** Placeholders and guessable secrets. Key sets are looked at by themselves. */
  "secrets-strength": {
    why: "A placeholder or a guessable secret lets others act as your site, or keeps anybody from logging in.",
    *look({ source: { values } }) {
      const secrets = secretsIn(values).filter(([name]) => !isKeySet(name));
      if (secrets.length === 0) return NO_SECRET;
      for (const [name, value] of secrets) {
        if (PLACEHOLDER.test(value)) yield error(`${name} is a placeholder.`, whereFrom(name));
        else if (value.length < LEAST.length || new Set(value).size < LEAST.variety)
          yield error(`${name} is too short or too simple to be a secret.`, whereFrom(name));
      }
      if (PLACEHOLDER.test(values.VIPPS_CLIENT_ID?.trim() ?? ""))
        yield error("VIPPS_CLIENT_ID is a placeholder.", whereFrom("VIPPS_CLIENT_ID"));
      return "None is a placeholder or guessable.";
    },
  },
  /** One secret in two places: two settings, or two environments. */
  "secrets-reused": {
    why: "Who learns one secret then has both, and neither can be changed alone.",
    *look({ source: { values, otherEnvironments } }) {
      const here = privateParts(values);
      if (here.length === 0) return NO_SECRET;
      const change = "Give each its own value.";
      const clientId = values.VIPPS_CLIENT_ID?.trim();
      for (const [index, [name, value]] of here.entries()) {
        const twin = here.slice(index + 1).find(([, other]) => other === value)?.[0];
        if (twin !== undefined && twin !== name)
          yield error(`${name} and ${twin} are the same secret.`, change);
        if (twin === name) yield error(`${name} holds a key twice.`, "npm run keys -- rotate");
        if (value === clientId)
          yield error(`${name} is the same as VIPPS_CLIENT_ID, which is public.`, change);
        for (const [file, settings] of Object.entries(otherEnvironments)) {
          if (privateParts(settings).some(([, other]) => other === value))
            yield error(`${name} is also used in ${file}.`, "Give each environment its own.");
        }
      }
      return "Each is used in one place.";
    },
  },
  /** Secrets among the plain variables of wrangler.toml. */
  "secrets-in-vars": {
    why: "Variables of the configuration are readable in the dashboard and in the repository; secrets are neither.",
    *look({ source: { vars, configName } }) {
      for (const [name, value] of Object.entries(vars)) {
        if (isSecret(name) && writtenAsText(value) !== "")
          yield error(
            `${name} stands among the vars of ${configName}.`,
            `Take it out, make a new one, and give that to the worker: npx wrangler secret put ${name}`,
          );
      }
      return `No secret stands in ${configName}.`;
    },
  },
  /** Secrets in what git tracks. */
  "secrets-in-git": {
    why: "What was committed once stays in the history and in every clone, so the secret is no longer one.",
    *look({ source: { values, otherEnvironments, trackedFiles } }) {
      if (trackedFiles === undefined) return skipped("There is no git repository here.");
      for (const { path } of trackedFiles) {
        if (/(^|\/)\.dev\.vars(\.(?!example$)[\w-]+)?$/.test(path))
          yield error(`git tracks ${path}.`, `git rm --cached ${path}, and make the secrets in it anew.`);
      }
      const known = [values, ...Object.values(otherEnvironments)].flatMap(privateParts);
      for (const [name, value] of known) {
        // A placeholder stands in many a document, and is named as one already.
        if (value.length < LEAST_TELLING || PLACEHOLDER.test(value)) continue;
        for (const { path } of trackedFiles.filter(({ text }) => text.includes(value)))
          yield error(
            `${name} stands in ${path}, which git tracks.`,
            `Make a new ${name}; taking it out of the file is not enough.`,
          );
      }
      return "No secret stands in a file that git tracks.";
    },
  },
  /** Whether others on this machine can read the settings files. */
  "secrets-file": {
    why: "Other people on this machine can read the secrets in the file.",
    *look({ source: { settingsFiles } }) {
      const visible = settingsFiles.filter(({ mode }) => mode !== undefined);
      if (visible.length === 0) return skipped("There is no file with secrets here.");
      for (const { path, mode = 0 } of visible) {
        if ((mode & 0o077) !== 0)
          yield warning(`Others on this machine can read ${path}.`, `chmod 600 ${path}`);
      }
      return `Only its owner can read ${visible.map(({ path }) => path).join(", ")}.`;
    },
  },
  /** Whether the keys can do what they are for. That they are a key set at all, the settings check says. */
  "session-keys": {
    why: "These keys sign every session. With a broken pair nobody can log in, or everybody is logged out.",
    *look({ source: { values }, now }) {
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
        else if (key.d !== undefined && !needsPrivateHalf({ keys }, key, now / 1000))
          yield warning(
            `The key ${key.kid} signs no more but has kept its private half, which only a thief has a use for.`,
            `Take the member "d" out of it; ${ROTATE} does that by itself.`,
          );
      }
      return `A P-256 pair that fits; ${previous.length} more to verify with.`;
    },
  },
  /** How long the signing key signs already, as far as the keys before it tell. */
  "session-keys-age": {
    why: "A key that is replaced now and then limits what an unnoticed leak is worth.",
    look: known(function* ({ source: { values }, settings: { session }, now }) {
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
      const signs = now / 1000 - Math.max(...retirements);
      const age = `The signing key is ${Math.floor(signs / DAY)} days old`;
      if (signs > OLD) yield warning(`${age}.`, `${ROTATE}; nobody is logged out.`);
      const gone = retirements.filter((at) => neededUntil(at, session.idle) <= now / 1000).length;
      return `${age}${gone === 0 ? "" : `; ${gone} older ones are not needed any more (npm run keys -- prune)`}.`;
    }),
  },
} as const satisfies Record<string, Check>;

function whereFrom(name: string): string {
  if (name.startsWith("VIPPS_"))
    return `Take ${name} from the sales unit's keys in the business portal (portal.vippsmobilepay.com).`;
  return `Make a new ${name}: node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;
}

/** Secrets that are JSON Web Key Sets. */
const isKeySet = (name: SettingName) => name === "SESSION_KEYS" || name === "SITES_KEYS";

/**
 * What must stay secret, word by word: each secret, and of a key set the private halves of elliptic keys and the
 * symmetric keys (RFC 7518 section 6).
 */
function privateParts(values: Readonly<Record<string, string>>): readonly (readonly [SettingName, string])[] {
  return secretsIn(values).flatMap(([name, value]): (readonly [SettingName, string])[] => {
    if (!isKeySet(name)) return [[name, value]];
    const members = [...value.matchAll(/"[dk]"\s*:\s*"([\w-]{20,})"/g)];
    return members.map(([, member = ""]) => [name, member] as const);
  });
}

/** The secrets among the values, by name. */
function secretsIn(values: Readonly<Record<string, string>>): readonly (readonly [SettingName, string])[] {
  return Object.entries(values).flatMap(([name, value]) =>
    isSecret(name) && value.trim() !== "" ? [[name, value.trim()] as const] : [],
  );
}

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
