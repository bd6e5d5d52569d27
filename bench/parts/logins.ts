import { join } from "node:path";
import type { Design } from "../designs/design.ts";
import { DURABLE_WRITE, loginsWith, REDIRECT } from "../designs/designs.ts";
import { confirmLogins, finishLogins, repeatStart, wholeLogins } from "../load/many-logins.ts";
import type { LoadResult } from "../load/measured-load.ts";
import type { Visitor } from "../load/visitor.ts";
import { startDesign } from "../running-design.ts";
import type { Server } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

/** `whole`: a start and a finish, one after the other. */
export type Step = "start" | "finish" | "whole";

/** One design, or one route of the baseline, at one step. */
export interface LoginSeries {
  readonly design: string;
  readonly step: Step;
  readonly connections: number;
  /** One for each round, in order. */
  readonly rounds: readonly LoadResult[];
}

export interface LoginFigures {
  readonly series: readonly LoginSeries[];
  readonly secondsEach: number;
  /** Logins finished in each round at 16 connections. */
  readonly loginsEach: number;
  /** Logins finished before any was measured: a finish is as warm as a start. */
  readonly loginsBefore: number;
  readonly persons: number;
}

/** Routes of the baselines that stand in for starting a login. */
const ROUTES: Readonly<Record<string, readonly { readonly id: string; readonly path: string }[]>> = {
  [REDIRECT.id]: [{ id: REDIRECT.id, path: "/redirect" }],
  [DURABLE_WRITE.id]: [
    { id: DURABLE_WRITE.id, path: "/write" },
    { id: "durable-write-alarm", path: "/write-with-alarm" },
  ],
};

interface Running {
  readonly design: Design;
  readonly server: Server;
  readonly starts: readonly { readonly id: string; readonly start: (visitor: Visitor) => Promise<unknown> }[];
}

/** Measures starting and finishing logins of people who have an account already. */
export async function measureLogins(bench: Bench): Promise<LoginFigures> {
  const scale = bench.quick
    ? { rounds: 2, seconds: 0.4, logins: 60, before: 60, persons: 60 }
    : { rounds: 7, seconds: 1.2, logins: 300, before: 300, persons: 60 };
  const running = await startAll(bench);
  const collected = new Map<string, LoginSeries & { readonly rounds: LoadResult[] }>();
  const note = (design: string, step: Step, connections: number, result: LoadResult) => {
    const key = `${design} ${step} ${connections}`;
    const series = collected.get(key) ?? { design, step, connections, rounds: [] };
    series.rounds.push(result);
    collected.set(key, series);
  };
  try {
    bench.say(`${scale.persons} people log in for the first time everywhere, and again`);
    for (const { design, server } of running) {
      if (design.login === undefined) continue;
      const persons = people(scale.before, 0, scale.persons);
      const before = await confirmLogins(server, design, bench.provider, persons);
      await finishLogins(server, design, before, 16);
    }
    for (let round = 1; round <= scale.rounds; round += 1) {
      bench.say(`round ${round} of ${scale.rounds}: starting logins`);
      for (const { server, starts } of running) {
        for (const { id, start } of starts) {
          for (const connections of [1, 16])
            note(
              id,
              "start",
              connections,
              await repeatStart(server, start, { connections, seconds: scale.seconds }),
            );
        }
      }
      bench.say(`round ${round} of ${scale.rounds}: finishing ${scale.logins} logins`);
      // What the starts before leave to be put away disturbs whoever comes first: not always the same.
      for (const { design, server } of round % 2 === 0 ? running.toReversed() : running) {
        if (design.login === undefined) continue;
        for (const [connections, count] of [
          [1, scale.logins / 4],
          [16, scale.logins],
        ] as const) {
          const persons = people(count, round * scale.logins, scale.persons);
          const { finish, whole } = await wholeLogins(server, design, bench.provider, persons, connections);
          note(design.id, "finish", connections, finish);
          note(design.id, "whole", connections, whole);
        }
      }
    }
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
  return {
    series: [...collected.values()],
    secondsEach: scale.seconds,
    loginsEach: scale.logins,
    loginsBefore: scale.before,
    persons: scale.persons,
  };
}

async function startAll(bench: Bench): Promise<readonly Running[]> {
  const running: Running[] = [];
  for (const design of [REDIRECT, DURABLE_WRITE, ...loginsWith(bench.earlier)]) {
    const folder = join(bench.folder, `logins-${design.id}`);
    const server = await startDesign(design, await bench.bundleOf(design), bench, folder);
    const { login } = design;
    const starts =
      login === undefined
        ? (ROUTES[design.id] ?? []).map(({ id, path }) => ({
            id,
            start: (visitor: Visitor) => redirected(visitor, path),
          }))
        : [{ id: design.id, start: login.start }];
    running.push({ design, server, starts });
  }
  return running;
}

async function redirected(visitor: Visitor, path: string): Promise<void> {
  const { status } = await visitor.send({ path });
  if (status !== 302) throw new Error(`${path} answered ${status}`);
}

/** `count` of the people, from one on, over and over. */
function people(count: number, from: number, of: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => ((from + index) % of) + 1);
}
