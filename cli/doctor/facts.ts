import { ISSUERS } from "../../src/settings/read-settings.ts";
import type { Settings } from "../../src/settings/types.ts";
import { type Found, type Look, type SlowLook, skipped } from "../findings/finding.ts";
import { type Network, REQUEST_TIME_LIMIT } from "./bounded-request.ts";
import { beginLoginAtVipps, type Discovered, discover } from "./provider.ts";
import type { SettingsSource } from "./settings-source.ts";
import { findSite, type Site, type StartedLogin, startLoginAt } from "./site.ts";
import { readAsWorker } from "./worker-settings.ts";

/** What is to be examined, and with what. */
export interface Examined {
  readonly source: SettingsSource;
  /** The deployed site to look at, an origin; undefined for none. */
  readonly target: string | undefined;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for one request; ten seconds where absent. */
  readonly timeLimit?: number;
  /** Vipps' own issuers, by environment; other ones in tests. */
  readonly issuers?: Readonly<Record<"test" | "production", string>>;
  /** Where several sites are examined in one run: what is the same for all of them. */
  readonly shared?: Network["shared"];
}

/** What checks look at. */
export type Facts = ReturnType<typeof factsOf>;

/** The same where the settings are right. */
export type KnownFacts = Extract<Facts, { readonly settings: Settings }>;

/** Gathers what checks look at. Vipps and the site are asked when a check first wants to know, once for all of them. */
export function factsOf({ source, target, fetch, now, timeLimit, issuers = ISSUERS, shared }: Examined) {
  const read = readAsWorker(source);
  const facts = {
    ...{ source, read, issuers, now: now() },
    /** Said by what needs settings that are right, where they are not. */
    missing: skipped(
      "noSite" in read
        ? "The deployment has no site of its own; npm run site -- check examines those in KV."
        : "The settings must be right first.",
    ),
  };
  if (!("settings" in read)) return { ...facts, settings: undefined };
  const { settings, hidden } = read;
  // As the login asks that asks for most: of every purpose.
  const scope = new Set([...settings.relyingParty.scope, ...[...settings.login.purposes.values()].flat()]);
  const relyingParty = { ...settings.relyingParty, scope: [...scope] };
  const network: Network = {
    fetch,
    now,
    timeLimit: timeLimit ?? REQUEST_TIME_LIMIT,
    ...(shared && { shared }),
  };
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
    ...{ ...facts, settings, relyingParty, discovered, site },
    /** For requests to Vipps, with the headers that Vipps asks for. */
    network: networkOfVipps,
    /** Whether a secret is at Cloudflare alone: a stand-in for it proves nothing. */
    isHidden: (name: string) => [...hidden].some((one) => one === name),
    begun: once(async () => beginLoginAtVipps(networkOfVipps, relyingParty, await discovered())),
    login: once(async () => startLoginAt(await site())),
  };
}

/** Makes it once, when it is first wanted. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** One thing found, or a look that finds several. */
type Made = Found | Look | SlowLook;
type Make<Given> = (given: Given) => Made | Promise<Made>;

/** A check of the doctor. */
export interface Check {
  /** Why it matters. */
  readonly why: string;
  readonly look: Make<Facts>;
}

/** A look that needs the settings to be right. */
export const known =
  (look: Make<KnownFacts>): Check["look"] =>
  (facts) =>
    facts.settings === undefined ? facts.missing : look(facts);

/** One that reads Vipps' discovery document. */
export const documented = (look: Make<KnownFacts & Discovered>): Check["look"] =>
  known(async (facts) => {
    const found = await facts.discovered();
    return "document" in found
      ? look({ ...facts, ...found })
      : skipped("Without a discovery document there is nothing to look at.");
  });

/** One that asks the deployed site. */
export const asked = (look: Make<KnownFacts & { at: Site }>): Check["look"] =>
  known(async (facts) => {
    const at = await facts.site();
    if ("severity" in at) return at;
    return at.answers ? look({ ...facts, at }) : skipped("The worker does not answer at this address.");
  });

/** One at a login that the site has begun. */
export const begun = (look: Make<StartedLogin>): Check["look"] =>
  asked(async ({ login }) => {
    const started = await login();
    return "severity" in started ? skipped("No login was begun to look at.") : look(started);
  });
