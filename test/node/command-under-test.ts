import { PassThrough, Readable } from "node:stream";
import { type CommandContext, runCommandLine } from "../../cli/command-line.ts";

/** What a command line came to. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What differs from this process. */
interface Differences {
  /** On standard input, which is no terminal. */
  readonly input?: string;
  /** What somebody types at a terminal, in place of that. */
  readonly typed?: string;
  /** For the command and for the programs it starts. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/**
 * Runs `vipps-login …` in this process: what a command costs is what it does, not the start of a program.
 * @example
 * expect(await runCommand(["keys", "list", "--file", file])).toMatchObject({ code: 0, stderr: "" });
 */
export async function runCommand(
  args: readonly string[],
  { input = "", typed, env = {}, cwd = process.cwd() }: Differences = {},
): Promise<Outcome> {
  const [stdout, stderr] = [gathered(), gathered()];
  const saved = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    const code = await runCommandLine(args, {
      ...{ cwd, env: process.env },
      stdin: Object.assign(Readable.from([typed ?? input]), {
        isTTY: typed !== undefined,
      }) as unknown as CommandContext["stdin"],
      stdout: stdout.stream,
      stderr: stderr.stream,
    });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function gathered() {
  const stream = new PassThrough();
  let text = "";
  stream.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  return { stream, text: () => text + (stream.read() ?? "") };
}
