import fc from "fast-check";
import { expect, it } from "vitest";
import { stopClock } from "../worker/clock.ts";
import { BROWSERS, commands, ran } from "./histories/commands.ts";
import { newModel, POLICIES } from "./histories/model.ts";
import { answers, openWorkers, openWorld } from "./histories/world.ts";

/** What the environment may say instead, for a longer search: VITE_HISTORIES=5000 VITE_SEED=1. */
const environment: Readonly<Record<string, string | undefined>> = Reflect.get(import.meta, "env") ?? {};
const HISTORIES = Number(environment.VITE_HISTORIES ?? 80);
const SEED = Number(environment.VITE_SEED ?? 20_261_122);

it("histories of logins and sessions go as the model says, whatever happens in whatever order", async () => {
  stopClock();
  const workers = await openWorkers();
  let now = Math.floor(Date.now() / 1000);
  const started = performance.now();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("confirm", ...POLICIES),
      fc.commands(commands, { maxCommands: 60, size: "max" }),
      async (policy, history) => {
        const model = newModel(policy, now, BROWSERS);
        try {
          const real = await openWorld(workers, policy, BROWSERS);
          await fc.asyncModelRun(() => ({ model, real }), history);
        } finally {
          // Time never goes back, or sessions of an earlier history would be the younger ones.
          now = model.now;
        }
      },
    ),
    { numRuns: HISTORIES, seed: SEED },
  );
  const counts = (map: ReadonlyMap<string, number>) =>
    Array.from(map, ([name, count]) => `${name} ${count}`).join(", ");
  const total = [...ran.values()].reduce((sum, count) => sum + count, 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `histories: ${total} commands in ${HISTORIES} histories, seed ${SEED}, ${seconds} s\n` +
      `  commands: ${counts(ran)}\n  answers to callbacks and questions: ${counts(answers)}`,
  );
  // A search in which something never happens proves nothing about it.
  for (const kind of ["session", "home", "question", "400", "403", "502"])
    expect(answers.get(kind) ?? 0, kind).toBeGreaterThanOrEqual(HISTORIES / 20);
}, 300_000);
