import { settingsSchema } from "../../src/settings-schema.ts";
import type { Settings } from "../../src/settings-types.ts";
import { error, type Finding, ok, orOk, skipped, warning } from "./finding.ts";
import { SECRET_NAMES, type SettingsSource } from "./settings-source.ts";
import type { ReadSettings } from "./worker-settings.ts";

/** Said in place of everything that needs a site. */
export const NO_SITE = "The deployment has no site of its own; npm run site -- check examines those in KV.";

/** What is missing is not also malformed. */
function withoutRepetition(faults: readonly string[]): readonly string[] {
  const missing = faults.flatMap((fault) => /^(\w+) is missing/.exec(fault)?.[1] ?? []);
  return faults.filter((fault) => / is missing/.test(fault) || !missing.includes(fault.split(" ")[0] ?? ""));
}

/** Every fault in the settings, as the worker itself would name it. */
export function checkSettings(source: SettingsSource, read: ReadSettings): readonly Finding[] {
  if ("noSite" in read) return [skipped("settings", NO_SITE)];
  if ("faults" in read)
    return withoutRepetition(read.faults).map((fault) =>
      error(
        "settings",
        `${fault}.`,
        `Set it right in ${source.name}; docs/configuration.md has every setting.`,
      ),
    );
  const hidden = [...read.hidden];
  if (hidden.length === 0) return [ok("settings", `Complete and well formed (${source.name}).`)];
  if (source.deployedSecrets !== undefined)
    return [ok("settings", `Complete and well formed (${source.name}); ${hidden.join(", ")} at Cloudflare.`)];
  return [
    ok("settings", `Well formed (${source.name}).`),
    skipped(
      "settings",
      `Not here: ${hidden.join(", ")}. --remote asks Cloudflare whether it has them; in the environment of this command they are examined themselves.`,
    ),
  ];
}

/** Names of this project's settings begin like one of these; a stranger among them is a slip. */
const OWN_PREFIX =
  /^(VIPPS_|SITE_|SESSION_|REGIST|TERMS_|PRIVACY_|PROTECTED_|AUTH_|CONSENT|SUPPORT_|LOGIN_|APP_)/;

/** Settings that nobody reads, with the name that was probably meant. */
export function checkSettingsNames({ values, worker }: SettingsSource): readonly Finding[] {
  const known = [...Object.keys(settingsSchema().entries), ...SECRET_NAMES];
  const problems = Object.keys(values)
    .filter((name) => !known.includes(name) && worker?.bindings.has(name) !== true)
    .flatMap((name) => {
      const meant = known.find((one) => distance(one, name) <= 3);
      if (meant === undefined && !OWN_PREFIX.test(name)) return [];
      const hint = meant === undefined ? "Remove it" : `Was ${meant} meant? Rename it`;
      return [
        warning("settings-names", `There is no setting ${name}.`, `${hint}; docs/configuration.md has all.`),
      ];
    });
  return orOk("settings-names", problems, "Every name is known.");
}

/** How many characters differ between two words (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, a] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, b] of [...other].entries())
      next.push(Math.min((row[j] ?? 0) + (a === b ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Vipps' own hosts, by environment. */
const VIPPS_HOSTS = { "apitest.vipps.no": "test", "api.vipps.no": "production" } as const;

/** Whether issuer, environment and site belong to the same world. */
export function checkEnvironment(
  source: SettingsSource,
  { site, relyingParty }: Settings,
): readonly Finding[] {
  const set = source.values.VIPPS_ENVIRONMENT || "test";
  const host = new URL(relyingParty.issuer).host;
  const issuerIs = Object.entries(VIPPS_HOSTS).find(([name]) => name === host)?.[1];
  const problems: Finding[] = [];
  if (issuerIs !== undefined && issuerIs !== set)
    problems.push(
      error(
        "environment",
        `VIPPS_ENVIRONMENT is ${set}, but VIPPS_ISSUER is Vipps' ${issuerIs} environment.`,
        "Remove VIPPS_ISSUER: the environment says it all.",
      ),
    );
  // Vipps gives partner keys for production alone (Vipps, Partner keys).
  const isPartnerInTest = relyingParty.keys.kind === "partner" && set !== "production";
  if (isPartnerInTest && issuerIs !== undefined)
    problems.push(
      error(
        "environment",
        `VIPPS_KEYS is partner and VIPPS_ENVIRONMENT is ${set}, but Vipps' partner keys are for production alone.`,
        "Test with the keys of a test sales unit (VIPPS_KEYS=own) or with the simulator.",
      ),
    );
  if (issuerIs === undefined && !site.isLocal)
    problems.push(
      warning(
        "environment",
        `Logins go to ${host}, which is not Vipps (VIPPS_ISSUER).`,
        "Remove VIPPS_ISSUER, unless this site really uses another provider.",
      ),
    );
  // Many sites of one deployment may each be of their own environment.
  const isWholeWorker = source.worker !== undefined;
  if (isWholeWorker && source.environment === "production" && set !== "production")
    problems.push(
      warning(
        "environment",
        "[env.production] uses Vipps' test environment: nobody can log in with the real app.",
        'Set VIPPS_ENVIRONMENT = "production" in [env.production.vars], with the production keys.',
      ),
    );
  if (isWholeWorker && source.environment !== "production" && set === "production")
    problems.push(
      warning(
        "environment",
        `${source.environment === undefined ? "The top level of wrangler.toml" : `[env.${source.environment}]`} uses Vipps' production environment, with real people.`,
        'Keep production to [env.production]; everything else works with VIPPS_ENVIRONMENT = "test".',
      ),
    );
  return orOk(
    "environment",
    problems,
    `${set}${issuerIs === undefined ? `, with the issuer at ${host}` : ""}.${isPartnerInTest ? " Note: at Vipps, partner keys are for production alone." : ""}`,
  );
}

/** Cut after this many characters by the worker, because Vipps takes no more. */
const HEADER_LIMIT = 30;

/** The headers as they will be sent. Wrong ones that are set are a fault of the settings. */
export function checkStandardHeaders({ site, relyingParty }: Settings): readonly Finding[] {
  const { merchantSerialNumber, systemName, systemVersion } = relyingParty;
  const { host } = new URL(site.origin);
  const cut = systemName !== host && host.length > HEADER_LIMIT && host.startsWith(systemName);
  const problems = cut
    ? [
        warning(
          "standard-headers",
          `The host of the site is longer than ${HEADER_LIMIT} characters, so Vipps-System-Name is cut to "${systemName}".`,
          "Set VIPPS_SYSTEM_NAME to a name of at most 30 characters.",
        ),
      ]
    : [];
  return orOk(
    "standard-headers",
    problems,
    `MSN ${merchantSerialNumber}, system "${systemName}" ${systemVersion}.`,
  );
}
