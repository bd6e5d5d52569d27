import { parseAccept } from "hono/utils/accept";
import type { MessageKey } from "../failure.ts";
import type { BrandSettings } from "./brand.ts";
import type { BuiltInLanguage } from "./built-in-languages.ts";
import { hasOwnTexts, withOwnTexts } from "./own-texts.ts";
import type { SiteFace } from "./site-face.ts";
import { da } from "./texts/da.ts";
import { en } from "./texts/en.ts";
import { fi } from "./texts/fi.ts";
import { nb } from "./texts/nb.ts";
import { sv } from "./texts/sv.ts";
import type { Message, Texts } from "./texts/texts.ts";

/** Functions, so that an isolate which shows no page makes no texts. */
const LANGUAGES = { nb, da, fi, sv, en } as const satisfies Record<BuiltInLanguage, () => Texts>;

/** One of those, or one that the project brings: a code such as `nb`. */
export type Language = string;

const OF_MARKET = { NO: "nb", DK: "da", FI: "fi", SE: "sv" } as const satisfies Record<
  string,
  BuiltInLanguage
>;

/** Other names under which browsers ask for one of our languages. */
const ALSO_KNOWN_AS: Readonly<Record<string, BuiltInLanguage>> = { no: "nb", nn: "nb" };

export function textsIn(language: Language): Texts {
  return withOwnTexts(language, "pages", isBuiltIn(language) ? LANGUAGES[language] : en);
}

/** What a failure says. To whoever logged out meanwhile, in the words of other pages. */
export function messageIn(language: Language, message: MessageKey): Message {
  const { messages, loggedOut } = textsIn(language);
  return message === "loggedOutMeanwhile"
    ? { ...messages.loginExpired, happened: loggedOut.done }
    : messages[message];
}

/** What of a site's settings decides how its pages speak. */
export interface PageSettings extends BrandSettings {
  readonly site: BrandSettings["site"] & {
    readonly origin: string;
    readonly language: Language | undefined;
    readonly face?: SiteFace;
  };
}

/**
 * The language of a page: what the browser prefers, else the site's, else the market's, else English.
 * @param acceptLanguage the header, whatever it holds.
 */
export function pageLanguage(acceptLanguage: string | null, { site, relyingParty }: PageSettings): Language {
  for (const { type, q } of parseAccept((acceptLanguage ?? "").slice(0, 500))) {
    const primary = type.split("-")[0]?.toLowerCase() ?? "";
    const language = isLanguage(primary) ? primary : (ALSO_KNOWN_AS[primary] ?? primary);
    if (q > 0 && isLanguage(language)) return language;
  }
  if (site.language !== undefined) return site.language;
  return relyingParty.market === undefined ? "en" : OF_MARKET[relyingParty.market];
}

/** Whether pages can be shown in a language. */
export function isLanguage(code: string): boolean {
  return isBuiltIn(code) || hasOwnTexts(code);
}

function isBuiltIn(code: string): code is BuiltInLanguage {
  return Object.hasOwn(LANGUAGES, code);
}

/** Fills `{name}` places in a text; the page escapes the result where it is shown. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
