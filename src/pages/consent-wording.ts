import type { ConsentQuestion } from "../settings.ts";
import type { Language } from "./language.ts";

/** The words of a consent in the reader's language, else in English, else in whatever language there is. */
export function consentWording({ id, wording }: ConsentQuestion, language: Language): string {
  return wording[language] ?? wording.en ?? Object.values(wording)[0] ?? id;
}
