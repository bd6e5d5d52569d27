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
    const swept = spellings.reduce(
      (rest, spelling) => (rest.includes(spelling) ? rest.replaceAll(spelling, BLANK) : rest),
      text,
    );
    return SHAPES.reduce((rest, shape) => rest.replaceAll(shape, BLANK), swept);
  };
  /** Notes what was blanked in an exchange. */
  const remember = (value: string) => {
    if (!open.has(value)) conceal(value);
  };
  const parts = ({ method, url, status, ...exchange }: Exchange) => ({
    request: [
      ...shownUrl(`${method} `, url, remember),
      ...shownHeaders(exchange.requestHeaders, remember),
      ...shownBody(exchange.requestHeaders["content-type"], exchange.requestBody, remember),
    ].join("\n"),
    response: [
      String(status),
      ...shownHeaders(exchange.responseHeaders, remember),
      ...shownBody(exchange.responseHeaders["content-type"], exchange.responseBody, remember),
    ].join("\n"),
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
  const json = JSON.stringify(value).slice(1, -1);
  const html = value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
  const form = new URLSearchParams({ "": value }).toString().slice(1);
  const bytes = Buffer.from(value);
  return [
    ...new Set([
      value,
      encodeURIComponent(value.toWellFormed()),
      form,
      json,
      html,
      bytes.toString("base64"),
      bytes.toString("base64url"),
    ]),
  ];
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

/** Headers that say nothing of the integration; they are left out. */
const NOISE =
  /^(sec-|cf-|mf-|upgrade-insecure|accept-encoding|connection|transfer-encoding|user-agent|priority|keep-alive)/;

/** Members of JSON answers whose values are no secret. */
const OPEN_MEMBERS = words(`
  token_type expires_in scope error iss aud azp exp iat auth_time rat acr msn alg kid typ
  authenticated age_seconds code status type
`);

/** Members and parameters whose values are secret whatever they look like. */
const SECRET_NAMES =
  /^(code|state|nonce|code_verifier|client_secret|access_token|id_token|refresh_token|sid|sub|app_secret)$/;

/**
 * What is looked for nowhere else, or the report would be full of holes: a word such as `cancel`, and the reference
 * on an error page (src/random.ts), which is there to be told.
 */
const ORDINARY = /^(?:[a-z]{1,12}|[0-9A-Z]{4}-[0-9A-Z]{4})$/;

function blank(value: string, conceal: Conceal, name = ""): string {
  if (SECRET_NAMES.test(name) || !ORDINARY.test(value)) conceal(value);
  return `(${value.length} characters)`;
}

/** An error code of OAuth is a short word; anything else that stands in its place is not shown. */
const isWord = (value: string): boolean => /^[\w:./ -]{0,200}$/.test(value);

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
  if (!/^https?:$/.test(url.protocol)) return [`${before}${url.protocol}${url.pathname}`, ...parameters];
  return [`${before}${url.origin}${url.pathname}`, ...parameters];
}

function shownHeaders(headers: Readonly<Record<string, string>>, conceal: Conceal): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (name === "set-cookie") return value.split("\n").map((cookie) => shownCookie(cookie, conceal));
    if (NOISE.test(name)) return [];
    if (name === "location" || name === "referer" || name === "origin")
      return shownUrl(`${name}: `, value, conceal);
    if (name === "cookie") return [`cookie: ${shownCookies(value, conceal)}`];
    if (name === "authorization") {
      const [scheme = "", credentials = ""] = value.split(/ (.*)/s);
      return [
        `authorization: ${/^(basic|bearer)$/i.test(scheme) ? scheme : ""} ${blank(credentials, conceal)}`,
      ];
    }
    if (OPEN_HEADERS.has(name)) return [`${name}: ${value}`];
    // A value of several words, such as a policy, is blanked but not looked for elsewhere: its words are common.
    return [`${name}: ${blank(value, /^\S{16,}$/.test(value) ? conceal : () => undefined)}`];
  });
}

function shownCookie(cookie: string, conceal: Conceal): string {
  const [, name = "", value = "", attributes = ""] = /^([^=;]*)=([^;]*)(.*)$/s.exec(cookie) ?? [];
  return `set-cookie: ${name}=${blank(value, conceal)}${attributes}`;
}

function shownCookies(header: string, conceal: Conceal): string {
  return header
    .split(/; */)
    .map((pair) => {
      const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      return `${name}=${blank(value, conceal)}`;
    })
    .join("; ");
}

/** An empty line and the body: forms and JSON member by member, anything else by its length alone. */
function shownBody(type: string | undefined, body: string | undefined, conceal: Conceal): string[] {
  if (body === undefined || body === "") return [];
  if (type?.startsWith("application/x-www-form-urlencoded")) {
    const fields = [...new URLSearchParams(body)];
    return ["", ...fields.map(([name, value]) => `${name}=${shownParameter(name, value, conceal)}`)];
  }
  if (/[/+]json\b/.test(type ?? "")) {
    const shown = shownJson(body, conceal);
    if (shown !== undefined) return ["", ...shown.split("\n")];
  }
  return ["", `(${type?.split(";")[0] || "no type"}, ${body.length} characters)`];
}

function shownJson(body: string, conceal: Conceal): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    conceal(body);
    return undefined;
  }
  return JSON.stringify(isPublic(value) ? value : shownValue("", value, conceal), null, 2);
}

/** The discovery document, in which everything is public (OpenID Connect Discovery section 3). */
function isPublic(value: unknown): boolean {
  return isRecord(value) && typeof value.issuer === "string" && typeof value.jwks_uri === "string";
}

function shownValue(name: string, value: unknown, conceal: Conceal): unknown {
  if (Array.isArray(value)) return value.map((each) => shownValue(name, each, conceal));
  if (isRecord(value)) {
    if ("kty" in value) return shownKey(value);
    return Object.fromEntries(
      Object.entries(value).map(([member, each]) => [member, shownValue(member, each, conceal)]),
    );
  }
  if (typeof value === "boolean" || value === null) return value;
  const text = String(value);
  if (OPEN_MEMBERS.has(name) && isWord(text)) return value;
  const token = typeof value === "string" ? shownToken(value, conceal) : undefined;
  return token ?? blank(text, conceal, name);
}

/** A public key; the modulus is long and says nothing to a reader. */
function shownKey(key: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = ["kty", "kid", "use", "alg", "e"].filter((member) => member in key);
  return {
    ...Object.fromEntries(shown.map((member) => [member, key[member]])),
    ...(typeof key.n === "string" && { n: `(${key.n.length} characters)` }),
  };
}

/** A JSON Web Token: what is inside it, blanked like any JSON, and never its signature. */
function shownToken(token: string, conceal: Conceal): unknown {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const [header, payload] = parts
      .slice(0, 2)
      .map((part): unknown => JSON.parse(Buffer.from(part, "base64url").toString("utf8")));
    conceal(token);
    for (const part of parts) conceal(part);
    return {
      "JSON Web Token": `(${token.length} characters)`,
      header: shownValue("", header, conceal),
      payload: shownValue("", payload, conceal),
    };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
