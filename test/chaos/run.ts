// Faults on a running worker: errors before and after the work, resets of all objects, kills of the process, and
// releases that come and go, under load. Prints what it cost whom. Ends by itself.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { decodeJwt } from "jose";
import { openConnection } from "../../bench/load/connection.ts";
import { createProvider } from "../../bench/load/provider.ts";
import { newVisitor } from "../../bench/load/visitor.ts";
import { buildServices } from "../../bench/running-design.ts";
import type { Server } from "../../bench/workerd/server.ts";
import { startDeployment } from "../releases/deployment.ts";
import { buildRelease, keptReleases, type Release, unpackRelease } from "../releases/release.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    logins: { type: "string", default: "1000" },
    help: { type: "boolean" },
  },
});
if (options.help) {
  console.log(`Usage: npm run test:chaos -- [options]

Runs the built worker on workerd with faults in it, and prints what they cost.

  --seconds N   how long all of it may take (300); what is not done then is left out, aloud
  --logins N    logins for each kind of error (1000)`);
  process.exit(0);
}
const endsAt = performance.now() + Number(options.seconds) * 1000;
const LOGINS = Number(options.logins);
/** Browsers that log in at a time. */
const BROWSERS = 8;
const SESSION = "__Host-vipps-session";

interface Figures {
  logins: number;
  failed: number;
  /** Sent through the login once more by the page they got, and then in. */
  again: number;
  doubled: number;
  lost: number;
  slowest: number;
}

const run = mkdtempSync(join(tmpdir(), "chaos-"));
process.once("exit", () => rmSync(run, { recursive: true, force: true }));
const provider = await createProvider();

/** Builds the Worker with faults around it. */
async function buildFaulty(): Promise<Release> {
  const { migrations } = await buildRelease(resolve("."), join(run, "head"));
  const entry = join(run, "faulty.ts");
  const source = JSON.stringify(resolve("src/index.ts"));
  writeFileSync(
    entry,
    `import worker, { LoginAttempts as A, UserSessions as S } from ${source};
import { faultyObject, faultyWorker } from ${JSON.stringify(resolve("test/chaos/faulty.ts"))};
export const LoginAttempts = faultyObject(A);
export const UserSessions = faultyObject(S);
export default faultyWorker(worker);
`,
  );
  const folder = join(run, "faulty");
  await build({
    entryPoints: [entry],
    outfile: join(folder, "worker.js"),
    ...{ bundle: true, minify: true, format: "esm", logLevel: "error" },
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".client.js": "text" },
  });
  return { folder, modules: [{ file: "worker.js", kind: "esModule" }], migrations };
}

const faultyHead = await buildFaulty();

/** One storage and what runs on it. */
async function openStorage(name: string) {
  const folder = join(run, name);
  mkdirSync(folder, { recursive: true });
  await buildServices(folder);
  let server: Server | undefined;
  return {
    port: () => server?.port ?? 0,
    stop: async () => server?.stop(),
    async start(edge: Release, vars: Readonly<Record<string, string>> = {}) {
      await server?.stop();
      server = await startDeployment({ edge, migrations: faultyHead.migrations, folder, provider, vars });
    },
  };
}

type Storage = Awaited<ReturnType<typeof openStorage>>;

/** The accounts that people were given, and the sessions that arrived in a browser, by person. */
interface Received {
  readonly accounts: Map<number, Set<string>>;
  readonly jars: Map<string, string>[];
}

/** A whole login, and one more where the page that came says so. */
async function logIn(storage: Storage, person: number, received: Received, figures: Figures): Promise<void> {
  const connection = openConnection(storage.port());
  const visitor = newVisitor(connection);
  const once = async () => {
    const start = await visitor.send({ path: "/auth/login?return_to=/members/" });
    if (start.status !== 302) return start.status;
    const back = await visitor.send({ path: await provider.confirm(String(start.headers.location), person) });
    return back.status === 400 && /http-equiv="refresh"|data-resume|content="\d+;/.test(back.body)
      ? 0
      : back.status;
  };
  const startedAt = performance.now();
  try {
    let status = await once();
    if (status === 0) {
      figures.again += 1;
      status = await once();
    }
    if (status !== 303) figures.failed += 1;
  } catch {
    figures.failed += 1;
    // While nobody answers at all, people do not try a thousand times a second.
    await pause(50);
  } finally {
    figures.logins += 1;
    figures.slowest = Math.max(figures.slowest, performance.now() - startedAt);
    await connection.close();
  }
  const token = visitor.cookies.get(SESSION);
  if (token === undefined) return;
  const accounts = received.accounts.get(person) ?? new Set();
  accounts.add(String(decodeJwt(token).sub));
  received.accounts.set(person, accounts);
  received.jars.push(visitor.cookies);
}

/** Lets people log in until there are so many logins or it is time. */
async function load(storage: Storage, received: Received, logins: number, until: number): Promise<Figures> {
  const figures: Figures = { logins: 0, failed: 0, again: 0, doubled: 0, lost: 0, slowest: 0 };
  let next = 0;
  const stopAt = Math.min(until, endsAt);
  await Promise.all(
    Array.from({ length: BROWSERS }, async () => {
      while (next < logins && performance.now() < stopAt) {
        next += 1;
        await logIn(storage, (next * 7919) % 400, received, figures);
      }
    }),
  );
  return figures;
}

/** Asks for every session that was received whether it lives, without faults. */
async function judge(storage: Storage, received: Received, figures: Figures): Promise<Figures> {
  for (const accounts of received.accounts.values()) if (accounts.size > 1) figures.doubled += 1;
  const connection = openConnection(storage.port());
  for (const jar of received.jars) {
    const { status } = await newVisitor(connection, jar).send({
      path: "/auth/me",
      headers: { accept: "text/html" },
    });
    // A person has a hundred sessions at most.
    if (status !== 200) figures.lost += 1;
  }
  await connection.close();
  return figures;
}

const rows: (readonly [string, Figures])[] = [];

async function section(
  name: string,
  work: (storage: Storage, received: Received) => Promise<Figures>,
): Promise<void> {
  if (performance.now() > endsAt) return console.log(`${name}: left out, the time is over`);
  const storage = await openStorage(name.replaceAll(/\W+/g, "-"));
  const received: Received = { accounts: new Map(), jars: [] };
  try {
    const figures = await work(storage, received);
    await storage.start(faultyHead);
    rows.push([name, await judge(storage, received, figures)]);
    console.log(name, JSON.stringify(figures));
  } finally {
    await storage.stop();
  }
}

for (const store of ["objects", "database"])
  for (const moment of ["before", "after"])
    await section(`5 % of ${store} fail ${moment} the work`, async (storage, received) => {
      await storage.start(faultyHead, { FAULTS: `${store} ${moment} 0.05` });
      return load(storage, received, LOGINS, endsAt);
    });

await section("all login objects reset every second", async (storage, received) => {
  await storage.start(faultyHead);
  let isOver = false;
  const resets = (async () => {
    while (!isOver) {
      await pause(1_000);
      const connection = openConnection(storage.port());
      await connection.send({ path: "/.chaos/reset" }).catch(() => undefined);
      await connection.close();
    }
  })();
  const figures = await load(storage, received, LOGINS, performance.now() + 60_000);
  isOver = true;
  await resets;
  return figures;
});

await section("the process killed again and again", async (storage, received) => {
  const all: Figures = { logins: 0, failed: 0, again: 0, doubled: 0, lost: 0, slowest: 0 };
  const until = Math.min(endsAt, performance.now() + 60_000);
  for (let kill = 0; kill < 20 && performance.now() < until; kill += 1) {
    await storage.start(faultyHead);
    const loading = load(storage, received, 1e6, performance.now() + 500 + Math.random() * 1_000);
    await pause(400 + Math.random() * 600);
    await storage.stop();
    const figures = await loading;
    for (const name of ["logins", "failed", "again"] as const) all[name] += figures[name];
    all.slowest = Math.max(all.slowest, figures.slowest);
  }
  return all;
});

const [release] = keptReleases();
if (release !== undefined)
  await section(`release ${release} and the code as it is take turns`, async (storage, received) => {
    const old = unpackRelease(release, join(run, "old"));
    const all: Figures = { logins: 0, failed: 0, again: 0, doubled: 0, lost: 0, slowest: 0 };
    for (const code of [old, faultyHead, old, faultyHead, old]) {
      await storage.start(code);
      const figures = await load(storage, received, 100, performance.now() + 10_000);
      for (const name of ["logins", "failed", "again"] as const) all[name] += figures[name];
      all.slowest = Math.max(all.slowest, figures.slowest);
    }
    return all;
  });

console.log(
  "\n| what | logins | failed | again, then in | accounts doubled | received sessions lost | slowest, s |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
);
for (const [name, { logins, failed, again, doubled, lost, slowest }] of rows)
  console.log(
    `| ${name} | ${logins} | ${failed} | ${again} | ${doubled} | ${lost} | ${(slowest / 1000).toFixed(2)} |`,
  );
