import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_startWorker as startWorker } from "wrangler";
import { startSimulator } from "../../simulator/server.ts";
import type { SimulatorControl } from "../../simulator/simulator.ts";
import { fullName } from "../../simulator/users.ts";
import { ISSUERS } from "../../src/settings/read-settings.ts";
import { CommandError } from "../command-error.mjs";
import { simulatorIssuer, usesSimulator } from "../dev-vars.mjs";
import { ask } from "../doctor/bounded-request.ts";
import { refuseFaults } from "../doctor/worker-settings.ts";
import { makeLocalDatabase } from "../local-storage.ts";
import { isFree, nextFreePort } from "../ports.ts";
import { findConfig, localDatabase } from "../project-config.ts";
import { WRANGLER_OFFLINE } from "../wrangler.mjs";
import type { ChangedSetting, Environment } from "./evidence.ts";
import { type Person, personAtHand, simulatedPerson } from "./person.ts";
import { type SiteValues, settingsForSimulator } from "./settings.ts";
import { type Exchange, headersOf, type LogLine, parseLogLine, parseTail } from "./traffic.ts";

/** What surroundings are made from. */
export interface Place {
  /** The project's folder. */
  readonly root: string;
  readonly own: SiteValues;
  /** Environment of the configuration; undefined for its top level. */
  readonly environment: string | undefined;
  /** First port to look at on this machine; any free one from there on is taken. */
  readonly port: number;
  /** The deployed site. */
  readonly url: string;
  /** What `wrangler tail --format json` writes, if anybody lets it. */
  readonly logFile: string | undefined;
  readonly tell: (text: string) => void;
}

/** A site and a provider that are there to be walked through. */
export interface Surroundings extends Pick<Place, "root" | "own"> {
  readonly environment: Environment;
  /** The site's origin. */
  readonly site: string;
  readonly issuer: string;
  /** Settings of the run. */
  readonly values: Readonly<Record<string, string>>;
  readonly changed: ChangedSetting[];
  readonly person: Person;
  /** Makes the provider misbehave; undefined at Vipps itself. */
  readonly simulator: SimulatorControl | undefined;
  /** Folder of the worker's storage, which is gone after the run; empty where it runs elsewhere. */
  readonly state: string;
  /** What went between the worker and the provider so far, and what this command asked by itself. */
  readonly exchanges: readonly Exchange[];
  /** Undefined where the log cannot be seen. */
  readonly log: () => readonly LogLine[] | undefined;
  /** Names of made-up people, which pictures may show. */
  readonly mayBeSeen: ReadonlySet<string>;
  readonly stop: () => Promise<void>;
}

type Makers = Readonly<Record<Environment, (place: Place) => Promise<Surroundings>>>;
/** The surroundings that there are. */
export const SURROUNDINGS: Makers = { simulator, test, deployed };

/** The worker on this machine and the simulator beside it, with storage of their own that is gone afterwards. */
async function simulator(place: Place): Promise<Surroundings> {
  const { root, own } = place;
  const port = await nextFreePort(place.port, []);
  const simulatorPort = await nextFreePort(place.port, [port ?? 0]);
  if (port === undefined || simulatorPort === undefined)
    throw new CommandError(`No port from ${place.port} on is free. Choose another with --port.`);
  const site = `http://localhost:${port}`;
  const issuer = simulatorIssuer(simulatorPort);
  const { values, changed } = settingsForSimulator(own, site, issuer);
  const worker = await startRecordedWorker(place, values, issuer, port);
  const running = await startSimulator({ port: simulatorPort, env: values });
  const { control } = running.simulator;
  return {
    ...{ environment: "simulator", root, site, issuer, own, values, changed },
    ...{ ...worker, person: simulatedPerson(new URL(issuer).origin), simulator: control },
    mayBeSeen: new Set(control.users.flatMap((user) => [fullName(user), user.givenName, user.familyName])),
    stop: async () => void (await Promise.all([worker.stop(), running.close()])),
  };
}

/** The worker on this machine and Vipps' own test environment, with the site's own keys. */
async function test(place: Place): Promise<Surroundings> {
  const { values } = place.own;
  if (usesSimulator({ ...values }))
    throw new CommandError(
      "The settings point at the simulator. Put the keys of a test sales unit there in place of VIPPS_ISSUER, VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_MSN.",
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
  const issuer = values.VIPPS_ISSUER ?? ISSUERS.test;
  const worker = await startRecordedWorker(place, values, issuer, port);
  return { ...byHand("test", place, url.origin, issuer), ...worker, values };
}

/** A site that is deployed, seen as a browser sees it. */
async function deployed(place: Place): Promise<Surroundings> {
  const { own, logFile } = place;
  const site = new URL(place.url).origin;
  const login = await askedByCommand(`${site}${own.authPath}/login`);
  const [, issuer] = /^(https?:[^?]*\/)oauth2\/auth\?/.exec(login.responseHeaders.location ?? "") ?? [];
  if (login.status !== 302 || issuer === undefined)
    throw new CommandError(
      `${site}${own.authPath}/login answers ${login.status} and does not lead to Vipps.`,
    );
  const known = ["openid-configuration", "jwks.json"].map((name) => `${issuer}.well-known/${name}`);
  return {
    ...{ ...byHand("deployed", place, site, issuer), values: {}, state: "" },
    exchanges: await Promise.all(known.map(askedByCommand)),
    log: () => (logFile === undefined ? undefined : parseTail(readFileSync(logFile, "utf8"))),
    stop: async () => undefined,
  };
}

/** A site where a real person logs in, of whom nothing may be seen. */
const byHand = (environment: Environment, { root, own, tell }: Place, site: string, issuer: string) => ({
  ...{ environment, root, site, issuer, own, person: personAtHand(site, tell) },
  ...{ changed: [], mayBeSeen: new Set<string>(), simulator: undefined },
});

/** @throws {CommandError} when nobody answers */
async function askedByCommand(url: string): Promise<Exchange> {
  const answer = await ask({ fetch, now: Date.now, timeLimit: 15_000 }, url);
  if ("failed" in answer) throw new CommandError(`${new URL(url).origin} ${answer.failed}.`);
  return {
    ...{ at: answer.asked, from: "command", to: "provider", method: "GET", url },
    ...{ requestHeaders: {}, requestBody: undefined, status: answer.status },
    ...{ responseHeaders: headersOf(answer.headers), responseBody: answer.text },
  };
}

/**
 * Runs the worker as `wrangler dev` does, over a new database, and sends its outgoing requests on from here. So they
 * are seen as they leave the worker, whoever the provider is, without anything standing in its place.
 * @param issuer on whose origin what is sent is recorded; anything else is just sent
 * @throws Error when it can't be built or the port is taken
 */
async function startRecordedWorker(place: Place, values: SiteValues["values"], issuer: string, port: number) {
  const { root, environment } = place;
  refuseFaults(values, `http://localhost:${port}`);
  // It is gone when the process ends, however it ends.
  const state = mkdtempSync(join(tmpdir(), "vipps-login-checklist-"));
  process.once("exit", () => rmSync(state, { recursive: true, force: true }));
  makeLocalDatabase(state, localDatabase(root, environment));
  // What wrangler has to say in passing would stand between the lines of --json.
  Object.assign(process.env, WRANGLER_OFFLINE, { WRANGLER_LOG: "none" });
  const bindings = Object.entries(values).map(
    ([name, value]) => [name, { type: "secret_text", value }] as const,
  );
  const exchanges: Exchange[] = [];
  const log: LogLine[] = [];
  const worker = await startWorker({
    config: findConfig(root),
    ...(environment !== undefined && { env: environment }),
    bindings: Object.fromEntries(bindings),
    // Named, so that the project's own .dev.vars, which may say otherwise, is not read.
    envFiles: [devNull],
    dev: {
      ...{ logLevel: "none", watch: false, inspector: false, persist: state },
      server: { hostname: "localhost", port },
      async outboundService(request: Request) {
        const { answer, exchange } = await sentOn(request);
        if (new URL(request.url).origin === new URL(issuer).origin) exchanges.push(exchange);
        return answer;
      },
      structuredLogsHandler({ message }: { readonly message: string }) {
        const line = parseLogLine(message);
        if (line !== undefined) log.push(line);
      },
    },
  });
  await worker.ready;
  return { state, exchanges, log: () => log, stop: () => worker.dispose() };
}

async function sentOn(request: Request) {
  const at = Date.now();
  const { method, url, headers: requestHeaders } = request;
  const body = request.body === null ? undefined : await request.text();
  const options = { method, headers: requestHeaders, body: body ?? null, redirect: "manual" } as const;
  const answer = await fetch(url, options);
  const { status } = answer;
  const bytes = await answer.arrayBuffer();
  // What fetch has unpacked must not be said to be packed.
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const exchange: Exchange = {
    ...{ at, from: "worker", to: "provider", method, url, requestBody: body, status },
    ...{ requestHeaders: headersOf(requestHeaders), responseHeaders: headersOf(answer.headers) },
    responseBody: new TextDecoder().decode(bytes),
  };
  return { answer: new Response([204, 304].includes(status) ? null : bytes, { status, headers }), exchange };
}
