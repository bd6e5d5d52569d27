/** The languages that come with the Worker, by their codes alone: whoever asks for a code need not load their texts. */
const BUILT_IN_LANGUAGES = { nb: 1, da: 1, fi: 1, sv: 1, en: 1 } as const;

export type BuiltInLanguage = keyof typeof BUILT_IN_LANGUAGES;

/** Whether it comes with the Worker. */
export const isBuiltIn = (code: string): code is BuiltInLanguage => Object.hasOwn(BUILT_IN_LANGUAGES, code);
