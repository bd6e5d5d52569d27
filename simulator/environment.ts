import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ACCESS_PATH } from "./discovery.ts";
import type { SalesUnit } from "./sales-unit.ts";

/** Settings by name, as the environment and `.dev.vars` give them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_PORT = 8788;

/** Something to be put right by whoever starts the simulator; the message says it all. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StartError";
  }
}

/**
 * The settings of `.dev.vars` in the folder, with those of the process in front.
 * @throws StartError when the file is there and can't be read
 */
export function readEnvironment(folder: string, processEnvironment: Environment = process.env): Environment {
  return { ...readDevVars(join(folder, ".dev.vars")), ...processEnvironment };
}

function readDevVars(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new StartError(`Can't read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The port in `VIPPS_ISSUER` when that names a simulator on this machine, so that both sides agree. */
export function portFromEnvironment(environment: Environment): number {
  const issuer = environment.VIPPS_ISSUER;
  if (issuer === undefined || !URL.canParse(issuer)) return DEFAULT_PORT;
  const { protocol, hostname, port, pathname } = new URL(issuer);
  const isLocal = protocol === "http:" && ["127.0.0.1", "localhost"].includes(hostname);
  return isLocal && pathname === `${ACCESS_PATH}/` && port !== "" ? Number(port) : DEFAULT_PORT;
}

/**
 * The sales unit the worker's own settings describe.
 * @param furtherRedirectUris registered beside `SITE_URL` + `AUTH_PATH` + `/callback` and `APP_REDIRECT_URIS`
 * @throws StartError when a setting has no possible meaning
 */
export function salesUnitFromEnvironment(
  environment: Environment,
  furtherRedirectUris: readonly string[] = [],
): SalesUnit {
  const site = environment.SITE_URL || "http://localhost:8787";
  const authPath = environment.AUTH_PATH || "/auth";
  if (!URL.canParse(site)) throw new StartError(`SITE_URL is not a URL: ${site}`);
  return {
    clientId: environment.VIPPS_CLIENT_ID || "simulator-client",
    clientSecret: environment.VIPPS_CLIENT_SECRET || "simulator-secret",
    msn: environment.VIPPS_MSN || "123456",
    name: environment.VIPPS_SYSTEM_NAME || new URL(site).host,
    tokenAuth: tokenAuthFrom(environment.VIPPS_TOKEN_AUTH),
    redirectUris: [
      // In the one form in which the worker sends it, however SITE_URL is written.
      `${new URL(site).origin}${authPath}/callback`,
      ...(environment.APP_REDIRECT_URIS ?? "").split(/[\s,]+/).filter((uri) => uri !== ""),
      ...furtherRedirectUris,
    ],
    inAppConfirmation: true,
    partner: true,
  };
}

function tokenAuthFrom(value: string | undefined): "client_secret_basic" | "client_secret_post" {
  if (value === undefined || value === "" || value === "client_secret_basic") return "client_secret_basic";
  if (value === "client_secret_post") return value;
  throw new StartError(`VIPPS_TOKEN_AUTH must be client_secret_basic or client_secret_post, not ${value}`);
}

/**
 * Sales units from a JSON file: an array of objects as in `sales-unit.ts`.
 * @throws StartError when the file can't be read or holds something else
 */
export function readSalesUnits(path: string): readonly SalesUnit[] {
  try {
    const units: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (Array.isArray(units) && units.every(isSalesUnit)) return units;
  } catch (error) {
    throw new StartError(`Can't read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new StartError(
    `${path} must hold an array of sales units with clientId, clientSecret, msn and redirectUris`,
  );
}

function isSalesUnit(value: unknown): value is SalesUnit {
  if (typeof value !== "object" || value === null) return false;
  const unit = value as Record<string, unknown>;
  const texts = ["clientId", "clientSecret", "msn"].every((name) => typeof unit[name] === "string");
  const { redirectUris } = unit;
  return texts && Array.isArray(redirectUris) && redirectUris.every((uri) => typeof uri === "string");
}
