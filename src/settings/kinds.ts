// What values of settings may look like: as text, as `.dev.vars` and secrets have them, and as the numbers, booleans,
// lists and objects that TOML and JSON know. Each is what it looks like, and whoever writes 86400 or "86400" means
// the same.

import * as v from "valibot";
import { phoneWords } from "../pages/phone-words.ts";
import type { Contact } from "../pages/site-face.ts";
import { PATTERN_FAULT, readProtectedPaths } from "../rules/protected-paths.ts";
import { isAgeClaim, readRequirement } from "../rules/requirement.ts";
import { type MasterKeys, readMasterKeys } from "../sites/master-keys.ts";
import { isAppRedirectUri } from "../vipps/app-redirect-uri.ts";
import { isProfileScope, profileScopes } from "../vipps/claims.ts";
import type { ConsentQuestion, SessionKeys, SupportSettings } from "./types.ts";

/** How the value of a setting is read. */
export interface Kind<Output> {
  /** Made when a setting is first read, not when an isolate starts: many only run Durable Objects. */
  readonly schema: () => v.GenericSchema<unknown, Output>;
  /** What an editor can know of it: the words it may be, the limits of a number (JSON Schema). */
  readonly editor: Readonly<Record<string, unknown>>;
}

/**
 * A value of TOML or JSON as text, where only text can stand: what is read from it is the same.
 * @returns lists of words with blanks between them, structures as JSON.
 */
export function writtenAsText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value ?? "").trim();
  const isWord = (member: unknown) => typeof member !== "object" && /^[^\s,]+$/.test(String(member));
  return Array.isArray(value) && value.every(isWord) ? value.join(" ") : JSON.stringify(value);
}

/** Whole numbers that a program keeps exactly; 1.10 has lost its zero before it gets here. */
const exactNumber = (message: string) => v.pipe(v.number(message), v.safeInteger(message));

const asText = (message: string) =>
  v.pipe(
    v.union([v.string(), exactNumber(message)], message),
    v.transform((value) => String(value).trim()),
  );

/**
 * What no text of a setting holds: it speaks to terminals (`\p{Cc}`), or turns the direction of writing
 * (`\p{Bidi_Control}`). Spelled out, because V8 takes long to gather the classes, at the first request of an isolate.
 */
export const holdsUnseen = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(text);

const TEXT_EDITOR = { type: ["string", "integer"] };

/** @param make what is asked of the text. */
export const text = <Output>(make: () => v.GenericSchema<string, Output>): Kind<Output> => ({
  schema: () =>
    v.pipe(
      asText("must be text, in quotation marks"),
      v.check(
        (written) => !holdsUnseen(written),
        "must be text that can be seen, without control characters",
      ),
      make(),
    ),
  editor: TEXT_EDITOR,
});

export const anyText = (): Kind<string> => text(() => v.string());

/** Text that a regular expression describes. */
export const textLike = (shape: RegExp, message: string): Kind<string> =>
  text(() => v.pipe(v.string(), v.regex(shape, message)));

export const textOfAtLeast = (least: number): Kind<string> =>
  text(() => v.pipe(v.string(), v.minLength(least, `must be at least ${least} characters`)));

export const textOfAtMost = (most: number): Kind<string> =>
  text(() => v.pipe(v.string(), v.maxLength(most, `must be at most ${most} characters`)));

export const choice = <const Options extends readonly string[]>(
  ...options: Options
): Kind<Options[number]> => ({
  schema: () => {
    const message = `must be one of ${options.join(", ")}`;
    return v.pipe(asText(message), v.picklist(options, message));
  },
  editor: { enum: options },
});

export const flag = (): Kind<boolean> => ({
  schema: () =>
    v.pipe(
      v.union(
        [v.boolean(), v.pipe(v.string(), v.trim(), v.picklist(["true", "false"], "must be true or false"))],
        "must be true or false",
      ),
      v.transform((value) => String(value) === "true"),
    ),
  editor: { enum: [true, false, "true", "false"] },
});

/** @param unit what is counted, with a space before it: `" seconds"`. */
export const wholeNumber = (least: number, most: number, unit = ""): Kind<number> => ({
  schema: () => {
    const message = `must be a whole number${unit && ` of${unit}`}`;
    const digits = v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}$/, message), v.transform(Number));
    return v.pipe(
      v.union([v.number(), digits], message),
      v.safeInteger(message),
      v.minValue(least, `must be at least ${least}${unit}`),
      v.maxValue(most, `must be at most ${most}${unit}`),
    );
  },
  editor: {
    anyOf: [
      { type: "integer", minimum: least, maximum: most },
      { type: "string", pattern: "^\\s*\\d+\\s*$" },
    ],
  },
});

/** Text with blanks or commas between its members, a list of JSON written as text, or a list. */
const asList = (message: string) =>
  v.pipe(
    v.union(
      [v.string(), exactNumber(message), v.array(v.union([v.string(), exactNumber(message)]))],
      message,
    ),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }): string[] => {
      if (typeof value === "object") return value.map((member) => String(member).trim());
      const written = String(value).trim();
      if (!written.startsWith("[")) return written.split(/[\s,]+/).filter((member) => member !== "");
      const parsed = v.safeParse(v.array(v.union([v.string(), exactNumber(message)])), parsedJson(written));
      if (parsed.success) return parsed.output.map((member) => String(member).trim());
      addIssue({ message });
      return NEVER;
    }),
  );

/**
 * Several of a kind.
 * @param message what each of them must be.
 */
export const list = <Output>(
  message: string,
  make: () => v.GenericSchema<string[], Output>,
): Kind<Output> => ({
  schema: () => v.pipe(asList(message), make()),
  editor: { anyOf: [{ type: "string" }, { type: "array", items: TEXT_EDITOR }] },
});

/** A structure: as JSON in a text, or as it is. */
export const structure = <Output>(
  message: string,
  read: (value: unknown) => Output,
  type: "object" | "array",
): Kind<Output> => ({
  schema: () =>
    v.pipe(
      v.unknown(),
      v.rawTransform(({ dataset, addIssue, NEVER }): Output => {
        try {
          return read(typeof dataset.value === "string" ? JSON.parse(dataset.value) : dataset.value);
        } catch {
          addIssue({ message });
          return NEVER;
        }
      }),
    ),
  editor: { anyOf: [{ type }, { type: "string" }] },
});

function parsedJson(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

/** `https://host`, with a port where it is not the usual one, and at most a slash behind it. */
const isBareOrigin = (text: string): boolean => /^https?:\/\/[^\s/?#\\@]+\/?$/i.test(text);

/**
 * The origin that somebody wrote down, in its one normal form: lower case, names in other scripts in ASCII
 * (`https://www.xn--idyry-yua.no`), without the usual port.
 * @returns undefined for what is no http or https origin.
 */
export function readOrigin(written: string): string | undefined {
  return isBareOrigin(written) ? URL.parse(written)?.origin : undefined;
}

const originSchema = () =>
  v.pipe(
    v.string(),
    v.check(
      (written) => readOrigin(written) !== undefined,
      "must be an origin such as https://www.example.com, without a path",
    ),
    v.transform((written) => readOrigin(written) ?? written),
  );

export const origin = (): Kind<string> => text(originSchema);

export const origins = (most: number): Kind<readonly string[]> =>
  list("must be origins such as https://www.example.com", () =>
    v.pipe(v.array(originSchema()), v.maxLength(most, `must be at most ${most} origins`)),
  );

/** A host may hold `;` and `,` (URL Standard, 'forbidden host code points'), which end a directive of a policy. */
const hasPlainHost = ({ host }: URL): boolean => /^[a-z0-9._[\]:-]+$/.test(host);

const isPlainUrl = (written: string): boolean => {
  const url = URL.parse(written);
  if (url === null || !hasPlainHost(url)) return false;
  return /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
};

/** An address as it is compared or called, to the last slash. */
export const url = (message = "must be a URL without a query"): Kind<string> =>
  text(() => v.pipe(v.string(), v.check(isPlainUrl, message)));

/** An address below which others lie. */
export const baseUrl = (): Kind<string> =>
  text(() =>
    v.pipe(
      v.string(),
      v.check(isPlainUrl, "must be a URL without a query"),
      v.transform(withoutEndingSlashes),
    ),
  );

function withoutEndingSlashes(written: string): string {
  let end = written.length;
  while (written[end - 1] === "/") end -= 1;
  return written.slice(0, end);
}

/** A page of the site, or an address anywhere else with TLS. */
export const pageUrl = (): Kind<string> =>
  text(() => v.pipe(v.string(), v.check(isPage, "must be a path of the site or an https address")));

/** Where a path of the site leads while nobody knows the site. */
const ANY_SITE = "https://site.invalid";

/** Whether this is an address with TLS, or a path of the site: browsers drop tabs and line ends in either. */
function isPage(written: string): boolean {
  const page = URL.parse(written, ANY_SITE);
  if (page?.protocol !== "https:" || !hasPlainHost(page) || /[\t\n\r]/.test(written)) return false;
  return written.startsWith("https://") || /^\/(?![/\\])/.test(written);
}

/** Path patterns, each followed by what it requires, if anything: as words, a list, or a table of patterns. */
export const protectedPaths = (): Kind<readonly string[]> => {
  const patterns = list(PATTERN_FAULT, () =>
    v.pipe(
      v.array(v.string()),
      v.rawTransform(({ dataset, addIssue, NEVER }): readonly string[] => {
        const read = readProtectedPaths(dataset.value.join(" "));
        if ("rules" in read) return read.rules;
        addIssue({ message: read.fault });
        return NEVER;
      }),
    ),
  );
  return {
    schema: () => v.pipe(v.unknown(), v.transform(rulesOfTable), patterns.schema()),
    editor: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }, { type: "object" }] },
  };
};

/** `{ "/board/*": "group:board", "/members/*": true }`, as JSON in a text too, as a list; anything else as it is. */
function rulesOfTable(written: unknown): unknown {
  const value = typeof written === "string" ? (parsedJson(written) ?? written) : written;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value).map(([pattern, required]) =>
    required === true ? pattern : [pattern, required].flat().join(" "),
  );
}

/** `#0a7d5c`, or short `#0a7`. */
export const colour = (): Kind<string> =>
  text(() =>
    v.pipe(
      v.string(),
      v.regex(/^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i, "must be a colour such as #0a7d5c"),
      v.transform((written) =>
        (written.length === 4 ? written.replace(/[0-9a-f]/gi, "$&$&") : written).toLowerCase(),
      ),
    ),
  );

/** An image of the site, or one anywhere else with TLS. */
export const imageUrl = (): Kind<string> => {
  const page = pageUrl();
  return {
    ...page,
    schema: () =>
      v.pipe(
        page.schema(),
        v.transform((written) => {
          const { href, origin, pathname, search } = new URL(written, ANY_SITE);
          return origin === ANY_SITE ? `${pathname}${search}` : href;
        }),
      ),
  };
};

/** A phone number, an email address or a page, as text with commas between or as a list. */
export const contacts = (): Kind<readonly Contact[]> => {
  const message = "must be phone numbers, email addresses or pages, with commas between";
  return {
    schema: () =>
      v.pipe(
        v.union([v.string(), v.number(), v.array(v.union([v.string(), v.number()]))], message),
        v.rawTransform(({ dataset, addIssue, NEVER }): readonly Contact[] => {
          const value = String(dataset.value).trim().startsWith("[")
            ? parsedJson(String(dataset.value))
            : dataset.value;
          const words = [value].flat().flatMap((one) => String(one).split(","));
          const named = words.map((one) => one.trim()).filter((one) => one !== "");
          const read = named.map(readContact);
          const known = read.filter((one) => one !== undefined);
          const isSeen = !named.some(holdsUnseen);
          if (isSeen && known.length > 0 && known.length === read.length && known.length <= 5) return known;
          addIssue({ message });
          return NEVER;
        }),
      ),
    editor: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
  };
};

function readContact(written: string): Contact | undefined {
  if (/^[^\s@/:?#]+@[^\s@/:?#.]+(?:\.[^\s@/:?#.]+)+$/.test(written))
    return { words: written, href: `mailto:${encodeURI(written)}` };
  const digits = written.replace(/[\s()-]/g, "");
  if (/^\+?\d{3,15}$/.test(digits)) {
    const isBare = digits === written && digits.startsWith("+");
    return { words: isBare ? phoneWords(digits.slice(1)) : written, href: `tel:${digits}` };
  }
  return isPage(written)
    ? { words: written.replace(/^https:\/\/(?:www\.)?|\/$/g, ""), href: written }
    : undefined;
}

/** A secret of the Standard Webhooks specification, as its bytes. */
export const eventSecret = (): Kind<Uint8Array<ArrayBuffer>> =>
  text(() =>
    v.pipe(
      v.string(),
      v.rawTransform(({ dataset, addIssue, NEVER }): Uint8Array<ArrayBuffer> => {
        const [, written = ""] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(dataset.value) ?? [];
        try {
          const bytes = Uint8Array.from(atob(written), (letter) => letter.charCodeAt(0));
          if (bytes.length >= 24 && bytes.length <= 64) return bytes;
        } catch {
          // Said below.
        }
        addIssue({ message: "must be whsec_ and 24 to 64 random bytes in base64" });
        return NEVER;
      }),
    ),
  );

export const day = (): Kind<string> =>
  text(() => v.pipe(v.string(), v.isoDate("must be a day such as 2027-01-12")));

/** Languages whose texts come with the Worker. */
const LANGUAGES = ["nb", "da", "fi", "sv", "en"];

/** A language that comes with the Worker, or one that the project brings; whether it does, only the Worker knows. */
export const language = (): Kind<string> => ({
  ...textLike(/^[a-z]{2,3}$/, `must be a language such as ${LANGUAGES.join(", ")}`),
  editor: { type: "string", pattern: "^[a-z]{2,3}$", examples: LANGUAGES },
});

/** Vipps' standard headers take no more than 30 characters. */
export const standardHeader = (): Kind<string> =>
  text(() =>
    v.pipe(
      v.string(),
      v.regex(/^[\x20-\x7e]*$/, "must be plain ASCII"),
      v.maxLength(30, "must be at most 30 characters (Vipps standard headers)"),
    ),
  );

/** What will stand in a header. */
export const visibleText = (): Kind<string> =>
  textLike(/^[\x21-\x7e]+$/, "must be plain ASCII without spaces");

export const scopes = (): Kind<readonly string[]> =>
  list("must be scope names with spaces between", () =>
    v.pipe(
      v.array(v.string()),
      v.check((names) => names.includes("openid"), "must contain openid"),
      v.check(
        (names) => names.every((name) => /^[\w:.-]+$/.test(name)),
        "must be scope names with spaces between",
      ),
    ),
  );

/** A name that stands in addresses: `delivery`. */
const PURPOSE_NAME = /^[a-z][a-z0-9_-]{0,29}$/;
const PURPOSE_LIMIT = 20;

/** Bundles of scopes by name: `delivery: address; invoice: address email`, or a table of them. */
export const purposes = (): Kind<ReadonlyMap<string, readonly string[]>> => {
  const message = `must be purposes such as "delivery: address phoneNumber", with ; between, of scopes out of ${profileScopes().join(", ")}`;
  return {
    schema: () =>
      v.pipe(
        v.unknown(),
        v.rawTransform(({ dataset: { value }, addIssue, NEVER }): ReadonlyMap<string, readonly string[]> => {
          const bundles = readBundles(value) ?? [];
          const isRight = bundles.every(
            ([name, scopes]) => PURPOSE_NAME.test(name) && scopes.length > 0 && scopes.every(isProfileScope),
          );
          const read = new Map(bundles.map(([name, scopes]) => [name, [...new Set(scopes)]]));
          if (isRight && read.size > 0 && read.size === bundles.length && read.size <= PURPOSE_LIMIT)
            return read;
          addIssue({ message });
          return NEVER;
        }),
      ),
    editor: {
      anyOf: [
        { type: "string" },
        { type: "array", items: { type: "string" } },
        {
          type: "object",
          propertyNames: { pattern: PURPOSE_NAME.source },
          additionalProperties: { type: ["string", "array"] },
        },
      ],
    },
  };
};

/** Names, and the words behind each, as they stand there; `undefined` for what has another shape. */
function readBundles(value: unknown): readonly (readonly [string, readonly string[]])[] | undefined {
  const isStructure = typeof value === "string" && /^\s*[[{]/.test(value);
  const written = isStructure ? parsedJson(value) : value;
  if (typeof written === "object" && written !== null && !Array.isArray(written)) {
    // What is no list of words is a bundle of none, which is refused.
    return Object.entries(written).map(([name, scopes]) => [name, wordsOf(scopes) ?? []]);
  }
  const words = wordsOf(written);
  if (words === undefined) return undefined;
  const bundles: [string, string[]][] = [];
  for (const word of words) {
    const [name, ...more] = word.split(/(?<=:)/);
    if (name?.endsWith(":")) bundles.push([name.slice(0, -1), more]);
    else if (bundles.length > 0) bundles.at(-1)?.[1].push(word);
    else return undefined;
  }
  return bundles;
}

/** The words of a text, or of texts in a list; `undefined` for anything else. */
function wordsOf(value: unknown): readonly string[] | undefined {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!texts.every((text) => typeof text === "string")) return undefined;
  return texts.flatMap((text) => text.split(/[\s,;]+/).filter((word) => word !== ""));
}

export const appRedirectUris = (): Kind<readonly string[]> => {
  const message = "must be https links or apps' own schemes with a path, without ? and #";
  return list(message, () =>
    v.pipe(
      v.array(v.string()),
      v.check((uris) => uris.every(isAppRedirectUri), message),
      v.maxLength(20, "must be at most 20 redirect URIs"),
    ),
  );
};

/** Claims about a person that may be put into the session token; `sub` is always there. */
const PROFILE_CLAIMS = [
  "name",
  "given_name",
  "family_name",
  "email",
  "email_verified",
  "phone_number",
  "phone_number_verified",
  "birthdate",
  "address",
  "groups",
  "acr",
] as const;

export const profileClaims = (): Kind<readonly string[]> => {
  const message = `must be claims out of ${PROFILE_CLAIMS.join(", ")}, age_over_18 and the like`;
  const isOne = (name: string) => isAgeClaim(name) || PROFILE_CLAIMS.some((claim) => claim === name);
  return list(message, () => v.array(v.pipe(v.string(), v.check(isOne, message))));
};

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

/** @throws when the value is not a key set whose first key can sign. */
function readSessionKeys(value: unknown): SessionKeys {
  const [first, ...others] = v.parse(sessionKeySet(), value).keys;
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

export const sessionKeys = (): Kind<SessionKeys> =>
  structure(
    "must be a JSON Web Key Set of ES256 keys, the first of them private, each with its own kid",
    readSessionKeys,
    "object",
  );

const consentQuestions = () =>
  v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,39}$/)),
      text: v.union([
        v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
        v.record(
          v.pipe(v.string(), v.regex(/^[a-z]{2,3}$/)),
          v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)),
        ),
      ]),
    }),
  );

export const consents = (): Kind<readonly ConsentQuestion[]> =>
  structure(
    'must be JSON such as [{"id":"newsletter","text":{"nb":"…","en":"…"}}]',
    (value) =>
      v.parse(consentQuestions(), value).map(({ id, text: words }) => ({
        id,
        wording: typeof words === "string" ? { en: words } : { ...words },
      })),
    "array",
  );

/** A number with its country code; shorter ones lack it. */
const isStaffPhone = (text: string): boolean => /^\+?[1-9]\d{8,14}$/.test(text);

/** The groups that a word of SUPPORT_STAFF such as `group:desk` names. */
function staffGroups(word: string): readonly string[] {
  const requirement = word.startsWith("group:") ? readRequirement(word) : undefined;
  return requirement?.kind === "group" ? requirement.groups : [];
}

export const supportStaff = (): Kind<SupportSettings> =>
  staff(
    "must be account ids, subs, phone numbers such as +4799999901 without spaces in them, or group:NAME",
    staffGroups,
  );

/** Staff of every site. The groups of one site are nobody's at another. */
export const agencyStaff = (): Kind<SupportSettings> =>
  staff(
    "must be phone numbers such as +4799999901 without spaces in them, or subs; groups are each site's own (SUPPORT_STAFF)",
    () => [],
  );

/** @param groupsIn the groups that a word names, where it may. */
function staff(message: string, groupsIn: (word: string) => readonly string[]): Kind<SupportSettings> {
  const isId = (one: string) => /^(?=.*[^\d])[\w-]{8,100}$/.test(one);
  return list(message, () =>
    v.pipe(
      v.array(v.string()),
      v.check(
        (words) => words.every((one) => isStaffPhone(one) || isId(one) || groupsIn(one).length > 0),
        message,
      ),
      v.transform((words) => ({
        staffPhones: new Set(words.filter((one) => isStaffPhone(one)).map((phone) => phone.replace("+", ""))),
        staffIds: new Set(words.filter((one) => !isStaffPhone(one) && isId(one))),
        staffGroups: new Set(words.flatMap(groupsIn)),
      })),
    ),
  );
}

/** Settings by their names; what each of them must be is said by its own row. */
export const settingValues = (): Kind<Readonly<Record<string, unknown>>> =>
  structure(
    'must be a table of settings, such as { SESSION_IDLE = 86400 }, or JSON such as {"SESSION_IDLE":86400}',
    (value) => {
      if (Array.isArray(value)) throw new Error("no table");
      return v.parse(v.record(v.string(), v.unknown()), value);
    },
    "object",
  );

export const masterKeys = (): Kind<MasterKeys> =>
  structure(
    "must be a JSON Web Key Set of 256-bit keys, each with its own kid",
    (value) => {
      const keys = readMasterKeys(value);
      if (keys === undefined) throw new Error("no key set");
      return keys;
    },
    "object",
  );
