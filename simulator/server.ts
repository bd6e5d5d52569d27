import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import {
  type Environment,
  portFromEnvironment,
  readEnvironment,
  StartError,
  salesUnitFromEnvironment,
} from "./environment.ts";
import { type SalesUnit, sharedSalesUnits } from "./sales-unit.ts";
import { createSimulator, type Simulator } from "./simulator.ts";

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
    simulator = createSimulator({ origin: origin ?? url, salesUnits: sharedSalesUnits(salesUnits) });
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
