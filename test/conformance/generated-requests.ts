import fc from "fast-check";

/**
 * Generators of what a hostile visitor may send. Every one leans towards what decoders, parsers and comparisons
 * stumble over, and none makes anything a proper visitor would send.
 */

/** Pieces from which attacks on addresses are put together. */
const URL_PIECES = [
  "/",
  "//",
  "\\",
  "/\\",
  "@",
  ":",
  "#",
  "?",
  "..",
  ".",
  "%2f",
  "%2F",
  "%5c",
  "%09",
  "%0a",
  "%00",
  "%40",
  "%252f",
  "%e0%80%af",
  "\t",
  "\n",
  "\r",
  "\u0000",
  " ",
  "\u00a0",
  "\u2028",
  "\uff0f",
  "\u3002",
  "https:",
  "http:",
  "javascript:",
  "data:",
  "blob:",
  "attacker.example",
  "site.example",
  "site.example.attacker.example",
  "localhost",
  "[::1]",
  "auth",
  "members",
  "return_to=",
  "=",
  "&",
  ";",
  "xn--",
] as const;

/** Texts of any kind: pieces of attacks, any Unicode at all, or very much of something. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(fc.constantFrom(...URL_PIECES), { maxLength: 8 }).map((parts) => parts.join("")),
  },
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.nat(5_000).map((length) => "a".repeat(length)) },
);

/** A return URL that tries to lead away. */
export const hostileReturnUrl: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.constantFrom(...URL_PIECES), { minLength: 1, maxLength: 10 })
      .map((parts) => parts.join("")),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom("/", "https://site.example", "https://shop.example", "//", "https:", ""),
        hostileText,
      )
      .map(([start, rest]) => start + rest),
  },
  { weight: 2, arbitrary: fc.webUrl({ withQueryParameters: true, withFragments: true }) },
  { weight: 1, arbitrary: hostileText },
);

/** A state: nearly one of ours, or nothing like it. Never one of ours. */
const hostileState: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF \n"), minLength: 60, maxLength: 70 }),
  hostileText,
);

/** The query of a callback, each parameter encoded properly, badly or not at all, and possibly twice. */
export const hostileCallbackQuery: fc.Arbitrary<string> = fc
  .array(
    fc
      .tuple(
        fc.constantFrom(
          "state",
          "code",
          "error",
          "error_description",
          "iss",
          "scope",
          "response",
          "id_token",
          "token",
          "x",
        ),
        fc.oneof(
          hostileState,
          hostileText,
          fc.constantFrom(
            "access_denied",
            "server_error",
            "wrong_challenge",
            "https://apitest.vipps.no/access-management-1.0/access/",
          ),
        ),
        fc.constantFrom("proper", "raw", "twice"),
      )
      .map(([name, value, encoding]) => `${name}=${encodedAs(encoding, value)}`),
    { minLength: 0, maxLength: 6 },
  )
  .map((parts) => parts.join("&"));

/** The text as one way or another of writing a query has it. `#` would end the query, so it is never raw. */
export function encodedAs(encoding: "proper" | "raw" | "twice", value: string): string {
  const proper = encodeURIComponent(value.toWellFormed());
  if (encoding === "proper") return proper;
  return encoding === "twice" ? encodeURIComponent(proper) : value.toWellFormed().replaceAll("#", "%23");
}

/** A header value of printable ASCII; what bytes beyond it do is tested one by one and over a real socket. */
export const hostileHeader: fc.Arbitrary<string> = fc
  .string({ unit: "binary-ascii", maxLength: 120 })
  .map((text) => text.replace(/[^ -~]/g, "").trim());

/** A Cookie header: our names, with values that are not ours, among others. */
export const hostileCookies: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "__Host-vipps-session",
        "__Host-vipps-browser",
        " __Host-vipps-session",
        "__host-vipps-session",
        "__Secure-vipps-session",
        "vipps-session",
        "x",
        "",
      ),
      fc.oneof(
        hostileHeader,
        fc
          .tuple(hostileHeader, hostileHeader)
          .map(([a, b]) => `${btoa(a)}.${btoa(b)}.${"A".repeat(86)}`.replaceAll("=", "")),
        fc.string({ unit: fc.constantFrom(..."abcABC012-_"), minLength: 43, maxLength: 43 }),
      ),
    ),
    { maxLength: 8 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join(";"));

export const hostileAcceptLanguage: fc.Arbitrary<string> = fc.oneof(
  hostileHeader,
  fc
    .array(
      fc.tuple(
        fc.constantFrom("nb", "da", "fi", "sv", "en", "*", "x", "nb-NO", "-", "__proto__", ""),
        fc.constantFrom("", ";q=0.5", ";q=x", ";q=0", ";q=9", ";;", ";q"),
      ),
      { maxLength: 12 },
    )
    .map((words) => words.map((pair) => pair.join("")).join(",")),
);
