#!/usr/bin/env node
// `npm create vipps-login`: makes the project of a site owner and gets it ready to start.

import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type CANCEL_SYMBOL, cancel, intro, isCancel, outro, select, text } from "@clack/prompts";
import { isNewEnough, leastNode } from "../cli/node-version.mjs";
import { CreateError, loginButton, membersFolders, type Project, rulesIn, writeProject } from "./project.ts";
import { SITE_LANGUAGES, type SiteLanguage } from "./words.ts";

/** Names and versions of what the project is made with; put in when this is built. */
declare const PACKAGE: { readonly name: string; readonly version: string; readonly wrangler: string };

const HELP = `Usage: npm create vipps-login [folder] -- [options]

Makes a website with Vipps MobilePay Login in a new folder. Asks what is not said here.

  --name NAME          what the site is called
  --domain DOMAIN      where it will be, such as www.example.com
  --language LANGUAGE  ${SITE_LANGUAGES.join(", ")}
  --site FOLDER        the site as a folder of files, where there is one already
  --protect PATTERNS   what of it needs a login, such as "/members/* /board/*"
  --package FILE       vipps-login-worker to install: a packed file, or a version
  --no-install         installs nothing
  --yes, -y            asks nothing
  --help, -h           prints this`;

interface Asked {
  readonly folder: string | undefined;
  readonly name: string | undefined;
  readonly domain: string | undefined;
  readonly language: SiteLanguage | undefined;
  readonly site: string | undefined;
  readonly protect: string | undefined;
  readonly package: string | undefined;
  readonly install: boolean;
  readonly yes: boolean;
}

/** @returns undefined if only the help is wanted. @throws {CreateError} */
function readOptions(args: readonly string[]): Asked | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: "string" },
      domain: { type: "string" },
      language: { type: "string" },
      site: { type: "string" },
      protect: { type: "string" },
      package: { type: "string" },
      "no-install": { type: "boolean", default: false },
      yes: { type: "boolean", short: "y", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const language = SITE_LANGUAGES.find((one) => one === values.language);
  if (values.language !== undefined && language === undefined)
    throw new CreateError(`--language takes ${SITE_LANGUAGES.join(", ")}, not "${values.language}"`);
  const faults = { name: nameFault, domain: domainFault, site: siteFault, protect: protectFault } as const;
  for (const name of ["name", "domain", "site", "protect"] as const) {
    const fault = values[name] === undefined ? undefined : faults[name](values[name]);
    if (fault !== undefined) throw new CreateError(`--${name}: ${fault}`);
  }
  if (positionals.length > 1) throw new CreateError("Name one folder.");
  const { name, domain, site, protect } = values;
  return {
    folder: positionals[0],
    ...{ name, domain, language, site, protect, package: values.package },
    install: !values["no-install"],
    yes: values.yes,
  };
}

/** As long as the worker takes SITE_NAME. */
const LONGEST_NAME = 60;

const nameFault = (name = ""): string | undefined =>
  name.trim().length > LONGEST_NAME ? `A site's name has at most ${LONGEST_NAME} characters.` : undefined;

/** The host of a domain, or of the address of a site; undefined for what is neither. */
function hostOf(domain: string): string | undefined {
  const address = /^https?:\/\//i.test(domain) ? domain : `https://${domain}`;
  if (!URL.canParse(address)) return undefined;
  const { host, pathname, search, hash } = new URL(address);
  const isWhole = pathname === "/" && search === "" && hash === "";
  return isWhole && /^(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]+$/.test(host) ? host : undefined;
}

function domainFault(domain = ""): string | undefined {
  const written = domain.trim();
  return written === "" || hostOf(written) !== undefined ? undefined : "A domain is like www.example.com.";
}

function protectFault(patterns = ""): string | undefined {
  const isFault = rulesIn(patterns).some((rule) => !/^!?\//.test(rule));
  return isFault ? "A pattern begins with a slash, such as /members/*." : undefined;
}

function siteFault(folder = ""): string | undefined {
  const isFolder = folder === "" || (existsSync(folder) && statSync(folder).isDirectory());
  return isFolder ? undefined : `There is no folder ${folder}.`;
}

class Cancelled extends Error {}

function sure<Value>(value: Value | typeof CANCEL_SYMBOL): Value {
  if (isCancel(value)) throw new Cancelled();
  return value;
}

async function askFor(asked: Asked): Promise<Omit<Project, "versions">> {
  const { yes } = asked;
  const answer = async (given: string | undefined, message: string, initial: string, fault = noFault) => {
    if (given !== undefined || yes) return given ?? initial;
    return sure(await text({ message, initialValue: initial, validate: (value) => fault(value) })) ?? "";
  };
  const folder = await answer(asked.folder, "In which folder?", "my-site");
  const name = await answer(asked.name, "What is the site called?", basename(resolve(folder)), nameFault);
  const domain = await answer(asked.domain, "On which domain? (empty if you have none yet)", "", domainFault);
  const language =
    asked.language ??
    (yes
      ? "en"
      : sure(
          await select({
            message: "In which language?",
            options: SITE_LANGUAGES.map((value) => ({ value, label: languageName(value) })),
          }),
        ));
  const site = await answer(
    asked.site,
    "A folder of files that is the site already? (empty for none)",
    "",
    siteFault,
  );
  const guess = site === "" ? NEW_SITE : membersFolders(site).join(" ");
  const protect =
    site === "" && asked.protect === undefined
      ? guess
      : await answer(
          asked.protect,
          "Which of its pages need a login? Patterns such as /members/* (empty for none)",
          guess,
          protectFault,
        );
  return {
    folder: resolve(folder),
    ...{ name: name.trim() || basename(resolve(folder)), domain: hostOf(domain.trim()) ?? "", language },
    site: site === "" ? undefined : resolve(site),
    protect: rulesIn(protect),
  };
}

/** What of the pages of a new site needs a login. */
const NEW_SITE = "/members/*";

const noFault = (_value?: string): string | undefined => undefined;

const languageName = (code: string): string =>
  new Intl.DisplayNames([code], { type: "language" }).of(code) ?? code;

/** What npm is to install: a packed file by its path, or a version. */
function packageWanted(given: string | undefined): string {
  if (given === undefined) return `^${PACKAGE.version}`;
  return existsSync(given) ? `file:${resolve(given).replaceAll("\\", "/")}` : given;
}

/** @returns whether npm installed everything. */
function install(folder: string): boolean {
  const npm = process.env.npm_execpath;
  const args = ["install", "--no-audit", "--no-fund"];
  const options = { cwd: folder, stdio: "inherit" } as const;
  const { status } =
    npm === undefined
      ? spawnSync("npm", args, { ...options, shell: process.platform === "win32" })
      : spawnSync(process.execPath, [npm, ...args], options);
  return status === 0;
}

async function create(asked: Asked): Promise<void> {
  if (!asked.yes) intro("A website with Vipps MobilePay Login");
  const answers = await askFor(asked);
  const versions = { "vipps-login-worker": packageWanted(asked.package), wrangler: `^${PACKAGE.wrangler}` };
  writeProject(join(import.meta.dirname, "template"), { ...answers, versions });
  const isInstalled = asked.install && install(answers.folder);
  const way = relative(process.cwd(), answers.folder);
  const typed = /[^\p{L}\p{N}_./\\:-]/u.test(way) ? `"${way}"` : way;
  const steps = [
    ...(way === "" ? [] : [`cd ${typed}`]),
    ...(isInstalled ? [] : ["npm install"]),
    "npm start",
  ];
  const { node } = process.versions;
  const newer = isNewEnough(node)
    ? ""
    : `\nIt takes Node ${leastNode} or newer, and this is ${node}: install Node 24 from https://nodejs.org first.`;
  const message = `Ready. Now: ${steps.join(" && ")}${newer}${answers.site === undefined ? "" : oldSiteWords(answers)}`;
  if (asked.yes) console.log(message);
  else outro(message);
  if (asked.install && !isInstalled) process.exitCode = 1;
}

/** What is left to do by the owner of a site that was there already. */
function oldSiteWords({ language, protect }: Pick<Project, "language" | "protect">): string {
  const needed =
    protect.length === 0
      ? "Nothing of it needs a login yet"
      : `What needs a login: ${protect.map((rule) => `"${rule}"`).join(", ")}`;
  return `\n${needed} (PROTECTED_PATHS in wrangler.jsonc).\nFor a login button, put into your pages:\n${loginButton(language)}`;
}

try {
  const asked = readOptions(process.argv.slice(2));
  if (asked === undefined) console.log(HELP);
  else await create(asked);
} catch (error) {
  if (error instanceof Cancelled) cancel("Nothing was made.");
  else if (error instanceof CreateError) console.error(error.message);
  else if (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))
    console.error(`${error.message}. --help lists the options.`);
  else throw error;
  process.exitCode = 1;
}
