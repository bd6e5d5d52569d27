// `vipps-login events`: what was told to the site's other systems, what waits to be, and sending it again.

import { Command, Option } from "@commander-js/extra-typings";
import { eventTime, firstEventId } from "../src/events/event.ts";
import { usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { databaseCommand, type PlaceOptions, targetOf } from "./d1-place.ts";
import { openSession } from "./d1-session.ts";
import { newEventSecret } from "./event-secret.ts";
import { siteMeant } from "./member-site.ts";

const STATES = ["waiting", "delivered", "given_up"] as const;
type State = (typeof STATES)[number];

/** The command `events`. */
export function events(context: CommandContext) {
  return new Command("events")
    .description("What happened, as the site's other systems are told of it (EVENTS_URL).")
    .addCommand(
      databaseCommand("list", context)
        .description(
          "lists events, the newest first: those that wait with what was wrong with the last try, those that were given up, and those that were delivered in the last seven days",
        )
        .addOption(new Option("--state <name>", "only those that are so").choices(STATES))
        .option("--limit <number>", "how many at most", wholeNumber, 50)
        .option("--json", "as JSON on the standard output")
        .action((options) => list(context, options)),
    )
    .addCommand(
      databaseCommand("replay", context)
        .description(
          "has events sent again, with the same ids, so that a receiver that has seen one knows it: those that were given up, and those that wait for their next try, within five minutes (a worker on this machine: within one)",
        )
        .option("--id <id>", "this one alone, delivered or not")
        .option(
          "--since <time>",
          "those that came about since then too which were delivered, such as 2026-11-30T08:00",
        )
        .option("--json", "the result as JSON on the standard output")
        .action((options) => replay(context, options)),
    )
    .addCommand(
      new Command("secret")
        .description(
          "prints a new EVENTS_SECRET, for the worker and for the receiver (npx wrangler secret put EVENTS_SECRET)",
        )
        .action(() => context.print(newEventSecret())),
    );
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 1000) return number;
  throw usageError("--limit must be a whole number from 1 to 1000");
}

/** One event as it is listed. */
interface ListedEvent {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly about: string;
  readonly state: State;
  readonly tries: number;
  readonly fault: string | null;
  /** When it is sent again, where it waits. */
  readonly next: string | null;
}

interface ListOptions extends PlaceOptions {
  readonly state?: State | undefined;
  readonly limit: number;
  readonly json?: true | undefined;
}

async function list(context: CommandContext, options: ListOptions): Promise<void> {
  const { state, limit, json } = options;
  const target = targetOf(context, options);
  const session = await openSession(target);
  try {
    const { key: site, name } = await siteMeant(context, target, options, session);
    const [found] = await session.batch([
      {
        sql: `SELECT id, type, about, state, tries, fault, due_at FROM events
              WHERE site = ?1 AND (?2 = '' OR state = ?2) ORDER BY id DESC LIMIT ?3`,
        params: [site, state ?? "", limit],
      },
    ]);
    const rows = (found?.rows ?? []).map((row): ListedEvent => {
      const isWaiting = row.state === "waiting";
      return {
        id: String(row.id),
        type: String(row.type),
        at: new Date(eventTime(String(row.id))).toISOString(),
        about: String(row.about),
        state: row.state as State,
        tries: Number(row.tries),
        fault: row.fault === null ? null : String(row.fault),
        next: isWaiting ? new Date(Number(row.due_at)).toISOString() : null,
      };
    });
    if (json) context.print(JSON.stringify({ site: name, events: rows }));
    else if (rows.length === 0) context.print(`No events of ${name}.`);
    else for (const row of rows) context.print(line(row));
  } finally {
    await session.close();
  }
}

const WORDS: Readonly<Record<State, string>> = {
  waiting: "waits",
  delivered: "delivered",
  given_up: "given up",
};

function line({ id, type, at, about, state, tries, fault, next }: ListedEvent): string {
  const tried = tries > 0 ? `, ${tries} ${tries === 1 ? "try" : "tries"}` : "";
  const why = fault === null ? "" : `: ${fault}`;
  const again = next === null || tries === 0 ? "" : `; again ${shortly(next)}`;
  return `${shortly(at)}  ${type.padEnd(17)}  ${about.padEnd(26)}  ${WORDS[state]}${tried}${why}${again}  ${id}`;
}

const shortly = (time: string): string => time.slice(0, 19).replace("T", " ");

interface ReplayOptions extends PlaceOptions {
  readonly id?: string | undefined;
  readonly since?: string | undefined;
  readonly json?: true | undefined;
}

async function replay(context: CommandContext, options: ReplayOptions): Promise<void> {
  const { id, since, json } = options;
  if (id !== undefined && since !== undefined) throw usageError("Either --id or --since");
  const from = since === undefined ? undefined : Date.parse(since);
  if (Number.isNaN(from)) throw usageError(`--since ${since} is no time such as 2026-11-30T08:00`);
  const target = targetOf(context, options);
  const session = await openSession(target);
  try {
    const { key: site, name } = await siteMeant(context, target, options, session);
    // What is due for so long is found by the next sweep (OVERDUE in src/events/notice.ts).
    const overdue = Date.now() - 10 * 60_000;
    const chosen =
      id === undefined ? "(state IN ('given_up', 'waiting') OR (?3 <> '' AND id >= ?3))" : "id = ?3";
    const [done] = await session.batch([
      {
        sql: `UPDATE events SET state = 'waiting', tries = 0, fault = NULL, due_at = ?2
              WHERE site = ?1 AND ${chosen}`,
        params: [site, overdue, id ?? (from === undefined ? "" : firstEventId(from))],
      },
    ]);
    const result = { site: name, events: done?.changes ?? 0 };
    const what = `${result.events} ${result.events === 1 ? "event" : "events"} of ${name}`;
    context.print(json ? JSON.stringify(result) : `${what} will be sent again.`);
  } finally {
    await session.close();
  }
}
