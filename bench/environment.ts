import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import type { Cores } from "./workerd/cores.ts";
import { WORKERD } from "./workerd/executable.ts";

/** On what the figures were measured. Nothing in it names the machine or a folder of it. */
export interface Environment {
  /** ISO 8601, to the day. */
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly workerd: string;
  readonly node: string;
  /** Which core is whose; `null` where nothing could be pinned. */
  readonly pinned: Cores | null;
  /** The versions of what was compared. */
  readonly packages: Readonly<Record<string, string>>;
}

export function describeEnvironment(cores: Cores | undefined, now: Date): Environment {
  const { dependencies: peers } = readPackage("bench/package.json");
  const { version, dependencies } = readPackage("package.json");
  return {
    date: now.toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: type(),
    workerd: spawnSync(WORKERD, ["--version"], { encoding: "utf8" }).stdout.replace("workerd", "").trim(),
    node: process.versions.node,
    pinned: cores ?? null,
    packages: { "vipps-login-worker": version, hono: dependencies.hono ?? "", ...peers },
  };
}

interface Package {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function readPackage(path: string): Package {
  return JSON.parse(readFileSync(path, "utf8"));
}
