import { mistakenNames } from "../../src/settings/names.ts";
import { isSecret, isSettingName, settingNames, settingTable } from "../../src/settings/table.ts";
import { error, ok, skipped, warning } from "../findings/finding.ts";
import { sectionName } from "../project-config.ts";
import { type Check, known } from "./facts.ts";
import type { SettingsSource } from "./settings-source.ts";
import { faultsOfFurtherSites } from "./worker-settings.ts";

/** How the names of settings begin: a stranger among them is a slip, or a setting of another version. */
const BEGINNINGS = new Set(settingNames().map((name) => name.split("_")[0]));

/** Vipps' own hosts, by environment. */
const VIPPS_HOSTS: Readonly<Record<string, string>> = {
  "apitest.vipps.no": "test",
  "api.vipps.no": "production",
};

/** Cut after this many characters by the worker, because Vipps takes no more. */
const HEADER_LIMIT = 30;

const LOCAL = /^((?:.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

export const SETTINGS_CHECKS = {
  /** Every fault in the settings, as the worker itself would name it. */
  settings: {
    why: "With a setting missing or malformed the worker answers every request with an error page.",
    *look({ source, read, missing }) {
      const own = "faults" in read ? read.faults : [];
      const faults = new Set([...own, ...faultsOfFurtherSites(source)]);
      for (const fault of faults) yield error(`${fault}.`, whereToMend(source, fault));
      if ("noSite" in read) return missing;
      if ("faults" in read || faults.size > 0) return "";
      const hidden = [...read.hidden].join(", ");
      if (hidden === "") return `Complete and well formed (${source.name}).`;
      if (source.deployedSecrets !== undefined)
        return `Complete and well formed (${source.name}); ${hidden} at Cloudflare.`;
      yield ok(`Well formed (${source.name}).`);
      return skipped(
        `Not here: ${hidden}. --remote asks Cloudflare whether it has them; in the environment of this command they are examined themselves.`,
      );
    },
  },
  /** Settings that nobody reads, with the name that was probably meant. */
  "settings-names": {
    why: "A misspelt setting is ignored without a word, and its default holds instead.",
    *look({ source: { values, worker } }) {
      for (const name of Object.keys(values)) {
        if (isSettingName(name) || worker?.bindings.has(name)) continue;
        const meant = mistakenNames([name])[0]?.meant;
        if (meant === undefined && !BEGINNINGS.has(name.split("_")[0] ?? "")) continue;
        const hint = meant === undefined ? "Remove it" : `Was ${meant} meant? Rename it`;
        yield warning(`There is no setting ${name}.`, `${hint}; docs/configuration.md has all.`);
      }
      return "Every name is known.";
    },
  },
  /** Whether issuer, environment and site belong to the same world. */
  environment: {
    why: "Test and production are two worlds: keys, issuer and users of one do not exist in the other.",
    look: known(function* ({
      source: { configName, environment, values, worker },
      settings: { site, relyingParty },
    }) {
      const set = values.VIPPS_ENVIRONMENT || "test";
      const host = new URL(relyingParty.issuer).host;
      const issuerIs = VIPPS_HOSTS[host];
      if (issuerIs !== undefined && issuerIs !== set)
        yield error(
          `VIPPS_ENVIRONMENT is ${set}, but VIPPS_ISSUER is Vipps' ${issuerIs} environment.`,
          "Remove VIPPS_ISSUER: the environment says it all.",
        );
      // Vipps gives partner keys for production alone (Vipps, Partner keys).
      const isPartnerInTest = relyingParty.keys.kind === "partner" && set !== "production";
      if (isPartnerInTest && issuerIs !== undefined)
        yield error(
          `VIPPS_KEYS is partner and VIPPS_ENVIRONMENT is ${set}, but Vipps' partner keys are for production alone.`,
          "Test with the keys of a test sales unit (VIPPS_KEYS=own) or with the simulator.",
        );
      if (issuerIs === undefined && !site.isLocal)
        yield warning(
          `Logins go to ${host}, which is not Vipps (VIPPS_ISSUER).`,
          "Remove VIPPS_ISSUER, unless this site really uses another provider.",
        );
      const plain = (values.RETURN_TO_ORIGINS ?? "")
        .split(/[\s,]+/)
        .filter((one) => /^http:/i.test(one) && !LOCAL.test(new URL(one).hostname));
      if (plain.length > 0 && !site.isLocal)
        yield warning(
          `RETURN_TO_ORIGINS names ${plain.join(", ")}: whoever is in a visitor's network can put a script there that asks who is logged in.`,
          "Name it by https://.",
        );
      // Many sites of one deployment may each be of their own environment.
      const isWholeWorker = worker !== undefined;
      if (isWholeWorker && environment === "production" && set !== "production")
        yield warning(
          "[env.production] uses Vipps' test environment: nobody can log in with the real app.",
          'Set VIPPS_ENVIRONMENT = "production" in [env.production.vars], with the production keys.',
        );
      if (isWholeWorker && environment !== "production" && set === "production")
        yield warning(
          `${environment === undefined ? `The top level of ${configName}` : sectionName(configName, environment)} uses Vipps' production environment, with real people.`,
          'Keep production to [env.production]; everything else works with VIPPS_ENVIRONMENT = "test".',
        );
      const elsewhere = issuerIs === undefined ? `, with the issuer at ${host}` : "";
      const note = isPartnerInTest ? " Note: at Vipps, partner keys are for production alone." : "";
      return `${set}${elsewhere}.${note}`;
    }),
  },
  /**
   * Vipps' rules for redirect URIs (Login API, redirect URIs) held against SITE_URL and AUTH_PATH as written, also
   * where the worker would refuse them for reasons of its own. Of several faults the first is told.
   */
  "redirect-uri": {
    why: "Vipps compares the redirect URI byte by byte with the portal's list, and refuses every login if they differ.",
    *look({ source: { values }, read, missing }) {
      if ("noSite" in read) return missing;
      const site = values.SITE_URL?.trim() ?? "";
      const authPath = values.AUTH_PATH?.trim() || settingTable().AUTH_PATH.default;
      const say = 'Set SITE_URL to the origin alone, such as "https://www.example.com".';
      if (site === "") return error("Without SITE_URL there is no redirect URI.", say);
      const url = URL.parse(site);
      if (url === null) return error(`SITE_URL is no address: ${site}`, say);
      if (site.includes("#"))
        return error("SITE_URL has a #, which Vipps does not take in a redirect URI.", say);
      if (site.includes("?"))
        return error("SITE_URL has a query string, which Vipps does not take in a redirect URI.", say);
      if (url.pathname !== "/")
        return error(`SITE_URL has a path (${url.pathname}).`, `${say} Paths go into AUTH_PATH.`);
      if (authPath.endsWith("/"))
        return error(
          "AUTH_PATH ends with a slash.",
          `Write AUTH_PATH = "${authPath.replace(/\/+$/, "") || "/auth"}": the redirect URI ends with /callback.`,
        );
      if (/[?#]/.test(authPath))
        return error("AUTH_PATH has a query or a #.", 'Set it to a path alone, such as "/auth".');

      const uri = `${url.origin}${authPath}/callback`;
      const isLocal = LOCAL.test(url.hostname);
      if (url.protocol !== "https:" && !isLocal)
        return error(
          "The redirect URI does not begin with https://.",
          "Set SITE_URL to the https address of the site.",
        );
      if (isLocal && values.VIPPS_ENVIRONMENT?.trim() === "production")
        return error(
          `The redirect URI is on this machine (${uri}), which Vipps takes in its test environment only.`,
          "Set SITE_URL to the public address, or VIPPS_ENVIRONMENT to test.",
        );
      if (IP_ADDRESS.test(url.hostname) && !isLocal)
        return error(
          "The redirect URI has an IP address instead of a name.",
          "Set SITE_URL to the site's name.",
        );
      // The worker lowers the case of the host and leaves out the usual port, as every URL parser does.
      if (!site.startsWith(url.origin))
        yield warning(
          `SITE_URL is written "${site}", but the redirect URI is ${uri}.`,
          `Write SITE_URL = "${url.origin}", and register exactly ${uri}.`,
        );
      return `To be registered, exactly: ${uri}`;
    },
  },
  /** Whether the site hears of a consent withdrawn at Vipps, where Vipps collects consents for it. */
  "consent-webhook": {
    why: "Who removes the site's access in the app is asked anew by Vipps at the next login; only the webhook tells the site that there are new answers to fetch.",
    look: known(function* ({ source, settings: { relyingParty, accounts } }) {
      const collecting = relyingParty.scope.filter(
        (scope) => scope === "customFlow" || scope === "delegatedConsents",
      );
      if (collecting.length === 0) return "Not needed: VIPPS_SCOPE asks for no consents that Vipps collects.";
      if (accounts.consentWebhookSecret !== undefined)
        return "Its address is there. Whether it is registered, only Vipps knows.";
      if (source.secretsElsewhere && source.deployedSecrets === undefined)
        return skipped("CONSENT_WEBHOOK_SECRET is not here; --remote asks Cloudflare whether it has it.");
      yield warning(
        `VIPPS_SCOPE has ${collecting.join(" and ")}, but CONSENT_WEBHOOK_SECRET is not set: withdrawals in the app are not noticed, and answers given anew at Vipps may be lost.`,
        "Set CONSENT_WEBHOOK_SECRET, and have Vipps register the address; docs/going-live.md says how.",
      );
      return "";
    }),
  },
  /** The headers as they will be sent. Wrong ones that are set are a fault of the settings. */
  "standard-headers": {
    why: "Vipps asks for these headers on every request, 30 characters each, to find your requests when you need help.",
    look: known(function* ({ settings: { site, relyingParty } }) {
      const { merchantSerialNumber, systemName, systemVersion } = relyingParty;
      const { host } = new URL(site.origin);
      if (systemName !== host && host.length > HEADER_LIMIT && host.startsWith(systemName))
        yield warning(
          `The host of the site is longer than ${HEADER_LIMIT} characters, so Vipps-System-Name is cut to "${systemName}".`,
          "Set VIPPS_SYSTEM_NAME to a name of at most 30 characters.",
        );
      return `MSN ${merchantSerialNumber}, system "${systemName}" ${systemVersion}.`;
    }),
  },
} as const satisfies Record<string, Check>;

/** A secret has no place in the configuration, and on this machine a first start makes what is missing. */
function whereToMend({ name, environment, settingsFiles, worker }: SettingsSource, fault: string): string {
  const setting = /^[A-Z][A-Z0-9_]*/.exec(fault)?.[0] ?? "";
  const isLocal = environment === undefined && worker !== undefined;
  if (isLocal && settingsFiles.length === 0)
    return "Start it once (npm start, or npx vipps-login dev): that makes .dev.vars, with keys for the simulator.";
  if (setting === "SITE_DEFAULTS" && worker === undefined)
    return "Set it right in the settings of the deployment: every site has these.";
  if (!isSecret(setting)) return `Set it right in ${name}; docs/configuration.md has every setting.`;
  return isLocal
    ? `Put ${setting} into ${settingsFiles[0]?.path}: a secret does not belong into the configuration.`
    : `Give it to the worker: npx wrangler secret put ${setting}${environment === undefined ? "" : ` --env ${environment}`}`;
}
