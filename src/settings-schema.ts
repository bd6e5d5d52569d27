import * as v from "valibot";
import type { ConsentQuestion, SessionKeys, SupportSettings } from "./settings-types.ts";
import { isAppRedirectUri } from "./vipps/app-redirect-uri.ts";

/** `__Host-` cookies and browsers cap a cookie's life at 400 days (rfc6265bis section 5.5). */
const MAX_COOKIE_AGE = 400 * 24 * 3600;

/** Unset and empty are the same, so that a variable can be blanked in the dashboard. */
const optional = <Schema extends v.GenericSchema<string, unknown>>(schema: Schema) =>
  v.pipe(
    v.optional(v.string(), ""),
    v.transform((text) => (text.trim() === "" ? undefined : text.trim())),
    v.optional(schema),
  );

const required = () =>
  v.pipe(
    v.optional(v.string(), ""),
    v.transform((text) => text.trim()),
    v.nonEmpty("is missing"),
  );

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && (text === url.origin || text === `${url.origin}/`);
};

const origin = () =>
  v.pipe(
    v.string(),
    v.check(isOrigin, "must be an origin such as https://www.example.com, without a path"),
    v.transform((text) => new URL(text).origin),
  );

function withoutEndingSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

const list = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

const seconds = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,9}$/, "must be a whole number of seconds"),
    v.transform(Number),
    v.minValue(least, `must be at least ${least} seconds`),
    v.maxValue(most, `must be at most ${most} seconds`),
  );

const flag = () =>
  v.pipe(
    v.picklist(["true", "false"], "must be true or false"),
    v.transform((text) => text === "true"),
  );

const choice = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `must be one of ${options.join(", ")}`);

/** What may stand between two slashes of a path pattern; percent signs encode. */
const PATTERN_SEGMENT = /^(?:[^\s,%?#;\\]|%[0-9a-f]{2})*$/i;

/** A path from the root, in which `*` stands for anything. No dot segments, no query. */
function isPathPattern(text: string): boolean {
  const [before, ...segments] = text.replace(/^!/, "").split("/");
  return (
    before === "" &&
    segments.length > 0 &&
    segments.every((segment) => segment !== "." && segment !== ".." && PATTERN_SEGMENT.test(segment))
  );
}

const pathPatterns = () =>
  v.pipe(
    v.string(),
    v.transform(list),
    v.check(
      (patterns) => patterns.every((pattern) => isPathPattern(pattern) && isDecodable(pattern)),
      "must be path patterns such as /members/* or !/members/open/*",
    ),
    v.check(
      (patterns) => patterns.some((pattern) => !pattern.startsWith("!")),
      "has exceptions only; begin with what they are exceptions from, such as /*",
    ),
    v.maxLength(100, "must be at most 100 patterns"),
  );

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const header = () =>
  v.pipe(
    v.string(),
    v.regex(/^[\x20-\x7e]*$/, "must be plain ASCII"),
    v.maxLength(30, "must be at most 30 characters (Vipps standard headers)"),
  );

/** What will stand in a header. */
const visible = () => v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/, "must be plain ASCII without spaces"));

const base64urlPart = () => v.pipe(v.string(), v.regex(/^[\w-]{43}$/));

/** What signed before may have lost its private half, and may say since when it does not sign any more. */
const sessionKeySet = () =>
  v.object({
    keys: v.pipe(
      v.array(
        v.object({
          kty: v.literal("EC"),
          crv: v.literal("P-256"),
          x: base64urlPart(),
          y: base64urlPart(),
          d: v.optional(base64urlPart()),
          kid: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
          retired_at: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
        }),
      ),
      v.minLength(1),
      v.maxLength(10),
      v.check((keys) => new Set(keys.map((key) => key.kid)).size === keys.length),
    ),
  });

/** @throws when the text is not a key set whose first key can sign. */
function parseSessionKeys(text: string): SessionKeys {
  const [first, ...others] = v.parse(sessionKeySet(), JSON.parse(text)).keys;
  if (first?.d === undefined || first.retired_at !== undefined) throw new Error("the first key cannot sign");
  const { kty, crv, x, y, kid, d } = first;
  return {
    signing: { kty, crv, x, y, kid, d },
    previous: others.map(({ d: previousHalf, retired_at: retiredAt, ...key }) => ({
      ...key,
      d: previousHalf,
      retiredAt,
    })),
  };
}

const sessionKeys = () =>
  v.pipe(
    required(),
    v.rawTransform(({ dataset, addIssue, NEVER }): SessionKeys => {
      try {
        return parseSessionKeys(dataset.value);
      } catch {
        addIssue({
          message:
            "must be a JSON Web Key Set of ES256 keys, the first of them private, each with its own kid",
        });
        return NEVER;
      }
    }),
  );

/** A page of the site, or an address anywhere else with TLS. */
const pageUrl = () =>
  v.pipe(
    v.string(),
    v.check((text) => {
      const url = URL.parse(text, "https://site.invalid");
      return url?.protocol === "https:" && (text.startsWith("https://") || /^\/(?![/\\])/.test(text));
    }, "must be a path of the site or an https address"),
  );

const consentQuestions = () =>
  v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,39}$/)),
      text: v.union([
        v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
        v.record(
          v.picklist(["nb", "da", "fi", "sv", "en"]),
          v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
        ),
      ]),
    }),
  );

const consents = () =>
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }): readonly ConsentQuestion[] => {
      try {
        const questions = v.parse(consentQuestions(), JSON.parse(dataset.value));
        return questions.map(({ id, text }) => ({
          id,
          wording: typeof text === "string" ? { en: text } : { ...text },
        }));
      } catch {
        addIssue({ message: 'must be JSON such as [{"id":"newsletter","text":{"nb":"…","en":"…"}}]' });
        return NEVER;
      }
    }),
  );

const plainUrl = () =>
  v.pipe(
    v.string(),
    v.check((text) => {
      const url = URL.parse(text);
      return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
    }, "must be a URL without a query"),
  );

/** A number with its country code; shorter ones lack it. */
const STAFF_PHONE = /^\+?[1-9]\d{8,14}$/;

const supportStaff = () =>
  v.pipe(
    v.string(),
    v.transform(list),
    v.check(
      (staff) => staff.every((one) => STAFF_PHONE.test(one) || /^(?=.*[^\d])[\w-]{8,100}$/.test(one)),
      "must be account ids, subs, or phone numbers such as +4799999901 without spaces in them",
    ),
    v.transform(
      (staff): SupportSettings => ({
        staffPhones: new Set(
          staff.filter((one) => STAFF_PHONE.test(one)).map((phone) => phone.replace("+", "")),
        ),
        staffIds: new Set(staff.filter((one) => !STAFF_PHONE.test(one))),
      }),
    ),
  );

/**
 * Every setting as it may stand in the environment, and what becomes of it. Made when settings are first read, not
 * when an isolate starts: many only run Durable Objects.
 */
export function settingsSchema(): SettingsSchema {
  made ??= createSettingsSchema();
  return made;
}

type SettingsSchema = ReturnType<typeof createSettingsSchema>;
let made: SettingsSchema | undefined;

const createSettingsSchema = () =>
  v.object({
    SITE_URL: optional(origin()),
    SITE_LANGUAGE: optional(choice(["nb", "da", "fi", "sv", "en"])),
    BRAND_DATE: optional(v.pipe(v.string(), v.isoDate("must be a day such as 2027-01-12"))),
    AUTH_PATH: optional(v.pipe(v.string(), v.regex(/^(\/[a-z0-9_-]+)+$/i, "must be a path such as /auth"))),
    VIPPS_ENVIRONMENT: optional(choice(["test", "production"])),
    VIPPS_ISSUER: optional(
      v.pipe(
        v.string(),
        v.check((text) => {
          const url = URL.parse(text);
          return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
        }, "must be the issuer's URL, without a query"),
      ),
    ),
    PROVIDER_ENDPOINTS: optional(
      v.pipe(v.string(), v.transform(list), v.array(origin()), v.maxLength(10, "must be at most 10 origins")),
    ),
    VIPPS_KEYS: optional(choice(["own", "partner"])),
    VIPPS_CLIENT_ID: optional(v.string()),
    VIPPS_CLIENT_SECRET: optional(v.string()),
    VIPPS_PARTNER_CLIENT_ID: optional(visible()),
    VIPPS_PARTNER_CLIENT_SECRET: optional(visible()),
    VIPPS_PARTNER_SUBSCRIPTION_KEY: optional(visible()),
    VIPPS_MSN: v.pipe(required(), v.regex(/^\d{4,10}$/, "must be the sales unit's number, digits only")),
    VIPPS_TOKEN_AUTH: optional(choice(["client_secret_basic", "client_secret_post"])),
    VIPPS_SCOPE: optional(
      v.pipe(
        v.string(),
        v.transform(list),
        v.check((scopes) => scopes.includes("openid"), "must contain openid"),
        v.check(
          (scopes) => scopes.every((scope) => /^[\w:.-]+$/.test(scope)),
          "must be scope names with spaces between",
        ),
      ),
    ),
    VIPPS_MARKET: optional(choice(["NO", "DK", "FI", "SE"])),
    VIPPS_AUTOMATIC_RETURN: optional(flag()),
    VIPPS_REQUIRE_APP: optional(flag()),
    VIPPS_SYSTEM_NAME: optional(header()),
    VIPPS_SYSTEM_VERSION: optional(header()),
    CROSS_BROWSER: optional(choice(["confirm", "allow", "deny"])),
    LOGIN_LOCATION: optional(choice(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"])),
    LOGIN_SHARDS: optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,3}$/, "must be a whole number"),
        v.transform(Number),
        v.minValue(1, "must be at least 1"),
        v.maxValue(256, "must be at most 256"),
      ),
    ),
    APP_REDIRECT_URIS: optional(
      v.pipe(
        v.string(),
        v.transform(list),
        v.check(
          (uris) => uris.every(isAppRedirectUri),
          "must be https links or apps' own schemes with a path, without ? and #",
        ),
        v.maxLength(20, "must be at most 20 redirect URIs"),
      ),
    ),
    RETURN_TO_ORIGINS: optional(
      v.pipe(v.string(), v.transform(list), v.array(origin()), v.maxLength(50, "must be at most 50 origins")),
    ),
    SESSION_KEYS: sessionKeys(),
    SESSION_TTL: optional(seconds(1, MAX_COOKIE_AGE)),
    SESSION_IDLE: optional(seconds(1, MAX_COOKIE_AGE)),
    SESSION_FRESH: optional(seconds(1, 3600)),
    SESSION_CLAIMS: optional(
      v.pipe(
        v.string(),
        v.transform(list),
        v.array(v.picklist(PROFILE_CLAIMS(), `must be claims out of ${PROFILE_CLAIMS().join(", ")}`)),
      ),
    ),
    SESSION_COOKIE_DOMAIN: optional(
      v.pipe(v.string(), v.regex(/^\.?([a-z0-9-]+\.)+[a-z]{2,}$/i, "must be a domain such as example.com")),
    ),
    ORIGIN_URL: optional(origin()),
    PROTECTED_PATHS: optional(pathPatterns()),
    FORWARD_SESSION_COOKIE: optional(flag()),
    DATA_JURISDICTION: optional(choice(["eu"])),
    ACCOUNTS: optional(choice(["d1", "remote", "none"])),
    REGISTRATION: optional(choice(["open", "closed"])),
    REGISTRY_URL: optional(v.pipe(plainUrl(), v.transform(withoutEndingSlashes))),
    REGISTRY_PROOF_URL: optional(plainUrl()),
    REGISTRY_SECRET: optional(v.pipe(v.string(), v.minLength(32, "must be at least 32 characters"))),
    TERMS_URL: optional(pageUrl()),
    TERMS_VERSION: optional(v.pipe(v.string(), v.maxLength(50, "must be at most 50 characters"))),
    PRIVACY_URL: optional(pageUrl()),
    CONSENTS: optional(consents()),
    CONSENT_WEBHOOK_SECRET: optional(
      v.pipe(v.string(), v.regex(/^[\w-]{16,200}$/, "must be 16 to 200 letters, digits, - or _")),
    ),
    SUPPORT_STAFF: optional(supportStaff()),
    LOGIN_EVENTS_DAYS: optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,4}$/, "must be a whole number of days"),
        v.transform(Number),
        v.minValue(1, "must be at least 1 day"),
        v.maxValue(3650, "must be at most 3650 days"),
      ),
    ),
  });

/** Claims about a person that may be put into the session token; `sub` is always there. */
function PROFILE_CLAIMS() {
  return [
    "name",
    "given_name",
    "family_name",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "birthdate",
    "address",
  ] as const;
}
