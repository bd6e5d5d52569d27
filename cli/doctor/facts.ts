import { ISSUERS } from "../../src/settings/read-settings.ts";
import type { Settings } from "../../src/settings/types.ts";
import type { RelyingParty } from "../../src/vipps/relying-party.ts";
import { type Found, skipped } from "../findings/finding.ts";
import { type AuthorizeVerdict, beginLoginAtVipps } from "./authorize-checks.ts";
import { type Network, REQUEST_TIME_LIMIT } from "./bounded-request.ts";
import { type Discovered, discover } from "./discovery-checks.ts";
import type { Examination } from "./examine.ts";
import { NO_SITE } from "./settings-checks.ts";
import type { SettingsSource } from "./settings-source.ts";
import { findSite, type LoginStart, type Site, startLoginAt } from "./site-checks.ts";
import type { Issuers } from "./token-checks.ts";
import { type ReadSettings, readAsWorker } from "./worker-settings.ts";

/** What checks look at. Vipps and the site are asked when a check first wants to know, and once for all of them. */
export interface Facts {
  readonly source: SettingsSource;
  readonly read: ReadSettings;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly issuers: Issuers;
  /** Said by what needs settings that are right, where they are not. */
  readonly missing: Found;
}

/** The same where the settings are right. */
export interface KnownFacts extends Facts {
  readonly settings: Settings;
  readonly relyingParty: RelyingParty;
  /** Whether a secret is at Cloudflare alone: a stand-in for it proves nothing. */
  readonly isHidden: (name: string) => boolean;
  /** For requests to Vipps, with the headers that Vipps asks for. */
  readonly network: Network;
  readonly discovered: () => Promise<Discovered>;
  readonly begun: () => Promise<AuthorizeVerdict>;
  /** The deployed site; something skipped where there is none to look at. */
  readonly site: () => Promise<Site | Found>;
  readonly login: () => Promise<LoginStart>;
}

/** Makes it once, when it is first wanted. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

export function factsOf(examination: Examination): Facts | KnownFacts {
  const { source, target, fetch, now, shared, issuers = ISSUERS } = examination;
  const read = readAsWorker(source);
  const facts: Facts = {
    ...{ source, read, issuers, now: now() },
    missing: "noSite" in read ? NO_SITE : skipped("The settings must be right first."),
  };
  if (!("settings" in read)) return facts;
  const { settings, hidden } = read;
  const { login } = settings;
  // As the login asks that asks for most: of every purpose.
  const scope = [...new Set([...settings.relyingParty.scope, ...[...login.purposes.values()].flat()])];
  const relyingParty = { ...settings.relyingParty, scope };
  const timeLimit = examination.timeLimit ?? REQUEST_TIME_LIMIT;
  const network: Network = { fetch, now, timeLimit, ...(shared !== undefined && { shared }) };
  const networkOfVipps: Network = {
    ...network,
    // With the two that every request of the doctor carries, these are the five that Vipps asks for.
    headers: {
      "Merchant-Serial-Number": relyingParty.merchantSerialNumber,
      "Vipps-System-Name": relyingParty.systemName,
      "Vipps-System-Version": relyingParty.systemVersion,
    },
  };
  const discovered = once(() => discover(networkOfVipps, relyingParty));
  const site = once(() => findSite(network, target, settings));
  return {
    ...facts,
    ...{ settings, relyingParty, network: networkOfVipps, discovered, site },
    isHidden: (name) => [...hidden].some((one) => one === name),
    begun: once(async () => beginLoginAtVipps(networkOfVipps, relyingParty, await discovered())),
    login: once(async () => startLoginAt(await site())),
  };
}
