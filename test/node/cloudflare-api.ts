import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

/** One account at Cloudflare, as far as wrangler asks for it when a worker is set up. Its databases are SQLite. */
export interface Account {
  /** For CLOUDFLARE_API_BASE_URL. */
  readonly url: string;
  /** Every request, `METHOD path`, without the query. */
  readonly calls: string[];
  readonly kv: Map<string, string>;
  /** The ids of queues by name. */
  readonly queues: Map<string, string>;
  readonly databases: Map<string, { readonly uuid: string; readonly sqlite: DatabaseSync }>;
  /** How many queries of a database are turned away because of too many before. */
  busy: number;
  /** Keys of every namespace alike. */
  keys: readonly string[];
  /** What was written to a namespace, by its id and then by key. */
  readonly values: Map<string, Map<string, StoredValue>>;
  /** How many reads of values show nothing yet of what was written before, as Cloudflare's KV does for a while. */
  staleReads: number;
  readonly secrets: Map<string, string>;
  /** What the last upload of the worker bound, by name. */
  readonly uploaded: Map<string, Readonly<Record<string, unknown>>>;
  /** Hosts that are the worker's own. */
  domains: readonly string[];
  /** Whether the worker has been deployed. */
  exists: boolean;
  /** Refuses what the pattern fits, with an error of Cloudflare's. */
  refusal:
    | { readonly pattern: RegExp; readonly status: number; readonly code: number; readonly message: string }
    | undefined;
  readonly close: () => Promise<void>;
}

/** As many keys Cloudflare lists at a time. */
const KEYS_OF_A_PAGE = 1_000;

interface StoredValue {
  readonly value: string;
  readonly metadata: unknown;
}

interface Answer {
  readonly status?: number;
  readonly result?: unknown;
  /** Where the next page of a list begins. */
  readonly cursor?: string | undefined;
  readonly error?: { readonly code: number; readonly message: string };
}

const NO_WORKER: Answer = {
  status: 404,
  error: { code: 10007, message: "This Worker does not exist on your account." },
};

export async function openAccount(): Promise<Account> {
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const path = (request.url ?? "").split("?")[0] ?? "";
    const call = `${request.method} ${path.replace(/^\/client\/v4\/accounts\/[^/]+/, "")}`;
    account.calls.push(call);
    const parameters = new URLSearchParams((request.url ?? "").split("?")[1]);
    const page = Number(parameters.get("page") ?? 1);
    const {
      status = 200,
      result = null,
      cursor,
      error,
    }: Answer = page > 1 ? { result: [] } : answerTo(call, body, parameters);
    const errors = error === undefined ? [] : [error];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ success: error === undefined, errors, messages: [], result, result_info: { cursor } }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const account: Account = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    calls: [],
    kv: new Map(),
    queues: new Map(),
    databases: new Map(),
    busy: 0,
    keys: [],
    values: new Map(),
    staleReads: 0,
    secrets: new Map(),
    uploaded: new Map(),
    domains: [],
    exists: false,
    refusal: undefined,
    close: () => new Promise((closed) => server.close(() => closed())),
  };

  function answerTo(call: string, body: string, parameters: URLSearchParams): Answer {
    const { refusal } = account;
    if (refusal?.pattern.test(call) === true)
      return { status: refusal.status, error: { code: refusal.code, message: refusal.message } };
    if (call === "GET /storage/kv/namespaces")
      return { result: Array.from(account.kv, ([title, id]) => ({ title, id })) };
    if (call === "POST /storage/kv/namespaces") return makeKv(JSON.parse(body).title);
    if (call === "GET /queues" && account.queues.size > 0)
      return {
        result: Array.from(account.queues, ([name, id]) => ({ queue_name: name, queue_id: id })).filter(
          ({ queue_name: name }) => name === (parameters.get("name") ?? name),
        ),
      };
    if (call === "GET /d1/database")
      return { result: Array.from(account.databases, ([name, { uuid }]) => ({ name, uuid })) };
    if (call === "POST /d1/database") return { result: makeDatabase(JSON.parse(body).name) };
    const [, named] = /^GET \/d1\/database\/([\w-]+)$/.exec(call) ?? [];
    if (named !== undefined) return databaseNamed(named);
    const [, uuid] = /^POST \/d1\/database\/([\w-]+)\/query$/.exec(call) ?? [];
    if (uuid !== undefined && account.busy > 0) {
      account.busy -= 1;
      return {
        status: 429,
        error: { code: 971, message: "Please wait and consider throttling your request speed" },
      };
    }
    if (uuid !== undefined) {
      const asked = JSON.parse(body) as { sql: string } | { batch: readonly BoundSql[] };
      return "batch" in asked ? batch(uuid, asked.batch) : query(uuid, asked.sql);
    }
    const [, namespace, of] =
      /^[A-Z]+ \/storage\/kv\/namespaces\/([\w-]+)\/(keys|bulk|bulk\/get|bulk\/delete)$/.exec(call) ?? [];
    if (namespace !== undefined) return valuesOf(namespace, of, body, parameters);
    if (call.startsWith("DELETE ")) return deleted(call.slice("DELETE ".length));
    if (call.includes("assets-upload-session")) return { result: { jwt: "a-token", buckets: [] } };
    if (call.endsWith("/secrets") && call.startsWith("GET"))
      return account.exists
        ? { result: [...account.secrets.keys()].map((name) => ({ name, type: "secret_text" })) }
        : NO_WORKER;
    if (call.endsWith("/secrets")) {
      if (!account.exists) return NO_WORKER;
      const { name, text } = JSON.parse(body) as { name: string; text: string };
      account.secrets.set(name, text);
      return { result: { name } };
    }
    if (/^PUT \/workers\/scripts\/[\w-]+$/.test(call)) {
      account.exists = true;
      // What is inherited stays as the version before had it.
      for (const binding of bindingsIn(body))
        if (binding.type !== "inherit") account.uploaded.set(String(binding.name), binding);
      return { result: { id: "the-worker", startup_time_ms: 1, deployment_id: "1" } };
    }
    if (call.endsWith("/domains/changeset"))
      return { result: { added: [], removed: [], updated: [], conflicting: [] } };
    if (call.endsWith("/domains/records")) {
      account.domains = (JSON.parse(body).origins as { hostname: string }[]).map(({ hostname }) => hostname);
      return { result: [] };
    }
    if (/^GET \/workers\/(services|scripts)\//.test(call) && !account.exists) return NO_WORKER;
    if (/^GET \/workers\/scripts\/[\w-]+\/settings$/.test(call))
      return { result: { bindings: [...account.uploaded.values()] } };
    if (call.startsWith("GET /workers/services/"))
      return { result: { default_environment: { script: { last_deployed_from: "wrangler" } } } };
    if (call.endsWith("/deployments")) return { result: { deployments: [] } };
    return { result: { id: "1", subdomain: "club", enabled: false, previews_enabled: false } };
  }

  /** The values of a namespace: listed, read, written and deleted in bulk, as Cloudflare's API has it. */
  function valuesOf(
    namespace: string,
    of: string | undefined,
    body: string,
    parameters: URLSearchParams,
  ): Answer {
    const values = account.values.get(namespace) ?? new Map<string, StoredValue>();
    account.values.set(namespace, values);
    if (of === "keys") {
      const written = Array.from(values, ([name, { metadata }]) => ({ name, metadata }));
      const prefix = parameters.get("prefix") ?? "";
      const all = [...account.keys.map((name) => ({ name })), ...written].filter(({ name }) =>
        name.startsWith(prefix),
      );
      const from = Number(parameters.get("cursor") ?? 0);
      const next = from + KEYS_OF_A_PAGE < all.length ? String(from + KEYS_OF_A_PAGE) : "";
      return { result: all.slice(from, from + KEYS_OF_A_PAGE), cursor: next };
    }
    if (of === "bulk/get") {
      const { keys } = JSON.parse(body) as { keys: readonly string[] };
      const isStale = account.staleReads > 0;
      if (isStale) account.staleReads -= 1;
      const shown = keys.map((key) => [key, isStale ? null : (values.get(key)?.value ?? null)] as const);
      return { result: { values: Object.fromEntries(shown) } };
    }
    if (of === "bulk/delete") for (const key of JSON.parse(body) as readonly string[]) values.delete(key);
    else
      for (const { key, value, metadata } of JSON.parse(body) as readonly (StoredValue & { key: string })[])
        values.set(key, { value, metadata });
    return { result: { successful_key_count: 1, unsuccessful_keys: [] } };
  }

  function makeKv(title: string): Answer {
    if (account.kv.has(title))
      return {
        status: 400,
        error: { code: 10014, message: "a namespace with this account ID and title already exists" },
      };
    const id = `kv-${account.kv.size + 1}`;
    account.kv.set(title, id);
    return { result: { id, title } };
  }

  function deleted(path: string): Answer {
    const id = path.split("/").at(-1);
    if (path.startsWith("/storage/kv/namespaces/")) {
      const title = [...account.kv].find(([, known]) => known === id)?.[0];
      return title !== undefined && account.kv.delete(title) ? {} : { status: 404 };
    }
    if (path.startsWith("/queues/")) {
      const name = [...account.queues].find(([, known]) => known === id)?.[0];
      return name !== undefined && account.queues.delete(name) ? {} : { status: 404 };
    }
    if (path.startsWith("/d1/database/")) {
      const name = [...account.databases].find(([, { uuid }]) => uuid === id)?.[0];
      return name !== undefined && account.databases.delete(name) ? {} : { status: 404 };
    }
    if (!account.exists) return NO_WORKER;
    account.exists = false;
    account.secrets.clear();
    account.uploaded.clear();
    return {};
  }

  function databaseNamed(text: string): Answer {
    const found = [...account.databases].find(([name, { uuid }]) => text === name || text === uuid);
    if (found === undefined)
      return { status: 404, error: { code: 7404, message: "The database was not found." } };
    const [name, { uuid }] = found;
    return { result: { name, uuid } };
  }

  function makeDatabase(name: string) {
    const uuid = `00000000-0000-4000-8000-00000000000${account.databases.size + 1}`;
    account.databases.set(name, { uuid, sqlite: new DatabaseSync(":memory:") });
    return { uuid, name };
  }

  function query(uuid: string, sql: string): Answer {
    const database = [...account.databases.values()].find((one) => one.uuid === uuid);
    if (database === undefined)
      return { status: 404, error: { code: 7404, message: "The database was not found." } };
    if (/^\s*SELECT/i.test(sql))
      return { result: [{ results: database.sqlite.prepare(sql).all(), success: true, meta: {} }] };
    database.sqlite.exec(sql);
    return { result: [{ results: [], success: true, meta: {} }] };
  }

  /** Statements with bound values, all or none, as D1's API takes them. */
  function batch(uuid: string, statements: readonly BoundSql[]): Answer {
    const sqlite = [...account.databases.values()].find((one) => one.uuid === uuid)?.sqlite;
    if (sqlite === undefined)
      return { status: 404, error: { code: 7404, message: "The database was not found." } };
    sqlite.exec("BEGIN");
    try {
      const result = statements.map(({ sql, params }) => {
        const results = sqlite.prepare(sql).all(...numbered(params));
        const { changes } = { changes: 0, ...sqlite.prepare("SELECT changes() AS changes").get() };
        return { results, success: true, meta: { changes: Number(changes), duration: 0.1 } };
      });
      sqlite.exec("COMMIT");
      return { result };
    } catch (error) {
      sqlite.exec("ROLLBACK");
      return { status: 400, error: { code: 7500, message: error instanceof Error ? error.message : "" } };
    }
  }

  return account;
}

interface BoundSql {
  readonly sql: string;
  readonly params: readonly (string | number)[];
}

/** Whole numbers as SQLite keeps them; node:sqlite binds every other number as a fraction. */
function numbered(params: readonly (string | number)[]): readonly (string | bigint)[] {
  return params.map((value) => (typeof value === "number" ? BigInt(value) : value));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

/** The bindings in the metadata of an upload, which is the first JSON of a form. */
function bindingsIn(form: string): readonly Readonly<Record<string, unknown>>[] {
  const metadata = /name="metadata"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(\{.*\})\r\n/.exec(form)?.[1];
  const { bindings = [] } = JSON.parse(metadata ?? "{}") as {
    bindings?: Readonly<Record<string, unknown>>[];
  };
  return bindings;
}
