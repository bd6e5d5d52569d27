// `npm run test:attacks`: what was once done to this worker by attackers, done again to a running one.

import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, styleText } from "node:util";
import type { Attack, Target } from "./attack.ts";
import { type Surroundings, startSurroundings } from "./surroundings.ts";

const HELP = `Usage: npm run test:attacks -- [options]

Tries every attack of test/attacks/ on a running worker and prints what happened and what it cost. Starts a worker
and a simulator of its own, unless it is told where they are. Ends with code 1 when an attack gets anywhere.

  --only WORDS      the attacks whose name or description contains these words
  --site URL        a worker that runs already, for example one of npm start; attacks that need settings of their
                    own are left out then, and say so
  --simulator URL   the simulator behind it
  --auth-path PATH  its AUTH_PATH (/auth)
  --list            only lists the attacks
  --json            prints one JSON object at the end instead of the summary; progress goes to stderr
  --help            prints this`;

interface NamedAttack extends Attack {
  readonly name: string;
}

interface Result {
  readonly name: string;
  readonly outcome: "withstood" | "succeeded" | "not tried";
  readonly seen: readonly string[];
  readonly seconds: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

async function findAttacks(words: string | undefined): Promise<readonly NamedAttack[]> {
  const files = globSync("*.attack.ts", { cwd: here }).sort();
  const attacks = await Promise.all(
    files.map(async (file) => {
      const { default: attack } = (await import(pathToFileURL(join(here, file)).href)) as { default: Attack };
      return { ...attack, name: file.replace(".attack.ts", "") };
    }),
  );
  return attacks.filter(({ name, does }) => words === undefined || `${name} ${does}`.includes(words));
}

async function attempt(attack: NamedAttack, target: Target): Promise<Result> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    const { withstood, seen } = await attack.run(target);
    return { name: attack.name, outcome: withstood ? "withstood" : "succeeded", seen, seconds: seconds() };
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name: attack.name, outcome: "not tried", seen: [reason], seconds: seconds() };
  }
}

const COLOUR = { withstood: "green", succeeded: "red", "not tried": "yellow" } as const;

function print({ name, outcome, seen, seconds }: Result, { does }: Attack, toStderr: boolean): void {
  const stream = toStderr ? process.stderr : process.stdout;
  const verdict = styleText(COLOUR[outcome], outcome.toUpperCase().padEnd(10), { stream });
  stream.write(`${verdict} ${name} (${seconds.toFixed(1)} s): ${does}\n`);
  for (const line of seen) stream.write(`             ${line}\n`);
}

/** Attacks that want the same settings share a worker, one after the other. */
function bySettings(attacks: readonly NamedAttack[]): ReadonlyMap<string, readonly NamedAttack[]> {
  return Map.groupBy(attacks, ({ settings = {} }) => JSON.stringify(settings));
}

async function tryAll(
  attacks: readonly NamedAttack[],
  running: Target | undefined,
  json: boolean,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const note = (attack: NamedAttack, result: Result) => {
    results.push(result);
    print(result, attack, json);
  };
  for (const [settings, group] of bySettings(attacks)) {
    if (running !== undefined && settings !== "{}") {
      const seen = [`needs a worker of its own, with ${settings}`];
      for (const attack of group) note(attack, { name: attack.name, outcome: "not tried", seen, seconds: 0 });
      continue;
    }
    let own: Surroundings | undefined;
    try {
      own = running === undefined ? await startSurroundings(root, JSON.parse(settings)) : undefined;
      const target = running ?? own?.target;
      if (target !== undefined) for (const attack of group) note(attack, await attempt(attack, target));
    } finally {
      await own?.close();
    }
  }
  return results;
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    site: { type: "string" },
    simulator: { type: "string" },
    "auth-path": { type: "string", default: "/auth" },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const attacks = await findAttacks(values.only);
if (values.help) console.log(HELP);
else if (attacks.length === 0) {
  console.error(`No attack is called anything like "${values.only}".`);
  process.exitCode = 2;
} else if (values.list) for (const { name, does } of attacks) console.log(`${name.padEnd(24)} ${does}`);
else {
  const running =
    values.site === undefined
      ? undefined
      : {
          site: new URL(values.site),
          simulator: values.simulator === undefined ? undefined : new URL(values.simulator),
          authPath: values["auth-path"],
          events: undefined,
          restart: undefined,
        };
  const results = await tryAll(attacks, running, values.json);
  const count = (outcome: Result["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  if (values.json) console.log(JSON.stringify({ attacks: results }, undefined, 2));
  else
    console.log(
      `${count("withstood")} withstood, ${count("succeeded")} succeeded, ${count("not tried")} not tried`,
    );
  const leftOut = running === undefined ? count("not tried") : 0;
  process.exitCode = count("succeeded") + leftOut === 0 ? 0 : 1;
}
