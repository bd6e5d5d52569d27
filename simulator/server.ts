import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import {
  DEFAULT_PORT,
  type Environment,
  portFromEnvironment,
  readEnvironment,
  readSalesUnits,
  StartError,
  salesUnitFromEnvironment,
} from "./environment.ts";
import type { SalesUnit } from "./sales-unit.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { fullName } from "./users.ts";

const HELP = `Runs a simulator of Vipps MobilePay Login on this machine.

  node simulator/server.ts [options]

  --port PORT            where to listen (else the port in VIPPS_ISSUER, else ${DEFAULT_PORT}; 0 for any free one)
  --host HOST            which address to listen on (127.0.0.1)
  --origin URL           what it calls itself, where something else is in front of it: https://apitest.vipps.no behind
                         a server that ends TLS for that name (else the address it listens on)
  --redirect-uri URI     a further redirect URI of the sales unit; may be given several times
  --sales-units FILE     further sales units, a JSON array (see docs/simulator.md)
  --json                 print one line of JSON
  --help                 print this

Its sales unit is read from the environment and from .dev.vars in this folder: VIPPS_CLIENT_ID,
VIPPS_CLIENT_SECRET, VIPPS_MSN, VIPPS_TOKEN_AUTH, VIPPS_SYSTEM_NAME, SITE_URL, AUTH_PATH, APP_REDIRECT_URIS.`;

export interface StartOptions {
  /** 0 for any free one; where absent, the port in `VIPPS_ISSUER`, else 8788. */
  readonly port?: number;
  readonly host?: string;
  /** What it calls itself in issuer and discovery, where it is reached through something else; where absent, `url`. */
  readonly origin?: string;
  /** Where the sales unit is read from; the process's own environment and `.dev.vars` where absent. */
  readonly env?: Environment;
  readonly redirectUris?: readonly string[];
  /** Sales units beside the one the environment describes. */
  readonly salesUnits?: readonly SalesUnit[];
}

export interface RunningSimulator {
  /** Where it listens, for example `http://127.0.0.1:8788`. */
  readonly url: string;
  readonly simulator: Simulator;
  /** Stops listening and ends every open connection, those held back on purpose too. */
  close(): Promise<void>;
}

/**
 * Starts a simulator in this process.
 * @throws StartError when the port is taken or a setting makes no sense
 */
export async function startSimulator(options: StartOptions = {}): Promise<RunningSimulator> {
  const environment = options.env ?? readEnvironment(process.cwd());
  const { host = "127.0.0.1", port = portFromEnvironment(environment), origin } = options;
  if (origin !== undefined && !isOrigin(origin))
    throw new StartError(
      `--origin must be an address without a path, as https://apitest.vipps.no, not ${origin}`,
    );
  const salesUnits = [
    salesUnitFromEnvironment(environment, options.redirectUris),
    ...(options.salesUnits ?? []),
  ];
  let simulator: Simulator | undefined;
  const server = createAdaptorServer({
    fetch: (request: Request) => simulator?.fetch(request) ?? new Response(null, { status: 503 }),
  });
  const address = await new Promise<AddressInfo>((resolve, reject) => {
    server.once("error", (error) => reject(startError(error, host, port)));
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
  try {
    simulator = createSimulator({ origin: origin ?? url, salesUnits });
  } catch (error) {
    await close();
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
  return { url, simulator, close };
}

/** Whether the text is a web address without path, query and user. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, "");
}

function startError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return new StartError(
      `Port ${port} on ${host} is taken. Choose another with --port, or 0 for any free one.`,
    );
  }
  if (error.code === "EACCES" || error.code === "EADDRNOTAVAIL") {
    return new StartError(`Can't listen on ${host}:${port}: ${error.message}`);
  }
  return error;
}

function announcement({ url, simulator }: RunningSimulator, environment: Environment): string {
  const [unit] = simulator.control.salesUnits;
  const usesDefaults = !environment.VIPPS_CLIENT_ID;
  return [
    `Simulator of Vipps MobilePay Login at ${url}`,
    `  VIPPS_ISSUER   ${simulator.issuer}`,
    `  control page   ${url}/simulator/control`,
    `  redirect URI   ${unit?.redirectUris.join(", ")}`,
    usesDefaults
      ? `  no VIPPS_CLIENT_ID in the environment or .dev.vars, so: VIPPS_CLIENT_ID=${unit?.clientId} VIPPS_CLIENT_SECRET=${unit?.clientSecret} VIPPS_MSN=${unit?.msn}`
      : `  client_id      ${unit?.clientId}, MSN ${unit?.msn}`,
    "  test users",
    ...simulator.control.users.map(
      (user) => `    +${user.phoneNumber.padEnd(13)} ${fullName(user).padEnd(34)} ${user.about}`,
    ),
    "Stop with Ctrl+C.",
  ].join("\n");
}

function asJson({ url, simulator }: RunningSimulator): string {
  return JSON.stringify({
    url,
    issuer: simulator.issuer,
    control: `${url}/simulator/control`,
    salesUnits: simulator.control.salesUnits.map(({ clientSecret: _secret, ...unit }) => unit),
    users: simulator.control.users.map((user) => ({
      id: user.id,
      name: fullName(user),
      phone: user.phoneNumber,
    })),
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      host: { type: "string" },
      origin: { type: "string" },
      "redirect-uri": { type: "string", multiple: true },
      "sales-units": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const environment = readEnvironment(process.cwd());
  const running = await startSimulator({
    env: environment,
    ...(values.port !== undefined && { port: portNumber(values.port) }),
    ...(values.host !== undefined && { host: values.host }),
    ...(values.origin !== undefined && { origin: values.origin }),
    ...(values["redirect-uri"] !== undefined && { redirectUris: values["redirect-uri"] }),
    ...(values["sales-units"] !== undefined && { salesUnits: readSalesUnits(values["sales-units"]) }),
  });
  console.log(values.json ? asJson(running) : announcement(running, environment));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void running.close());
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new StartError(`--port must be a number from 0 to 65535, not ${text}`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    // What is wrong with the command line or the settings takes one line; anything else is a fault here.
    const isUsage =
      error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    if (!(error instanceof StartError) && !isUsage) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
