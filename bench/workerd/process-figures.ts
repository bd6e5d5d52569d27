import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second in /proc: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * The processor time a process has used, in seconds.
 * @returns undefined where the system does not tell as Linux does
 */
export function processorSeconds(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The program's name may hold spaces and brackets; the fields after it do not.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields === undefined) return undefined;
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return (user + system) / TICKS_PER_SECOND;
}

/**
 * The processor time of all threads that a process has now, in nanoseconds: finer than {@link processorSeconds}, but
 * without what threads used that have ended.
 * @returns undefined where the system does not tell as Linux does
 */
export function processorNanoseconds(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((thread) => read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0]);
    return times.reduce((total, time) => total + Number(time ?? 0), 0);
  } catch {
    return undefined;
  }
}

/**
 * The resident memory of a process, in bytes.
 * @returns undefined where the system does not tell as Linux does
 */
export function residentMemory(pid: number): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/**
 * How many files a process has open, and how many it may have.
 * @returns undefined where the system does not tell as Linux does
 */
export function openFiles(pid: number): { readonly open: number; readonly limit: number } | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? "")?.[1];
    return { open: readdirSync(`/proc/${pid}/fd`).length, limit: Number(limit) };
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
