import { readFileSync } from "node:fs";
import { startSimulator } from "../../simulator/server.ts";
import type { SimulatorControl } from "../../simulator/simulator.ts";
import { fullName } from "../../simulator/users.ts";
import { ISSUERS } from "../../src/settings/read-settings.ts";
import { CommandError } from "../command-error.mjs";
import { simulatorIssuer, usesSimulator } from "../dev-vars.mjs";
import { ask } from "../doctor/bounded-request.ts";
import { isFree, nextFreePort } from "../ports.ts";
import type { ChangedSetting, Environment } from "./evidence.ts";
import { type Person, personAtHand, simulatedPerson } from "./person.ts";
import { startRecordedWorker } from "./recorded-worker.ts";
import { settingsForSimulator } from "./run-settings.ts";
import type { SiteValues } from "./site-values.ts";
import { type Exchange, headersOf, type LogLine, parseTail } from "./traffic.ts";

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
export interface Surroundings {
  readonly environment: Environment;
  readonly root: string;
  /** The site's origin. */
  readonly site: string;
  readonly issuer: string;
  readonly own: SiteValues;
  /** Settings of the run. */
  readonly values: Readonly<Record<string, string>>;
  readonly changed: readonly ChangedSetting[];
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

/** The surroundings that there are. */
export const SURROUNDINGS = { simulator, test, deployed } as const satisfies Record<
  Environment,
  (place: Place) => Promise<Surroundings>
>;

/** The worker on this machine and the simulator beside it, with storage of their own that is gone afterwards. */
async function simulator({ root, own, environment, ...place }: Place): Promise<Surroundings> {
  const port = await nextFreePort(place.port, []);
  const simulatorPort = await nextFreePort(place.port, [port ?? 0]);
  if (port === undefined || simulatorPort === undefined)
    throw new CommandError(`No port from ${place.port} on is free. Choose another with --port.`);
  const site = `http://localhost:${port}`;
  const issuer = simulatorIssuer(simulatorPort);
  const { values, changed } = settingsForSimulator(own, site, issuer);
  const worker = await startRecordedWorker({ root, environment, values, issuer, port });
  const running = await startSimulator({ port: simulatorPort, env: values });
  const { control } = running.simulator;
  return {
    ...{ environment: "simulator", root, site, issuer, own, values, changed },
    ...{ ...worker, person: simulatedPerson(new URL(issuer).origin), simulator: control },
    mayBeSeen: new Set(control.users.flatMap((user) => [fullName(user), user.givenName, user.familyName])),
    stop: async () => {
      await worker.stop();
      await running.close();
    },
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
  const worker = await startRecordedWorker({ ...place, values, issuer, port });
  return { ...byHand("test", place, url.origin, issuer), ...worker, values };
}

/** A site that is deployed, seen as a browser sees it. */
async function deployed(place: Place): Promise<Surroundings> {
  const { own, logFile } = place;
  const site = new URL(place.url).origin;
  const login = await askedByCommand(`${site}${own.authPath}/login`);
  const target = URL.parse(login.responseHeaders.location ?? "");
  if (login.status !== 302 || target === null || !target.pathname.endsWith("/oauth2/auth"))
    throw new CommandError(
      `${site}${own.authPath}/login answers ${login.status} and does not lead to Vipps.`,
    );
  const issuer = `${target.origin}${target.pathname.replace(/oauth2\/auth$/, "")}`;
  return {
    ...byHand("deployed", place, site, issuer),
    values: {},
    exchanges: [
      await askedByCommand(`${issuer}.well-known/openid-configuration`),
      await askedByCommand(`${issuer}.well-known/jwks.json`),
    ],
    state: "",
    log: () => (logFile === undefined ? undefined : parseTail(readFileSync(logFile, "utf8"))),
    stop: async () => undefined,
  };
}

/** A site where a real person logs in, of whom nothing may be seen. */
const byHand = (environment: Environment, { root, own, tell }: Place, site: string, issuer: string) => ({
  ...{ environment, root, site, issuer, own, person: personAtHand(site, tell) },
  ...{ changed: [], mayBeSeen: new Set<string>(), simulator: undefined },
});

/** Milliseconds that a deployed site or Vipps may take to answer this command. */
const ANSWER_WITHIN = 15_000;

/** @throws {CommandError} when nobody answers */
async function askedByCommand(url: string): Promise<Exchange> {
  const answer = await ask({ fetch, now: Date.now, timeLimit: ANSWER_WITHIN }, url);
  if ("failed" in answer) throw new CommandError(`${new URL(url).origin} ${answer.failed}.`);
  return {
    ...{ at: answer.asked, from: "command", to: "provider", method: "GET", url },
    ...{ requestHeaders: {}, requestBody: undefined, status: answer.status },
    ...{ responseHeaders: headersOf(answer.headers), responseBody: answer.text },
  };
}
