// The command line of `npm run site`.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const HELP = `Usage: npm run site -- COMMAND [options]

The sites that one worker serves beside its own, each with its own sales unit (docs/many-sites.md).

  init                   makes the master key (SITES_KEYS) that seals the sites' secrets
  add URL                adds a site, with its settings as --set NAME=VALUE
  add --file FILE        adds the sites of a YAML or JSON file; run again, it goes on where it stopped
  list                   all sites
  show HOST              one site's settings, secrets blanked
  check HOST|--all       the doctor, for one site or all
  rotate HOST|--all      a new session key; nobody is logged out
  rotate --master-key    a new master key, and every site sealed with it; a minute later, with --drop-old, the old
                         ones that seal nothing any more go
  remove HOST            says what is deleted, asks, and deletes it

Where the sites are:
  --local                the local storage of "npm start" (the default)
  --env NAME             at Cloudflare, in that environment of wrangler.toml ("" for the top level). SITES_KEYS is
                         then read from .dev.vars.NAME or from the environment variable of that name
  --persist-to DIR       where the local storage is, if not in wrangler's own place
  --settings FILE        the settings file with SITES_KEYS, in place of these

Options:
  --set NAME=VALUE       add: a setting; may be repeated. An empty value takes the setting away
  --secret NAME          add: a secret, from the environment variable of that name; may be repeated. Never an
                         argument, which other users of the machine could read
  --update               add URL: changes the settings given, leaves the others of the site as they are
  --partner              add: the site uses the deployment's partner keys (VIPPS_KEYS=partner)
  --file FILE            add: {"defaults": {…}, "sites": [{"SITE_URL": …}, …]}; "env:NAME" reads a value from the
                         environment
  --all                  check, rotate: every site
  --offline              check: does not look at the deployed site
  --compromised          rotate: drops the old session keys at once; everybody of the site must log in again
  --keep-data            remove: leaves the accounts, consents and login events in the database
  --yes                  remove: does not ask
  --dry-run              says what would be done and does nothing
  --json                 prints the outcome as JSON
  --help                 prints this

The exit code is 0 when all is done, 1 when something is wrong with a site, 2 when the command makes no sense.`;

const COMMANDS = ["init", "add", "list", "show", "check", "rotate", "remove"] as const;
export type Command = (typeof COMMANDS)[number];

/** Where the sites and the master key are. */
export interface SitesPlace {
  /** The project's folder. */
  readonly root: string;
  /** The environment at Cloudflare, "" for the top level; undefined for this machine. */
  readonly environment: string | undefined;
  /** Where wrangler keeps the local copy; its own place where undefined. */
  readonly persistTo: string | undefined;
  /** The settings file with SITES_KEYS, where it is not the usual one. */
  readonly settingsFile: string | undefined;
}

export interface Options {
  readonly command: Command;
  readonly place: SitesPlace;
  /** A URL for `add`, a host for the others. */
  readonly site: string | undefined;
  readonly file: string | undefined;
  readonly set: Readonly<Record<string, string>>;
  /** Names of secrets that the environment holds. */
  readonly secrets: readonly string[];
  readonly update: boolean;
  readonly all: boolean;
  readonly offline: boolean;
  readonly masterKey: boolean;
  readonly dropOld: boolean;
  readonly compromised: boolean;
  readonly keepData: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** What cannot be understood of the command line. The message is one line. */
export class UsageError extends Error {}

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @param args the words after `npm run site --`
 * @returns undefined if only the help is wanted
 * @throws {UsageError} or parseArgs' own error
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArguments(args);
  if (values.help || (args.length === 0 && positionals.length === 0)) return undefined;
  const [word = "", site, ...others] = positionals;
  const command = COMMANDS.find((name) => name === word);
  if (command === undefined) throw new UsageError(`There is no command "${word}"`);
  if (others.length > 0) throw new UsageError(`"${others[0]}" is one word too many`);
  if (values.local && values.env !== undefined)
    throw new UsageError("--local and --env exclude each other: a site is here or at Cloudflare");
  const options: Options = {
    command,
    place: {
      root,
      environment: values.env,
      persistTo: values["persist-to"],
      settingsFile: values.settings,
    },
    site,
    file: values.file,
    set: { ...(values.partner && { VIPPS_KEYS: "partner" }), ...assignments(values.set ?? []) },
    secrets: values.secret ?? [],
    update: values.update ?? false,
    all: values.all ?? false,
    offline: values.offline ?? false,
    masterKey: values["master-key"] ?? false,
    dropOld: values["drop-old"] ?? false,
    compromised: values.compromised ?? false,
    keepData: values["keep-data"] ?? false,
    yes: values.yes ?? false,
    dryRun: values["dry-run"] ?? false,
    json: values.json ?? false,
  };
  checkTarget(options);
  return options;
}

function parseArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      local: { type: "boolean" },
      env: { type: "string" },
      "persist-to": { type: "string" },
      settings: { type: "string" },
      set: { type: "string", multiple: true },
      secret: { type: "string", multiple: true },
      update: { type: "boolean" },
      partner: { type: "boolean" },
      file: { type: "string" },
      all: { type: "boolean" },
      offline: { type: "boolean" },
      "master-key": { type: "boolean" },
      "drop-old": { type: "boolean" },
      compromised: { type: "boolean" },
      "keep-data": { type: "boolean" },
      yes: { type: "boolean" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
}

function assignments(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(word) ?? [];
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${word.split("=")[0]} must be of the form NAME=VALUE`);
      return [name, value];
    }),
  );
}

/** Whether the command knows what it is about. @throws {UsageError} */
function checkTarget({ command, site, file, all, masterKey, update }: Options): void {
  const named = [site !== undefined, file !== undefined, all, masterKey].filter(Boolean).length;
  switch (command) {
    case "init":
    case "list":
      if (named > 0) throw new UsageError(`"${command}" takes no site`);
      return;
    case "add":
      if (all || masterKey || named !== 1) throw new UsageError('"add" takes the URL of a site, or --file');
      if (update && file !== undefined)
        throw new UsageError("--update is for one site; a file always says all of a site's settings");
      return;
    case "rotate":
      if (file !== undefined || named !== 1)
        throw new UsageError('"rotate" takes the host of a site, --all or --master-key');
      return;
    case "check":
      if (file !== undefined || masterKey || named !== 1)
        throw new UsageError('"check" takes the host of a site, or --all');
      return;
    case "show":
    case "remove":
      if (site === undefined || named !== 1) throw new UsageError(`"${command}" takes the host of a site`);
  }
}

/** The settings file that holds SITES_KEYS. */
export function settingsFileOf({ root: folder, environment, settingsFile }: SitesPlace): string {
  if (settingsFile !== undefined) return settingsFile;
  return join(folder, environment ? `.dev.vars.${environment}` : ".dev.vars");
}

/** Where the sites are, in words. */
export const placeName = ({ environment }: SitesPlace): string =>
  environment === undefined ? "here" : `at Cloudflare (${environment || "top level"})`;
