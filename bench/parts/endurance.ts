import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { memoryFolder } from "../../test/memory-folder.ts";
import { OURS_D1 } from "../designs/ours.ts";
import { shareOut, withConnections } from "../load/many-logins.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { startDesign } from "../running-design.ts";
import { quantile } from "../statistics.ts";
import { openFiles, residentMemory } from "../workerd/process-figures.ts";
import type { Server } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

export interface EnduranceFigures {
  readonly logins: number;
  readonly newPeople: number;
  /** Requests beside the logins: pages, sessions, people's own pages. */
  readonly otherRequests: number;
  readonly seconds: number;
  /** What was answered otherwise than it should be, in words, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** What the worker itself said of the first of them. */
  readonly said: readonly string[];
  readonly medianLatency: number;
  readonly p99Latency: number;
  /** The most that workerd had open, and how many the system lets it have. */
  readonly openFiles: number;
  readonly openFilesLimit: number;
  /** Bytes, at the end. */
  readonly resident: number;
}

/** Where a run ends, whichever comes first. */
export interface EnduranceLimits {
  readonly logins: number;
  readonly seconds: number;
}

/** Lets 100,000 logins happen in one run, every second one of somebody new, and people use the site meanwhile. */
export function endure(bench: Bench): Promise<EnduranceFigures> {
  return endureLogins(
    bench,
    bench.quick ? { logins: 5_000, seconds: 60 } : { logins: 100_000, seconds: 5_400 },
  );
}

export async function endureLogins(
  bench: Pick<Bench, "folder" | "provider" | "cores" | "say" | "bundleOf">,
  limits: EnduranceLimits,
): Promise<EnduranceFigures> {
  const parent = memoryFolder() ?? bench.folder;
  const folder = mkdtempSync(join(parent, "vipps-login-bench-endurance-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const server = await startDesign(OURS_D1, await bench.bundleOf(OURS_D1), bench, folder);
  try {
    return await run(bench, server, limits);
  } finally {
    await server.stop();
    remove();
    process.off("exit", remove);
  }
}

/** How many browsers are under way at a time. */
const BROWSERS = 16;

async function run(
  bench: Pick<Bench, "provider" | "say">,
  server: Server,
  limits: EnduranceLimits,
): Promise<EnduranceFigures> {
  const failures = new Map<string, number>();
  const latencies: number[] = [];
  const count = { logins: 0, newPeople: 0, other: 0, openFiles: 0 };
  let said: readonly string[] = [];
  const fail = (what: string) => {
    if (!failures.has(what)) bench.say(`the first of its kind: ${what}`);
    failures.set(what, (failures.get(what) ?? 0) + 1);
    if (said.length === 0) said = server.lastLines(10);
  };
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  let told = 0;
  await withConnections(server, BROWSERS, (open) =>
    shareOut(numbers(limits.logins), open, async (index, connection) => {
      if (seconds() > limits.seconds) return;
      const isNew = index % 2 === 0 || index < BROWSERS;
      const person = isNew ? index + 1 : (((index * 7_919) % Math.max(2, index - 1)) & ~1) + 1;
      const visitor = newVisitor(connection);
      const loginAt = performance.now();
      if (!(await logIn(bench, visitor, person, fail))) return;
      latencies.push(performance.now() - loginAt);
      count.logins += 1;
      if (isNew) count.newPeople += 1;
      const others = await useSite(visitor, index, fail);
      count.other += others;
      if (index % 500 === 0) count.openFiles = Math.max(count.openFiles, openFiles(server.pid)?.open ?? 0);
      if (seconds() - told < 20) return;
      told = seconds();
      bench.say(
        `${count.logins.toLocaleString("en")} logins, ${sum(failures)} failures, ${count.openFiles} files`,
      );
    }),
  );
  return {
    logins: count.logins,
    newPeople: count.newPeople,
    otherRequests: count.other,
    seconds: seconds(),
    failures: Object.fromEntries(failures),
    said,
    medianLatency: quantile(latencies, 0.5),
    p99Latency: quantile(latencies, 0.99),
    openFiles: count.openFiles,
    openFilesLimit: openFiles(server.pid)?.limit ?? Number.NaN,
    resident: residentMemory(server.pid) ?? Number.NaN,
  };
}

/** @returns whether the person is logged in now */
async function logIn(
  { provider }: Pick<Bench, "provider">,
  visitor: Visitor,
  person: number,
  fail: (what: string) => void,
): Promise<boolean> {
  const started = await visitor.send({ path: "/auth/login?return_to=/members/" });
  const { location } = started.headers;
  if (started.status !== 302 || typeof location !== "string") {
    fail(`/auth/login answered ${started.status}`);
    return false;
  }
  const { status } = await visitor.send({ path: await provider.confirm(location, person) });
  if (status === 302 || status === 303) return true;
  fail(`/auth/callback answered ${status}`);
  return false;
}

/** What somebody does who is logged in: a page, who they are, now and then their own page, or logging out. */
async function useSite(visitor: Visitor, index: number, fail: (what: string) => void): Promise<number> {
  const paths = ["/members/", "/auth/session", ...(index % 20 === 0 ? ["/auth/me", "/auth/sessions"] : [])];
  for (const path of paths) {
    const { status } = await visitor.send({ path, headers: { accept: "text/html, application/json" } });
    if (status !== 200) fail(`${path} answered ${status}`);
  }
  if (index % 10 !== 0) return paths.length;
  const { status } = await visitor.send({ path: "/auth/logout", method: "POST" });
  if (status !== 204 && status !== 303) fail(`/auth/logout answered ${status}`);
  return paths.length + 1;
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, one) => total + one, 0);
}
