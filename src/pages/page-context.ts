import { randomText } from "../crypto-text.ts";
import { brandName } from "./brand.ts";
import { type PageSettings, pageLanguage } from "./language.ts";
import type { PageContext } from "./layout.ts";
import { faceOfHost } from "./site-face.ts";

/** Language, brand and names for one page to one reader. */
export function pageContext(acceptLanguage: string | null, settings: PageSettings): PageContext {
  const language = pageLanguage(acceptLanguage, settings);
  const face = settings.site.face ?? faceOfHost(settings.site.origin);
  return {
    language,
    brand: brandName(settings, language),
    siteName: face.name,
    face,
    nonce: randomText(16),
  };
}
