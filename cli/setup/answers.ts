import { faultOfValue } from "../../src/settings/read-settings.ts";
import { OWN_SITE, rowOf, type SettingName, settingNames } from "../../src/settings/table.ts";
import { QUESTIONS } from "./questions.ts";

/** A setting that the set-up asks for and writes into the vars of an environment. */
export interface Field {
  readonly name: SettingName;
  readonly flag: string;
  readonly required: boolean;
  /** What the flag takes, for the help. */
  readonly about: string;
}

/** Those that have a question, in the order of the table. */
export const FIELDS: readonly Field[] = settingNames().flatMap((name) => {
  const question = QUESTIONS[name];
  if (question === undefined) return [];
  const required = name === "SITE_URL" || rowOf(name).needed !== undefined;
  return [{ name, flag: question.flag, required, about: question.about }];
});

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
  /** Undefined leaves what the configuration says. */
  readonly behind: Behind | undefined;
  /** `custom-domain`, a pattern, or `none`; undefined for what fits the site. */
  readonly route: string | undefined;
  /** The deployment has no site of its own: each that it serves is added with `vipps-login site add`. */
  readonly sitesOnly: boolean;
}

/** What is wrong with the value of a setting, by the worker's own rules; undefined if nothing is. */
export function faultOf(name: Field["name"], value: string): string | undefined {
  if (value.trim() === "") return undefined;
  const fault = faultOfValue(name, value);
  if (fault !== undefined) return fault;
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

const isOwn = (name: SettingName): boolean => OWN_SITE.some((own) => own === name);

/** Every fault in the answers at once. */
export function faultsIn({ values, behind, route, sitesOnly }: Answers): readonly string[] {
  const faults = FIELDS.flatMap(({ name, flag, required }) => {
    const value = values[name] ?? "";
    if (sitesOnly && isOwn(name) && value.trim() !== "")
      return [`${name} is a site's own, so it does not go with --sites-only: give it to "site add"`];
    if (required && !sitesOnly && value.trim() === "") return [`${name} is missing (--${flag})`];
    return faultOf(name, value) ?? [];
  });
  if (!values.TERMS_URL !== !values.TERMS_VERSION)
    faults.push("TERMS_URL and TERMS_VERSION must be set together (--terms-url, --terms-version)");
  const wrongOrigin = behind?.kind === "origin" ? faultOf("ORIGIN_URL", behind.url) : undefined;
  if (wrongOrigin !== undefined) faults.push(wrongOrigin);
  const wrongRoute = route === undefined ? undefined : routeFault(route);
  return wrongRoute === undefined ? faults : [...faults, wrongRoute];
}
