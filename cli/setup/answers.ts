import * as v from "valibot";
import { settingsSchema } from "../../src/settings-schema.ts";

/** A setting that the set-up asks for and writes into [env.NAME.vars]. */
export interface Field {
  readonly name: keyof ReturnType<typeof settingsSchema>["entries"] & string;
  readonly flag: string;
  readonly required: boolean;
  /** What the flag takes, for the help. */
  readonly about: string;
}

const field = (name: Field["name"], flag: string, about: string, required = false): Field => ({
  name,
  flag,
  required,
  about,
});

/** In the order in which they are asked for. */
export const FIELDS: readonly Field[] = [
  field("SITE_URL", "site-url", "the site's address, such as https://www.example.com", true),
  field("VIPPS_ENVIRONMENT", "vipps-environment", "test or production (as wrangler.toml has it)"),
  field("VIPPS_CLIENT_ID", "client-id", "client id of the sales unit", true),
  field("VIPPS_MSN", "msn", "Merchant Serial Number of the sales unit", true),
  field("VIPPS_TOKEN_AUTH", "token-auth", "client_secret_basic or client_secret_post, as the portal says"),
  field("VIPPS_MARKET", "market", "NO, DK, FI or SE"),
  field("VIPPS_SCOPE", "scope", 'what to ask Vipps for, such as "openid name phoneNumber email"'),
  field("PROTECTED_PATHS", "protected-paths", 'what needs a login, such as "/members/*"'),
  field("TERMS_URL", "terms-url", "terms that customers must accept"),
  field("TERMS_VERSION", "terms-version", "their version, such as 2026-11"),
  field("PRIVACY_URL", "privacy-url", "the privacy statement"),
  field("REGISTRATION", "registration", "open, or closed: only people already in the registry"),
  field("DATA_JURISDICTION", "jurisdiction", "eu keeps the Durable Objects in the EU"),
];

/** What answers requests that are not the worker's own. */
export type Behind =
  | { readonly kind: "assets"; readonly directory: string }
  | { readonly kind: "origin"; readonly url: string }
  /** The server that the site's DNS record points at. */
  | { readonly kind: "route" };

/** Everything the set-up needs to know. Nothing secret is in it. */
export interface Answers {
  /** The settings by name; an empty text removes one. */
  readonly values: Readonly<Partial<Record<string, string>>>;
  /** Undefined leaves what wrangler.toml says. */
  readonly behind: Behind | undefined;
  /** `custom-domain`, a pattern, or `none`; undefined for what fits the site. */
  readonly route: string | undefined;
}

/** What is wrong with the value of a setting, by the worker's own rules; undefined if nothing is. */
export function faultOf(name: Field["name"], value: string): string | undefined {
  if (value.trim() === "") return undefined;
  const entry: v.GenericSchema<unknown, unknown> = settingsSchema().entries[name];
  const parsed = v.safeParse(entry, value);
  if (!parsed.success) return `${name} ${parsed.issues[0].message}`;
  if (name === "SITE_URL" && !/^https:|^http:\/\/(localhost|127\.0\.0\.1)(:|$)/.test(value))
    return "SITE_URL must start with https://";
  return undefined;
}

/** What is wrong with a directory of static files or a route; undefined if nothing is. */
export function routeFault(route: string): string | undefined {
  if (["custom-domain", "none"].includes(route) || /^(\*\.?)?[a-z0-9.-]+\/.*\*?$/i.test(route))
    return undefined;
  return 'The route is "custom-domain", "none", or a pattern such as www.example.com/*';
}

/** Every fault in the answers at once. */
export function faultsIn({ values, behind, route }: Answers): readonly string[] {
  const faults = FIELDS.flatMap(({ name, flag, required }) => {
    const value = values[name] ?? "";
    if (required && value.trim() === "") return [`${name} is missing (--${flag})`];
    return faultOf(name, value) ?? [];
  });
  if (!values.TERMS_URL !== !values.TERMS_VERSION)
    faults.push("TERMS_URL and TERMS_VERSION must be set together (--terms-url, --terms-version)");
  const wrongOrigin = behind?.kind === "origin" ? faultOf("ORIGIN_URL", behind.url) : undefined;
  if (wrongOrigin !== undefined) faults.push(wrongOrigin);
  const wrongRoute = route === undefined ? undefined : routeFault(route);
  return wrongRoute === undefined ? faults : [...faults, wrongRoute];
}
