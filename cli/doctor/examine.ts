import type { Settings } from "../../src/settings/types.ts";
import { isProviderOrigin } from "../../src/vipps/provider-requirements.ts";
import { checkAuthorizeRequest } from "./authorize-checks.ts";
import { type Network, REQUEST_TIME_LIMIT } from "./bounded-request.ts";
import { CHECK_IDS, CHECKS, type CheckId, FAMILIES, type Family } from "./checks.ts";
import { checkDiscovery, type Document } from "./discovery-checks.ts";
import { about, aboutAll, type Finding, type Found, skipped } from "./finding.ts";
import { checkLogin } from "./login-checks.ts";
import { checkRedirectUri } from "./redirect-uri-checks.ts";
import {
  checkReuse,
  checkSettingsFiles,
  checkStrength,
  checkTrackedFiles,
  checkVars,
} from "./secret-checks.ts";
import { checkSessionKeyAge, checkSessionKeys, keysIn } from "./session-key-checks.ts";
import {
  checkEnvironment,
  checkSettings,
  checkSettingsNames,
  checkStandardHeaders,
  NO_SITE,
} from "./settings-checks.ts";
import type { SettingsSource } from "./settings-source.ts";
import {
  checkAddress,
  checkGuard,
  checkHealth,
  checkPageHeaders,
  checkPublishedKeys,
  type Site,
} from "./site-checks.ts";
import { checkClientKeys, type Issuers } from "./token-checks.ts";
import {
  checkBindings,
  checkCompatibilityDate,
  checkMigrations,
  checkRoutes,
  checkUnguardedAssets,
} from "./worker-checks.ts";
import { type ReadSettings, readAsWorker } from "./worker-settings.ts";

export interface Examination {
  readonly source: SettingsSource;
  /** The deployed site to look at, an origin; undefined for none. */
  readonly target: string | undefined;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for one request; ten seconds where absent. */
  readonly timeLimit?: number;
  /** The checks that are wanted; all where absent. */
  readonly only?: ReadonlySet<CheckId>;
  /** Hears of each finding as soon as it is made. */
  readonly onFinding?: (finding: Finding) => void;
  /** Vipps' own issuers; other ones in tests. */
  readonly issuers?: Issuers;
  /** Where several sites are examined in one run: what is the same for all of them. */
  readonly shared?: Network["shared"];
}

const VIPPS_ISSUERS: Issuers = {
  test: "https://apitest.vipps.no/access-management-1.0/access/",
  production: "https://api.vipps.no/access-management-1.0/access/",
};

/** One part of the examination: the checks it makes, and how. */
type Part = readonly [readonly CheckId[], () => readonly Finding[] | Promise<readonly Finding[]>];

const idsOf = (family: Family): readonly CheckId[] => CHECK_IDS.filter((id) => CHECKS[id].family === family);

/**
 * Examines one site's settings, what Vipps says of them, and the deployed site. Changes nothing anywhere: the
 * requests are those of a visitor who turns back, and the token endpoint is shown an invented code.
 * @returns the findings in the order of the checks. Never throws for what it finds.
 */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { source, only, onFinding } = examination;
  const read = readAsWorker(source);
  const findings: Finding[] = [];
  for (const [ids, make] of partsOf(examination, read)) {
    const wanted = ids.filter((id) => only === undefined || only.has(id));
    if (wanted.length === 0) continue;
    for (const finding of await make()) {
      if (!wanted.includes(finding.id)) continue;
      findings.push(finding);
      onFinding?.(finding);
    }
  }
  return findings;
}

function partsOf(examination: Examination, read: ReadSettings): readonly Part[] {
  const { source, now } = examination;
  const network: Network = {
    fetch: examination.fetch,
    now,
    timeLimit: examination.timeLimit ?? REQUEST_TIME_LIMIT,
    ...(examination.shared !== undefined && { shared: examination.shared }),
  };
  const at = Math.floor(now() / 1000);
  const missing = skipped("noSite" in read ? NO_SITE : "The settings must be right first.");
  /** A check that can be made whatever the settings are. */
  const check = (id: CheckId, found: () => readonly Found[]): Part => [[id], () => about(id, found())];
  /** One that needs them to be right. */
  const checkOf = (id: CheckId, found: (settings: Settings) => readonly Found[]): Part =>
    check(id, () => ("settings" in read ? found(read.settings) : [missing]));
  const asked = [...idsOf("vipps"), ...idsOf("site")];
  return [
    check("settings", () => checkSettings(source, read)),
    check("settings-names", () => checkSettingsNames(source)),
    checkOf("environment", (settings) => checkEnvironment(source, settings)),
    check("redirect-uri", () => ("noSite" in read ? [skipped(NO_SITE)] : checkRedirectUri(source))),
    checkOf("standard-headers", checkStandardHeaders),
    check("secrets-strength", () => checkStrength(source)),
    check("secrets-reused", () => checkReuse(source)),
    check("secrets-in-vars", () => checkVars(source)),
    check("secrets-in-git", () => checkTrackedFiles(source)),
    check("secrets-file", () => checkSettingsFiles(source)),
    check("session-keys", () => checkSessionKeys(source, at)),
    checkOf("session-keys-age", (settings) => checkSessionKeyAge(source, settings, at)),
    check("bindings", () => checkBindings(source)),
    checkOf("unguarded-assets", (settings) => checkUnguardedAssets(source, settings)),
    checkOf("routes", (settings) => checkRoutes(source, settings)),
    check("compatibility-date", () => checkCompatibilityDate(source, now())),
    check("migrations", () => checkMigrations(source)),
    [
      asked,
      async () => {
        if (!("settings" in read)) return aboutAll(asked, missing);
        const { findings, document } = await askVipps(examination, network, read, read.settings);
        return [...findings, ...(await askSite(examination, network, read, read.settings, document))];
      },
    ],
  ];
}

/** The secrets that are shown to Vipps; a stand-in for one proves nothing. */
const KEY_SECRETS = [
  "VIPPS_CLIENT_SECRET",
  "VIPPS_PARTNER_CLIENT_SECRET",
  "VIPPS_PARTNER_SUBSCRIPTION_KEY",
] as const;

interface VippsAnswers {
  readonly findings: readonly Finding[];
  readonly document: Document | undefined;
}

async function askVipps(
  { only, issuers = VIPPS_ISSUERS }: Examination,
  anyNetwork: Network,
  read: ReadSettings,
  { relyingParty }: Settings,
): Promise<VippsAnswers> {
  // With the two that every request of the doctor carries, these are the five that Vipps asks for.
  const network: Network = {
    ...anyNetwork,
    headers: {
      "Merchant-Serial-Number": relyingParty.merchantSerialNumber,
      "Vipps-System-Name": relyingParty.systemName,
      "Vipps-System-Version": relyingParty.systemVersion,
    },
  };
  const { findings, document } = await checkDiscovery(network, relyingParty);
  const endpointOf = (name: string) => {
    const value = document?.[name];
    return typeof value === "string" && URL.canParse(value) ? value : undefined;
  };
  const authorize = endpointOf("authorization_endpoint");
  const token = endpointOf("token_endpoint");
  const isWanted = (...ids: readonly CheckId[]) => only === undefined || ids.some((id) => only.has(id));
  const all = [...findings];
  const authorizeIds = ["client-id", "redirect-uri-registered", "authorize-request"] as const;
  if (isWanted(...authorizeIds))
    all.push(
      ...(authorize === undefined
        ? aboutAll(authorizeIds, skipped("It is not known where to ask."))
        : await checkAuthorizeRequest(network, relyingParty, authorize)),
    );
  const hidden = KEY_SECRETS.find((name) => "hidden" in read && read.hidden.has(name));
  // The secret goes to an issuer that proved to be the configured one and to its own endpoints, and to nobody else.
  const isProven =
    document?.issuer === relyingParty.issuer &&
    token !== undefined &&
    isProviderOrigin(relyingParty, new URL(token));
  if (isWanted("client-keys"))
    all.push(
      ...about(
        "client-keys",
        hidden !== undefined
          ? skipped(`${hidden} is not to be seen here.`)
          : token === undefined || !isProven
            ? skipped("The keys are shown to nobody who is not the configured issuer.")
            : await checkClientKeys(network, relyingParty, token, issuers),
      ),
    );
  return { findings: inOrder("vipps", all), document };
}

async function askSite(
  { target, only, source }: Examination,
  network: Network,
  read: ReadSettings,
  settings: Settings,
  document: Document | undefined,
): Promise<readonly Finding[]> {
  const ids = idsOf("site");
  if (only !== undefined && !ids.some((id) => only.has(id))) return [];
  if (target === undefined) return aboutAll(ids, skipped("--url says which deployed site to look at."));
  const site: Site = { network, target, settings };
  const [found, answers] = await checkAddress(site);
  const address = about("site-address", found);
  if (!answers)
    return [...address, ...aboutAll(ids.slice(1), skipped("The worker does not answer at this address."))];
  const authorize = document?.authorization_endpoint;
  const hidden = "hidden" in read && read.hidden.has("SESSION_KEYS");
  const signing = hidden ? undefined : keysIn(source.values.SESSION_KEYS ?? "")[0];
  return inOrder("site", [
    ...address,
    ...about("site-health", await checkHealth(site)),
    ...(await checkLogin(site, typeof authorize === "string" ? authorize : undefined)),
    ...about("site-keys", await checkPublishedKeys(site, signing)),
    ...about("site-guard", await checkGuard(site)),
    ...about("site-headers", await checkPageHeaders(site)),
  ]);
}

/** As the family's checks are listed. */
function inOrder(family: Family, findings: readonly Finding[]): readonly Finding[] {
  const order = idsOf(family);
  return findings.toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id));
}

export interface Verdict {
  readonly counts: Readonly<Record<Finding["severity"], number>>;
  readonly isHealthy: boolean;
}

/** @param strict whether a warning is as bad as an error */
export function verdictOf(findings: readonly Finding[], strict: boolean): Verdict {
  const count = (severity: Finding["severity"]) =>
    findings.filter((finding) => finding.severity === severity).length;
  const counts = {
    error: count("error"),
    warning: count("warning"),
    ok: count("ok"),
    skipped: count("skipped"),
  };
  return { counts, isHealthy: counts.error === 0 && (!strict || counts.warning === 0) };
}

/** Ids and families as they may be asked for. @returns undefined where a word is neither */
export function checksNamed(words: readonly string[]): ReadonlySet<CheckId> | undefined {
  const named = words.map((word) =>
    CHECK_IDS.filter((id) => id === word || (Object.hasOwn(FAMILIES, word) && CHECKS[id].family === word)),
  );
  return named.some((ids) => ids.length === 0) ? undefined : new Set(named.flat());
}
