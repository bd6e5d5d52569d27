import { existsSync, statfsSync } from "node:fs";

/** Where Linux keeps a file system in memory. */
const MEMORY = "/dev/shm";

/** What the storage of all tests together may take, in bytes. */
const NEEDED = 512 * 1024 * 1024;

/**
 * A folder in memory, for storage that lives for one test and need not wait for a disk.
 * @returns undefined where there is none, or none with enough room
 */
export function memoryFolder(): string | undefined {
  if (!existsSync(MEMORY)) return undefined;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize > NEEDED ? MEMORY : undefined;
}
