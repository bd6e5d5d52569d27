import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSimulator } from "../../simulator/server.ts";
import { fullName } from "../../simulator/users.ts";
import { CommandError } from "../command-error.mjs";
import { simulatorIssuer, usesSimulator } from "../dev-vars.mjs";
import { applyMigrations } from "../migrations.mjs";
import { isFree, nextFreePort } from "../ports.ts";
import { migrationsFolder } from "../project-config.ts";
import { type Exchange, headersOf } from "./exchange.ts";
import { parseTail } from "./log-lines.ts";
import { personAtHand, simulatedPerson } from "./person.ts";
import { startRecordedWorker } from "./recorded-worker.ts";
import { goneAtExit, type Surroundings } from "./run.ts";
import { settingsForSimulator } from "./run-settings.ts";
import { importMember } from "./scenes/members.ts";
import type { SiteValues } from "./site-values.ts";
import { VIPPS_ISSUERS } from "./vipps-addresses.ts";

interface LocalOptions {
  readonly root: string;
  readonly own: SiteValues;
  /** Environment of wrangler.toml. */
  readonly environment: string | undefined;
  /** First port to look at; any free one from there on is taken. */
  readonly port: number;
  /** Whether members are needed in the database. */
  readonly withMembers: boolean;
}

/** The worker on this machine and the simulator beside it, with storage of their own that is gone afterwards. */
export async function simulatorSurroundings(options: LocalOptions): Promise<Surroundings> {
  const { root, own } = options;
  const folder = goneAtExit(mkdtempSync(join(tmpdir(), "vipps-login-checklist-")));
  const port = await nextFreePort(options.port, []);
  const simulatorPort = await nextFreePort(options.port, [port ?? 0]);
  if (port === undefined || simulatorPort === undefined)
    throw new CommandError(`No port from ${options.port} on is free. Choose another with --port.`);
  const site = `http://localhost:${port}`;
  const issuer = simulatorIssuer(simulatorPort);
  const { values, changed } = settingsForSimulator(own, site, issuer);
  const state = join(folder, "state");
  await applyMigrations(root, state, migrationsFolder(root, options.environment));
  if (options.withMembers && own.values.ACCOUNTS !== "none") await importMember(root, state);
  const settingsFile = join(folder, "settings");
  writeFileSync(settingsFile, settingsText(values), { mode: 0o600 });
  const running = await startSimulator({ port: simulatorPort, env: values });
  const worker = await startRecordedWorker({
    root,
    port,
    state,
    settingsFile,
    environment: options.environment,
    provider: running.url,
  });
  const { users } = running.simulator.control;
  return {
    environment: "simulator",
    site,
    issuer,
    own,
    values,
    changed,
    person: simulatedPerson(running.url),
    simulator: running.simulator.control,
    exchanges: () => worker.exchanges,
    log: () => worker.log,
    mayBeSeen: new Set(users.flatMap((user) => [fullName(user), user.givenName, user.familyName])),
    stop: async () => {
      await worker.stop();
      await running.close();
    },
  };
}

/** The worker on this machine and Vipps' own test environment, with the site's own keys. */
export async function testSurroundings(
  options: Omit<LocalOptions, "withMembers" | "port"> & {
    readonly settingsFile: string;
    readonly tell: (text: string) => void;
  },
): Promise<Surroundings> {
  const { root, own, settingsFile } = options;
  const { values } = own;
  if (usesSimulator({ ...values }))
    throw new CommandError(
      `The settings in ${settingsFile} point at the simulator. Put the keys of a test sales unit there in place of VIPPS_ISSUER, VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_MSN.`,
    );
  if (values.VIPPS_ENVIRONMENT === "production")
    throw new CommandError(
      "VIPPS_ENVIRONMENT is production. Vipps wants examples from its test environment: take the keys of a test sales unit.",
    );
  const url = URL.parse(values.SITE_URL ?? "http://localhost:8787");
  if (url?.protocol !== "http:" || url.hostname !== "localhost")
    throw new CommandError(
      `SITE_URL is ${values.SITE_URL}: for a run on this machine it must be http://localhost with a port, whose callback is registered in the portal.`,
    );
  const port = Number(url.port) || 80;
  if (!(await isFree(port)))
    throw new CommandError(`Port ${port}, which SITE_URL names, is taken. End what has it.`);
  const state = join(goneAtExit(mkdtempSync(join(tmpdir(), "vipps-login-checklist-"))), "state");
  await applyMigrations(root, state, migrationsFolder(root, options.environment));
  const issuer = values.VIPPS_ISSUER ?? VIPPS_ISSUERS.test;
  const worker = await startRecordedWorker({
    root,
    port,
    state,
    settingsFile,
    environment: options.environment,
    provider: new URL(issuer).origin,
  });
  return {
    environment: "test",
    site: url.origin,
    issuer,
    own,
    values,
    changed: [],
    person: personAtHand(url.origin, options.tell),
    simulator: undefined,
    exchanges: () => worker.exchanges,
    log: () => worker.log,
    mayBeSeen: new Set(),
    stop: () => worker.stop(),
  };
}

/** Milliseconds that a deployed site or Vipps may take to answer this command. */
const ANSWER_WITHIN = 15_000;

/**
 * A site that is deployed, seen as a browser sees it.
 * @param logFile what `wrangler tail --format json` writes, if anybody lets it
 */
export async function deployedSurroundings(options: {
  readonly url: string;
  readonly own: SiteValues;
  readonly logFile: string | undefined;
  readonly tell: (text: string) => void;
}): Promise<Surroundings> {
  const { own, logFile } = options;
  const site = new URL(options.url).origin;
  const login = await ask(`${site}${own.authPath}/login`);
  const target = URL.parse(login.headers.get("location") ?? "");
  if (login.status !== 302 || target === null || !target.pathname.endsWith("/oauth2/auth"))
    throw new CommandError(
      `${site}${own.authPath}/login answers ${login.status} and does not lead to Vipps.`,
    );
  const issuer = `${target.origin}${target.pathname.replace(/oauth2\/auth$/, "")}`;
  const exchanges: Exchange[] = [];
  for (const path of [".well-known/openid-configuration", ".well-known/jwks.json"])
    exchanges.push(await askedByCommand(issuer + path));
  return {
    environment: "deployed",
    site,
    issuer,
    own,
    values: {},
    changed: [],
    person: personAtHand(site, options.tell),
    simulator: undefined,
    exchanges: () => exchanges,
    log: () => (logFile === undefined ? undefined : parseTail(readFileSync(logFile, "utf8"))),
    mayBeSeen: new Set(),
    stop: async () => undefined,
  };
}

async function ask(url: string): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(ANSWER_WITHIN) });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new CommandError(
      `${new URL(url).origin} does not answer: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

async function askedByCommand(url: string): Promise<Exchange> {
  const at = Date.now();
  const answer = await ask(url);
  return {
    at,
    from: "command",
    to: "provider",
    method: "GET",
    url,
    requestHeaders: {},
    requestBody: undefined,
    status: answer.status,
    responseHeaders: headersOf(answer.headers),
    responseBody: await answer.text(),
  };
}

/** A settings file as wrangler reads it. */
function settingsText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join("");
}

/** dotenv knows no way to write a quote inside its own quotes, but has three kinds of them. */
function quoted(value: string): string {
  const quote = ["'", "`", '"'].find((each) => !value.includes(each));
  if (quote === undefined)
    throw new CommandError("A setting holds all three kinds of quotes, which no file can.");
  return `${quote}${value}${quote}`;
}
