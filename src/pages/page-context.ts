import { randomText } from "../random.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";
import { brandName, pageLanguage } from "./language.ts";
import type { PageContext } from "./layout.ts";

/** Language, brand and names for one page to one reader. */
export function pageContext(
  acceptLanguage: string | null,
  market: RelyingParty["market"],
  siteOrigin: string,
): PageContext {
  const language = pageLanguage(acceptLanguage, market);
  return {
    language,
    brand: brandName(market, language),
    siteName: new URL(siteOrigin).host,
    nonce: randomText(16),
  };
}
