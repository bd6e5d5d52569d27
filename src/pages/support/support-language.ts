import type { BuiltInLanguage } from "../built-in-languages.ts";
import type { Language } from "../language.ts";
import { withOwnTexts } from "../own-texts.ts";
import { da } from "../texts/support/da.ts";
import { en } from "../texts/support/en.ts";
import { fi } from "../texts/support/fi.ts";
import { nb } from "../texts/support/nb.ts";
import type { SupportTexts } from "../texts/support/support-texts.ts";
import { sv } from "../texts/support/sv.ts";

const LANGUAGES: Readonly<Record<string, () => SupportTexts>> & Record<BuiltInLanguage, () => SupportTexts> =
  { nb, da, fi, sv, en };

export function supportTextsIn(language: Language): SupportTexts {
  return withOwnTexts(language, "support", LANGUAGES[language] ?? en);
}
