/** The day of the calendar, `2026-11-22`, that a moment falls on. @param at seconds since the epoch */
export function dayOf(zone: string, at: number): string {
  return localTime(zone, at).slice(0, 10);
}

/** The hour of the day, `00` to `23`, that a moment falls in. @param at seconds since the epoch */
export function hourOf(zone: string, at: number): string {
  return localTime(zone, at).slice(11, 13);
}

/** When a day begins, in seconds since the epoch. */
export function dayStart(zone: string, day: string): number {
  const midnight = Date.parse(day) / 1000;
  const offset = (at: number) => Date.parse(`${localTime(zone, at).replace(" ", "T")}Z`) / 1000 - at;
  // The offset at midnight UTC may differ from that at the local midnight, on the days clocks are changed.
  return midnight - offset(midnight - offset(midnight));
}

/** The day so many days later. */
export function daysLater(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}

/** A day as it stands in an address; `undefined` for anything else. */
export function calendarDay(text: string | undefined): string | undefined {
  if (text === undefined || !/^20\d\d-\d\d-\d\d$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text ? undefined : text;
}

/** `2026-11-22 14:05:00` */
function localTime(zone: string, at: number): string {
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(at * 1000);
}
