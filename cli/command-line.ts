// The one command line, `vipps-login`: reads it, runs the command of the table it names, and says what went wrong.

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import {
  Command,
  CommanderError,
  type CommandUnknownOpts,
  InvalidArgumentError,
} from "@commander-js/extra-typings";
import { CommandError, isPlain } from "./command-error.mjs";
import { COMMANDS } from "./commands.ts";
import { printable } from "./printable.ts";

/** Where text goes, and what is known of the terminal behind it. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command line is run in: the process's own, or a test's. */
export interface Surroundings {
  /** Where the command was typed; absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

/** What every command is given. */
export interface CommandContext extends Omit<Surroundings, "cwd"> {
  /** The project's folder, absolute: `--cwd`, else where the command was typed. */
  readonly root: string;
  /** What the process ends with: 0 unless a command says otherwise. */
  exitCode: number;
  /** A path as it was typed: relative to `root`. */
  readonly path: (typed: string) => string;
  /** A line of what was asked for, on standard output. Control characters in it are made visible, colours included. */
  readonly print: (text: string) => void;
  /** The same about how it goes, on standard error, so that --json is alone on standard output. */
  readonly tell: (text: string) => void;
}

/** What a person types. */
export const PROGRAM = "npx vipps-login";

/**
 * Runs one command line.
 * @param args the words behind `vipps-login`
 * @returns the exit code: 0 when all is well, 1 when something is not, 2 when the command line makes no sense
 * @throws what is a fault of ours
 * @example
 * process.exitCode = await runCommandLine(["doctor", "--json"], { cwd: process.cwd(), env: process.env, ...process });
 */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  let root = surroundings.cwd;
  const context: CommandContext = {
    ...surroundings,
    get root() {
      return root;
    },
    exitCode: 0,
    path: (typed) => resolve(root, typed),
    print: (text) => void stdout.write(`${printable(text)}\n`),
    tell: (text) => void stderr.write(`${printable(text)}\n`),
  };
  const program = new Command("vipps-login")
    .description("Vipps MobilePay Login in front of a website: run it here, set it up, look after it.")
    .usage("[--cwd <folder>] <command> [options]")
    .option("--cwd <folder>", "the project's folder, if not the present one", (typed) => {
      root = folderNamed(resolve(surroundings.cwd, typed));
      return root;
    })
    .addHelpText(
      "after",
      `\n"${PROGRAM} <command> --help" says what a command can do. The documents that are named, docs/…,\nare in the repository that vipps-login-worker is built from; docs/README.md there leads to all of it.`,
    );
  for (const { name, summary, load } of COMMANDS) {
    // Only the command that is wanted is loaded; of the others its line in the help will do.
    const command = args.includes(name) ? await load(context) : new Command(name).description(summary);
    program.addCommand(command.summary(summary));
  }
  prepareFor(program, surroundings);
  try {
    await program.parseAsync(args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const fault = plainFault(error);
    if (fault === undefined) throw error;
    const isUsage = fault.code === "usage";
    const end = fault.message.endsWith(".") ? "" : ".";
    const hint = isUsage ? `${end} "${wordsOf(program, args)} --help" lists the options.` : "";
    context.tell(`${fault.message}${hint}`);
    if (args.includes("--json"))
      context.print(JSON.stringify({ error: { code: fault.code, message: fault.message } }));
    return isUsage ? 2 : 1;
  }
}

/** @throws {CommandError} */
function folderNamed(path: string): string {
  if (existsSync(path) && statSync(path).isDirectory()) return path;
  throw new CommandError(`There is no folder ${path}`, "usage");
}

/** Lets every command of the tree write where it should, and throw instead of ending the process. */
function prepareFor(command: CommandUnknownOpts, { stdout, stderr }: Surroundings): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      // A usage error is told in one line, below; that line is not commander's.
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(stdout.columns ?? HELP_WIDTH, HELP_WIDTH),
      getErrHelpWidth: () => Math.min(stderr.columns ?? HELP_WIDTH, HELP_WIDTH),
      getOutHasColors: () => stdout.isTTY === true,
      getErrHasColors: () => stderr.isTTY === true,
    })
    .configureHelp({
      showGlobalOptions: true,
      // In the list of its parent a command is a line that goes on from its name; by itself it is a sentence.
      commandDescription: (part) =>
        part.description().replace(/^[a-z]|[^.:]$/g, (end, at) => (at === 0 ? end.toUpperCase() : `${end}.`)),
    })
    .helpOption("-h, --help", "prints this")
    .helpCommand(false);
  for (const part of command.commands) prepareFor(part, { stdout, stderr } as Surroundings);
}

/** Columns of the help where the terminal has more, or there is none. */
const HELP_WIDTH = 116;

/** What is wrong, if it is something a person can put right. */
function plainFault(error: unknown): CommandError | undefined {
  if (error instanceof CommandError) return error;
  if (error instanceof CommanderError) return new CommandError(spoken(error), "usage");
  return isPlain(error) ? new CommandError(missingPlace(error) ?? error.message) : undefined;
}

/** What is not there, where the file system says so of a file or of the folder it was to be in. */
function missingPlace({ code, syscall, path }: NodeJS.ErrnoException): string | undefined {
  if (code !== "ENOENT" || path === undefined || syscall?.startsWith("spawn")) return undefined;
  const folder = dirname(path);
  return existsSync(folder) ? `There is no file ${path}.` : `There is no folder ${folder}.`;
}

/** As commander says it, but as a sentence. */
function spoken({ code, message }: CommanderError): string {
  if (code === "commander.help") return "Say what to do";
  const [text = "", ...more] = message.replace(/^error: /, "").split("\n");
  const suggestion = more.join(" ").trim();
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${suggestion && ` ${suggestion}`}`;
}

/** The command as far as it is one: `npx vipps-login site add`. */
function wordsOf(program: CommandUnknownOpts, args: readonly string[]): string {
  let command: CommandUnknownOpts | undefined = program;
  const words = [PROGRAM];
  for (const word of args) {
    const next: CommandUnknownOpts | undefined = command?.commands.find((part) => part.name() === word);
    if (next === undefined) continue;
    words.push(word);
    command = next;
  }
  return words.join(" ");
}

/**
 * Reads a port of the command line.
 * @throws {InvalidArgumentError} which commander turns into a usage error
 */
export function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("It is a port from 1 to 65535.");
}

/** Gathers the values of an option that may be repeated. */
export const repeated = (value: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  value,
];
