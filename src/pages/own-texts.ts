import type { SupportTexts } from "./texts/support/support-texts.ts";
import type { Texts } from "./texts/texts.ts";

/** Any part of a structure of texts. */
export type SomeOf<T> = {
  readonly [Name in keyof T]?: T[Name] extends (...args: never) => unknown
    ? T[Name]
    : T[Name] extends object
      ? SomeOf<T[Name]>
      : T[Name];
};

/** The words of one language: those of the pages and, under `support`, those of the console for staff. */
export type LanguageTexts = SomeOf<Texts> & { readonly support?: SomeOf<SupportTexts> };

/**
 * Words of a project's own, by language (`nb`, `de`, …). For one of ours they take the place of the same sentences;
 * any other is a language more, in which English stands where something is missing.
 */
export type OwnTexts = Readonly<Record<string, LanguageTexts>>;

let own: OwnTexts = {};
const made = new Map<string, object>();

/** Gives the pages words of the project's own, from now on and for the whole Worker. */
export function useTexts(texts: OwnTexts): void {
  own = texts;
  made.clear();
}

/** Whether the project has words of its own in a language. */
export const hasOwnTexts = (language: string): boolean => Object.hasOwn(own, language);

/**
 * Texts with the project's own in their place.
 * @param part which of them.
 */
export function withOwnTexts<T extends object>(
  language: string,
  part: "pages" | "support",
  texts: () => T,
): T {
  if (!hasOwnTexts(language)) return texts();
  const key = `${part} ${language}`;
  const { support = {}, ...pages } = own[language] ?? {};
  const whole = made.get(key) ?? merged(texts(), part === "pages" ? pages : support);
  made.set(key, whole);
  return whole as T;
}

function merged(texts: object, changes: object): object {
  const result: Record<string, unknown> = { ...texts };
  for (const [name, change] of Object.entries(changes)) {
    const text = result[name];
    const isGroup = typeof text === "object" && text !== null && !Array.isArray(text);
    if (change !== undefined) result[name] = isGroup ? merged(text, change) : change;
  }
  return result;
}
