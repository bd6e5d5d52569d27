// An agency's day: hundreds of sites added, changed, checked, renamed, moved and removed, with logins in between.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openSession } from "../../cli/d1-session.ts";
import { readDevVars, simulatorIssuer } from "../../cli/dev-vars.mjs";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { leavingsOf } from "../../cli/sites/remove-site.ts";
import { type Deployment, makeDeployment, ROOT, site, start, withOpenStorage } from "./deployment.ts";
import { ask, findLocalhosts, hostOf, type LoggedIn, logInAt } from "./visit.ts";

/** Sites to which the same happens. */
const PORTION = 10;
/** What each call to Vipps takes while sites are checked, in milliseconds. */
const AT_VIPPS = 100;

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const range = (from: number, until: number) =>
  Array.from({ length: until - from }, (_, index) => from + index);

/**
 * @param count sites, 100 at least.
 * @param folder where everything is kept.
 * @returns whether all came out as it should
 */
export async function measureLife(
  count: number,
  folder: string,
  ports: Pick<Deployment, "sitePort" | "simulatorPort">,
): Promise<boolean> {
  findLocalhosts();
  const { sitePort } = ports;
  const here = await makeDeployment(join(folder, "here"), ports);
  const there = await makeDeployment(join(folder, "there"), ports);
  const host = (number: number) => hostOf(number, sitePort);
  const newHost = (number: number) => `renamed-${host(number)}`;
  const [renamed, moved, removed] = [1, 2, 3].map((tenth) =>
    range((tenth - 1) * PORTION + 1, tenth * PORTION + 1),
  );
  if (renamed === undefined || moved === undefined || removed === undefined) throw new Error("no portions");
  const faults: string[] = [];
  const check = (isRight: boolean, what: string) => {
    if (!isRight) faults.push(what);
  };

  let since = performance.now();
  const file = join(folder, "sites.json");
  writeFileSync(
    file,
    JSON.stringify({ sites: range(1, count + 1).map((number) => valuesOf(number, host(number))) }),
  );
  const added = JSON.parse(await site(here, ["add", "--file", file, "--json"]));
  console.log(`${added.added} sites added in ${seconds(since)}`);
  check(added.added === count, "not all sites were added");

  // One change of the deployment's settings, which is one deployment, and no document is written.
  const versions = await versionsOf(here);
  let running = await start(here, { SITE_DEFAULTS: JSON.stringify({ SITE_LANGUAGE: "fi" }) });
  since = performance.now();
  let speaking = 0;
  for (const number of range(1, count + 1))
    if ((await languageAt(sitePort, host(number))) === "fi") speaking += 1;
  const written = [...(await versionsOf(here))].filter(
    ([of, version]) => versions.get(of) !== version,
  ).length;
  console.log(
    `SITE_DEFAULTS changed: ${speaking} of ${count} sites go by it, asked in ${seconds(since)}; ${written} documents written`,
  );
  check(speaking === count && written === 0, "not all sites go by the changed default");

  // Seven of those that will be renamed, seven of those that will move, six of those that will be removed.
  const visited = [...renamed.slice(0, 7), ...moved.slice(0, 7), ...removed.slice(0, 6)];
  const before = new Map<number, LoggedIn>();
  for (const number of visited) before.set(number, await logInAt(sitePort, host(number)));
  const isOwnUnit = [...before].every(([number, { clientId }]) => clientId === unitOf(number));
  console.log(
    `a login on each of ${before.size} sites, each with its own sales unit: ${isOwnUnit ? "all done" : "NO"}`,
  );
  check(isOwnUnit, "a site used another's sales unit");

  const vipps = slowVipps(simulatorIssuer(ports.simulatorPort));
  const checked = JSON.parse(await site(here, ["check", "--all", "--json"], true));
  const calls = vipps.end();
  if (checked.counts === undefined) throw new Error(JSON.stringify(checked));
  console.log(
    `check --all, ${AT_VIPPS} ms a call at Vipps: ${checked.counts.sites} sites in ${checked.seconds} s with ${calls} calls (one after the other that is ${((calls * AT_VIPPS) / 1000).toFixed(0)} s of waiting alone); ${checked.counts.healthy} in order, ${checked.counts.unhealthy} not`,
  );
  check(checked.counts.sites === count, "not all sites were checked");
  check(checked.counts.unhealthy === 0, `sites are not in order: ${firstProblem(checked)}`);
  await running.stop();

  since = performance.now();
  await withOpenStorage([here], async () => {
    for (const number of renamed) await site(here, ["rename", host(number), newHost(number)]);
  });
  console.log(`${renamed.length} renamed in ${seconds(since)}`);

  since = performance.now();
  await withOpenStorage([here, there], async () => {
    const key = (await site(there, ["receive"])).trim();
    for (const number of moved) {
      const out = join(folder, `${number}.export`);
      await site(here, ["export", host(number), "--for", key, "--out", out]);
      await site(there, ["import", out]);
    }
  });
  console.log(`${moved.length} exported and imported into another deployment in ${seconds(since)}`);

  running = await start(here);
  const again = await accountsAt(
    sitePort,
    renamed.slice(0, 7).map((number) => [number, newHost(number)]),
  );
  const kept = [...again].filter(([number, account]) => before.get(number)?.account === account).length;
  const led = await Promise.all(
    renamed.map(async (number) => (await ask(sitePort, host(number), "/members/?x=1")).headers.location),
  );
  const leading = led.filter(
    (to, index) => to === `http://${newHost(renamed[index] ?? 0)}/members/?x=1`,
  ).length;
  console.log(
    `logged in again at ${again.size} renamed sites: ${kept} found their account; ${leading} of ${renamed.length} old hosts lead to the new one`,
  );
  check(
    kept === again.size && leading === renamed.length,
    "a renamed site lost somebody, or its old host leads nowhere",
  );
  await running.stop();

  since = performance.now();
  const gone = JSON.parse(await site(here, ["remove", ...removed.map(host), "--yes", "--json"]));
  const rows = (gone.sites as { rows: Record<string, number> }[])
    .flatMap((one) => Object.values(one.rows))
    .reduce((sum, value) => sum + value, 0);
  const left = await leftOf(here, removed.map(host));
  console.log(
    `${removed.length} removed in ${seconds(since)} (45 s of it waiting for what is under way), ${rows} rows with them; left of them: ${left.documents} documents, ${left.rows} rows`,
  );
  check(left.documents + left.rows === 0 && rows > 0, "a removed site left something behind");
  running = await start(here);
  const statuses = await Promise.all(
    removed.map(async (number) => (await ask(sitePort, host(number), "/auth/login")).status),
  );
  console.log(`their hosts answer ${[...new Set(statuses)].join(", ")}`);
  check(
    statuses.every((status) => status === 404),
    "a removed site still answers",
  );
  await running.stop();

  running = await start(there);
  const arrived = await accountsAt(
    sitePort,
    moved.slice(0, 7).map((number) => [number, host(number)]),
  );
  const same = [...arrived].filter(([number, account]) => before.get(number)?.account === account).length;
  console.log(
    `logged in again at ${arrived.size} sites where they were imported: ${same} found their account`,
  );
  check(same === arrived.size, "an imported site lost somebody");
  await running.stop();
  for (const fault of faults) console.log(`NOT AS IT SHOULD BE: ${fault}`);
  return faults.length === 0;
}

/** Every other site has keys of its own, the others the partner's. */
function valuesOf(number: number, host: string): Readonly<Record<string, string>> {
  const own =
    number % 2 === 0
      ? { VIPPS_KEYS: "partner" }
      : {
          VIPPS_CLIENT_ID: unitOf(number),
          VIPPS_CLIENT_SECRET: `secret-of-site-${number}-${"x".repeat(20)}`,
        };
  return {
    ...own,
    SITE_URL: `http://${host}`,
    VIPPS_MSN: String(200_000 + number),
    VIPPS_MARKET: ["NO", "DK", "FI", "SE"][number % 4] ?? "NO",
    PROTECTED_PATHS: "/members/*",
  };
}

const unitOf = (number: number): string =>
  number % 2 === 0 ? String(200_000 + number) : `client-of-site-${number}`;

/** The language a site speaks to somebody who asks for none of ours. */
async function languageAt(port: number, host: string): Promise<string | undefined> {
  const headers = { accept: "text/html", "accept-language": "fr" };
  const { body } = await ask(port, host, "/auth/callback?error=access_denied&state=none", headers);
  return /<html lang="([a-z]+)"/.exec(body)?.[1];
}

async function accountsAt(
  port: number,
  sites: readonly (readonly [number: number, host: string])[],
): Promise<ReadonlyMap<number, string>> {
  const accounts = new Map<number, string>();
  for (const [number, host] of sites) accounts.set(number, (await logInAt(port, host)).account);
  return accounts;
}

/** Has every call of this process to the provider take its time, and counts them. */
function slowVipps(issuer: string): { end(): number } {
  const real = globalThis.fetch;
  const { origin } = new URL(issuer);
  let calls = 0;
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith(origin)) {
      calls += 1;
      await pause(AT_VIPPS);
    }
    return real(input, init);
  };
  return {
    end: () => {
      globalThis.fetch = real;
      return calls;
    },
  };
}

async function withSession<Value>(
  { state }: Deployment,
  use: (session: Awaited<ReturnType<typeof openSession>>) => Promise<Value>,
): Promise<Value> {
  const session = await openSession({ root: ROOT, remote: false, environment: undefined, persistTo: state });
  return use(session).finally(() => session.close());
}

const versionsOf = (deployment: Deployment) =>
  withSession(deployment, async (session) => {
    const [result] = await session.batch([{ sql: "SELECT host, version FROM site_versions", params: [] }]);
    return new Map(result?.rows.map(({ host, version }) => [String(host), Number(version)] as const));
  });

/** What is there of hosts in KV and in the database. */
const leftOf = (deployment: Deployment, hosts: readonly string[]) =>
  withSession(deployment, async (session) => {
    const keys = masterKeysIn(readDevVars(deployment.settings).SITES_KEYS ?? "");
    const leavings = await leavingsOf(session, keys, hosts);
    const kept = new Set(hosts);
    const sites = await session.batch([{ sql: "SELECT DISTINCT site FROM accounts", params: [] }]);
    const orphans = (sites[0]?.rows ?? []).filter(({ site: key }) =>
      kept.has(String(key).split("~")[0] ?? ""),
    ).length;
    const counted = leavings
      .flatMap(({ rows }) => Object.values(rows))
      .reduce((sum, value) => sum + value, 0);
    return { documents: leavings.filter(({ entry }) => entry !== undefined).length, rows: counted + orphans };
  });

function firstProblem({
  sites,
}: {
  sites: readonly { host: string; fault?: string; findings: readonly { severity: string; what: string }[] }[];
}): string {
  for (const { host, fault, findings } of sites) {
    const error = fault ?? findings.find(({ severity }) => severity === "error")?.what;
    if (error !== undefined) return `${host}: ${error}`;
  }
  return "";
}
