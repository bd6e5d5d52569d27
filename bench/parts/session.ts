import { join } from "node:path";
import type { Design } from "../designs/design.ts";
import { comparedWith } from "../designs/designs.ts";
import { openConnection } from "../load/connection.ts";
import type { LoadResult } from "../load/measured-load.ts";
import { repeatRequest } from "../load/repeated-request.ts";
import { logIn, startDesign } from "../running-design.ts";
import type { Server } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

/** Which of the two authenticated requests. */
export type Target = "session" | "guarded";

export interface SessionSeries {
  readonly design: string;
  readonly target: Target;
  readonly connections: number;
  /** One for each round, in order. */
  readonly rounds: readonly LoadResult[];
}

export interface SessionFigures {
  readonly series: readonly SessionSeries[];
  readonly secondsEach: number;
}

export const CONNECTIONS = [1, 16] as const;

/** Measures the authenticated request: the session route and a static page behind the login. */
export async function measureSessions(bench: Bench): Promise<SessionFigures> {
  const { rounds, seconds } = bench.quick ? { rounds: 3, seconds: 0.4 } : { rounds: 5, seconds: 1.5 };
  const servers = await startAll(bench);
  const series = servers.flatMap(({ design, server }) =>
    targetsOf(design).flatMap(([target, path]) =>
      CONNECTIONS.map((connections) => {
        return { design, server, target, path, connections, rounds: [] as LoadResult[] };
      }),
    ),
  );
  try {
    for (let round = 1; round <= rounds; round += 1) {
      bench.say(`round ${round} of ${rounds}: ${series.length} measurements of ${seconds} s`);
      const cookies = await logInEverywhere(bench, servers, round);
      for (const { design, server, target, path, connections, rounds: results } of series) {
        const cookie = cookies.get(design.id);
        const request = {
          path,
          headers: { accept: acceptOf(target), ...(cookie !== undefined && { cookie }) },
        };
        results.push(await repeatRequest(server, { request, status: 200, connections, seconds }));
      }
    }
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
  }
  return {
    secondsEach: seconds,
    series: series.map(({ design, target, connections, rounds: results }) => {
      return { design: design.id, target, connections, rounds: results };
    }),
  };
}

interface Running {
  readonly design: Design;
  readonly server: Server;
}

async function startAll(bench: Bench): Promise<readonly Running[]> {
  const running: Running[] = [];
  for (const design of comparedWith(bench.earlier)) {
    const server = await startDesign(
      design,
      await bench.bundleOf(design),
      bench,
      join(bench.folder, `session-${design.id}`),
    );
    running.push({ design, server });
  }
  return running;
}

function targetsOf({ sessionPath, guardedPath }: Design): readonly (readonly [Target, string])[] {
  const targets: (readonly [Target, string])[] = [];
  if (sessionPath !== undefined) targets.push(["session", sessionPath]);
  if (guardedPath !== undefined) targets.push(["guarded", guardedPath]);
  return targets;
}

/**
 * A real login in each design, anew in each round, so that no token grows stale while others are measured.
 * @returns the `Cookie` header by design
 */
async function logInEverywhere(
  { provider }: Bench,
  servers: readonly Running[],
  person: number,
): Promise<Map<string, string>> {
  const cookies = new Map<string, string>();
  for (const { design, server } of servers) {
    if (design.login === undefined) continue;
    const cookie = (await logIn(design, server.port, provider, person)).cookieHeader();
    if (cookie === undefined) throw new Error(`${design.name} set no cookie`);
    await assertAuthenticated(design, server.port, cookie);
    cookies.set(design.id, cookie);
  }
  return cookies;
}

/** @throws Error unless the routes tell who is logged in from who is not: a fast wrong answer is no answer */
async function assertAuthenticated(design: Design, port: number, cookie: string): Promise<void> {
  const connection = openConnection(port);
  try {
    for (const [target, path] of targetsOf(design)) {
      const headers = { accept: acceptOf(target) };
      const inside = await connection.send({ path, headers: { ...headers, cookie } });
      const outside = await connection.send({ path, headers });
      const told = target === "guarded" ? "Swimming" : "user";
      if (inside.status !== 200 || !inside.body.includes(told) || outside.body.includes(told))
        throw new Error(`${design.name} does not guard ${path}: ${inside.status}, ${outside.status}`);
    }
  } finally {
    await connection.close();
  }
}

function acceptOf(target: Target): string {
  return target === "session" ? "application/json" : "text/html";
}
