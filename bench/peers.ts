import { join } from "node:path";
import { installDependencies } from "../cli/dependencies.mjs";

/**
 * Installs what is compared with, on first use. It has a lockfile of its own, so that nobody who only uses the
 * project has to fetch it.
 * @throws {PreparationError} when it can't be had
 */
export async function installPeers(root: string): Promise<void> {
  await installDependencies(join(root, "bench/peers"), "peers");
}
