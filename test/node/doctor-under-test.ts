import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Examination, examine, type Finding } from "../../cli/doctor/checks.ts";
import type { SettingsSource } from "../../cli/doctor/settings-source.ts";
import { readLocalSource } from "../../cli/doctor/settings-source.ts";
import { newKeySet } from "../../cli/session-key-set.ts";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import { type AlteredServer, passedOnTo, startAlteredServer } from "./altered-server.ts";
import { startDevWorker } from "./dev-worker.ts";
import { freePorts } from "./free-ports.ts";

/** A healthy site and its provider, and servers in front of both that can make them look ill. */
export interface Patient {
  /** Where visitors find the site. */
  readonly site: string;
  readonly siteServer: AlteredServer;
  readonly simulator: Simulator;
  readonly providerServer: AlteredServer;
  /** The issuers of the two environments: the simulator above, and another one with other keys. */
  readonly issuers: { readonly test: string; readonly production: string };
  readonly settingsFile: string;
  /** The settings as they are on this machine, none of them wrong. */
  readonly source: SettingsSource;
  /** The client secret of the same sales unit in the other environment. */
  readonly otherSecret: string;
  /** Nobody listens there. */
  readonly closedPort: number;
  readonly examine: (changes?: Partial<Examination>) => Promise<readonly Finding[]>;
  readonly close: () => Promise<void>;
}

const CLIENT_ID = "6b1f3c1e-91c4-4d5a-a2f6-6f7f1d1f0b55";
// Made anew each time: the doctor finds secrets that stand in a file that git tracks, this one included.
const freshSecret = () => randomBytes(24).toString("base64url");
const CLIENT_SECRET = freshSecret();
const OTHER_SECRET = freshSecret();
export const SUBSCRIPTION_KEY = freshSecret();

export async function admitPatient(): Promise<Patient> {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  const [siteServer, providerServer, otherServer] = await Promise.all([
    startAlteredServer(),
    startAlteredServer(),
    startAlteredServer(),
  ]);
  const site = `http://localhost:${siteServer.port}`;
  const unit = {
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    msn: "123456",
    redirectUris: [`${site}/auth/callback`],
    partner: true,
    subscriptionKey: SUBSCRIPTION_KEY,
  };
  const simulator = createSimulator({
    origin: `http://127.0.0.1:${providerServer.port}`,
    salesUnits: [unit],
  });
  const other = createSimulator({
    origin: `http://127.0.0.1:${otherServer.port}`,
    salesUnits: [{ ...unit, clientSecret: OTHER_SECRET }],
  });
  providerServer.handler = (request) => simulator.fetch(request);
  otherServer.handler = (request) => other.fetch(request);

  const settings = {
    SITE_URL: site,
    VIPPS_ISSUER: simulator.issuer,
    VIPPS_CLIENT_ID: CLIENT_ID,
    VIPPS_CLIENT_SECRET: CLIENT_SECRET,
    VIPPS_MSN: "123456",
    SESSION_KEYS: JSON.stringify(newKeySet()),
  };
  const settingsFile = join(folder, "settings");
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(settingsFile, lines.join(""), { mode: 0o600 });
  const worker = await startDevWorker(settings);
  siteServer.handler = passedOnTo(`http://127.0.0.1:${worker.port}`);

  const [closedPort] = await freePorts();
  const source = {
    ...(await readLocalSource({
      root: process.cwd(),
      environment: undefined,
      settingsFile,
      configFile: undefined,
      processEnv: {},
    })),
    // Those of the developer's own storage are not the ones of the worker under test.
    pendingMigrations: [],
    otherEnvironments: {},
  };
  const issuers = { test: simulator.issuer, production: other.issuer };
  return {
    site,
    siteServer,
    simulator,
    providerServer,
    issuers,
    settingsFile,
    source,
    otherSecret: OTHER_SECRET,
    closedPort,
    examine: (changes = {}) =>
      examine({ source, target: site, fetch, now: Date.now, timeLimit: 5_000, issuers, ...changes }),
    close: async () => {
      await worker.stop();
      await Promise.all([siteServer, providerServer, otherServer].map((server) => server.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
