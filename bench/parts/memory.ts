import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { memoryFolder } from "../../test/memory-folder.ts";
import { OURS_D1 } from "../designs/designs.ts";
import {
  type ConfirmedLogin,
  confirmLogins,
  finishLogins,
  shareOut,
  withConnections,
} from "../load/many-logins.ts";
import { newVisitor } from "../load/visitor.ts";
import { startDesign } from "../running-design.ts";
import { residentMemory } from "../workerd/process-figures.ts";
import type { Server } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

/** The resident memory of workerd after so many logins of as many people, and as many checks of their sessions. */
export interface MemoryPoint {
  readonly logins: number;
  /** Since the first login, in seconds. */
  readonly seconds: number;
  /** Bytes. */
  readonly resident: number;
}

export interface MemoryFigures {
  /** One for each batch of logins. */
  readonly points: readonly MemoryPoint[];
}

/**
 * Lets ever new people log in and asks for the session of each of them, and watches the memory of workerd. Objects
 * keep their files in memory where there is such a folder, because two new files for each login are more than a disk
 * can make in the time; they are not in the process's own memory either way.
 * @throws Error where the system does not tell the memory of a process
 */
export async function watchMemory(bench: Bench): Promise<MemoryFigures> {
  const { most, batch, seconds } = bench.quick
    ? { most: 6_000, batch: 500, seconds: 30 }
    : { most: 100_000, batch: 2_000, seconds: bench.alone ? 3_600 : 300 };
  const parent = memoryFolder() ?? bench.folder;
  const folder = mkdtempSync(join(parent, "vipps-login-bench-memory-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const server = await startDesign(OURS_D1, await bench.bundleOf(OURS_D1), bench, folder);
  try {
    return await logInMany(bench, server, { most, batch, seconds });
  } finally {
    await server.stop();
    remove();
    process.off("exit", remove);
  }
}

async function logInMany(
  bench: Bench,
  server: Server,
  limits: { readonly most: number; readonly batch: number; readonly seconds: number },
): Promise<MemoryFigures> {
  const points: MemoryPoint[] = [];
  const startedAt = performance.now();
  const confirmed = (from: number) => {
    const persons = Array.from({ length: limits.batch }, (_, index) => from + index + 1);
    const logins = confirmLogins(server, OURS_D1, bench.provider, persons);
    // Whoever awaits it hears of a failure; until then it is nobody's.
    logins.catch(() => undefined);
    return logins;
  };
  let upcoming = confirmed(0);
  for (let done = limits.batch; done <= limits.most; done += limits.batch) {
    const logins = await upcoming;
    // The next ones sign while these finish: signing is the generator's work, on its own core.
    if (done < limits.most) upcoming = confirmed(done);
    await finishLogins(server, OURS_D1, logins, 16);
    await checkSessions(server, logins);
    const resident = residentMemory(server.pid);
    if (resident === undefined) throw new Error("this system does not tell the memory of a process");
    const seconds = (performance.now() - startedAt) / 1000;
    points.push({ logins: done, seconds, resident });
    if (points.length % 5 === 0)
      bench.say(`${done} logins and session checks: ${Math.round(resident / 2 ** 20)} MiB`);
    if (seconds > limits.seconds) break;
  }
  await upcoming;
  return { points };
}

/** @throws Error when a session that was made is not there */
async function checkSessions(server: Server, logins: readonly ConfirmedLogin[]): Promise<void> {
  await withConnections(server, 16, (open) =>
    shareOut(logins, open, async ({ cookies }, connection) => {
      const { body } = await newVisitor(connection, cookies).send({ path: OURS_D1.sessionPath ?? "" });
      if (!body.includes('"authenticated":true')) throw new Error(`a session was lost: ${body}`);
    }),
  );
}
