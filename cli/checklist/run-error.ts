/** Something that keeps a run from beginning or ending. The message is for the person who typed the command. */
export class RunError extends Error {}
