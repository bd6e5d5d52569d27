import type { BuiltInLanguage } from "./built-in-languages.ts";
import type { Language } from "./language.ts";

const ZONES: Readonly<Record<string, string> & Record<BuiltInLanguage, string>> = {
  nb: "Europe/Oslo",
  da: "Europe/Copenhagen",
  fi: "Europe/Helsinki",
  sv: "Europe/Stockholm",
  en: "Europe/Oslo",
};

/** The reader's time zone where Cloudflare knows it, else that of the language's home. */
export function timeZone(language: Language, known: string | undefined): string {
  return known ?? ZONES[language] ?? ZONES.en;
}

/**
 * A day and a time of day: `22. nov. 2026, 14:05`.
 * @param at seconds since the epoch.
 */
export function dateWords(language: Language, zone: string, at: number): string {
  return new Intl.DateTimeFormat(locale(language), {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: zone,
  }).format(at * 1000);
}

/** A day in a calendar: `21. mars 1984`. What is no day in ISO 8601 stays as it is: half of a date is some people's. */
export function birthdayWords(language: Language, day: string): string {
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
  return Number.isNaN(at)
    ? day
    : new Intl.DateTimeFormat(locale(language), { dateStyle: "long", timeZone: "UTC" }).format(at);
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/**
 * How long ago: `for 3 timer siden`.
 * @param ago seconds, a minute or more.
 */
export function agoWords(language: Language, ago: number): string {
  const [unit, size] = UNITS.find(([, length]) => ago >= length) ?? UNITS[2];
  return new Intl.RelativeTimeFormat(locale(language), { numeric: "auto" }).format(
    -Math.floor(ago / size),
    unit,
  );
}

/**
 * A length of time, in whole minutes or, below one, in seconds: `5 minutter`.
 * @param seconds how long.
 */
export function lengthWords(language: Language, seconds: number): string {
  const [unit, length] = seconds < 60 ? ["second", seconds] : ["minute", Math.ceil(seconds / 60)];
  return new Intl.NumberFormat(locale(language), { style: "unit", unit, unitDisplay: "long" }).format(length);
}

/** One of several: `board, trainers eller web`. */
export function anyOf(language: Language, names: readonly string[]): string {
  return new Intl.ListFormat(locale(language), { type: "disjunction" }).format(names);
}

/** The name of a country. @param country ISO 3166-1, two letters */
export function countryName(language: Language, country: string): string {
  return new Intl.DisplayNames(locale(language), { type: "region" }).of(country) ?? country;
}

/** British English: the readers are Europeans, who put the day before the month. */
function locale(language: Language): string {
  return language === "en" ? "en-GB" : language;
}

/** A day of the calendar: `søndag 22. november 2026`. @param day `2026-11-22` */
export function dayWords(language: Language, day: string): string {
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "full", timeZone: "UTC" }).format(
    Date.parse(day),
  );
}
