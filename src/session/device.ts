import type { AppContext } from "../http/request-context.ts";
import type { Settings } from "../settings.ts";

/** What a session began on, as far as the browser says: names out of the lists below, never its own words. */
export interface Device {
  readonly browser: string | undefined;
  readonly system: string | undefined;
}

/** Where a session began, as Cloudflare places the address it came from. */
export interface Place {
  readonly city: string | undefined;
  /** ISO 3166-1, two letters. */
  readonly country: string | undefined;
}

/** What is kept of the client that a session begins on. */
export interface SessionClient {
  readonly device: Device;
  readonly place: Place;
}

/** Longer ones are no browser's. In characters. */
const USER_AGENT_LIMIT = 1_000;

type Pattern = Pick<RegExp, "test">;

/** The first that matches counts: nearly every browser also calls itself Chrome or Safari. */
const browsers = (): readonly (readonly [Pattern, string])[] => [
  [/\bFB(AN|AV|_IAB)\b/, "Facebook"],
  [/\bInstagram\b/, "Instagram"],
  [/\bSnapchat\b/, "Snapchat"],
  [/\bLinkedInApp\b/, "LinkedIn"],
  [/\b(musical_ly|BytedanceWebview|TikTok)\b/, "TikTok"],
  [/\bGSA\//, "Google"],
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\b(OPR|OPT|OPX|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(DuckDuckGo|Ddg)\//, "DuckDuckGo"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bYaBrowser\//, "Yandex"],
  [/\b(Firefox|FxiOS|Focus)\//, "Firefox"],
  // A web view inside some app: Chrome or Safari is only its engine.
  [/; wv\)/, ""],
  [/\b(Headless)?(Chrome|CriOS|Chromium)\//, "Chrome"],
  [{ test: (text) => /\bVersion\/\d/.test(text) && /\bSafari\//.test(text) }, "Safari"],
];

const systems = (): readonly (readonly [Pattern, string])[] => [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b|\bokhttp\//, "Android"],
  [/\bCrOS\b/, "Chromebook"],
  [/\bWindows\b/, "Windows"],
  [/\bMac(intosh| OS X)\b/, "Mac"],
  [/\bLinux\b/, "Linux"],
];

/** The device that a User-Agent header speaks of. iPads ask for desktop pages and so call themselves a Mac. */
export function deviceOf(userAgent: string | null): Device {
  const text = (userAgent ?? "").slice(0, USER_AGENT_LIMIT);
  const named = (names: readonly (readonly [Pattern, string])[]) =>
    names.find(([pattern]) => pattern.test(text))?.[1] || undefined;
  return { browser: named(browsers()), system: named(systems()) };
}

/** The longest name of a place worth keeping, in characters. */
const CITY_LIMIT = 100;

/** Where Cloudflare places a request. */
export function placeOf(settings: Settings, request: Request): Place {
  const cf = cloudflareData(settings, request);
  const country: string = cf?.country ?? "";
  // XX is nowhere, T1 the Tor network.
  const known = /^[A-Z]{2}$/.test(country) && country !== "XX";
  return { city: cf?.city?.slice(0, CITY_LIMIT) || undefined, country: known ? country : undefined };
}

/** What a session that begins with this request keeps of its client. */
export function sessionClient({ env: { settings }, req: { raw } }: AppContext): SessionClient {
  return { device: deviceOf(raw.headers.get("user-agent")), place: placeOf(settings, raw) };
}

/** The visitor's time zone, as Cloudflare knows it: `Europe/Oslo`. */
export function visitorTimeZone(settings: Settings, request: Request): string | undefined {
  return cloudflareData(settings, request)?.timezone;
}

/** What Cloudflare knows of a request. On localhost that is only an example, and true of nobody. */
function cloudflareData({ site }: Settings, request: Request): IncomingRequestCfProperties | undefined {
  return site.isLocal ? undefined : (request.cf as IncomingRequestCfProperties | undefined);
}
