import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import type { Bundle } from "./bundle.ts";
import type { Design } from "./designs/design.ts";
import { openConnection } from "./load/connection.ts";
import type { Provider } from "./load/provider.ts";
import { newVisitor, type Visitor } from "./load/visitor.ts";
import type { Binding, WorkerService } from "./workerd/config.ts";
import type { Cores } from "./workerd/cores.ts";
import { type Server, startServer } from "./workerd/server.ts";

/** What all designs of one run share. */
export interface Surroundings {
  /** A folder of this run. */
  readonly folder: string;
  readonly provider: Provider;
  readonly cores: Cores | undefined;
}

/** The services that stand beside a design: what answers behind its bindings, and the provider. */
const SERVICES = {
  ...{ kv: "Namespace", d1: "Database" },
  ...{ assets: undefined, provider: undefined, limiter: undefined },
} as const;

type ServiceName = keyof typeof SERVICES;

/** Bundles the services once for all designs of a run. */
export async function buildServices(folder: string): Promise<void> {
  await build({
    entryPoints: (Object.keys(SERVICES) as ServiceName[]).map((name) => `bench/workers/${name}.ts`),
    outdir: join(folder, "services"),
    bundle: true,
    minify: true,
    format: "esm",
    external: ["cloudflare:*"],
  });
}

/**
 * Starts a design on a workerd process of its own, with everything that it is bound to.
 * @param folder where the process keeps its files; two processes with the same folder share what is stored
 */
export function startDesign(
  design: Design,
  bundle: Pick<Bundle, "folder" | "modules">,
  { provider, cores, folder: runFolder }: Surroundings,
  folder: string,
  inspector = false,
): Promise<Server> {
  const { bindings } = design;
  const main: WorkerService = {
    name: "main",
    modules: bundle.modules.map(({ file, kind }) => ({
      kind,
      path: relative(folder, join(bundle.folder, file)),
    })),
    bindings: [
      ...Object.entries(design.vars(provider)).map(([name, text]) => ({ name, text })),
      ...(bindings.assets ? [{ name: "ASSETS", service: "assets" }] : []),
      ...(bindings.kv === undefined ? [] : [{ name: bindings.kv, kv: "kv" }]),
      ...(bindings.d1 === undefined ? [] : [{ name: bindings.d1.name, d1: "d1" }]),
      ...Object.entries(bindings.durableObjects).map(([name, durableObject]) => ({ name, durableObject })),
    ],
    durableObjects: Object.values(bindings.durableObjects),
    outbound: "provider",
    compatibilityFlags: design.compatibilityFlags,
  };
  const service = (name: ServiceName, own: readonly Binding[] = []): WorkerService => ({
    name,
    modules: [{ kind: "esModule", path: relative(folder, join(runFolder, "services", `${name}.js`)) }],
    bindings: [
      ...own,
      ...(SERVICES[name] === undefined
        ? []
        : [{ name: SERVICES[name].toUpperCase(), durableObject: SERVICES[name] }]),
    ],
    durableObjects: SERVICES[name] === undefined ? [] : [SERVICES[name]],
    outbound: undefined,
    compatibilityFlags: [],
  });
  const schema = JSON.stringify(
    Object.fromEntries((bindings.d1?.schema ?? []).map((file) => [file, readFileSync(file, "utf8")])),
  );
  const services = [
    main,
    service("assets"),
    service("provider", [
      { name: "DISCOVERY", text: provider.discovery },
      { name: "JWKS", text: provider.jwks },
    ]),
    ...(bindings.kv === undefined ? [] : [service("kv")]),
    ...(bindings.d1 === undefined ? [] : [service("d1", [{ name: "SCHEMA", text: schema }])]),
  ];
  return startServer({ folder, services, main: "main", cores, inspector });
}

/**
 * A whole login: start, provider, callback.
 * @returns the browser that is logged in now
 * @throws Error when the design does not let the person in
 */
export async function logIn(
  design: Design,
  port: number,
  provider: Provider,
  person: number,
): Promise<Visitor> {
  if (design.login === undefined) throw new Error(`${design.name} has no login`);
  const connection = openConnection(port);
  try {
    const visitor = newVisitor(connection);
    const back = await provider.confirm(await design.login.start(visitor), person);
    const finished = await visitor.send({ path: back });
    assertLoggedIn(design, finished.status, finished.headers.location, finished.body);
    return visitor;
  } finally {
    await connection.close();
  }
}

/** @throws Error unless the answer to a callback sends the browser on into the site */
export function assertLoggedIn(design: Design, status: number, location: unknown, body: string): void {
  const well =
    (status === 302 || status === 303) && typeof location === "string" && !location.includes("error");
  if (well) return;
  throw new Error(
    `${design.name}: the callback answered ${status}, location ${String(location)}: ${body.slice(0, 400)}`,
  );
}
