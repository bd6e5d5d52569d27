import { Failure } from "../failure.ts";
import { groupName } from "../group-name.ts";
import type { Settings } from "../settings/types.ts";
import { APP_CONFIRMATION } from "../vipps/relying-party.ts";

/**
 * What a path, a proxy or a route asks of a session on top of there being one. Everything needed to judge it is in
 * the session token, so that judging it costs no call to anything.
 */
export type Requirement =
  /** To be in one of these groups. */
  | { readonly kind: "group"; readonly groups: readonly string[] }
  /** To have reached an age, by the birth date at login. */
  | { readonly kind: "age"; readonly years: number }
  /** To have logged in within so many seconds. */
  | { readonly kind: "fresh"; readonly seconds: number }
  /** To have confirmed the login in the app. */
  | { readonly kind: "acr" };

/** What a session says of its holder. */
export interface Holder {
  /** Seconds since the epoch. */
  readonly authTime: number;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** A requirement that is not met. */
export interface Lack {
  readonly requirement: Requirement;
  /** `login`: logging in again can bring it. `none`: nothing that the person does here can. */
  readonly remedy: "login" | "none";
}

/**
 * Reads a requirement.
 * @returns `undefined` for anything that is none.
 * @example readRequirement("group:board|trainers") // to be in one of the two
 * @example readRequirement("age:18")
 * @example readRequirement("fresh:600") // a login of the last ten minutes
 * @example readRequirement("acr") // confirmed in the app
 */
export function readRequirement(text: string): Requirement | undefined {
  if (text === "acr") return { kind: "acr" };
  const [kind, value = "", ...more] = text.split(":");
  if (more.length > 0) return undefined;
  if (kind === "group") {
    const groups = value.split("|").map(groupName);
    const named = groups.filter((group) => group !== undefined);
    return named.length < groups.length || named.length > 20
      ? undefined
      : { kind: "group", groups: [...new Set(named)].sort() };
  }
  if (kind === "age" && /^[1-9]\d{0,2}$/.test(value)) return { kind: "age", years: Number(value) };
  if (kind === "fresh" && /^[1-9]\d{0,7}$/.test(value)) return { kind: "fresh", seconds: Number(value) };
  return undefined;
}

/** A requirement as it is written. */
export function requirementText(requirement: Requirement): string {
  switch (requirement.kind) {
    case "group":
      return `group:${requirement.groups.join("|")}`;
    case "age":
      return `age:${requirement.years}`;
    case "fresh":
      return `fresh:${requirement.seconds}`;
    case "acr":
      return "acr";
  }
}

/** The claim of the session token by which a requirement is judged, where it is not one that is always there. */
export function claimOf(requirement: Requirement): string | undefined {
  switch (requirement.kind) {
    case "group":
      return "groups";
    case "age":
      return ageClaim(requirement.years);
    case "acr":
      return "acr";
    case "fresh":
      return undefined;
  }
}

const ageClaim = (years: number): string => `age_over_${years}`;

/**
 * Which of the claims `age_over_…` a birth date answers. The date itself is not needed any more then.
 * @param wanted names of claims, those of others among them.
 * @param birthdate as Vipps sends it: `2001-05-17`.
 * @param at milliseconds since the epoch.
 */
export function ageClaims(
  wanted: readonly string[],
  birthdate: string | undefined,
  at: number,
): Readonly<Record<string, boolean>> {
  const [, year = "", rest = ""] = /^(\d{4})(-\d\d-\d\d)$/.exec(birthdate ?? "") ?? [];
  if (year === "") return {};
  const today = new Date(at).toISOString().slice(0, 10);
  const ages = wanted.flatMap((name) => {
    const [, years] = AGE_CLAIM.exec(name) ?? [];
    if (years === undefined) return [];
    // Dates of this form sort by time; who was born on a leap day is a year older on the first of March.
    const reached = `${String(Number(year) + Number(years)).padStart(4, "0")}${rest}`;
    return [[name, reached <= today] as const];
  });
  return Object.fromEntries(ages);
}

const AGE_CLAIM = /^age_over_([1-9]\d{0,2})$/;

/** Whether a claim says of an age that it is reached. */
export const isAgeClaim = (name: string): boolean => AGE_CLAIM.test(name);

/** How far the clock of who signed the token may be ahead, in seconds. */
const CLOCK_TOLERANCE = 60;

/**
 * What a session lacks of what is required; what no login can bring comes first.
 * @param at seconds since the epoch.
 */
export function lacking(requirements: readonly Requirement[], holder: Holder, at: number): readonly Lack[] {
  if (requirements.length === 0) return NOTHING;
  const lacks = requirements.flatMap((requirement) => lackOf(requirement, holder, at) ?? []);
  return lacks.sort((one, other) => rank(one) - rank(other));
}

const NOTHING: readonly Lack[] = [];
const rank = ({ remedy }: Lack): number => (remedy === "none" ? 0 : 1);

function lackOf(requirement: Requirement, { authTime, profile }: Holder, at: number): Lack | undefined {
  switch (requirement.kind) {
    case "group": {
      const own = profile.groups;
      const isIn = Array.isArray(own) && requirement.groups.some((group) => own.includes(group));
      return isIn ? undefined : { requirement, remedy: "none" };
    }
    case "age": {
      const reached = profile[ageClaim(requirement.years)];
      if (reached === true) return undefined;
      return { requirement, remedy: reached === false ? "none" : "login" };
    }
    case "fresh": {
      const age = at - authTime;
      const isFresh = age <= requirement.seconds && age >= -CLOCK_TOLERANCE;
      return isFresh ? undefined : { requirement, remedy: "login" };
    }
    case "acr":
      return profile.acr === APP_CONFIRMATION ? undefined : { requirement, remedy: "login" };
  }
}

/** Each requirement once. */
export function distinct(requirements: readonly Requirement[]): readonly Requirement[] {
  if (requirements.length < 2) return requirements;
  return [...new Map(requirements.map((one) => [requirementText(one), one])).values()];
}

/**
 * Reads what a proxy, a route or a link requires, requirements with blanks or commas between.
 * @param texts as often as it was said; never for nothing.
 * @param jsonOnly whether a program reads the failure.
 * @throws {Failure} `rule_unknown` for what is no requirement, for a text without any, and for one that no token here could meet because
 *   SESSION_CLAIMS does not name the claim by which it is judged. Nobody is let through by a rule that was mistyped.
 * @example readRequired(settings, ["group:board fresh:600"])
 */
export function readRequired(
  { session }: Settings,
  texts: readonly string[],
  jsonOnly = false,
): readonly Requirement[] {
  const unknown = (reason?: string) => new Failure("rule_unknown", { stage: "site", reason, jsonOnly });
  const words = texts.flatMap((text) => {
    const named = text.split(/[\s,]+/).filter((word) => word !== "");
    if (named.length === 0) throw unknown("nothing is required");
    return named;
  });
  return distinct(
    words.map((word) => {
      const requirement = readRequirement(word);
      if (requirement === undefined) throw unknown();
      const claim = claimOf(requirement);
      if (claim !== undefined && !session.claims.includes(claim))
        throw unknown(`SESSION_CLAIMS does not name ${claim}`);
      return requirement;
    }),
  );
}
