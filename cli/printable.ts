// What may be shown of text that somebody else wrote: a settings file, a customer's file, a command line.

/** Control characters but line ends and tabs, and those that turn the direction of writing. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * Text in which nothing speaks to the terminal: control characters stand as JSON writes them (`\u001b`), so that they
 * are seen and JSON stays the JSON that it was.
 */
export const printable = (text: string): string =>
  text.replace(UNSEEN, (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`);
