// What keeps a command from doing what it was asked. No dependencies: the set-up fails with it before there are any.

/**
 * What kind of thing went wrong:
 * - `usage`: the command line makes no sense;
 * - `cloudflare`: Cloudflare, or wrangler on the way there, did not do what it should;
 * - `database`: a statement was not carried out;
 * - `cancelled`: the person said no, or pressed Ctrl-C at a question;
 * - `failed`: anything else that a person can put right.
 * @typedef {"usage" | "cloudflare" | "database" | "cancelled" | "failed"} CommandErrorCode
 */

/** Its message is all that the person who typed the command is shown: what is wrong, and what to do. Nothing secret. */
export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {CommandErrorCode} [code]
   */
  constructor(message, code = "failed") {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/**
 * True for what a person can put right, so that the message says it all: a CommandError, or what the file system
 * refuses (no such file, no rights, no space).
 * @param {unknown} error
 * @returns {error is Error}
 */
export const isPlain = (error) =>
  error instanceof CommandError || (error instanceof Error && "syscall" in error);

/**
 * The command line makes no sense. Where to find help is added to the message.
 * @param {string} message
 */
export const usageError = (message) => new CommandError(message, "usage");
