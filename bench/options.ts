import { parseArgs } from "node:util";

/** The parts that can be measured alone, in the order in which they are. */
export const PARTS = [
  "session",
  "logins",
  "attempts",
  "steps",
  "walk",
  "scale",
  "cost",
  "size",
  "start",
  "memory",
] as const;
/** Parts that are measured only when they are named, because they take an hour. */
export const LONG_PARTS = ["endurance"] as const;
const ALL_PARTS = [...PARTS, ...LONG_PARTS] as const;
export type Part = (typeof ALL_PARTS)[number];

const ABOUT: Readonly<Record<Part, string>> = {
  session: "the authenticated request: the session route and a guarded page",
  logins: "starting and finishing a login",
  attempts: "one object that finishes logins at its limit, and 100,000 starts that leave nothing",
  steps: "the round trips of each step, warm and cold, and the world on paper",
  walk: "the files and functions that one request runs through",
  scale: "logins, pages, console, import and clearing beside a million people (1.5 GB of disk)",
  cost: "what a login, a view and a person cost, and a month on Cloudflare's plans",
  size: "the size of the bundles, and whose the bytes are",
  start: "the processor time it takes to start one",
  memory: "the memory of workerd over many logins and sessions",
  endurance: "100,000 logins in one run, other work beside them; only when it is named",
};

export const HELP = `Usage: npm run bench [-- options]

Measures this project beside others on bare workerd and writes docs/performance.md with its charts. Takes about
half an hour and 3 GB of disk; let the machine do nothing else meanwhile. The first run installs what it compares and
draws with, into bench/node_modules.

  --quick        few and short rounds, five minutes; writes to dist/bench/ instead
  --only PART    one part, or several parted by commas; writes to dist/bench/ instead. Memory alone goes on
                 to 100,000 logins, about half an hour
${ALL_PARTS.map((part) => `                   ${part.padEnd(10)}${ABOUT[part]}`).join("\n")}
  --beside REV   also this project at another commit, built in a folder of its own: session, logins, steps,
                 size, start, walk, cost
  --update       what was measured takes the place of the same parts of docs/performance.md, and the rest of it stays
  --from FILE    what an earlier run wrote with --json, instead of measuring
  --json FILE    everything that was measured, as JSON
  --help         print this`;

export interface Options {
  readonly help: boolean;
  readonly quick: boolean;
  readonly parts: readonly Part[];
  /** Another revision of this project that is measured beside it. */
  readonly beside: string | undefined;
  /** Whether the measured parts take the place of theirs in the page, which otherwise stays. */
  readonly update: boolean;
  /** Figures of an earlier run, as JSON, instead of measuring. */
  readonly from: string | undefined;
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
  /** The command as it can be typed again. */
  readonly command: string;
}

/** What was typed makes no sense. The message is for the person who typed it. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readOptions(argv: readonly string[]): Options {
  const { quick, only, beside, update, from, json, help } = parsed(argv);
  const chosen: readonly Part[] =
    only === undefined ? PARTS : only.split(",").map((name) => partNamed(name.trim()));
  const flags = [
    quick ? "--quick" : undefined,
    only === undefined ? undefined : `--only ${chosen.join(",")}`,
    beside === undefined ? undefined : `--beside ${beside}`,
  ];
  const typed = flags.filter((flag) => flag !== undefined);
  return {
    help,
    quick,
    parts: ALL_PARTS.filter((part) => chosen.includes(part)),
    beside,
    update,
    from,
    json,
    command: ["npm run bench", ...(typed.length > 0 ? ["--", ...typed] : [])].join(" "),
  };
}

function partNamed(name: string): Part {
  const part = ALL_PARTS.find((known) => known === name);
  if (part === undefined) throw new UsageError(`--only takes ${ALL_PARTS.join(", ")}, not “${name}”.`);
  return part;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        beside: { type: "string" },
        update: { type: "boolean", default: false },
        from: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
