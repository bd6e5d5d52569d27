import { CommandError } from "./command-error.mjs";
import { DEFAULT_SITE_PORT, simulatorIssuer, simulatorPort } from "./dev-vars.mjs";
import { isFree, nextFreePort } from "./ports.ts";

/** What the command line asks for. */
export interface AskedAddresses {
  readonly sitePort: number | undefined;
  readonly simulatorPort: number | undefined;
  /** TLS for the site, with a certificate made on this machine; as SITE_URL says where false. */
  readonly https: boolean;
}

export interface LocalAddresses {
  readonly sitePort: number;
  /** Where to open the site on this machine. */
  readonly site: string;
  readonly isHttps: boolean;
  /** Undefined if the settings don't point at the simulator. */
  readonly simulatorPort: number | undefined;
  /** Settings that have to differ from the file for the ports to fit. */
  readonly overrides: Readonly<Record<string, string>>;
  /** One line for each port that is another than usual. */
  readonly notes: readonly string[];
}

interface Server {
  readonly name: string;
  readonly flag: string;
  readonly asked: number | undefined;
  readonly usual: number;
  /** A port that is spoken for already. */
  readonly except: readonly number[];
}

async function choosePort({ name, flag, asked, usual, except }: Server): Promise<number> {
  if (asked === undefined) {
    const port = await nextFreePort(usual, except);
    if (port !== undefined) return port;
    throw new CommandError(`No port from ${usual} on is free for the ${name}. Choose one with ${flag}.`);
  }
  if (!except.includes(asked) && (await isFree(asked))) return asked;
  throw new CommandError(`Port ${asked} is taken by another program. Choose another with ${flag}.`);
}

/** The site's address if it is on this machine, else undefined (a tunnel, say). */
function localUrl(siteUrl: string | undefined): URL | undefined {
  const url = siteUrl === undefined ? undefined : URL.parse(siteUrl);
  return url !== null &&
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    /^(localhost|127\.0\.0\.1)$/.test(url.hostname)
    ? url
    : undefined;
}

/**
 * What is to be known of further sites whose addresses name another port of this machine than the site has now.
 * @param hosts of the further sites.
 */
export function notesOnFurther(hosts: readonly string[], sitePort: number): readonly string[] {
  const elsewhere = hosts.filter((host) => {
    const { hostname, port } = new URL(`http://${host}`);
    return /(?:^|\.)localhost$/.test(hostname) && Number(port || 80) !== sitePort;
  });
  const [first] = elsewhere;
  if (first === undefined) return [];
  const { hostname } = new URL(`http://${first}`);
  const named = elsewhere.length === 1 ? first : `${first} and ${elsewhere.length - 1} more`;
  return [
    `Further sites have another port in their addresses (${named}) and are not found on ${sitePort}. Start on theirs (--port), or rename them: npx vipps-login site rename ${first} ${hostname}:${sitePort}`,
  ];
}

/**
 * Decides on the ports: those asked for, else those the settings name, else the usual ones or, where another
 * program has them, the next free ones.
 * @param settings what .dev.vars says
 * @throws {CommandError} if a port asked for is taken
 */
export async function settleAddresses(
  settings: Readonly<Record<string, string>>,
  asked: AskedAddresses,
): Promise<LocalAddresses> {
  const siteUrl = localUrl(settings.SITE_URL);
  const simulatorUsual = simulatorPort(settings.VIPPS_ISSUER);
  const isHttps = asked.https || siteUrl?.protocol === "https:";
  if (asked.simulatorPort !== undefined && simulatorUsual === undefined) {
    throw new CommandError(
      "--simulator-port makes no sense here: the settings don't point at the simulator.",
    );
  }
  const siteUsual = Number(siteUrl?.port) || DEFAULT_SITE_PORT;
  const site = await choosePort({
    name: "site",
    flag: "--port",
    asked: asked.sitePort,
    usual: siteUsual,
    except: asked.simulatorPort === undefined ? [] : [asked.simulatorPort],
  });
  const overrides: Record<string, string> = {};
  const notes: string[] = [];
  if (asked.sitePort === undefined && site !== siteUsual) {
    notes.push(`Port ${siteUsual} is taken by another program: the site is on ${site} this time.`);
  }
  const protocol = isHttps ? "https:" : "http:";
  const address = new URL(`${protocol}//localhost:${site}`).origin;
  if (siteUrl !== undefined) {
    const own = new URL(`${protocol}//${siteUrl.hostname}:${site}`).origin;
    if (own !== siteUrl.origin) overrides.SITE_URL = own;
  }
  if (simulatorUsual === undefined)
    return { sitePort: site, site: address, isHttps, simulatorPort: undefined, overrides, notes };
  const simulator = await choosePort({
    name: "simulator",
    flag: "--simulator-port",
    asked: asked.simulatorPort,
    usual: simulatorUsual,
    except: [site],
  });
  if (asked.simulatorPort === undefined && simulator !== simulatorUsual) {
    notes.push(
      `Port ${simulatorUsual} is taken by another program: the simulator is on ${simulator} this time.`,
    );
  }
  if (simulator !== simulatorUsual) overrides.VIPPS_ISSUER = simulatorIssuer(simulator);
  return { sitePort: site, site: address, isHttps, simulatorPort: simulator, overrides, notes };
}
