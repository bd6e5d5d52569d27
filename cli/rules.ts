// `vipps-login rules`: who may see an address, by the settings as the worker reads them.

import { Command } from "@commander-js/extra-typings";
import { readProtectedPaths } from "../src/rules/protected-paths.ts";
import { readRequirement } from "../src/rules/requirement.ts";
import { CommandError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { DEFAULT_SITE_PORT } from "./dev-vars.mjs";
import { readLocalSource } from "./doctor/settings-source.ts";
import { explainPath, type PathExplanation } from "./path-rule.ts";

/** The command `rules`. */
export function rules(context: CommandContext) {
  return new Command("rules")
    .description(
      "Says who may see an address of the site: everybody, whoever is logged in, or only some of them.",
    )
    .argument("<addresses...>", "paths or whole addresses, in any spelling")
    .option("--env <name>", "an environment of the configuration")
    .option("--settings <file>", "a settings file in place of .dev.vars", context.path)
    .option("--config <file>", "another configuration than the project's", context.path)
    .option("--json", "the result as JSON on the standard output")
    .action(async (addresses, options) => {
      const site = await guardedSite(context, options);
      const explained = addresses.map((address) => ({ address, ...explainPath(site, address) }));
      if (options.json) return context.print(JSON.stringify({ site: site.origin, addresses: explained }));
      for (const { address, ...one } of explained)
        for (const line of explanationLines(address, one)) context.print(line);
    });
}

/** @throws {CommandError} where the settings cannot be read. */
async function guardedSite(
  { root, env }: CommandContext,
  options: {
    readonly env?: string | undefined;
    readonly settings?: string | undefined;
    readonly config?: string | undefined;
  },
) {
  const { values } = await readLocalSource({
    root,
    environment: options.env,
    settingsFile: options.settings,
    configFile: options.config,
    processEnv: env,
  });
  const { PROTECTED_PATHS: text = "", AUTH_PATH: authPath = "/auth", SITE_URL: url = "" } = values;
  const read = text.trim() === "" ? { rules: [] } : readProtectedPaths(text);
  if ("fault" in read) throw new CommandError(`PROTECTED_PATHS ${read.fault}.`);
  return {
    origin: URL.parse(url)?.origin ?? `http://localhost:${DEFAULT_SITE_PORT}`,
    authPath,
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
