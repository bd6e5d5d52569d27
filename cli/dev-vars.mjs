// The local settings file .dev.vars: reading it, and adding what a first start needs.

import { createHash, createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** Where `npm start` serves the site and the simulator unless told otherwise. */
export const DEFAULT_SITE_PORT = 8787;
export const DEFAULT_SIMULATOR_PORT = 8788;

/** The path of the issuer at Vipps, which the simulator shares. */
const ISSUER_PATH = "/access-management-1.0/access/";

// The grammar of dotenv, with which wrangler reads the file: quoted values may span lines, `#` ends the others.
const ENTRY =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

/**
 * The settings a .dev.vars file holds, as wrangler reads them.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parseDevVars(text) {
  /** @type {Record<string, string>} */
  const settings = {};
  for (const [, name = "", raw = ""] of text.replace(/\r\n?/g, "\n").matchAll(ENTRY)) {
    const value = raw.trim();
    const unquoted = value.replace(/^(['"`])([\s\S]*)\1$/, "$2");
    settings[name] = value.startsWith('"')
      ? unquoted.replaceAll("\\n", "\n").replaceAll("\\r", "\r")
      : unquoted;
  }
  return settings;
}

/**
 * The text of a settings file with one setting changed, or appended where it is not there. Everything else stays
 * as it is, byte for byte. Where a name stands twice the last one counts, so that one is changed.
 * @param {string} text
 * @param {string} name
 * @param {string} value without a single quote, which could not be written down
 */
export function withSetting(text, name, value) {
  const entry = [...text.matchAll(new RegExp(ENTRY, "gmd"))].findLast((match) => match[1] === name);
  const [, , place] = entry?.indices ?? [];
  if (place !== undefined) return `${text.slice(0, place[0])}'${value}'${text.slice(place[1])}`;
  if (entry !== undefined) {
    // The name stands there with nothing behind it but, perhaps, empty lines.
    const end = entry.index + (/^\s*(?:export\s+)?[\w.-]+\s*[=:]/.exec(entry[0])?.[0].length ?? 0);
    return `${text.slice(0, end)}'${value}'${text.slice(end)}`;
  }
  return `${text}${/(^|\n)$/.test(text) ? "" : "\n"}${name}='${value}'\n`;
}

/**
 * The settings of the file at `path`; none if there is no such file.
 * @param {string} path
 */
export function readDevVars(path) {
  return existsSync(path) ? parseDevVars(readFileSync(path, "utf8")) : {};
}

/**
 * The issuer of the simulator on a port of this machine. It is on 127.0.0.1 and the site on localhost because
 * cookies ignore ports: different hosts keep their jars apart.
 * @param {number} port
 */
export const simulatorIssuer = (port) => `http://127.0.0.1:${port}${ISSUER_PATH}`;

/**
 * The port of the simulator an issuer stands for; undefined if it is another issuer, or none.
 * @param {string | undefined} issuer
 * @returns {number | undefined}
 */
export function simulatorPort(issuer) {
  const port = Number(issuer?.match(/^http:\/\/127\.0\.0\.1:(\d{1,5})\//)?.[1]);
  return issuer === simulatorIssuer(port) ? port : undefined;
}

/**
 * A fresh JSON Web Key Set with one private ES256 key, as SESSION_KEYS takes it. The `kid` is the key's
 * thumbprint (RFC 7638 section 3).
 * @returns {string}
 */
export function freshSessionKeys() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const { d } = privateKey.export({ format: "jwk" });
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  return JSON.stringify({ keys: [{ kty, crv, x, y, d, kid, alg: "ES256", use: "sig" }] });
}

/** Settings that only someone with a real sales unit writes down before there is an issuer. */
const SALES_UNIT = ["VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET", "VIPPS_MSN", "VIPPS_ENVIRONMENT"];

/**
 * True if the worker is to talk to the simulator: the settings say so, or they say nothing of a sales unit.
 * Keys of a real sales unit without an issuer mean the environment those keys are of.
 * @param {Record<string, string>} settings
 */
export function usesSimulator(settings) {
  if (settings.VIPPS_ISSUER !== undefined) return simulatorPort(settings.VIPPS_ISSUER) !== undefined;
  return !SALES_UNIT.some((name) => settings[name] !== undefined);
}

/**
 * The settings that a start needs and `settings` lacks, with values for them.
 * @param {Record<string, string>} settings
 * @param {{ sitePort?: number, simulatorPort?: number }} [ports]
 * @returns {Record<string, string>}
 */
export function missingSettings(settings, ports = {}) {
  const simulator = {
    VIPPS_ISSUER: simulatorIssuer(ports.simulatorPort ?? DEFAULT_SIMULATOR_PORT),
    VIPPS_CLIENT_ID: randomUUID(),
    VIPPS_CLIENT_SECRET: randomBytes(32).toString("base64url"),
    VIPPS_MSN: "123456",
  };
  const needed = {
    SITE_URL: `http://localhost:${ports.sitePort ?? DEFAULT_SITE_PORT}`,
    ...(usesSimulator(settings) ? simulator : {}),
    SESSION_KEYS: freshSessionKeys(),
  };
  return Object.fromEntries(Object.entries(needed).filter(([name]) => settings[name] === undefined));
}

const HEADER = `# Local settings: read on this machine alone, never committed, and over those of the configuration. Any setting may
# stand here, its value in single quotes. SESSION_KEYS sign sessions. While VIPPS_ISSUER is here, the simulator stands
# in for Vipps; with the client id, secret and MSN of a test sales unit, remove it.
`;

/**
 * Makes the settings file, or appends what it lacks. What it holds already stays as it is, byte for byte. Only
 * its owner may read it afterwards.
 * @param {string} path
 * @param {{ sitePort?: number, simulatorPort?: number }} [ports]
 * @param {Readonly<Record<string, string>>} [further] settings that a new file gets besides
 * @returns {{ created: boolean, added: string[], simulator: boolean }} what was done, and whether the settings
 *   point at the simulator
 * @throws {NodeJS.ErrnoException} if the file can't be read or written
 */
export function completeDevVars(path, ports = {}, further = {}) {
  const created = !existsSync(path);
  const text = created ? "" : readFileSync(path, "utf8");
  const settings = parseDevVars(text);
  const missing = { ...missingSettings(settings, ports), ...(created && further) };
  const lines = Object.entries(missing).map(([name, value]) => `${name}='${value}'\n`);
  if (created) writeFileSync(path, HEADER + lines.join(""), { mode: 0o600, flag: "wx" });
  else if (lines.length > 0) appendFileSync(path, (/(^|\n)$/.test(text) ? "" : "\n") + lines.join(""));
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return { created, added: Object.keys(missing), simulator: usesSimulator({ ...settings, ...missing }) };
}
