import type { AssetRouting } from "../unguarded-assets.ts";

/** What wrangler.toml says of the worker, for one environment. */
export interface WorkerConfig {
  readonly compatibilityDate: string | undefined;
  /** By binding name: `kv`, `d1`, `durable object`, `rate limiter`, `assets`. */
  readonly bindings: ReadonlyMap<string, string>;
  /** The folder of the static assets, as written; undefined where nobody sees any. */
  readonly assets: string | undefined;
  /** What of the assets passes the worker; undefined where there are none. */
  readonly assetRouting: AssetRouting | undefined;
  /** Classes of Durable Objects that the migrations leave, by name. */
  readonly objectClasses: readonly string[];
  /** Patterns such as `www.example.com/*`; a custom domain stands for all its paths. */
  readonly routes: readonly string[];
  readonly workersDev: boolean;
  readonly crons: readonly string[];
  /** Whether what goes into the queue EVENTS_QUEUE comes back to it. */
  readonly consumesEvents: boolean;
}

/** A file that git tracks. */
export interface TrackedFile {
  readonly path: string;
  readonly text: string;
}

/** A file with settings on this machine. */
export interface SettingsFile {
  readonly path: string;
  /** The permission bits; undefined where the system has none. */
  readonly mode: number | undefined;
}

/** The settings to examine and everything known around them. */
export interface SettingsSource {
  /** In words, such as "wrangler.toml and .dev.vars". */
  readonly name: string;
  /** The environment of wrangler.toml; undefined for the top level. */
  readonly environment: string | undefined;
  /** Every setting by name as text, secrets included, as far as they can be had here. */
  readonly values: Readonly<Record<string, string>>;
  /** The part of them that stands in wrangler.toml, as TOML or JSON has it: numbers, booleans, lists. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Whether a secret that is not among the values may be at Cloudflare, where nobody can read it. */
  readonly secretsElsewhere: boolean;
  /** Names of the secrets at Cloudflare; undefined where it was not asked. */
  readonly deployedSecrets: readonly string[] | undefined;
  /** Settings of other environments, by the name of their file: a secret belongs to one of them alone. */
  readonly otherEnvironments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly settingsFiles: readonly SettingsFile[];
  /** Undefined where there is no git. */
  readonly trackedFiles: readonly TrackedFile[] | undefined;
  /** Undefined where the worker's configuration is another's affair. */
  readonly worker: WorkerConfig | undefined;
  /** Migrations that are not applied; undefined where that cannot be seen. */
  readonly pendingMigrations: readonly string[] | undefined;
}
