import { writtenAsText } from "../../src/settings/kinds.ts";
import { isSecret, type SettingName } from "../../src/settings/table.ts";
import { error, type Look, skipped, warning } from "../findings/finding.ts";
import type { SettingsSource } from "./settings-source.ts";
import { secretsIn } from "./worker-settings.ts";

/** What people write where a secret shall go later. */
const PLACEHOLDER =
  /^(x+|\.+|…|-+|\*+|change[-_ ]?(me|this)?|secret|password|passord|todo|tbd|none|null|undefined|dummy|placeholder|(my|your|test|example)[-_ ].*|.*[-_ ](here|goes[-_ ]here)|<.*>|\$\{.*\}|\{\{.*\}\}|0+|1234.*|abc.*)$/i;

/** Shorter ones, or of fewer different characters, can be guessed. */
const LEAST = { length: 16, variety: 8 };

/** Placeholders and guessable secrets. Key sets are looked at by themselves. */
export function* checkStrength({ values }: SettingsSource): Look {
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
}

const NO_SECRET = skipped("No secret is to be seen here.");

function whereFrom(name: string): string {
  if (name.startsWith("VIPPS_"))
    return `Take ${name} from the sales unit's keys in the business portal (portal.vippsmobilepay.com).`;
  return `Make a new ${name}: node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;
}

/** Secrets that are JSON Web Key Sets. */
const isKeySet = (name: SettingName) => name === "SESSION_KEYS" || name === "SITES_KEYS";

/** The private halves of elliptic keys and the symmetric keys in a key set (RFC 7518 section 6). */
function secretMembers(text: string): readonly string[] {
  return [...text.matchAll(/"[dk]"\s*:\s*"([\w-]{20,})"/g)].map(([, member = ""]) => member);
}

/** What must stay secret, word by word: each secret, and of a key set the private halves. */
function privateParts(values: Readonly<Record<string, string>>): readonly (readonly [SettingName, string])[] {
  return secretsIn(values).flatMap(([name, value]): [SettingName, string][] =>
    isKeySet(name)
      ? secretMembers(value).map((member): [SettingName, string] => [name, member])
      : [[name, value]],
  );
}

/** One secret in two places: two settings, or two environments. */
export function* checkReuse({ values, otherEnvironments }: SettingsSource): Look {
  const here = privateParts(values);
  if (here.length === 0) return NO_SECRET;
  const change = "Give each its own value.";
  const clientId = values.VIPPS_CLIENT_ID?.trim();
  for (const [index, [name, value]] of here.entries()) {
    const twin = here.slice(index + 1).find(([, other]) => other === value)?.[0];
    if (twin !== undefined && twin !== name) yield error(`${name} and ${twin} are the same secret.`, change);
    if (twin === name) yield error(`${name} holds a key twice.`, "npm run keys -- rotate");
    if (value === clientId) yield error(`${name} is the same as VIPPS_CLIENT_ID, which is public.`, change);
    for (const [file, settings] of Object.entries(otherEnvironments)) {
      if (privateParts(settings).some(([, other]) => other === value))
        yield error(`${name} is also used in ${file}.`, "Give each environment its own.");
    }
  }
  return "Each is used in one place.";
}

/** Secrets among the plain variables of wrangler.toml. */
export function* checkVars({ vars }: SettingsSource): Look {
  for (const [name, value] of Object.entries(vars)) {
    if (isSecret(name) && writtenAsText(value) !== "")
      yield error(
        `${name} stands in [vars] of wrangler.toml.`,
        `Take it out, make a new one, and give that to the worker: npx wrangler secret put ${name}`,
      );
  }
  return "No secret stands in wrangler.toml.";
}

/** Shorter values may stand anywhere by chance. */
const LEAST_TELLING = 12;

/** Secrets in what git tracks. */
export function* checkTrackedFiles({ values, otherEnvironments, trackedFiles }: SettingsSource): Look {
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
}

/** Whether others on this machine can read the settings files. */
export function* checkSettingsFiles({ settingsFiles }: SettingsSource): Look {
  const visible = settingsFiles.filter(({ mode }) => mode !== undefined);
  if (visible.length === 0) return skipped("There is no file with secrets here.");
  for (const { path, mode = 0 } of visible) {
    if ((mode & 0o077) !== 0) yield warning(`Others on this machine can read ${path}.`, `chmod 600 ${path}`);
  }
  return `Only its owner can read ${visible.map(({ path }) => path).join(", ")}.`;
}
