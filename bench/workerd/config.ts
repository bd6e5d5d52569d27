/** A binding of a Worker, by what it leads to. */
export type Binding = { readonly name: string } & (
  | { readonly text: string }
  | { readonly service: string }
  /** A KV namespace or a D1 database; the value is the service that answers behind it. */
  | { readonly kv: string }
  | { readonly d1: string }
  /** A class of Durable Objects, this Worker's own or another one's. */
  | { readonly durableObject: string; readonly of?: string | undefined }
);

/** One Worker in a workerd process. */
export interface WorkerService {
  readonly name: string;
  /** The files of the bundle, the entry first; paths as seen from the configuration file. */
  readonly modules: readonly { readonly path: string; readonly kind: "esModule" | "text" }[];
  readonly bindings: readonly Binding[];
  /** Classes of Durable Objects, all with SQLite. */
  readonly durableObjects: readonly string[];
  /** The service that answers what the Worker fetches; none: the Worker may fetch nothing. */
  readonly outbound: string | undefined;
  readonly compatibilityFlags: readonly string[];
}

export interface ServerConfig {
  readonly services: readonly WorkerService[];
  /** The service that answers on the port. */
  readonly main: string;
  readonly port: number;
  /** The folder in which Durable Objects keep their files. */
  readonly storage: string;
}

/** As in wrangler.toml, for all alike. */
export const COMPATIBILITY_DATE = "2026-10-01";

/**
 * Writes the configuration of one workerd process (workerd.capnp of the workerd package describes the format).
 * The socket believes `X-Forwarded-Proto`, so that a Worker sees the https URL that it has behind Cloudflare.
 */
export function capnpConfig({ services, main, port, storage }: ServerConfig): string {
  const workers = services.map(workerText).join(",\n");
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
${workers},
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
    (name = "nothing", network = (allow = []))
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", service = ${text(main)},
     http = (forwardedProtoHeader = "X-Forwarded-Proto"))
  ]
);
`;
}

function workerText(service: WorkerService): string {
  const { name, modules, bindings, durableObjects, outbound, compatibilityFlags } = service;
  const parts = [
    `modules = [${modules.map(({ path, kind }) => `(name = ${text(path.split("/").at(-1) ?? path)}, ${kind} = embed ${text(path)})`).join(", ")}]`,
    `compatibilityDate = ${text(COMPATIBILITY_DATE)}`,
    `compatibilityFlags = [${compatibilityFlags.map(text).join(", ")}]`,
    `bindings = [${bindings.map(bindingText).join(", ")}]`,
    `globalOutbound = ${text(outbound ?? "nothing")}`,
  ];
  if (durableObjects.length > 0) {
    const classes = durableObjects.map(
      (className) =>
        `(className = ${text(className)}, uniqueKey = ${text(`${name}-${className}`)}, enableSql = true)`,
    );
    parts.push(`durableObjectNamespaces = [${classes.join(", ")}]`);
    parts.push(`durableObjectStorage = (localDisk = "storage")`);
  }
  return `    (name = ${text(name)}, worker = (\n      ${parts.join(",\n      ")}\n    ))`;
}

function bindingText(binding: Binding): string {
  const name = `name = ${text(binding.name)}`;
  if ("text" in binding) return `(${name}, text = ${text(binding.text)})`;
  if ("service" in binding) return `(${name}, service = ${text(binding.service)})`;
  if ("kv" in binding) return `(${name}, kvNamespace = ${text(binding.kv)})`;
  if ("durableObject" in binding)
    return `(${name}, durableObjectNamespace = (className = ${text(binding.durableObject)}${binding.of === undefined ? "" : `, serviceName = ${text(binding.of)}`}))`;
  const inner = `(name = "fetcher", service = ${text(binding.d1)})`;
  return `(${name}, wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [${inner}]))`;
}

/** A Cap'n Proto string literal. @throws on control characters, which JSON escapes in another way */
function text(value: string): string {
  for (const character of value) {
    if (character < " " && character !== "\n" && character !== "\t")
      throw new Error(`a control character in ${value.slice(0, 80)}`);
  }
  return JSON.stringify(value);
}
