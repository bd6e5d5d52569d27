// `vipps-login simulator`: the simulator of Vipps MobilePay Login alone.

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { type Environment, readEnvironment, readSalesUnits, StartError } from "../simulator/environment.ts";
import { type RunningSimulator, startSimulator } from "../simulator/server.ts";
import { fullName } from "../simulator/users.ts";
import { CommandError } from "./command-error.mjs";
import { type CommandContext, repeated } from "./command-line.ts";

/** The command `simulator`. */
export function simulator(context: CommandContext) {
  const { env, path, print } = context;
  return new Command("simulator")
    .description("Runs a simulator of Vipps MobilePay Login on this machine.")
    .option(
      "--port <port>",
      "where to listen (else the port in VIPPS_ISSUER, else 8788; 0 for any free one)",
      portOrAny,
    )
    .option("--host <host>", "which address to listen on", "127.0.0.1")
    .option(
      "--origin <url>",
      "what it calls itself, where something else is in front of it: https://apitest.vipps.no behind a server that ends TLS for that name (else the address it listens on)",
    )
    .option(
      "--redirect-uri <uri>",
      "a further redirect URI of the sales unit; may be given several times",
      repeated,
    )
    .option("--sales-units <file>", "further sales units, a JSON array (see docs/simulator.md)", path)
    .option("--json", "print one line of JSON")
    .addHelpText("after", HELP_END)
    .action(async ({ port, origin, redirectUri: redirectUris, salesUnits, host, json }) => {
      try {
        const settings = readEnvironment(context.root, env);
        const running = await startSimulator({
          ...{ env: settings, host },
          ...(port !== undefined && { port }),
          ...(origin !== undefined && { origin }),
          ...(redirectUris !== undefined && { redirectUris }),
          ...(salesUnits !== undefined && { salesUnits: readSalesUnits(salesUnits) }),
        });
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void running.close());
        print(json ? asJson(running) : announcement(running, settings));
      } catch (error) {
        throw error instanceof StartError ? new CommandError(error.message) : error;
      }
    });
}

const HELP_END = `
Its sales unit is read from the environment and from .dev.vars in the project's folder: VIPPS_CLIENT_ID,
VIPPS_CLIENT_SECRET, VIPPS_MSN, VIPPS_TOKEN_AUTH, VIPPS_SYSTEM_NAME, SITE_URL, AUTH_PATH, APP_REDIRECT_URIS.`;

function portOrAny(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It is a number from 0 to 65535.");
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
