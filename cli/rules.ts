// `vipps-login rules`: who may see an address, by the settings as the worker reads them.

import { Command } from "@commander-js/extra-typings";
import { readRequirement } from "../src/rules/requirement.ts";
import { writtenAsText } from "../src/settings/kinds.ts";
import type { SiteSettings } from "../src/settings/types.ts";
import { withDeployment } from "../src/sites/deployment-settings.ts";
import { openSettings, readSiteDocument } from "../src/sites/site-document.ts";
import { originOfHost, siteHost } from "../src/sites/site-host.ts";
import { CommandError, usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { DEFAULT_SITE_PORT } from "./dev-vars.mjs";
import { readLocalSource } from "./doctor/settings-source.ts";
import { explainPath, type PathExplanation, readRules } from "./path-rule.ts";
import { listEntries, readSites } from "./sites/site-store.ts";
import { isSameOwnHost } from "./sites/site-values.ts";
import { hostNamed, noSite, withStorage } from "./sites/sites-command.ts";
import { placeName, type SitesPlace } from "./sites/sites-place.ts";

/** The command `rules`. */
export function rules(context: CommandContext) {
  return new Command("rules")
    .description(
      "Says who may see an address of a site: everybody, whoever is logged in, or only some of them. A whole address is judged by the rules of the site at its host.",
    )
    .argument("<addresses...>", "paths or whole addresses, in any spelling")
    .option("--site <host>", "whose paths these are, where the deployment serves several sites; else its own")
    .option("--env <name>", "an environment of the configuration")
    .option("--settings <file>", "a settings file in place of .dev.vars", context.path)
    .option("--config <file>", "another configuration than the project's", context.path)
    .option(
      "--persist-to <folder>",
      "where the local storage is, if not in wrangler's own place",
      context.path,
    )
    .option("--json", "the result as JSON on the standard output")
    .action(async (addresses, options) => {
      const named = addresses.map((address) => ({ address, url: addressOf(address, options.site) }));
      const sites = await guardedSites(
        context,
        options,
        named.flatMap(({ url }) => url ?? []),
      );
      const explained = named.map(({ address, url }) => {
        const site = sites.at(url);
        return { address, site: site.origin, ...explainPath(site, url?.href ?? address) };
      });
      if (options.json) {
        const usual = options.site === undefined ? sites.own.origin : explained[0]?.site;
        return context.print(JSON.stringify({ site: usual, addresses: explained }));
      }
      for (const { address, ...one } of explained)
        for (const line of explanationLines(address, one)) context.print(line);
    });
}

/** What a whole address begins with; `www.example.com:8787/` is one too, and no path. */
const WHOLE = /^(?:https?:\/\/|[a-z\d.-]+:\d+(?:\/|$))/i;

/**
 * An address whose host says whose it is.
 * @param site the site that was named, for a path.
 * @returns undefined for a path of the deployment's own site.
 * @throws {CommandError} where host and name are of two sites, or the host is none that a site can have.
 */
function addressOf(address: string, site: string | undefined): URL | undefined {
  const named = site === undefined ? undefined : hostNamed(site);
  if (!WHOLE.test(address)) {
    if (named === undefined) return undefined;
    return URL.parse(`${originOfHost(named)}${address.startsWith("/") ? "" : "/"}${address}`) ?? undefined;
  }
  const host = hostNamed(address);
  if (named !== undefined && host !== named)
    throw usageError(`${address} is of another site than --site ${named}`);
  return (
    URL.parse(
      address.includes("://") ? address : `${originOfHost(host)}${address.slice(address.search(/\/|$/))}`,
    ) ?? undefined
  );
}

/** What decides on the addresses of one site. */
type GuardedSite = Pick<SiteSettings, "origin" | "authPath" | "protectedPaths">;

interface PlaceOptions {
  readonly env?: string | undefined;
  readonly settings?: string | undefined;
  readonly config?: string | undefined;
  readonly persistTo?: string | undefined;
}

/**
 * The deployment's own site, and the further ones that addresses name.
 * @throws {CommandError} where the settings cannot be read, or an address is of no site here.
 */
async function guardedSites({ root, env }: CommandContext, options: PlaceOptions, urls: readonly URL[]) {
  const { values } = await readLocalSource({
    root,
    environment: options.env,
    settingsFile: options.settings,
    configFile: options.config,
    processEnv: env,
  });
  const own = guardedSite(values);
  const isOwn = (host: string) => isSameOwnHost(siteHost(own.origin) ?? "", host);
  const hosts = [...new Set(urls.flatMap(({ href }) => siteHost(href) ?? []))].filter((host) => !isOwn(host));
  const further = hosts.length === 0 ? new Map<string, GuardedSite>() : await furtherSites();
  return { own, at: (url: URL | undefined) => further.get(siteHost(url?.href) ?? "") ?? own };

  function furtherSites(): Promise<ReadonlyMap<string, GuardedSite>> {
    const place: SitesPlace = {
      ...{ root, environment: options.env, persistTo: options.persistTo, settingsFile: options.settings },
    };
    return withStorage(place, async (session) => {
      const entries = await listEntries(session);
      const sites = new Map<string, GuardedSite>();
      for (const host of hosts) {
        const entry = entries.get(host);
        const meant = entry?.kind === "alias" ? entry.of : host;
        if (isOwn(meant)) sites.set(host, own);
        else if (entries.get(meant)?.kind === "site") {
          const document = readSiteDocument((await readSites(session, [meant])).get(meant) ?? "");
          if (document === undefined) throw new CommandError(`${meant} is no document that can be read`);
          const all = withDeployment(openSettings(document), values);
          if ("faults" in all) throw new CommandError(`${meant}: ${all.faults.join("; ")}`);
          sites.set(host, guardedSite(all.values));
        } else throw await noSite(session, host, placeName(place));
      }
      return sites;
    });
  }
}

/** @throws {CommandError} where its rules cannot be read. */
function guardedSite(values: Readonly<Record<string, unknown>>): GuardedSite {
  const textOf = (name: string) => writtenAsText(values[name]);
  const read = readRules(values.PROTECTED_PATHS);
  if ("fault" in read) throw new CommandError(`PROTECTED_PATHS ${read.fault}.`);
  return {
    origin: URL.parse(textOf("SITE_URL"))?.origin ?? `http://localhost:${DEFAULT_SITE_PORT}`,
    authPath: textOf("AUTH_PATH") || "/auth",
    protectedPaths: read.rules,
  };
}

/** An explanation in words, a line for each thing to know. */
function explanationLines(address: string, explanation: PathExplanation): readonly string[] {
  const { access, requires, rules, excepted } = explanation;
  switch (access) {
    case "refused":
      return [`${address}  is refused: it can be read in more than one way (path_ambiguous).`];
    case "login":
      return [`${address}  belongs to the login itself; PROTECTED_PATHS has no say there.`];
    case "open":
      return [
        `${address}  is open to everybody${excepted ? `, by an exception from ${rules.join(", ")}` : ""}.`,
      ];
    case "session":
      return [
        requires.length === 0
          ? `${address}  is for whoever is logged in.`
          : `${address}  is for whoever is logged in and`,
        ...requires.map((one) => `    ${requirementWords(one)}  (${one})`),
        `  by ${rules.map((rule) => `"${rule}"`).join(", ")}`,
      ];
  }
}

function requirementWords(text: string): string {
  const requirement = readRequirement(text);
  switch (requirement?.kind) {
    case "group":
      return `is in ${requirement.groups.length === 1 ? "the group" : "one of the groups"} ${requirement.groups.join(", ")}`;
    case "age":
      return `has turned ${requirement.years}`;
    case "fresh":
      return `has logged in within ${requirement.seconds} seconds`;
    case "acr":
      return "has confirmed the login in the app";
    case undefined:
      return text;
  }
}
