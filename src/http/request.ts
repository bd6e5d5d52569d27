import * as v from "valibot";
import { Failure, type Stage } from "../failure.ts";
import type { Settings } from "../settings.ts";
import { boundedText } from "../waiting.ts";
import type { AppContext, Handler } from "./request-context.ts";

/** A request: who asks, how, on what and from where; what of it is refused; what it brings in its query and body. */

/** A method, and a body, with which a page can be gone to: by a link, a form or the address bar. */
const NAVIGABLE = /^(?:GET|HEAD|POST)$/;
const isFormType = (type: string): boolean =>
  /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i.test(type);

/**
 * Whether a script asks, and no person sees the answer as a page. Only who says so beyond doubt is one: everybody
 * else gets a page, whatever an app's browser, a proxy or an old browser leaves out or puts in.
 *
 * What a browser says of itself goes first: with `Sec-Fetch-Mode: navigate` a person goes there, also where a service
 * worker passes the request on, and whatever an app around the browser puts into `X-Requested-With`.
 */
export function isScriptRequest({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  const mode = headers.get("sec-fetch-mode");
  if (mode === "navigate") return false;
  if (headers.get("upgrade")?.toLowerCase() === "websocket") return true;
  const type = headers.get("content-type");
  if (!NAVIGABLE.test(method) || (method === "POST" && type !== null && !isFormType(type))) return true;
  if (headers.get("x-requested-with")?.trim().toLowerCase() === "xmlhttprequest") return true;
  if (isSubresource(headers)) return true;
  const accepted = acceptedTypes(headers.get("accept"));
  // Programs with the `fetch` of Node say `cors` whatever they want, without the destination that browsers add.
  if (mode !== null) return headers.has("sec-fetch-dest") || !accepted.some(isHtml);
  return accepted.length > 0 && !accepted.some((type) => isHtml(type) || type === "*/*");
}

/** Whether a person goes to a page, by a link, the address bar or a reload: no form, and no script. */
export function isPageRequest(request: Pick<Request, "method" | "headers">): boolean {
  return (request.method === "GET" || request.method === "HEAD") && !isScriptRequest(request);
}

/** What `Sec-Fetch-Dest` says where a person will see the answer (Fetch standard, section 2.2.5). */
const SHOWN = new Set(["document", "iframe", "frame", "embed", "object", "fencedframe"]);

/** Whether a page asks for something that is no page: a picture, a script, data. */
export function isSubresource(headers: Headers): boolean {
  const destination = headers.get("sec-fetch-dest");
  // A service worker that passes a navigation on loses its destination, but not its mode: a person still goes there.
  return destination !== null && headers.get("sec-fetch-mode") !== "navigate" && !SHOWN.has(destination);
}

/**
 * Whether a request is one of two that a browser may send for one navigation: a service worker's navigation preload, or
 * what the service worker passes on beside it, which has lost its destination (Service Workers, 'Handle Fetch').
 */
export function isDoubled(headers: Headers): boolean {
  const isPassedOn =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "empty";
  return isPassedOn || headers.has("service-worker-navigation-preload");
}

/** Whether the answer is shown in a part of another page. Nobody can log in there: Vipps lets no page frame it. */
export function isFramed(headers: Headers): boolean {
  const destination = headers.get("sec-fetch-dest") ?? "";
  return destination !== "document" && SHOWN.has(destination);
}

/** Whether HTML is asked for by name. */
export function namesHtml(headers: Headers): boolean {
  return acceptedTypes(headers.get("accept")).some(isHtml);
}

/** The types that an `Accept` header names, without those it refuses (`q=0`). Bounded: no browser names as many. */
function acceptedTypes(accept: string | null): readonly string[] {
  return (accept ?? "")
    .slice(0, 1_000)
    .toLowerCase()
    .split(",")
    .filter((range) => !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range))
    .map((range) => (range.split(";", 1)[0] ?? "").trim())
    .filter((type) => type.includes("/"));
}

const isHtml = (type: string): boolean =>
  type === "text/html" || type === "application/xhtml+xml" || type === "text/*";

/**
 * Headers in which browsers, routers and apps say that they only look ahead, and the words with which they say it.
 * Which of them sends what: docs/site.md.
 */
const HINTS = Object.entries({
  "sec-purpose": /prefetch|prerender|preview/i,
  purpose: /prefetch|prerender|preview/i,
  "x-purpose": /prefetch|prerender|preview/i,
  "x-sec-purpose": /prefetch|prerender|preview/i,
  "x-moz": /prefetch/i,
  "next-router-prefetch": /./,
  "next-router-segment-prefetch": /./,
  "x-middleware-prefetch": /./,
  "hx-preloaded": /./,
});

/** Programs that make a small picture or a summary of an address that somebody has sent, by the name they give. */
const isPreview = (agent: string): boolean =>
  /^(?:WhatsApp|TelegramBot|Twitterbot|Viber|Slackbot|facebookexternalhit|LinkedInBot)\b|\b(?:facebookexternalhit\/|Discordbot\/|BingPreview\/|SkypeUriPreview\b)/i.test(
    agent,
  );

/**
 * Every other program that reads addresses and says so of itself: by whom to ask about it, `+https://…`, or as a bot.
 * Cubot makes phones.
 */
const isRobot = (agent: string): boolean =>
  /\+(?:https?:|mailto:)|(?<!cu)bot\b|\bGoogleImageProxy\b/i.test(agent);

/**
 * Whether a request only looks ahead, at what a person may want to see later: a prefetch, a prerender, a preview, or a
 * request for headers alone. It may be shown what can be read, but begins, uses up, renews and ends nothing.
 */
export function isLookAhead({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  if (method === "HEAD") return true;
  const agent = (headers.get("user-agent") ?? "").slice(0, 500);
  if (isPreview(agent)) return true;
  // What posts is no reader: a server that calls a webhook may say as well whom to ask about it.
  if (method !== "POST" && isRobot(agent)) return true;
  for (const [name, words] of HINTS) {
    const said = headers.get(name);
    if (said !== null && words.test(said)) return true;
  }
  return false;
}

/**
 * The answer to who looks ahead where something would be done: an error that nobody may keep, so that a browser asks
 * anew when the person really goes there. Any 2xx would be shown in place of the step (WICG nav-speculation,
 * 'prefetch and redirects').
 */
export function notAhead(): Response {
  return new Response(null, { status: 503, headers: { "cache-control": "no-store", "retry-after": "0" } });
}

/** For what does more than answer: looking ahead does none of it. */
export const refuseLookAhead =
  (handle: Handler): Handler =>
  (c) =>
    isLookAhead(c.req.raw) ? notAhead() : handle(c);

/** For the steps of a login: nobody goes where the answer to a picture's or a script's request leads. */
export const refuseSubresource =
  (handle: Handler): Handler =>
  (c) =>
    isSubresource(c.req.raw.headers) ? notAhead() : handle(c);

/**
 * Refuses a state-changing request that another website made the browser send (OWASP ASVS 5, V3.5). Browsers
 * say where a request comes from with `Origin` and `Sec-Fetch-Site`, which no page can forge; a client that
 * sends neither is not a browser and carries no one else's cookies.
 * @param alsoAllowed further origins that may send this request.
 * @throws {Failure} `cross_site`.
 */
export function refuseCrossSite(
  { site }: Settings,
  headers: Headers,
  stage: Stage,
  alsoAllowed: ReadonlySet<string> = new Set(),
): void {
  const origin = headers.get("origin");
  const fetchSite = headers.get("sec-fetch-site");
  const named = origin !== null && origin !== "null";
  if (named && (origin === site.origin || alsoAllowed.has(origin))) return;
  const sameOrigin = fetchSite === "same-origin" || fetchSite === "none";
  if (!named && (sameOrigin || (fetchSite === null && origin === null))) return;
  throw new Failure("cross_site", { stage, reason: named ? "foreign origin" : "no trusted origin" });
}

/**
 * Whether a form was sent by a deliberate act: our page's script saw that its reader had the page before them
 * (`armed`), or the reader ticked a box away from the button (`confirm`). One press alone may have been meant for
 * whatever lay over the page a moment before.
 */
export function isDeliberate(form: URLSearchParams | undefined): boolean {
  return form?.get("armed") === "yes" || isTicked(form);
}

/** Whether the box was ticked that stands away from the button. */
export function isTicked(form: URLSearchParams | undefined): boolean {
  return form?.get("confirm") === "yes";
}

/** A form or JSON body of ours is a few hundred characters. In bytes. */
const BODY_LIMIT = 16_384;

/**
 * The body of a request as text.
 * @returns `undefined` where it is larger than any body of ours.
 */
export async function requestText(request: Request): Promise<string | undefined> {
  const isLarge = Number(request.headers.get("content-length")) > BODY_LIMIT;
  return isLarge ? undefined : boundedText(request, BODY_LIMIT);
}

/** A parameter of a request's query, the first of its name. */
export function queryParameter(request: Pick<Request, "url">, name: string): string | undefined {
  return queryOf(request.url).get(name);
}

/** The parameters of a query, in the order sent. */
export interface Query {
  /** The first of this name. */
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  readonly names: readonly string[];
}

/**
 * The query of an address, read once: as the platform's own parser reads it (URL standard, section 5.1), in a fraction
 * of its time. The router's looks for the end of every parameter through all that follow.
 */
export function queryOf(url: string): Query {
  const text = queryText({ url }) ?? "";
  let names: string[] = [];
  let values: string[] = [];
  try {
    for (const pair of text.split("&")) {
      if (pair === "") continue;
      const equals = pair.indexOf("=");
      names.push(decoded(equals < 0 ? pair : pair.slice(0, equals)));
      values.push(equals < 0 ? "" : decoded(pair.slice(equals + 1)));
    }
  } catch {
    // What is no encoding, or not of UTF-8, is put right by the platform's own parser: in all of it, for an error takes
    // longer than to read a hundred pairs.
    const pairs = [...new URLSearchParams(`?${text}`)];
    names = pairs.map(([name]) => name);
    values = pairs.map(([, value]) => value);
  }
  return {
    names,
    get: (name) => values[names.indexOf(name)],
    getAll: (name) => values.filter((_, at) => names[at] === name),
  };
}

/** A name or value of a query, as it was meant. @throws {URIError} for what is no encoding, or not of UTF-8. */
function decoded(text: string): string {
  return text.includes("%") || text.includes("+") ? decodeURIComponent(text.replaceAll("+", " ")) : text;
}

/** The query of a request as it came; `undefined` where its address has none. */
export function queryText({ url }: Pick<Request, "url">): string | undefined {
  const start = url.indexOf("?");
  const fragment = url.indexOf("#");
  if (start < 0 || (fragment >= 0 && fragment < start)) return undefined;
  return url.slice(start + 1, fragment < 0 ? url.length : fragment);
}

/** Whether a request carries a form as browsers send it. */
export function isForm(headers: Headers): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
}

/**
 * The fields of a small form.
 * @returns `undefined` where the body is not a form, or larger than any form of ours.
 */
export async function formBody(request: Request): Promise<URLSearchParams | undefined> {
  if (!isForm(request.headers)) return undefined;
  const text = await requestText(request);
  return text === undefined ? undefined : new URLSearchParams(text);
}

/** The longest text of one field, in characters. */
const FIELD_LIMIT = 200;

/**
 * What was typed into a field, or pasted, with single spaces and without the marks that nobody sees: a phone copies
 * numbers with some.
 * @returns no more than {@link FIELD_LIMIT} of it.
 */
export const typedText = (text: string | null | undefined): string =>
  (text ?? "")
    .replace(/\p{Cf}/gu, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, FIELD_LIMIT);

/**
 * The body of a small JSON request. A page elsewhere cannot send this content type without asking first, which
 * is refused (CORS); an empty body counts as an empty object.
 * @param schema what the body must be; members it does not name are ignored.
 * @throws {Failure} `request_malformed` for anything else.
 */
export async function jsonBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
  stage: Stage,
): Promise<v.InferOutput<Schema>> {
  const malformed = (reason: string) => new Failure("request_malformed", { stage, reason });
  const text = await requestText(request);
  if (text === undefined) throw malformed("body is too large");
  const isJson = /^application\/json\b/i.test(request.headers.get("content-type") ?? "");
  if (text !== "" && !isJson) throw malformed("body is not application/json");
  const value = text === "" ? {} : parseJson(text);
  if (Array.isArray(value)) throw malformed("body is not of the documented form");
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw malformed("body is not of the documented form");
  return parsed.output;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the proxy nearest to the visitor said in an `X-Forwarded-…` header: each one behind it adds its own, after a comma. */
export function firstOf(header: string | null): string | undefined {
  return header?.split(",", 1)[0]?.trim() || undefined;
}

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
