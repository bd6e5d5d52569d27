import { writtenAsText } from "../../src/settings/kinds.ts";
import { isSecret, type SettingName } from "../../src/settings/table.ts";
import { error, type Found, ok, orOk, skipped, warning } from "./finding.ts";
import type { SettingsSource } from "./settings-source.ts";
import { secretsIn } from "./worker-settings.ts";

/** What people write where a secret shall go later. */
const PLACEHOLDER =
  /^(x+|\.+|…|-+|\*+|change[-_ ]?(me|this)?|secret|password|passord|todo|tbd|none|null|undefined|dummy|placeholder|(my|your|test|example)[-_ ].*|.*[-_ ](here|goes[-_ ]here)|<.*>|\$\{.*\}|\{\{.*\}\}|0+|1234.*|abc.*)$/i;

/** Shorter ones, or of fewer different characters, can be guessed. */
const LEAST = { length: 16, variety: 8 };

/** Placeholders and guessable secrets. Key sets are looked at by themselves. */
export function checkStrength(source: SettingsSource): readonly Found[] {
  const secrets = secretsIn(source.values).filter(([name]) => !isKeySet(name));
  if (secrets.length === 0) return [skipped("No secret is to be seen here.")];
  const clientId = source.values.VIPPS_CLIENT_ID?.trim() ?? "";
  const problems = secrets.flatMap(([name, value]) => {
    if (PLACEHOLDER.test(value)) return [error(`${name} is a placeholder.`, `${whereFrom(name)}`)];
    if (value.length < LEAST.length || new Set(value).size < LEAST.variety)
      return [error(`${name} is too short or too simple to be a secret.`, whereFrom(name))];
    return [];
  });
  const id = PLACEHOLDER.test(clientId)
    ? [error("VIPPS_CLIENT_ID is a placeholder.", whereFrom("VIPPS_CLIENT_ID"))]
    : [];
  return orOk([...problems, ...id], "None is a placeholder or guessable.");
}

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
export function checkReuse({ values, otherEnvironments }: SettingsSource): readonly Found[] {
  const here = privateParts(values);
  if (here.length === 0) return [skipped("No secret is to be seen here.")];
  const change = "Give each its own value.";
  const problems: Found[] = [];
  const clientId = values.VIPPS_CLIENT_ID?.trim();
  for (const [index, [name, value]] of here.entries()) {
    const twin = here.slice(index + 1).find(([, other]) => other === value)?.[0];
    if (twin !== undefined && twin !== name)
      problems.push(error(`${name} and ${twin} are the same secret.`, change));
    if (twin === name) problems.push(error(`${name} holds a key twice.`, "npm run keys -- rotate"));
    if (value === clientId)
      problems.push(error(`${name} is the same as VIPPS_CLIENT_ID, which is public.`, change));
    for (const [file, settings] of Object.entries(otherEnvironments)) {
      if (privateParts(settings).some(([, other]) => other === value))
        problems.push(error(`${name} is also used in ${file}.`, "Give each environment its own."));
    }
  }
  return orOk(problems, "Each is used in one place.");
}

/** Secrets among the plain variables of wrangler.toml. */
export function checkVars({ vars }: SettingsSource): readonly Found[] {
  const problems = Object.entries(vars)
    .filter(([name, value]) => isSecret(name) && writtenAsText(value) !== "")
    .map(([name]) =>
      error(
        `${name} stands in [vars] of wrangler.toml.`,
        `Take it out, make a new one, and give that to the worker: npx wrangler secret put ${name}`,
      ),
    );
  return orOk(problems, "No secret stands in wrangler.toml.");
}

/** Shorter values may stand anywhere by chance. */
const LEAST_TELLING = 12;

/** Secrets in what git tracks. */
export function checkTrackedFiles({
  values,
  otherEnvironments,
  trackedFiles,
}: SettingsSource): readonly Found[] {
  if (trackedFiles === undefined) return [skipped("There is no git repository here.")];
  const problems = trackedFiles
    .filter(({ path }) => /(^|\/)\.dev\.vars(\.(?!example$)[\w-]+)?$/.test(path))
    .map(({ path }) =>
      error(`git tracks ${path}.`, `git rm --cached ${path}, and make the secrets in it anew.`),
    );
  const known = [values, ...Object.values(otherEnvironments)].flatMap(privateParts);
  for (const [name, value] of known) {
    // A placeholder stands in many a document, and is named as one already.
    if (value.length < LEAST_TELLING || PLACEHOLDER.test(value)) continue;
    for (const { path } of trackedFiles.filter(({ text }) => text.includes(value)))
      problems.push(
        error(
          `${name} stands in ${path}, which git tracks.`,
          `Make a new ${name}; taking it out of the file is not enough.`,
        ),
      );
  }
  return orOk(problems, "No secret stands in a file that git tracks.");
}

/** Whether others on this machine can read the settings files. */
export function checkSettingsFiles({ settingsFiles }: SettingsSource): readonly Found[] {
  const visible = settingsFiles.filter(({ mode }) => mode !== undefined);
  if (visible.length === 0) return [skipped("There is no file with secrets here.")];
  const problems = visible
    .filter(({ mode = 0 }) => (mode & 0o077) !== 0)
    .map(({ path }) => warning(`Others on this machine can read ${path}.`, `chmod 600 ${path}`));
  return problems.length > 0
    ? problems
    : [ok(`Only its owner can read ${visible.map(({ path }) => path).join(", ")}.`)];
}
