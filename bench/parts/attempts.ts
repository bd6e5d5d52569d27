import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { Design } from "../designs/design.ts";
import { OURS_D1 } from "../designs/ours.ts";
import { openConnection } from "../load/connection.ts";
import { withHangingCode } from "../load/hanging-code.ts";
import { type ConfirmedLogin, confirmLogins, finishLogins, repeatStart } from "../load/many-logins.ts";
import type { LoadResult } from "../load/measured-load.ts";
import { newVisitor } from "../load/visitor.ts";
import { startDesign } from "../running-design.ts";
import { residentMemory } from "../workerd/process-figures.ts";
import type { Server } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

export interface AttemptsFigures {
  /** One object, and as many as by default, under more and more logins at a time. */
  readonly limits: readonly {
    readonly shards: number;
    readonly connections: number;
    readonly result: LoadResult;
    /** Bytes of workerd with everything in it. */
    readonly resident: number | undefined;
  }[];
  /** The object with what a day of logins leaves in it. */
  readonly day: {
    readonly rows: number;
    /** Of its file, in bytes. */
    readonly bytes: number;
    readonly result: LoadResult;
    readonly resident: number | undefined;
  };
  /** Good logins alone and beside token requests that hang, in turns. */
  readonly hanging: {
    readonly hanging: number;
    readonly good: number;
    readonly alone: readonly LoadResult[];
    readonly beside: readonly LoadResult[];
    /** How many of those that hang were answered before the good ones were through: 0, or they were not beside. */
    readonly answeredBefore: number;
    /** What they were answered in the end, and how often. */
    readonly answers: Readonly<Record<string, number>>;
  };
  readonly untouched: Untouched;
}

/** What starts left behind in storage. */
export interface Untouched {
  readonly starts: number;
  readonly seconds: number;
  readonly files: number;
  readonly bytes: number;
  /** Files that differ, came or went. */
  readonly changed: readonly string[];
}

type Surroundings = Pick<Bench, "folder" | "provider" | "cores" | "say" | "bundleOf">;

export async function measureAttempts(bench: Bench): Promise<AttemptsFigures> {
  const scale = bench.quick
    ? { logins: 60, connections: [16], rows: 20_000, hanging: 20, rounds: 1, starts: 2_000 }
    : {
        logins: 240,
        connections: [1, 16, 64, 256],
        rows: 1_000_000,
        hanging: 200,
        rounds: 3,
        starts: 100_000,
      };
  const one = withShards(1);
  const folder = join(bench.folder, "attempts-1");
  const limits: AttemptsFigures["limits"][number][] = [];
  let figures: Pick<AttemptsFigures, "hanging" | "untouched">;
  // Everybody has an account: what is measured is the login of somebody who is known.
  const first = (server: Server) => logins(bench, server, PEOPLE, 16);
  await withServer(bench, withShards(8), join(bench.folder, "attempts-8"), async (server) => {
    await first(server);
    for (const connections of scale.connections)
      limits.push(await limitOf(bench, server, 8, connections, scale.logins));
  });
  let server = await startDesign(one, await bench.bundleOf(one), bench, folder);
  try {
    await first(server);
    for (const connections of scale.connections)
      limits.push(await limitOf(bench, server, 1, connections, scale.logins));
    bench.say(`${scale.hanging} token requests that hang, beside as many good ones`);
    const hanging = await besideHanging(bench, server, { each: scale.hanging, rounds: scale.rounds });
    const untouched = await storageAfterStarts(bench, server, folder, scale.starts);
    figures = { hanging, untouched };
    await server.stop();
    bench.say(`${scale.rows.toLocaleString("en")} used logins in the object`);
    const file = attemptsFile(folder);
    const { rows, bytes } = fillUsedLogins(file, scale.rows, Date.now());
    server = await startDesign(one, await bench.bundleOf(one), bench, folder);
    await first(server);
    const { result, resident } = await limitOf(bench, server, 1, 16, scale.logins);
    return { limits, day: { rows, bytes, result, resident }, ...figures };
  } finally {
    await server.stop();
  }
}

/** The design with so many objects that finish logins. */
function withShards(shards: number): Design {
  return { ...OURS_D1, vars: (provider) => ({ ...OURS_D1.vars(provider), LOGIN_SHARDS: String(shards) }) };
}

async function withServer(
  bench: Surroundings,
  design: Design,
  folder: string,
  work: (server: Server) => Promise<void>,
): Promise<void> {
  const server = await startDesign(design, await bench.bundleOf(design), bench, folder);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

async function limitOf(
  bench: Surroundings,
  server: Server,
  shards: number,
  connections: number,
  count: number,
) {
  const result = await logins(bench, server, Math.max(count, 2 * connections), connections);
  bench.say(`${shards} objects, ${connections} at a time: ${result.perSecond.toFixed(0)} logins a second`);
  return { shards, connections, result, resident: residentMemory(server.pid) };
}

const PEOPLE = 100;

async function logins(
  { provider }: Pick<Surroundings, "provider">,
  server: Server,
  count: number,
  connections: number,
): Promise<LoadResult> {
  return finishLogins(
    server,
    OURS_D1,
    await confirmLogins(server, OURS_D1, provider, people(count)),
    connections,
  );
}

function people(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index % PEOPLE) + 1);
}

/** How long the token requests that hang have to reach the provider, in milliseconds. */
const UNTIL_THEY_HANG = 1_000;

/** Finishes good logins alone and beside others whose token requests hang, in turns. */
export async function besideHanging(
  { provider }: Pick<Surroundings, "provider">,
  server: Server,
  { each, rounds }: { readonly each: number; readonly rounds: number },
): Promise<AttemptsFigures["hanging"]> {
  const alone: LoadResult[] = [];
  const beside: LoadResult[] = [];
  const answers = new Map<string, number>();
  let answeredBefore = 0;
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await logins({ provider }, server, each, 16));
    const stuck = await confirmLogins(server, OURS_D1, provider, people(each));
    const good = await confirmLogins(server, OURS_D1, provider, people(each));
    let answered = 0;
    const hanging = stuck.map(async (login) => {
      const answer = await hang(server, login);
      answered += 1;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    });
    await pause(UNTIL_THEY_HANG);
    beside.push(await finishLogins(server, OURS_D1, good, 16));
    answeredBefore += answered;
    await Promise.all(hanging);
  }
  return { hanging: each, good: each, alone, beside, answeredBefore, answers: Object.fromEntries(answers) };
}

/** Brings back a code that hangs, on a connection of its own. @returns the status it is answered with */
async function hang(server: Server, { cookies, back }: ConfirmedLogin): Promise<string> {
  const connection = openConnection(server.port);
  try {
    const { status } = await newVisitor(connection, cookies).send({ path: withHangingCode(back) });
    return String(status);
  } finally {
    await connection.close();
  }
}

/** Longer than workerd keeps an object open after its last call: then nothing is written behind any more. */
const QUIET = 12_000;

/** Starts logins and compares every file of storage before and after. */
export async function storageAfterStarts(
  { say }: Pick<Surroundings, "say">,
  server: Server,
  folder: string,
  starts: number,
): Promise<Untouched> {
  const { login } = OURS_D1;
  if (login === undefined) throw new Error("no login");
  // What a warm isolate holds is held before anything is compared.
  await repeatStart(server, login.start, { connections: 1, seconds: 0.1 });
  await pause(QUIET);
  const before = filesIn(join(folder, "storage"));
  say(`${starts.toLocaleString("en")} starts, storage ${before.size} files`);
  const startedAt = performance.now();
  let left = starts;
  const open = Array.from({ length: 16 }, () => openConnection(server.port));
  await Promise.all(
    open.map(async (connection) => {
      while (left > 0) {
        left -= 1;
        await login.start(newVisitor(connection));
      }
      await connection.close();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await pause(QUIET);
  const after = filesIn(join(folder, "storage"));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return {
    starts,
    seconds,
    files: before.size,
    bytes: [...before.values()].reduce((sum, { size }) => sum + size, 0),
    changed: names.filter((name) => before.get(name)?.hash !== after.get(name)?.hash),
  };
}

function filesIn(folder: string): ReadonlyMap<string, { readonly size: number; readonly hash: string }> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const content = readFileSync(join(parentPath, name));
      const hash = createHash("sha256").update(content).digest("hex");
      return [join(parentPath, name).slice(folder.length + 1), { size: content.length, hash }];
    }),
  );
}

/** The file of the one object that finishes logins. */
function attemptsFile(folder: string): string {
  const objects = join(folder, "storage", "main-LoginAttempts");
  mkdirSync(objects, { recursive: true });
  const names = readdirSync(objects).filter((one) => /^[0-9a-f]{64}\.sqlite$/.test(one));
  const [name] = names;
  if (name === undefined || names.length > 1) throw new Error(`${names.length} objects in ${objects}`);
  return join(objects, name);
}

/** Puts so many used logins of the last 24 hours beside those that are there, as the object itself would have. */
function fillUsedLogins(
  file: string,
  count: number,
  now: number,
): { readonly rows: number; readonly bytes: number } {
  const database = new DatabaseSync(file);
  try {
    const sample = database.prepare("SELECT browser, sid FROM used_logins LIMIT 1").get();
    if (sample === undefined) throw new Error("no login has been finished");
    const text = (length: number) => randomBytes(length).toString("base64url").slice(0, length);
    const insert = database.prepare(
      "INSERT INTO used_logins (id, browser, sid, used_at) VALUES (?, ?, ?, ?)",
    );
    database.exec("BEGIN");
    for (let index = 0; index < count; index += 1) {
      const at = now - 24 * 3600_000 + Math.floor((index / count) * 24 * 3600_000);
      // As the object's own ids: 48 bits of time, then chance.
      const id = at.toString(16).padStart(12, "0") + randomBytes(10).toString("hex");
      insert.run(id, text(String(sample.browser).length), text(String(sample.sid).length), at);
    }
    database.exec("COMMIT");
    const rows = Number(database.prepare("SELECT count(*) AS rows FROM used_logins").get()?.rows);
    const { page_count: pages } = Object(database.prepare("PRAGMA page_count").get());
    const { page_size: size } = Object(database.prepare("PRAGMA page_size").get());
    return { rows, bytes: Number(pages) * Number(size) };
  } finally {
    database.close();
  }
}
