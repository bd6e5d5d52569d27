// Faults on a running worker: errors before and after the work, answers that never come, resets of all objects, kills of
// the process, clocks that are wrong, and releases that come and go, under load. Prints what it cost whom, and ends by
// itself.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openConnection } from "../../bench/load/connection.ts";
import { createProvider } from "../../bench/load/provider.ts";
import { newVisitor } from "../../bench/load/visitor.ts";
import { lastLinesOfAll } from "../../bench/workerd/server.ts";
import { keptReleases, unpackRelease } from "../releases/release.ts";
import { RESET } from "./faults.ts";
import { type Damage, judgeDatabase, judgeSessions } from "./judgement.ts";
import { eachOf, type Figures, logIn, noFigures, type People, SESSION, takeBrowser } from "./people.ts";
import { buildFaulty, openStorage, type Storage } from "./storage.ts";

const HELP = `Usage: npm run test:chaos -- [options]

Runs the built worker on workerd, lets people log in, and lets faults loose on it. Prints a table of what they cost, and
ends with code 1 where a promise is broken: a login lost that one more try would have saved, an answer after more than
ten seconds, anything doubled, half made, lost, or listed though nobody has it.

  --seconds N   how long all of it may take (300; with --full no limit); what is not done then is left out, aloud
  --full        a thousand logins for each kind of fault; 50 logins a second for two minutes while every object is
                reset every ten seconds; 100 kills. Takes a quarter of an hour where nothing else runs
  --only WORDS  only the faults whose name contains one of these words, with commas between them
  --rate N      logins a second while objects are reset (20; with --full 50)
  --list        only lists the faults
  --help        prints this`;

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string" },
    full: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rate: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const { full } = options;

/** A number of the command line. */
function numberOf(name: "seconds" | "rate", otherwise: number): number {
  const text = options[name];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  console.error(`--${name} is a number above 0, not ${text}.`);
  process.exit(2);
}

const endsAt = performance.now() + numberOf("seconds", full ? Number.POSITIVE_INFINITY : 300) * 1000;
const RATE = numberOf("rate", full ? 50 : 20);
const LOGINS = full ? 1_000 : 300;
/** Browsers that log in at a time. */
const BROWSERS = 8;
/** Whoever waits longer is not answered in time (R25), in milliseconds. */
const IN_TIME = 10_000;

/** What is let loose on the worker. */
interface Disaster {
  readonly name: string;
  /** Lets people log in meanwhile, and says what it cost them. */
  readonly work: (storage: Storage, people: People) => Promise<Figures>;
  /** Logins that may fail, of a thousand; without it any may, because nobody can answer. */
  readonly allowed?: number;
}

const run = mkdtempSync(join(tmpdir(), "chaos-"));
process.once("exit", () => rmSync(run, { recursive: true, force: true }));
const provider = await createProvider();
const head = await buildFaulty(join(run, "head"));

/** Lets people log in, one after the other in each of a few browsers, while there is a process that answers. */
async function load(
  storage: Storage,
  people: People,
  { logins, seconds, hangs }: { readonly logins: number; readonly seconds: number; readonly hangs?: boolean },
  figures = noFigures(),
): Promise<Figures> {
  const place = { provider, port: storage.port, ...(hangs === true && { hangs }) };
  const stopAt = Math.min(performance.now() + seconds * 1000, endsAt);
  let begun = 0;
  await Promise.all(
    Array.from({ length: BROWSERS }, async () => {
      while (begun < logins && performance.now() < stopAt && storage.port() !== 0) {
        begun += 1;
        const browser = takeBrowser(people);
        await logIn(place, browser, figures);
        people.idle.push(browser);
      }
    }),
  );
  return figures;
}

/** Lets so many people come in a second, however many are there already. */
async function arrivals(storage: Storage, people: People, rate: number, seconds: number): Promise<Figures> {
  const figures = noFigures();
  const place = { provider, port: storage.port };
  const startedAt = performance.now();
  const under = new Set<Promise<void>>();
  let most = 0;
  for (let login = 0; login < rate * seconds && performance.now() < endsAt; login += 1) {
    await pause(Math.max(0, startedAt + (login * 1000) / rate - performance.now()));
    const browser = takeBrowser(people);
    const logging = logIn(place, browser, figures).then(() => {
      people.idle.push(browser);
      under.delete(logging);
    });
    under.add(logging);
    most = Math.max(most, under.size);
  }
  await Promise.all(under);
  const took = (performance.now() - startedAt) / 1000;
  console.log(
    `  ${figures.logins} logins in ${took.toFixed(1)} s (${(figures.logins / took).toFixed(1)} a second), at most ${most} at a time`,
  );
  return figures;
}

function addTo(all: Figures, figures: Figures): void {
  for (const name of ["logins", "failed", "again"] as const) all[name] += figures[name];
  all.slowest = Math.max(all.slowest, figures.slowest);
  for (const [reason, count] of figures.reasons)
    all.reasons.set(reason, (all.reasons.get(reason) ?? 0) + count);
}

/** Something that goes on beside the work, until it is over. */
async function beside<Value>(
  work: Promise<Value>,
  every: number,
  deed: () => Promise<unknown>,
): Promise<Value> {
  const over = new AbortController();
  const deeds = (async () => {
    for (;;) {
      await pause(every, undefined, { signal: over.signal });
      await deed();
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  try {
    return await work;
  } finally {
    over.abort();
    await deeds;
  }
}

function failing(name: string, faults: string, more: Partial<Disaster> & { seconds: number }): Disaster {
  return {
    name,
    ...more,
    async work(storage, people) {
      await storage.start(head, { FAULTS: faults });
      return load(storage, people, { logins: LOGINS, seconds: more.seconds });
    },
  };
}

/** 5 % of calls, with every kind of error that passes in turn: one more try leaves a quarter per cent of each. */
const PASSING: readonly Disaster[] = [
  "objects before",
  "objects after",
  "database before",
  "database after",
  "kv before",
].map((where) =>
  failing(`5 % of calls fail in passing, ${where} the work`, `${where} 0.05`, {
    allowed: 10,
    seconds: full ? 240 : 15,
  }),
);

/** With this many objects reset every time, nobody is still at the first one when the last has come back. */
const RESETS: Disaster = {
  name: `every object reset every ${full ? 10 : 5} s under ${RATE} logins a second`,
  allowed: 0,
  async work(storage, people) {
    await storage.start(head);
    const counts: number[] = [];
    const reset = async () => {
      const connection = openConnection(storage.port());
      counts.push(Number((await connection.send({ path: RESET })).body));
      await connection.close();
    };
    const logins = arrivals(storage, people, RATE, full ? 120 : 25);
    const figures = await beside(logins, full ? 10_000 : 5_000, reset);
    console.log(`  ${counts.length} resets, of ${counts.join(", ")} objects`);
    return figures;
  },
};

const KILLS: Disaster = {
  name: `the process killed ${full ? 100 : 15} times under load`,
  async work(storage, people) {
    const all = noFigures();
    let kills = 0;
    while (kills < (full ? 100 : 15) && performance.now() < endsAt) {
      await storage.start(head);
      const figures = noFigures();
      const loading = load(storage, people, { logins: 1e6, seconds: 10 }, figures);
      // In mid-load, at any moment of the logins that are under way.
      const enough = 10 + Math.random() * 20;
      const killAt = performance.now() + 10_000;
      while (figures.logins < enough && performance.now() < killAt) await pause(5);
      await storage.stop();
      kills += 1;
      await loading;
      addTo(all, figures);
    }
    console.log(`  ${kills} kills`);
    return all;
  },
};

/** Somebody who has logged out, with the token that was theirs. */
async function logOut(storage: Storage, cookies: Map<string, string>): Promise<string> {
  const token = cookies.get(SESSION) ?? "";
  const connection = openConnection(storage.port());
  await newVisitor(connection, cookies).send({
    path: "/auth/logout",
    method: "POST",
    headers: { origin: "https://site.example", "sec-fetch-site": "same-origin" },
  });
  await connection.close();
  return token;
}

const CLOCKS: Disaster = {
  name: "the clock 50 minutes ahead, then right, then 50 minutes behind",
  allowed: 0,
  async work(storage, people) {
    const all = noFigures();
    const minutes = (count: number) => ({ CLOCK: String(count * 60_000) });
    const some = { logins: 100, seconds: 10 };
    await storage.start(head);
    addTo(all, await load(storage, people, some));
    await storage.start(head, minutes(50));
    addTo(all, await load(storage, people, some));
    // Whose token is from the future, and whose session has ended, is not let in by a clock that is right.
    const out = people.idle.splice(0, 20);
    await eachOf(out, BROWSERS, async ({ cookies, replaced }) => {
      replaced.push(await logOut(storage, cookies));
    });
    await storage.start(head);
    addTo(all, await load(storage, people, some));
    // With a clock that is behind, what Vipps signs now is from the future and refused: nobody logs in, nobody is lost.
    await storage.start(head, minutes(-50));
    const { failed, logins } = await load(storage, people, { logins: 40, seconds: 10 });
    console.log(`  ${failed} of ${logins} logins refused by a clock that is 50 minutes behind`);
    return all;
  },
};

/** Releases that are kept, and the code as it is, one after the other and beside each other. */
const RELEASES: readonly Disaster[] = keptReleases().flatMap((release) => {
  const unpacked = () => unpackRelease(release, join(run, "old", release));
  return [
    {
      name: `release ${release} and the code as it is take turns`,
      allowed: 0,
      async work(storage, people) {
        const all = noFigures();
        const old = unpacked();
        for (const code of [old, head, old, head, old]) {
          await storage.start(code);
          addTo(all, await load(storage, people, { logins: 100, seconds: 8 }));
        }
        return all;
      },
    },
    {
      name: `release ${release} still at the edge, then still in the objects`,
      allowed: 0,
      async work(storage, people) {
        const all = noFigures();
        const old = unpacked();
        for (const [edge, objects] of [
          [old, head],
          [head, old],
        ] as const) {
          await storage.start(edge, {}, objects);
          addTo(all, await load(storage, people, { logins: 100, seconds: 8 }));
        }
        return all;
      },
    },
  ] satisfies readonly Disaster[];
});

const VIPPS_HANGS: Disaster = {
  name: "Vipps takes every code and never answers",
  async work(storage, people) {
    await storage.start(head);
    return load(storage, people, { logins: 16, seconds: 20, hangs: true });
  },
};

const DISASTERS: readonly Disaster[] = [
  ...PASSING,
  RESETS,
  KILLS,
  CLOCKS,
  ...RELEASES,
  failing("2 % of calls to objects are never answered", "objects hangs 0.02", { seconds: full ? 60 : 20 }),
  failing("2 % of calls to database are never answered", "database hangs 0.02", {
    seconds: full ? 60 : 20,
  }),
  failing("no call to kv is ever answered", "kv hangs 1", { seconds: full ? 60 : 15, allowed: 0 }),
  VIPPS_HANGS,
];

interface Row {
  readonly disaster: Disaster;
  readonly figures: Figures;
  readonly damage: Damage;
  readonly broken: readonly string[];
}

function brokenPromises({ allowed }: Disaster, figures: Figures, damage: Damage): readonly string[] {
  const { failed, logins, slowest } = figures;
  const broken = Object.entries(damage)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`);
  if (logins === 0) broken.push("nobody logged in");
  if (allowed !== undefined && failed > (logins * allowed) / 1000) broken.push(`failed: ${failed}`);
  if (slowest > IN_TIME) broken.push(`slowest answer: ${(slowest / 1000).toFixed(1)} s`);
  return broken;
}

/** Whoever failed tries again, as people do; then nothing may be wrong any more. */
async function judge(disaster: Disaster, storage: Storage, people: People, figures: Figures): Promise<Row> {
  await storage.start(head);
  const unlucky = people.all.filter(({ hasFailed }) => hasFailed);
  const second = noFigures();
  await eachOf(unlucky, BROWSERS, (browser) => logIn({ provider, port: storage.port }, browser, second));
  const sessions = await judgeSessions(storage.port(), people);
  // What is noted of a login is written behind its answer.
  await pause(500);
  await storage.stop();
  const damage = judgeDatabase(storage.folder, people, sessions);
  const broken = [...brokenPromises(disaster, figures, damage)];
  if (second.failed > 0)
    broken.push(`in vain afterwards: ${second.failed} (${[...second.reasons.keys()][0]})`);
  return { disaster, figures, damage, broken };
}

async function letLoose(disaster: Disaster, number: number): Promise<Row> {
  const storage = await openStorage(join(run, `storage-${number}`), provider, head.migrations);
  const people: People = { all: [], idle: [] };
  try {
    const figures = await disaster.work(storage, people);
    return await judge(disaster, storage, people, figures);
  } finally {
    await storage.stop();
    rmSync(storage.folder, { recursive: true, force: true });
  }
}

const words = options.only.split(",");
const wanted = DISASTERS.filter(({ name }) => words.some((word) => name.includes(word.trim())));
if (options.list || wanted.length === 0) {
  console.log(DISASTERS.map(({ name }) => name).join("\n"));
  process.exit(options.list ? 0 : 2);
}

const rows: Row[] = [];
const leftOut: string[] = [];
for (const [number, disaster] of wanted.entries()) {
  if (performance.now() > endsAt) {
    leftOut.push(disaster.name);
    continue;
  }
  console.log(disaster.name);
  const row = await letLoose(disaster, number);
  rows.push(row);
  console.log(rowText(row));
  for (const [reason, count] of row.figures.reasons) console.log(`  ${count} failed: ${reason}`);
  for (const promise of row.broken) console.log(`  BROKEN ${promise}`);
}

/** Also while the rest goes on, for whoever has to cut it off. */
function rowText({ disaster, figures, damage }: Row): string {
  const { logins, failed, again, slowest } = figures;
  const { doubled, halfMade, lost, outlived, unheld } = damage;
  const cells = [logins, failed, again, doubled, halfMade, lost, outlived, unheld];
  return `| ${[disaster.name, ...cells, (slowest / 1000).toFixed(2)].join(" | ")} |`;
}

const HEADS = [
  "what",
  "logins",
  "failed",
  "again, then in",
  "accounts doubled",
  "half made",
  "received sessions lost",
  "replaced ones alive",
  "listed, nobody's",
  "slowest answer, s",
];
console.log(`\n| ${HEADS.join(" | ")} |\n| --- |${" ---: |".repeat(HEADS.length - 1)}`);
for (const row of rows) console.log(rowText(row));
for (const name of leftOut) console.log(`Left out, the time is over: ${name}`);
const broken = rows.filter((row) => row.broken.length > 0);
if (broken.length > 0) {
  console.log(`\nLast lines of the worker:\n${lastLinesOfAll(20).join("\n")}\n`);
  for (const row of broken) console.log(`BROKEN: ${row.disaster.name}: ${row.broken.join("; ")}`);
  process.exitCode = 1;
} else console.log(`\n${rows.length} kinds of faults, every promise kept.`);
