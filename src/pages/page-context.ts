import { randomText } from "../random.ts";
import { brandName } from "./brand.ts";
import { type PageSettings, pageLanguage } from "./language.ts";
import type { PageContext } from "./layout.ts";

/** Language, brand and names for one page to one reader. */
export function pageContext(acceptLanguage: string | null, settings: PageSettings): PageContext {
  const language = pageLanguage(acceptLanguage, settings);
  return {
    language,
    brand: brandName(settings, language),
    siteName: new URL(settings.site.origin).host,
    nonce: randomText(16),
  };
}
