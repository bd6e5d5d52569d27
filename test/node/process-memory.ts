import { readdirSync, readFileSync } from "node:fs";

/** Resident memory in bytes. */
export interface Memory {
  readonly before: number;
  /** The most there was meanwhile. */
  readonly peak: number;
}

interface LinuxProcess {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Resident memory in bytes. */
  readonly memory: number;
}

function readProcess(pid: number): LinuxProcess | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1] ?? "";
    return { pid, parent: Number(field("PPid")), name: field("Name"), memory: Number(field("VmRSS")) * 1024 };
  } catch {
    // It has ended in the meantime.
    return undefined;
  }
}

/** The resident memory, in bytes, of the workerd processes below a process. */
function workerdMemory(ancestor: number): number {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((found) => found !== undefined);
  const below = new Set([ancestor]);
  // Children may be listed before their parents.
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all
    .filter(({ pid, name }) => below.has(pid) && name === "workerd")
    .reduce((sum, { memory }) => sum + memory, 0);
}

/**
 * Does work and watches the memory of workerd meanwhile.
 * @returns undefined where the system does not tell of its processes as Linux does.
 */
export async function watchWorkerdMemory(
  ancestor: number,
  work: () => Promise<void>,
): Promise<Memory | undefined> {
  if (process.platform !== "linux") {
    await work();
    return undefined;
  }
  const before = workerdMemory(ancestor);
  let peak = before;
  const look = setInterval(() => {
    peak = Math.max(peak, workerdMemory(ancestor));
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return { before, peak: Math.max(peak, workerdMemory(ancestor)) };
}
