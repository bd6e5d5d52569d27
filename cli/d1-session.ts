// A session with the D1 database: statements with bound values, one transaction at a time, here or at Cloudflare.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { databases, inFolder, kvNamespaces, outputOf, type RunCommand } from "./cloudflare-commands.ts";
import { CommandError } from "./command-error.mjs";
import { type D1Target, explained } from "./d1-command.ts";
import { localEntries, openLocalStorage } from "./local-storage.ts";
import { applyMigrations, DEFAULT_STATE } from "./migrations.mjs";
import { migrationsFolder, readConfig } from "./project-config.ts";
import { resourceName } from "./setup/config-text.ts";
import { WRANGLER_OFFLINE } from "./wrangler.mjs";

/** A statement and what stands for `?1`, `?2` … in it. */
export interface BoundStatement {
  readonly sql: string;
  readonly params: readonly (string | number)[];
}

export interface StatementResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly changes: number;
  /** How long the database was at it. */
  readonly milliseconds: number;
}

/** A key of KV as it is listed, and what stands beside its value. */
export interface ListedKey {
  readonly name: string;
  readonly metadata?: unknown;
  /** When it goes by itself, in seconds since the epoch. */
  readonly expiration?: number | undefined;
}

/** A value as it goes into KV. */
export interface NewValue {
  readonly key: string;
  readonly value: string;
  readonly metadata: unknown;
  /** When it goes by itself, in seconds since the epoch; never where undefined. */
  readonly expiration?: number;
}

/** A KV namespace. Each call is one request at Cloudflare, or some; the caller sees to it that they are not too big. */
export interface KvNamespace {
  /** @throws {CommandError} */
  list(prefix: string): Promise<readonly ListedKey[]>;
  /** At most a hundred values, by their keys; those that are not there are missing. @throws {CommandError} */
  read(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** @throws {CommandError}; some of the values may be written then. */
  write(values: readonly NewValue[]): Promise<void>;
  /** @throws {CommandError} */
  delete(keys: readonly string[]): Promise<void>;
}

/** A connection to one database and the namespace of sites beside it. */
export interface D1Session {
  /** The variables of wrangler.toml. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Carries statements out in order, all or none. @throws {CommandError}, where there is no database too. */
  batch(statements: readonly BoundStatement[]): Promise<readonly StatementResult[]>;
  /** Keys of the namespace VIPPS_METADATA that begin with a prefix. @throws {CommandError} */
  metadataKeys(prefix: string): Promise<readonly ListedKey[]>;
  /** Where the documents of further sites are. */
  readonly sites: KvNamespace;
  close(): Promise<void>;
}

const databaseError = (message: string) => new CommandError(message, "database");

/** The names of the bindings in the configuration. */
const DATABASE = "ACCOUNTS_DB";
const SITES = "SITES";
const METADATA = "VIPPS_METADATA";

const noDatabase = () => databaseError(`wrangler.toml has no D1 database ${DATABASE}.`);
const noNamespace = () => databaseError(`There is no KV namespace ${SITES}.`);

/**
 * Opens a session. Here the database's own file is opened once for all statements, beside a running worker or
 * without one, and with the first of them gets the tables it lacks; at Cloudflare each batch is one request to its API, which keeps the database answering in between,
 * as a file of SQL (wrangler's `d1 execute --file`) does not.
 * @throws {CommandError}
 */
export async function openSession(target: D1Target): Promise<D1Session> {
  const open = kept.get(nameOf(target));
  if (open !== undefined) return { ...open, close: async () => undefined };
  return target.remote ? openRemote(target) : openLocal(target);
}

/** Sessions that are kept open for further commands, by what they are opened on. */
const kept = new Map<string, D1Session>();

const nameOf = ({ root, remote, environment, persistTo }: D1Target): string =>
  JSON.stringify([root, remote, environment, persistTo]);

/**
 * Keeps a session for all commands of this process that follow: opening it is most of what a small one takes.
 * @param session in place of the storage of the target.
 * @returns the session, which its `close` takes away again.
 * @throws {CommandError}
 */
export async function keepSession(target: D1Target, session?: D1Session): Promise<D1Session> {
  const open = session ?? (await openSession(target));
  kept.set(nameOf(target), open);
  return {
    ...open,
    async close() {
      kept.delete(nameOf(target));
      await open.close();
    },
  };
}

/** What is read of the configuration, at the top or of one environment: neither has the other's. */
const sectionSchema = v.object({
  vars: v.optional(v.record(v.string(), v.unknown()), {}),
  d1_databases: v.optional(
    v.array(
      v.object({
        binding: v.string(),
        database_name: v.optional(v.string()),
        database_id: v.optional(v.string()),
        preview_database_id: v.optional(v.string()),
      }),
    ),
    [],
  ),
  kv_namespaces: v.optional(v.array(v.object({ binding: v.string(), id: v.optional(v.string()) })), []),
});

const configSchema = v.object({
  ...sectionSchema.entries,
  name: v.optional(v.string(), ""),
  account_id: v.optional(v.string()),
  env: v.optional(
    v.record(
      v.string(),
      v.object({
        ...sectionSchema.entries,
        name: v.optional(v.string()),
        account_id: v.optional(v.string()),
      }),
    ),
    {},
  ),
});

/** What the configuration says of the database and what is beside it. @throws {CommandError} */
function readSection({ root, environment = process.env.CLOUDFLARE_ENV }: D1Target) {
  const { name, values } = readConfig(root);
  const whole = v.safeParse(configSchema, values);
  if (!whole.success)
    throw databaseError(`${name} cannot be read: ${v.getDotPath(whole.issues[0]) ?? "it"} is malformed.`);
  const top = whole.output;
  const own = environment === undefined || environment === "" ? top : top.env[environment];
  if (own === undefined) throw databaseError(`${name} has no environment "${environment}".`);
  const database = own.d1_databases.find(({ binding }) => binding === DATABASE);
  return {
    vars: own.vars,
    database,
    sites: own.kv_namespaces.find(({ binding }) => binding === SITES),
    metadata: own.kv_namespaces.find(({ binding }) => binding === METADATA),
    workerName: own === top ? top.name : (own.name ?? `${top.name}-${environment}`),
    accountId: own.account_id ?? top.account_id,
  };
}

function openLocal(target: D1Target): D1Session {
  const { root, environment = process.env.CLOUDFLARE_ENV } = target;
  const { vars, database, sites, metadata } = readSection(target);
  const state = target.persistTo ?? join(target.root, DEFAULT_STATE);
  const id = database?.preview_database_id ?? database?.database_id ?? DATABASE;
  let opening: Promise<DatabaseSync | undefined> | undefined;
  const openFile = async () => {
    // As "vipps-login dev" does; the migrations of an environment are applied by whoever chose to have one here.
    if (environment === undefined) await applyMigrations(root, state, migrationsFolder(root));
    return openLocalStorage("d1", state, id);
  };
  const namespace = localNamespace(state, sites?.id);
  return {
    vars,
    async batch(statements) {
      if (database === undefined) throw noDatabase();
      opening ??= openFile();
      const file = await opening;
      try {
        if (file === undefined) throw new Error("no such table: accounts");
        return inTransaction(file, () => statements.map((statement) => carryOut(file, statement)));
      } catch (error) {
        throw databaseError(explained(error instanceof Error ? error.message : String(error), target));
      }
    },
    async metadataKeys(prefix) {
      return localEntries(state, metadata?.id ?? METADATA, prefix);
    },
    sites: namespace,
    async close() {
      // Whoever waited for it has heard why it could not be opened.
      (await opening?.catch(() => undefined))?.close();
      await namespace.close();
    },
  };
}

/** KV as wrangler opens it here, as far as a session needs it. */
interface OpenNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { metadata: unknown; expiration?: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

/** The namespace on this machine, opened by wrangler once it is needed: only that knows how values are kept. */
function localNamespace(state: string, id: string | undefined): KvNamespace & { close(): Promise<void> } {
  let opening: Promise<{ readonly store: OpenNamespace; close(): Promise<void> }> | undefined;
  const kv = async <Result>(use: (store: OpenNamespace) => Promise<Result>) => {
    try {
      opening ??= openNamespace(state, id);
      return await use((await opening).store);
    } catch (error) {
      throw databaseError(
        `KV could not be reached: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  return {
    close: async () => (await opening)?.close(),
    // Without wrangler, which takes seconds to load.
    list: async (prefix) => localEntries(state, id ?? SITES, prefix),
    read: async (keys) =>
      keys.length === 0
        ? new Map()
        : kv(async (store) => {
            const values = await Promise.all(keys.map(async (key) => [key, await store.get(key)] as const));
            return new Map(values.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])));
          }),
    write: (values) =>
      kv(async (store) => {
        await Promise.all(values.map(({ key, value, ...options }) => store.put(key, value, options)));
      }),
    delete: (keys) =>
      kv(async (store) => {
        await Promise.all(keys.map((key) => store.delete(key)));
      }),
  };
}

async function openNamespace(state: string, id: string | undefined) {
  // As wrangler reads them when it is loaded: results are ours to print, not its.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const { getPlatformProxy } = await import("wrangler");
  const folder = mkdtempSync(join(tmpdir(), "kv-"));
  const configPath = join(folder, "wrangler.json");
  const kv_namespaces = [{ binding: SITES, ...(id !== undefined && { id }) }];
  writeFileSync(
    configPath,
    JSON.stringify({ name: "session", compatibility_date: "2026-10-01", kv_namespaces }),
  );
  const proxy = await getPlatformProxy<{ readonly [SITES]: OpenNamespace }>({
    configPath,
    persist: { path: join(state, "v3") },
    remoteBindings: false,
    envFiles: [],
  });
  return {
    store: proxy.env[SITES],
    async close() {
      await proxy.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function inTransaction<Value>(file: DatabaseSync, work: () => Value): Value {
  file.exec("BEGIN IMMEDIATE");
  try {
    const value = work();
    file.exec("COMMIT");
    return value;
  } catch (error) {
    if (file.isTransaction) file.exec("ROLLBACK");
    throw error;
  }
}

function carryOut(file: DatabaseSync, { sql, params }: BoundStatement): StatementResult {
  const startedAt = performance.now();
  const counted = () => file.prepare("SELECT total_changes() AS total, changes() AS changes").get();
  const before = counted()?.total;
  const rows = file.prepare(sql).all(...params);
  const after = counted();
  // changes() still tells of the statement before where this one changed nothing.
  const changes = after?.total === before ? 0 : Number(after?.changes);
  return { rows, changes, milliseconds: performance.now() - startedAt };
}

/** wrangler's login as `wrangler auth token --json` prints it. */
const credentials = v.variant("type", [
  v.object({ type: v.picklist(["oauth", "api_token"]), token: v.string() }),
  v.object({ type: v.literal("api_key"), key: v.string(), email: v.string() }),
]);

const whoami = v.object({ accounts: v.array(v.object({ id: v.string() })) });

/** What the API answers with, whatever it was asked. */
const envelope = v.object({
  success: v.boolean(),
  errors: v.array(v.object({ message: v.string() })),
  result: v.unknown(),
  result_info: v.optional(v.nullable(v.object({ cursor: v.optional(v.string()) }))),
});

const queryResult = v.array(
  v.object({
    results: v.array(v.record(v.string(), v.unknown())),
    meta: v.object({ changes: v.optional(v.number(), 0), duration: v.optional(v.number(), 0) }),
  }),
);

const keyList = v.array(
  v.object({ name: v.string(), metadata: v.optional(v.unknown()), expiration: v.optional(v.number()) }),
);

const bulkValues = v.object({
  values: v.record(v.string(), v.nullable(v.string())),
});

const bulkWritten = v.nullable(
  v.object({ unsuccessful_keys: v.optional(v.nullable(v.array(v.string())), []) }),
);

/** How often a request is made before it is given up, and how long to wait before the second, in milliseconds. */
const TRIES = 5;
const FIRST_WAIT = 1_000;

async function openRemote(target: D1Target): Promise<D1Session> {
  const { root } = target;
  const { vars, database, sites, metadata, workerName, accountId } = readSection(target);
  const run = inFolder(root);
  const ask = async (...args: string[]) => jsonOf(await outputOf(run, { args }));
  const key = v.parse(credentials, await ask("auth", "token", "--json"));
  const account =
    process.env.CLOUDFLARE_ACCOUNT_ID ?? accountId ?? (await onlyAccount(() => ask("whoami", "--json")));
  const id = await databaseId(database, run);
  const api = process.env.CLOUDFLARE_API_BASE_URL ?? "https://api.cloudflare.com/client/v4";
  const headers = {
    "content-type": "application/json",
    ...("token" in key
      ? { authorization: `Bearer ${key.token}` }
      : { "x-auth-key": key.key, "x-auth-email": key.email }),
  };
  const call = (path: string, init: RequestInit = {}) =>
    askPatiently(`${api}/accounts/${account}/${path}`, { ...init, headers }, target);
  const keysOf = async (known: string | undefined, binding: string, prefix: string) => {
    const namespace = known ?? (await kvNamespaces(run)).get(resourceName(workerName, binding));
    const keys: ListedKey[] = [];
    let cursor: string | undefined;
    while (namespace !== undefined && cursor !== "") {
      const query = new URLSearchParams({ prefix, ...(cursor !== undefined && { cursor }) });
      const { result, result_info: page } = await call(`storage/kv/namespaces/${namespace}/keys?${query}`);
      keys.push(...parsed(keyList, result));
      cursor = page?.cursor ?? "";
    }
    return keys;
  };
  return {
    vars,
    async batch(statements) {
      if (id === undefined) throw noDatabase();
      const body = JSON.stringify({ batch: statements });
      const { result } = await call(`d1/database/${id}/query`, { method: "POST", body });
      return parsed(queryResult, result).map(({ results, meta }) => ({
        rows: results,
        changes: meta.changes,
        milliseconds: meta.duration,
      }));
    },
    metadataKeys: (prefix) => keysOf(metadata?.id, METADATA, prefix),
    sites: remoteNamespace(
      call,
      async () => sites?.id ?? (await kvNamespaces(run)).get(resourceName(workerName, SITES)),
    ),
    close: async () => undefined,
  };
}

/** @returns undefined where wrangler.toml has no database. @throws {CommandError} where Cloudflare has none of its name */
async function databaseId(
  database: ReturnType<typeof readSection>["database"],
  run: RunCommand,
): Promise<string | undefined> {
  if (database === undefined || database.database_id !== undefined) return database?.database_id;
  const { database_name: name = "" } = database;
  const id = (await databases(run)).get(name);
  if (id === undefined) throw databaseError(`There is no D1 database ${name} at Cloudflare.`);
  return id;
}

type Call = (path: string, init?: RequestInit) => Promise<v.InferOutput<typeof envelope>>;

/** @param find the id of the namespace, asked for once it is needed; undefined before the first deployment. */
function remoteNamespace(call: Call, find: () => Promise<string | undefined>): KvNamespace {
  let finding: Promise<string | undefined> | undefined;
  const namespace = async () => {
    finding ??= find();
    return finding;
  };
  const path = async (rest: string) => {
    const id = await namespace();
    if (id === undefined) throw noNamespace();
    return `storage/kv/namespaces/${id}/${rest}`;
  };
  const json = (method: string, body: unknown) => ({ method, body: JSON.stringify(body) });
  const refuseUnwritten = (result: unknown) => {
    const failed = parsed(bulkWritten, result)?.unsuccessful_keys ?? [];
    if (failed.length > 0) throw databaseError(`KV did not take ${failed.join(", ")}. Run the same again.`);
  };
  return {
    async list(prefix) {
      if ((await namespace()) === undefined) return [];
      const keys: ListedKey[] = [];
      let cursor = "";
      do {
        const query = new URLSearchParams({ prefix, ...(cursor !== "" && { cursor }) });
        const { result, result_info: page } = await call(await path(`keys?${query}`));
        keys.push(...parsed(keyList, result));
        cursor = page?.cursor ?? "";
      } while (cursor !== "");
      return keys;
    },
    async read(keys) {
      if (keys.length === 0) return new Map();
      const { result } = await call(await path("bulk/get"), json("POST", { keys }));
      const values = Object.entries(parsed(bulkValues, result).values);
      return new Map(values.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])));
    },
    async write(values) {
      if (values.length === 0) return;
      refuseUnwritten((await call(await path("bulk"), json("PUT", values))).result);
    },
    async delete(keys) {
      if (keys.length === 0) return;
      refuseUnwritten((await call(await path("bulk/delete"), json("POST", keys))).result);
    },
  };
}

/**
 * Asks Cloudflare's API, again where it is busy or out of reach: whatever is asked here may be asked any number of
 * times.
 * @throws {CommandError}
 */
async function askPatiently(
  url: string,
  init: RequestInit,
  target: D1Target,
): Promise<v.InferOutput<typeof envelope>> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, init).catch((error: Error) => error);
    const isBusy = response instanceof Error || response.status === 429 || response.status >= 500;
    if (isBusy && tries < TRIES) {
      const asked = response instanceof Error ? 0 : Number(response.headers.get("retry-after"));
      await pause(asked > 0 ? asked * 1_000 : FIRST_WAIT * 2 ** (tries - 1));
      continue;
    }
    if (response instanceof Error) throw databaseError(`Cloudflare is out of reach: ${response.message}.`);
    const said = parsed(envelope, await response.json().catch(() => undefined));
    if (said.success) return said;
    throw databaseError(
      explained(said.errors[0]?.message ?? `Cloudflare answered ${response.status}.`, target),
    );
  }
}

/** @throws {CommandError} */
function parsed<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw databaseError("Cloudflare answered with something that is no result.");
}

async function onlyAccount(ask: () => Promise<unknown>): Promise<string> {
  const { accounts } = v.parse(whoami, await ask());
  const [account, another] = accounts;
  if (account === undefined || another !== undefined)
    throw databaseError(
      "You have no account at Cloudflare, or several. Say which: set CLOUDFLARE_ACCOUNT_ID.",
    );
  return account.id;
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output.slice(output.search(/[[{]/)));
  } catch {
    throw databaseError("wrangler answered with something that is no result.");
  }
}
