import { type LoginFigure, loginFigures } from "../accounts/login-figures.ts";
import type { MessageKey } from "../failure.ts";
import { queryParameter } from "../http/request.ts";
import type { ShownFigures, ShownHour } from "../pages/support/shown.ts";
import { dayWords } from "../pages/time-words.ts";
import { consolePath } from "./answers.ts";
import { calendarDay, dayOf, dayStart, daysLater, hourOf } from "./calendar-day.ts";
import { messageOf, messageTitle } from "./shown-login.ts";
import type { StaffRequest } from "./staff.ts";

/** Endings that the customer chose. */
const CANCELLED: ReadonlySet<MessageKey> = new Set(["cancelled", "declined", "termsDeclined"]);

const HOUR = 3600;

/**
 * The figures of the day that the address names, else of today, in the reader's time zone.
 * @throws {Failure} `storage_unavailable`.
 */
export async function shownFigures(request: StaffRequest): Promise<ShownFigures> {
  const { c, zone, settings, records, page } = request;
  const today = dayOf(zone, Date.now() / 1000);
  const asked = calendarDay(queryParameter(c.req.raw, "day"));
  const day = asked === undefined || asked > today ? today : asked;
  // Zones off by half an hour are served with the hours the figures are kept in.
  const [from, until] = [day, daysLater(day, 1)].map((one) => {
    const start = dayStart(zone, one);
    return start - (start % HOUR);
  }) as [number, number];
  const figures = await loginFigures(records, from, until);
  const href = (other: string) => `${consolePath(settings)}?day=${other}`;
  return {
    day: dayWords(page.language, day),
    hours: Array.from({ length: (until - from) / HOUR }, (_, index) =>
      shownHour(zone, from + index * HOUR, figures),
    ),
    reasons: reasonsOf(request, figures),
    previousHref: href(daysLater(day, -1)),
    nextHref: day === today ? undefined : href(daysLater(day, 1)),
  };
}

function shownHour(zone: string, start: number, figures: readonly LoginFigure[]): ShownHour {
  const hour = { loggedIn: 0, cancelled: 0, failed: 0 };
  for (const figure of figures) {
    if (figure.hour !== start) continue;
    const message = messageOf(figure.outcome);
    if (message === undefined) hour.loggedIn += figure.count;
    else hour[CANCELLED.has(message) ? "cancelled" : "failed"] += figure.count;
  }
  return { hour: hourOf(zone, start), ...hour };
}

function reasonsOf({ page }: StaffRequest, figures: readonly LoginFigure[]): ShownFigures["reasons"] {
  const counts = new Map<MessageKey, number>();
  for (const { outcome, count } of figures) {
    const message = messageOf(outcome);
    if (message !== undefined) counts.set(message, (counts.get(message) ?? 0) + count);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([message, count]) => ({ title: messageTitle(page, message), count }));
}
