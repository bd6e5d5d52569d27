// A session with the D1 database: statements with bound values, one transaction at a time, here or at Cloudflare.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { siteKey } from "../src/sites/site-document.ts";
import { CloudflareError, databases, inFolder, kvNamespaces, outputOf } from "./cloudflare-commands.ts";
import { D1Error, type D1Target, explained } from "./d1-command.ts";
import { DEFAULT_STATE } from "./migrations.mjs";
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

/** A connection to one database and the namespace of sites beside it. */
export interface D1Session {
  /** The variables of wrangler.toml. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Carries statements out in order, all or none. @throws {D1Error} */
  batch(statements: readonly BoundStatement[]): Promise<readonly StatementResult[]>;
  /** Hosts of the sites in KV beside the deployment's own. @throws {D1Error} */
  siteHosts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The names of the bindings in wrangler.toml. */
const DATABASE = "ACCOUNTS_DB";
const SITES = "SITES";

/**
 * Opens a session. Here the database's own file is opened once for all statements, beside a running worker or
 * without one; at Cloudflare each batch is one request to its API, which keeps the database answering in between,
 * as a file of SQL (wrangler's `d1 execute --file`) does not.
 * @throws {D1Error}
 */
export async function openSession(target: D1Target): Promise<D1Session> {
  return target.remote ? openRemote(target) : openLocal(target);
}

/** What is asked of wrangler.toml, as wrangler reads it. */
interface WranglerConfig {
  readonly name?: string | undefined;
  readonly compatibility_date?: string | undefined;
  readonly account_id?: string | undefined;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly d1_databases: readonly {
    readonly binding: string;
    readonly database_name?: string | undefined;
    readonly database_id?: string | undefined;
  }[];
  readonly kv_namespaces: readonly { readonly binding: string; readonly id?: string | undefined }[];
}

/** D1 and KV as wrangler opens them here, as far as a session needs them. */
interface Storage {
  readonly [DATABASE]: {
    prepare(sql: string): { bind(...params: readonly (string | number)[]): object };
    batch(statements: readonly object[]): Promise<
      readonly {
        readonly results: Record<string, unknown>[];
        readonly meta: { readonly changes: number; readonly duration: number };
      }[]
    >;
  };
  readonly [SITES]?: {
    list(options: { prefix: string; cursor?: string }): Promise<{
      readonly keys: readonly { readonly name: string }[];
      readonly list_complete: boolean;
      readonly cursor?: string;
    }>;
  };
}

/** What wrangler.toml says of the database. */
async function readConfig({ root, environment }: D1Target) {
  // As wrangler reads them when it is loaded: results are ours to print, not its.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const { getPlatformProxy, unstable_readConfig } = await import("wrangler");
  const config: WranglerConfig = unstable_readConfig(
    { config: join(root, "wrangler.toml"), ...(environment !== undefined && { env: environment }) },
    { hideWarnings: true },
  );
  const database = config.d1_databases.find(({ binding }) => binding === DATABASE);
  if (database === undefined) throw new D1Error(`wrangler.toml has no D1 database ${DATABASE}.`);
  return { config, database, getPlatformProxy };
}

async function openLocal(target: D1Target): Promise<D1Session> {
  const { config, database, getPlatformProxy } = await readConfig(target);
  const folder = mkdtempSync(join(tmpdir(), "d1-"));
  const configPath = join(folder, "wrangler.json");
  // Nothing but storage: the worker's own code, assets and objects would only take time to load.
  const bindings = {
    d1_databases: [database],
    kv_namespaces: config.kv_namespaces.filter(({ binding }) => binding === SITES),
  };
  writeFileSync(
    configPath,
    JSON.stringify({ name: "session", compatibility_date: config.compatibility_date, ...bindings }),
  );
  const state = target.persistTo ?? join(target.root, DEFAULT_STATE);
  const proxy = await getPlatformProxy<Storage>({
    configPath,
    persist: { path: join(state, "v3") },
    remoteBindings: false,
    envFiles: [],
  });
  const { ACCOUNTS_DB: db, SITES: sites } = proxy.env;
  return {
    vars: config.vars,
    async batch(statements) {
      try {
        const prepared = statements.map(({ sql, params }) => db.prepare(sql).bind(...params));
        return (await db.batch(prepared)).map(({ results, meta }) => ({
          rows: results,
          changes: meta.changes,
          milliseconds: meta.duration,
        }));
      } catch (error) {
        throw new D1Error(explained(error instanceof Error ? error.message : String(error)));
      }
    },
    async siteHosts() {
      const hosts: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await sites?.list({ prefix: siteKey(""), ...(cursor !== undefined && { cursor }) });
        for (const { name } of page?.keys ?? []) hosts.push(name.slice(siteKey("").length));
        cursor = page === undefined || page.list_complete ? undefined : page.cursor;
      } while (cursor !== undefined);
      return hosts;
    },
    async close() {
      await proxy.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
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

const keyList = v.array(v.object({ name: v.string() }));

/** How often a request is made before it is given up, and how long to wait before the second, in milliseconds. */
const TRIES = 5;
const FIRST_WAIT = 1_000;

async function openRemote(target: D1Target): Promise<D1Session> {
  const { root } = target;
  const { config, database } = await readConfig(target);
  const run = inFolder(root);
  const ask = async (...args: string[]) => jsonOf(await outputOf(run, { args }).catch(asD1Error));
  const key = v.parse(credentials, await ask("auth", "token", "--json"));
  const account =
    process.env.CLOUDFLARE_ACCOUNT_ID ??
    config.account_id ??
    (await onlyAccount(() => ask("whoami", "--json")));
  const { database_name: name = "" } = database;
  const id = database.database_id ?? (await databases(run).catch(asD1Error)).get(name);
  if (id === undefined) throw new D1Error(`There is no D1 database ${name} at Cloudflare.`);
  const api = process.env.CLOUDFLARE_API_BASE_URL ?? "https://api.cloudflare.com/client/v4";
  const headers = {
    "content-type": "application/json",
    ...("token" in key
      ? { authorization: `Bearer ${key.token}` }
      : { "x-auth-key": key.key, "x-auth-email": key.email }),
  };
  const call = (path: string, init: RequestInit = {}) =>
    askPatiently(`${api}/accounts/${account}/${path}`, { ...init, headers });
  return {
    vars: config.vars,
    async batch(statements) {
      const body = JSON.stringify({ batch: statements });
      const { result } = await call(`d1/database/${id}/query`, { method: "POST", body });
      return parsed(queryResult, result).map(({ results, meta }) => ({
        rows: results,
        changes: meta.changes,
        milliseconds: meta.duration,
      }));
    },
    async siteHosts() {
      const named = config.kv_namespaces.find(({ binding }) => binding === SITES);
      const title = resourceName(config.name ?? "", SITES);
      const namespace = named?.id ?? (await kvNamespaces(run).catch(asD1Error)).get(title);
      if (namespace === undefined) return [];
      const hosts: string[] = [];
      let cursor = "";
      do {
        const query = new URLSearchParams({ prefix: siteKey(""), ...(cursor !== "" && { cursor }) });
        const { result, result_info: page } = await call(`storage/kv/namespaces/${namespace}/keys?${query}`);
        for (const { name: one } of parsed(keyList, result)) hosts.push(one.slice(siteKey("").length));
        cursor = page?.cursor ?? "";
      } while (cursor !== "");
      return hosts;
    },
    close: async () => undefined,
  };
}

/**
 * Asks Cloudflare's API, again where it is busy or out of reach: whatever is asked here may be asked any number of
 * times.
 * @throws {D1Error}
 */
async function askPatiently(url: string, init: RequestInit): Promise<v.InferOutput<typeof envelope>> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, init).catch((error: Error) => error);
    const isBusy = response instanceof Error || response.status === 429 || response.status >= 500;
    if (isBusy && tries < TRIES) {
      const asked = response instanceof Error ? 0 : Number(response.headers.get("retry-after"));
      await pause(asked > 0 ? asked * 1_000 : FIRST_WAIT * 2 ** (tries - 1));
      continue;
    }
    if (response instanceof Error) throw new D1Error(`Cloudflare is out of reach: ${response.message}.`);
    const said = parsed(envelope, await response.json().catch(() => undefined));
    if (said.success) return said;
    throw new D1Error(explained(said.errors[0]?.message ?? `Cloudflare answered ${response.status}.`));
  }
}

/** @throws {D1Error} */
function parsed<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new D1Error("Cloudflare answered with something that is no result.");
}

async function onlyAccount(ask: () => Promise<unknown>): Promise<string> {
  const { accounts } = v.parse(whoami, await ask());
  const [account, another] = accounts;
  if (account === undefined || another !== undefined)
    throw new D1Error("You have no account at Cloudflare, or several. Say which: set CLOUDFLARE_ACCOUNT_ID.");
  return account.id;
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output.slice(output.search(/[[{]/)));
  } catch {
    throw new D1Error("wrangler answered with something that is no result.");
  }
}

function asD1Error(error: unknown): never {
  if (error instanceof CloudflareError) throw new D1Error(error.message);
  throw error;
}
