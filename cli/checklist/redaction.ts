import { html } from "hono/html";
import type { ShownExchange } from "./evidence.ts";
import type { Exchange } from "./traffic.ts";

/** What takes the place of a value that was seen before and turns up somewhere else. */
const BLANK = "▇▇▇";

/** Shorter values would blank ordinary words; in their own fields these are blanked whatever their length. */
const SHORTEST = 6;

export type Redactor = ReturnType<typeof createRedactor>;

/** Blanks exchanges, and remembers what it blanked, to find it again wherever else it may have got to. */
export function createRedactor() {
  /** What was blanked or concealed, for blanking the same on a page before its picture is taken. */
  const concealed: Set<string> = new Set();
  /** Values of the settings that anybody may read. */
  const open: Set<string> = new Set();
  let spellings: readonly string[] = [];
  /** Notes a value that must appear nowhere: a secret of the settings, a phone number, an email address. */
  const conceal = (value: string) => {
    if (value.length < SHORTEST || concealed.has(value)) return;
    concealed.add(value);
    spellings = [];
  };
  /** The text without anything that was blanked so far, in whatever encoding it stands there. */
  const sweep = (text: string): string => {
    // The longest first, so that no end of a long value is left behind by a shorter one.
    if (spellings.length === 0)
      spellings = [...concealed].flatMap(spellingsOf).sort((one, other) => other.length - one.length);
    return [...spellings, ...SHAPES].reduce<string>((rest, secret) => rest.replaceAll(secret, BLANK), text);
  };
  /** Notes what was blanked in an exchange. */
  const remember = (value: string) => {
    if (!open.has(value)) conceal(value);
  };
  const parts = ({ method, url, requestHeaders, requestBody, ...answer }: Exchange) => ({
    request: shown(shownUrl(`${method} `, url, remember), requestHeaders, requestBody, remember),
    response: shown([`${answer.status}`], answer.responseHeaders, answer.responseBody, remember),
  });
  return {
    ...{ conceal, sweep, concealed: concealed as ReadonlySet<string> },
    /**
     * Notes a value that is no secret wherever it stands, such as the version of the terms, which a form of the site
     * sends along: in an exchange it is blanked in its place, and looked for nowhere else. What is concealed stays so.
     */
    leaveOpen: (value: string) => void open.add(value),
    /** Notes every value of an exchange that is to be blanked. Learn all before showing the first. */
    learn: (exchange: Exchange) => void parts(exchange),
    show(exchange: Exchange): ShownExchange {
      const { request, response } = parts(exchange);
      const { from, to } = exchange;
      const at = new Date(exchange.at).toISOString();
      return { at, from, to, request: sweep(request), response: sweep(response) };
    },
  };
}

/** The value as it stands in an address, a form, a JSON text, an HTML page, and in Base64. */
function spellingsOf(value: string): readonly string[] {
  const form = new URLSearchParams({ "": value }).toString().slice(1);
  const [json, page] = [JSON.stringify(value).slice(1, -1), String(html`${value}`)];
  const base64 = (["base64", "base64url"] as const).map((kind) => Buffer.from(value).toString(kind));
  return [...new Set([value, encodeURIComponent(value.toWellFormed()), form, json, page, ...base64])];
}

/** What is personal or secret by its very look, wherever it comes from. */
const SHAPES = [
  // JSON Web Tokens (RFC 7519)
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  // email addresses, but for those of Vipps itself
  /\b[\w.+-]+@(?!vippsmobilepay\.com\b)[\w-]+(?:\.[\w-]+)+\b/g,
  // Nordic phone numbers with a country code
  /(?<![\w.-])(?:\+|00)(?:45|46|47|358)[ ]?\d(?:[ ]?\d){6,9}(?![\w-])/g,
];

// What of a request or an answer may be shown as it is. Everything not named here is blanked, so that what a
// provider adds one day is blanked too.

/** Gets each value that was blanked. */
type Conceal = (value: string) => void;

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Parameters whose values are no secret: constants of the protocol, and what the site is registered under. */
const OPEN_PARAMETERS = words(`
  response_type client_id redirect_uri scope code_challenge_method requested_flow
  final_redirect_is_app market acr_values grant_type error msn return_to
`);

const OPEN_HEADERS = words(`
  accept accept-language cache-control content-length content-type cross-origin-opener-policy
  cross-origin-resource-policy date host merchant-serial-number pragma referrer-policy retry-after
  strict-transport-security vary vipps-system-name vipps-system-version vipps-system-plugin-name
  vipps-system-plugin-version www-authenticate x-content-type-options x-frame-options
`);

/** Headers that say nothing of the integration, and those that HTTP/2 makes of the address; they are left out. */
const NOISE =
  /^(:|sec-|cf-|mf-|upgrade-insecure|accept-encoding|connection|transfer-encoding|user-agent|priority|keep-alive)/;

/** Members of JSON answers whose values are no secret, and of a public key. */
const OPEN_MEMBERS = words(`
  token_type expires_in scope error iss aud azp exp iat auth_time rat acr msn alg kid typ
  authenticated age_seconds code status type
`);
const OPEN_IN_KEYS = words("kty kid use alg e");

/** Members and parameters whose values are secret whatever they look like. */
const SECRET_NAMES =
  /^(code|state|nonce|code_verifier|client_secret|access_token|id_token|refresh_token|sid|sub|app_secret)$/;

/**
 * What is looked for nowhere else, or the report would be full of holes: a word such as `cancel`, and the reference
 * on an error page (src/crypto-text.ts), which is there to be told.
 */
const ORDINARY = /^(?:[a-z]{1,12}|[0-9A-Z]{4}-[0-9A-Z]{4})$/;

function blank(value: string, conceal: Conceal, name = ""): string {
  if (SECRET_NAMES.test(name) || !ORDINARY.test(value)) conceal(value);
  return `(${value.length} characters)`;
}

/** An error code of OAuth is a short word; anything else that stands in its place is not shown. */
const isWord = (value: string): boolean => /^[\w:./ -]{0,200}$/.test(value);

/** The beginning, the headers, and the body behind an empty line, if there is one. */
function shown(
  beginning: readonly string[],
  headers: Exchange["requestHeaders"],
  body: string | undefined,
  conceal: Conceal,
): string {
  const shownHeaders = Object.entries(headers).flatMap(([name, value]) => shownHeader(name, value, conceal));
  const shownLines = body ? ["", ...shownBody(headers["content-type"] ?? "", body, conceal)] : [];
  return [...beginning, ...shownHeaders, ...shownLines].join("\n");
}

function shownParameter(name: string, value: string, conceal: Conceal): string {
  if (name === "return_to" && !/^\/[\w./-]*$/.test(value)) return blank(value, conceal);
  return OPEN_PARAMETERS.has(name) && isWord(value) ? value : blank(value, conceal, name);
}

/** The address with one parameter on each line, secret ones blanked. */
function shownUrl(before: string, address: string, conceal: Conceal): string[] {
  if (/^\/[\w./-]*$/.test(address)) return [`${before}${address}`];
  const url = URL.parse(address);
  if (url === null) return [`${before}${blank(address, conceal)}`];
  if (url.hash.length > 1) conceal(url.hash.slice(1));
  const parameters = [...url.searchParams].map(
    ([name, value], index) => `    ${index === 0 ? "?" : "&"}${name}=${shownParameter(name, value, conceal)}`,
  );
  const origin = /^https?:$/.test(url.protocol) ? url.origin : url.protocol;
  return [`${before}${origin}${url.pathname}`, ...parameters];
}

function shownHeader(name: string, value: string, conceal: Conceal): string[] {
  if (NOISE.test(name)) return [];
  if (OPEN_HEADERS.has(name)) return [`${name}: ${value}`];
  if (/^(location|referer|origin)$/.test(name)) return shownUrl(`${name}: `, value, conceal);
  if (name === "cookie" || name === "set-cookie") {
    // Several set-cookie are on lines of their own; what stands behind a value there says how the browser keeps it.
    const pair = name === "cookie" ? /([^=;\s]+)=([^;]*)/g : /^([^=;\n]*)=([^;\n]*)/gm;
    const cookies = value.replace(pair, (_, cookie, told) => `${cookie}=${blank(told, conceal)}`);
    return cookies.split("\n").map((cookie) => `${name}: ${cookie}`);
  }
  if (name === "authorization") {
    const [, scheme = "", credentials = ""] = /^(basic |bearer )?(.*)$/is.exec(value) ?? [];
    return [`authorization: ${scheme}${blank(credentials, conceal)}`];
  }
  // A value of several words, such as a policy, is blanked but not looked for elsewhere: its words are common.
  return [`${name}: ${blank(value, /^\S{16,}$/.test(value) ? conceal : () => undefined)}`];
}

/** Forms and JSON member by member, anything else by its length alone. */
function shownBody(type: string, body: string, conceal: Conceal): string[] {
  if (type.startsWith("application/x-www-form-urlencoded"))
    return [...new URLSearchParams(body)].map(
      ([name, value]) => `${name}=${shownParameter(name, value, conceal)}`,
    );
  if (/[/+]json\b/.test(type)) {
    const json = parsed(body);
    if (json !== undefined) return [JSON.stringify(shownJson(json, conceal), null, 2)];
    conceal(body);
  }
  return [`(${type.split(";")[0] || "no type"}, ${body.length} characters)`];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shownJson(json: unknown, conceal: Conceal): unknown {
  // The discovery document, in which everything is public (OpenID Connect Discovery section 3).
  const isPublic = isRecord(json) && typeof json.issuer === "string" && typeof json.jwks_uri === "string";
  return isPublic ? json : shownValue("", json, conceal);
}

function shownValue(name: string, value: unknown, conceal: Conceal, open = OPEN_MEMBERS): unknown {
  if (Array.isArray(value)) return value.map((each) => shownValue(name, each, conceal, open));
  if (isRecord(value)) {
    const members = Object.entries(value).map(([member, each]) => [
      member,
      shownValue(member, each, conceal, "kty" in value ? OPEN_IN_KEYS : OPEN_MEMBERS),
    ]);
    return Object.fromEntries(members);
  }
  if (typeof value === "boolean" || value === null) return value;
  const text = String(value);
  if (open.has(name) && isWord(text)) return value;
  const token = typeof value === "string" ? shownToken(value, conceal) : undefined;
  return token ?? blank(text, conceal, name);
}

/** A JSON Web Token: what is inside it, blanked like any JSON, and never its signature. */
function shownToken(token: string, conceal: Conceal): unknown {
  const parts = token.split(".");
  const [header, payload] = parts.map((part) => parsed(Buffer.from(part, "base64url").toString("utf8")));
  if (parts.length !== 3 || header === undefined || payload === undefined) return undefined;
  for (const part of [token, ...parts]) conceal(part);
  return {
    "JSON Web Token": `(${token.length} characters)`,
    header: shownValue("", header, conceal),
    payload: shownValue("", payload, conceal),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
