import type { RelyingParty } from "../vipps/relying-party.ts";

/** When MobilePay becomes Vipps in Denmark and Finland (Vipps MobilePay, technical update of October 2026). */
export const BRAND_DATE = "2027-01-12";

/** What decides under which name the service is known to a reader. */
export interface BrandSettings {
  /** The day from which MobilePay is called Vipps, as `2027-01-12`. */
  readonly site: { readonly brandDate: string };
  readonly relyingParty: Pick<RelyingParty, "market">;
}

/**
 * What the service is called where the reader lives.
 * @param language the reader's, as a code such as `da`.
 * @param now milliseconds since the epoch.
 */
export function brandName(settings: BrandSettings, language: string, now = Date.now()): string {
  const { market } = settings.relyingParty;
  const isNordic = market === "NO" || market === "SE" || (market === undefined && /^(nb|sv)$/.test(language));
  if (isNordic || isMobilePayRenamed(settings, language, now)) return "Vipps";
  return market === undefined && language === "en" ? "Vipps MobilePay" : "MobilePay";
}

/**
 * Whether MobilePay is called Vipps by now: from midnight where the market is.
 * @param language the reader's, which stands for the market where none is set.
 * @param now milliseconds since the epoch.
 */
export function isMobilePayRenamed(
  { site, relyingParty }: BrandSettings,
  language: string | undefined,
  now: number,
): boolean {
  const isFinnish = relyingParty.market === "FI" || (relyingParty.market === undefined && language === "fi");
  const timeZone = isFinnish ? "Europe/Helsinki" : "Europe/Copenhagen";
  // Swedish writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat("sv-SE", { timeZone }).format(now) >= site.brandDate;
}
