// The one table of commands. docs/CONTRIBUTING says how one is added.

import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandContext } from "./command-line.ts";

export interface CommandRow {
  readonly name: string;
  /** Its line in `vipps-login --help`. */
  readonly summary: string;
  /** The command with its options and what it does. Its code is loaded when it is called. */
  readonly load: (context: CommandContext) => Promise<CommandUnknownOpts>;
}

export const COMMANDS: readonly CommandRow[] = [
  {
    name: "dev",
    summary: "run the site, the login and the simulator on this machine",
    load: async (context) => (await import("./dev.ts")).dev(context),
  },
  {
    name: "simulator",
    summary: "run the simulator of Vipps MobilePay Login alone",
    load: async (context) => (await import("./simulator.ts")).simulator(context),
  },
  {
    name: "init",
    summary: "add the login to a project that is there already",
    load: async (context) => (await import("./init.ts")).init(context),
  },
  {
    name: "setup",
    summary: "set up an environment at Cloudflare, guided or by a script",
    load: async (context) => (await import("./setup.ts")).setup(context),
  },
  {
    name: "doctor",
    summary: "examine settings, keys, Vipps' answers and the deployed site",
    load: async (context) => (await import("./doctor.ts")).doctor(context),
  },
  {
    name: "rules",
    summary: "say who may see an address",
    load: async (context) => (await import("./rules.ts")).rules(context),
  },
  {
    name: "deploy",
    summary: "deploy the worker and bring its database up to date",
    load: async (context) => (await import("./deploy.ts")).deploy(context),
  },
  {
    name: "keys",
    summary: "make, list, rotate and prune the keys that sign sessions",
    load: async (context) => (await import("./keys.ts")).keys(context),
  },
  {
    name: "site",
    summary:
      "add, list, show, diff, check, rotate, rename, alias, export, import and remove further sites of one worker",
    load: async (context) => (await import("./site.ts")).site(context),
  },
  {
    name: "restore",
    summary: "after the database was put back to an earlier time: erase again who was erased since",
    load: async (context) => (await import("./restore.ts")).restore(context),
  },
  {
    name: "members",
    summary: "bring a member list into the registry, or take one out",
    load: async (context) => (await import("./members.ts")).members(context),
  },
  {
    name: "consents",
    summary: "hand out everybody's consents",
    load: async (context) => (await import("./consents.ts")).consents(context),
  },
  {
    name: "events",
    summary: "list what the site's other systems were told, and have it sent again",
    load: async (context) => (await import("./events.ts")).events(context),
  },
  {
    name: "checklist",
    summary: "walk through Vipps' go-live checklist and write a report of it",
    load: async (context) => (await import("./checklist.ts")).checklist(context),
  },
];
