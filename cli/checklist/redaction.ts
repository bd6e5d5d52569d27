import type { ShownExchange } from "./evidence.ts";
import type { Exchange } from "./exchange.ts";
import { shownBody, shownHeaders, shownUrl } from "./shown-parts.ts";

/** What takes the place of a value that was seen before and turns up somewhere else. */
const BLANK = "▇▇▇";

/** Shorter values would blank ordinary words; in their own fields these are blanked whatever their length. */
const SHORTEST = 6;

/** Blanks exchanges, and remembers what it blanked, to find it again wherever else it may have got to. */
export interface Redactor {
  /** Notes a value that must appear nowhere: a secret of the settings, a phone number, an email address. */
  conceal(value: string): void;
  /** Notes every value of an exchange that is to be blanked. Learn all before showing the first. */
  learn(exchange: Exchange): void;
  show(exchange: Exchange): ShownExchange;
  /** The text without anything that was blanked so far, in whatever encoding it stands there. */
  sweep(text: string): string;
  /** What was blanked or concealed, for blanking the same on a page before its picture is taken. */
  readonly concealed: ReadonlySet<string>;
}

export function createRedactor(): Redactor {
  const concealed = new Set<string>();
  let spellings: readonly string[] = [];
  const conceal = (value: string) => {
    if (value.length < SHORTEST || concealed.has(value)) return;
    concealed.add(value);
    spellings = [];
  };
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
  const parts = ({ method, url, status, ...exchange }: Exchange) => ({
    request: [
      ...shownUrl(`${method} `, url, conceal),
      ...shownHeaders(exchange.requestHeaders, conceal),
      ...shownBody(exchange.requestHeaders["content-type"], exchange.requestBody, conceal),
    ].join("\n"),
    response: [
      String(status),
      ...shownHeaders(exchange.responseHeaders, conceal),
      ...shownBody(exchange.responseHeaders["content-type"], exchange.responseBody, conceal),
    ].join("\n"),
  });
  return {
    conceal,
    sweep,
    concealed,
    learn: (exchange) => void parts(exchange),
    show(exchange) {
      const { request, response } = parts(exchange);
      const { from, to } = exchange;
      return {
        at: new Date(exchange.at).toISOString(),
        from,
        to,
        request: sweep(request),
        response: sweep(response),
      };
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
