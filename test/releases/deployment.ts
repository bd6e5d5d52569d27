import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { OURS_D1 } from "../../bench/designs/ours.ts";
import type { Provider } from "../../bench/load/provider.ts";
import type { Binding, WorkerService } from "../../bench/workerd/config.ts";
import type { Cores } from "../../bench/workerd/cores.ts";
import { type Server, startServer } from "../../bench/workerd/server.ts";
import type { Release } from "./release.ts";

/** A deployment on this machine: workerd as it runs at Cloudflare, with what it stores in a folder that outlives it. */
export interface Deployment {
  /** The code at the edge. */
  readonly edge: Pick<Release, "folder" | "modules">;
  /** The code of the Durable Objects, where a deployment has not reached it, or not the edge, yet. */
  readonly objects?: Pick<Release, "folder" | "modules"> | undefined;
  /** Names of the migrations that the database has; those it lacks are applied. */
  readonly migrations: readonly string[];
  /** Where everything stored is, and `services/`, as `buildServices` makes it. */
  readonly folder: string;
  readonly provider: Provider;
  /** Settings that differ from those of a site with accounts in D1. */
  readonly vars?: Readonly<Record<string, string>>;
  /** What is stored before the first request ever. */
  readonly stored?: { readonly kv: Readonly<Record<string, string>>; readonly sql: string } | undefined;
  /** What each of many sites may finish in a minute (LOGIN_SITE_LIMITER); without it, as much as comes. */
  readonly share?: number;
  readonly cores?: Cores | undefined;
}

const OBJECTS = { LOGIN_ATTEMPTS: "LoginAttempts", USER_SESSIONS: "UserSessions" } as const;

/** Starts a deployment and waits until it answers. Storage is the same whatever code runs on it. */
export function startDeployment({
  edge,
  objects = edge,
  migrations,
  folder,
  provider,
  vars = {},
  stored,
  share,
  cores,
}: Deployment): Promise<Server> {
  const isMixed = objects !== edge;
  // Objects are found by the name of the service that they live in.
  const home = "main";
  const bindings: readonly Binding[] = [
    ...Object.entries({ ...OURS_D1.vars(provider), ...vars }).map(([name, text]) => ({ name, text })),
    { name: "ASSETS", service: "assets" },
    { name: "VIPPS_METADATA", kv: "kv" },
    { name: "SITES", kv: "kv" },
    { name: "ACCOUNTS_DB", d1: "d1" },
    ...(share === undefined ? [] : [{ name: "LOGIN_SITE_LIMITER", service: "limiter" }]),
  ];
  const namespaces = (of: string | undefined): readonly Binding[] =>
    Object.entries(OBJECTS).map(([name, durableObject]) => ({ name, durableObject, of }));
  const worker = (name: string, code: Deployment["edge"], of: string | undefined): WorkerService => ({
    name,
    modules: code.modules.map(({ file, kind }) => ({
      kind,
      path: relative(folder, join(code.folder, file)),
    })),
    bindings: [...bindings, ...namespaces(of)],
    durableObjects: of === undefined ? Object.values(OBJECTS) : [],
    outbound: "provider",
    compatibilityFlags: [],
  });
  const schema = Object.fromEntries([
    ...migrations.map((name) => [name, readFileSync(resolve("migrations", name), "utf8")]),
    ...(stored === undefined ? [] : [["what is stored at first", stored.sql]]),
  ]);
  const service = (
    name: string,
    durableObject: string | undefined,
    own: readonly Binding[],
  ): WorkerService => ({
    name,
    modules: [{ kind: "esModule", path: `services/${name}.js` }],
    bindings: [
      ...own,
      ...(durableObject === undefined ? [] : [{ name: durableObject.toUpperCase(), durableObject }]),
    ],
    durableObjects: durableObject === undefined ? [] : [durableObject],
    outbound: undefined,
    compatibilityFlags: [],
  });
  const services = [
    worker(home, objects, undefined),
    ...(isMixed ? [worker("edge", edge, home)] : []),
    service("assets", undefined, []),
    service("provider", undefined, [
      { name: "DISCOVERY", text: provider.discovery },
      { name: "JWKS", text: provider.jwks },
    ]),
    ...(share === undefined ? [] : [service("limiter", undefined, [{ name: "LIMIT", text: String(share) }])]),
    service("kv", "Namespace", [{ name: "STORED", text: JSON.stringify(stored?.kv ?? {}) }]),
    service("d1", "Database", [{ name: "SCHEMA", text: JSON.stringify(schema) }]),
  ];
  return startServer({ folder, services, main: isMixed ? "edge" : home, cores });
}
