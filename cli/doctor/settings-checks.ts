import { mistakenNames } from "../../src/settings/names.ts";
import { isSecret, isSettingName, SETTING_NAMES } from "../../src/settings/table.ts";
import type { Settings } from "../../src/settings/types.ts";
import { error, type Found, ok, orOk, skipped, warning } from "./finding.ts";
import type { SettingsSource } from "./settings-source.ts";
import type { ReadSettings } from "./worker-settings.ts";

/** Said in place of everything that needs a site. */
export const NO_SITE = "The deployment has no site of its own; npm run site -- check examines those in KV.";

/** Every fault in the settings, as the worker itself would name it. */
export function checkSettings(source: SettingsSource, read: ReadSettings): readonly Found[] {
  if ("noSite" in read) return [skipped(NO_SITE)];
  if ("faults" in read) return read.faults.map((fault) => error(`${fault}.`, whereToMend(source, fault)));
  const hidden = [...read.hidden];
  if (hidden.length === 0) return [ok(`Complete and well formed (${source.name}).`)];
  if (source.deployedSecrets !== undefined)
    return [ok(`Complete and well formed (${source.name}); ${hidden.join(", ")} at Cloudflare.`)];
  return [
    ok(`Well formed (${source.name}).`),
    skipped(
      `Not here: ${hidden.join(", ")}. --remote asks Cloudflare whether it has them; in the environment of this command they are examined themselves.`,
    ),
  ];
}

/** A secret has no place in the configuration, and on this machine a first start makes what is missing. */
function whereToMend({ name, environment, settingsFiles, worker }: SettingsSource, fault: string): string {
  const setting = /^[A-Z][A-Z0-9_]*/.exec(fault)?.[0] ?? "";
  const isLocal = environment === undefined && worker !== undefined;
  if (isLocal && settingsFiles.length === 0)
    return "Start it once (npm start, or npx vipps-login dev): that makes .dev.vars, with keys for the simulator.";
  if (!isSecret(setting)) return `Set it right in ${name}; docs/configuration.md has every setting.`;
  return isLocal
    ? `Put ${setting} into ${settingsFiles[0]?.path}: a secret does not belong into the configuration.`
    : `Give it to the worker: npx wrangler secret put ${setting}${environment === undefined ? "" : ` --env ${environment}`}`;
}

/** How the names of settings begin: a stranger among them is a slip, or a setting of another version. */
const BEGINNINGS = new Set(SETTING_NAMES.map((name) => name.split("_")[0]));

/** Settings that nobody reads, with the name that was probably meant. */
export function checkSettingsNames({ values, worker }: SettingsSource): readonly Found[] {
  const strangers = Object.keys(values).filter(
    (name) => !isSettingName(name) && worker?.bindings.has(name) !== true,
  );
  const problems = strangers.flatMap((name) => {
    const meant = mistakenNames([name])[0]?.meant;
    if (meant === undefined && !BEGINNINGS.has(name.split("_")[0] ?? "")) return [];
    const hint = meant === undefined ? "Remove it" : `Was ${meant} meant? Rename it`;
    return [warning(`There is no setting ${name}.`, `${hint}; docs/configuration.md has all.`)];
  });
  return orOk(problems, "Every name is known.");
}

/** Vipps' own hosts, by environment. */
const VIPPS_HOSTS = { "apitest.vipps.no": "test", "api.vipps.no": "production" } as const;

/** Whether issuer, environment and site belong to the same world. */
export function checkEnvironment(source: SettingsSource, { site, relyingParty }: Settings): readonly Found[] {
  const set = source.values.VIPPS_ENVIRONMENT || "test";
  const host = new URL(relyingParty.issuer).host;
  const issuerIs = Object.entries(VIPPS_HOSTS).find(([name]) => name === host)?.[1];
  const problems: Found[] = [];
  if (issuerIs !== undefined && issuerIs !== set)
    problems.push(
      error(
        `VIPPS_ENVIRONMENT is ${set}, but VIPPS_ISSUER is Vipps' ${issuerIs} environment.`,
        "Remove VIPPS_ISSUER: the environment says it all.",
      ),
    );
  // Vipps gives partner keys for production alone (Vipps, Partner keys).
  const isPartnerInTest = relyingParty.keys.kind === "partner" && set !== "production";
  if (isPartnerInTest && issuerIs !== undefined)
    problems.push(
      error(
        `VIPPS_KEYS is partner and VIPPS_ENVIRONMENT is ${set}, but Vipps' partner keys are for production alone.`,
        "Test with the keys of a test sales unit (VIPPS_KEYS=own) or with the simulator.",
      ),
    );
  if (issuerIs === undefined && !site.isLocal)
    problems.push(
      warning(
        `Logins go to ${host}, which is not Vipps (VIPPS_ISSUER).`,
        "Remove VIPPS_ISSUER, unless this site really uses another provider.",
      ),
    );
  // Many sites of one deployment may each be of their own environment.
  const isWholeWorker = source.worker !== undefined;
  if (isWholeWorker && source.environment === "production" && set !== "production")
    problems.push(
      warning(
        "[env.production] uses Vipps' test environment: nobody can log in with the real app.",
        'Set VIPPS_ENVIRONMENT = "production" in [env.production.vars], with the production keys.',
      ),
    );
  if (isWholeWorker && source.environment !== "production" && set === "production")
    problems.push(
      warning(
        `${source.environment === undefined ? "The top level of wrangler.toml" : `[env.${source.environment}]`} uses Vipps' production environment, with real people.`,
        'Keep production to [env.production]; everything else works with VIPPS_ENVIRONMENT = "test".',
      ),
    );
  return orOk(
    problems,
    `${set}${issuerIs === undefined ? `, with the issuer at ${host}` : ""}.${isPartnerInTest ? " Note: at Vipps, partner keys are for production alone." : ""}`,
  );
}

/** Cut after this many characters by the worker, because Vipps takes no more. */
const HEADER_LIMIT = 30;

/** The headers as they will be sent. Wrong ones that are set are a fault of the settings. */
export function checkStandardHeaders({ site, relyingParty }: Settings): readonly Found[] {
  const { merchantSerialNumber, systemName, systemVersion } = relyingParty;
  const { host } = new URL(site.origin);
  const cut = systemName !== host && host.length > HEADER_LIMIT && host.startsWith(systemName);
  const problems = cut
    ? [
        warning(
          `The host of the site is longer than ${HEADER_LIMIT} characters, so Vipps-System-Name is cut to "${systemName}".`,
          "Set VIPPS_SYSTEM_NAME to a name of at most 30 characters.",
        ),
      ]
    : [];
  return orOk(problems, `MSN ${merchantSerialNumber}, system "${systemName}" ${systemVersion}.`);
}
