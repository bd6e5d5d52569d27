import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import type { Provider } from "../../bench/load/provider.ts";
import { buildServices } from "../../bench/running-design.ts";
import type { Server } from "../../bench/workerd/server.ts";
import { startDeployment } from "../releases/deployment.ts";
import { buildRelease, type Release } from "../releases/release.ts";

/** Builds the Worker as it is, with faults around it. @param folder where its code goes */
export async function buildFaulty(folder: string): Promise<Release> {
  const plain = await buildRelease(resolve("."), join(folder, "plain"));
  const entry = join(folder, "entry.ts");
  // What is faulty comes first: it sets the clock that the Worker reads while it is loaded.
  writeFileSync(
    entry,
    `import { faultyObject, faultyWorker } from ${JSON.stringify(resolve("test/chaos/faulty.ts"))};
import worker, { LoginAttempts as A, UserSessions as S } from ${JSON.stringify(resolve("src/index.ts"))};
export const LoginAttempts = faultyObject(A);
export const UserSessions = faultyObject(S);
export default faultyWorker(worker);
`,
  );
  await build({
    entryPoints: [entry],
    outfile: join(folder, "worker.js"),
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "error",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".client.js": "text" },
  });
  return { ...plain, folder };
}

/** One storage, and what runs on it. */
export interface Storage {
  readonly folder: string;
  /** 0 while nothing runs. */
  port(): number;
  stop(): Promise<void>;
  /** Starts a deployment in the place of the one before, which is killed. @param objects the code of the objects, if other */
  start(edge: Release, vars?: Readonly<Record<string, string>>, objects?: Release): Promise<void>;
}

/** @param migrations those of the newest code: they only add, so older code runs on them too */
export async function openStorage(
  folder: string,
  provider: Provider,
  migrations: Release["migrations"],
): Promise<Storage> {
  mkdirSync(folder, { recursive: true });
  await buildServices(folder);
  let server: Server | undefined;
  return {
    folder,
    port: () => server?.port ?? 0,
    async stop() {
      const ending = server;
      server = undefined;
      await ending?.stop();
    },
    async start(edge, vars = {}, objects = edge) {
      await server?.stop();
      server = await startDeployment({ edge, objects, migrations, folder, provider, vars });
    },
  };
}
