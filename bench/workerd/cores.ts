import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Which core is whose, or undefined where there is no `taskset`, or only one core. */
export interface Cores {
  readonly measured: number;
  readonly generator: number;
}

/** One core for what is measured, the last one for the load, so that neither takes time from the other. */
export function chooseCores(): Cores | undefined {
  const count = availableParallelism();
  if (count < 2 || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  return { measured: 0, generator: count - 1 };
}

/** Keeps this process, every thread of it, on the generator's core. */
export function pinGenerator({ generator }: Cores): void {
  spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(generator), String(process.pid)]);
}

/** The command that starts a program on the measured core. */
export function onMeasuredCore(cores: Cores | undefined, command: readonly string[]): readonly string[] {
  return cores === undefined ? command : ["taskset", "--cpu-list", String(cores.measured), ...command];
}
