// One site is flooded; what do the others notice?

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readConfig, tablesIn, withValues } from "../../cli/project-config.ts";
import { quantile } from "../statistics.ts";
import { type Deployment, makeDeployment, ROOT, site, start } from "./deployment.ts";
import { ask, cookiesOf, hostOf, logInAt } from "./visit.ts";

/** Sites beside the flooded one. */
const OTHERS = 10;
/** Visits to the flooded site a second: each begins a login and comes back with a code that Vipps never gave. */
const FLOOD = 60;
/**
 * What a site may finish in a minute here (LOGIN_SITE_LIMITER): the flood is thirty times as much. One process plays a
 * whole Cloudflare location, so both are a twenty-fifth of what they are there: 3,000 a minute, and 1,500 visits a second.
 */
const SHARE = 120;
/** Requests to the others' session route, and logins there, a second. */
const SESSIONS = 20;
const LOGINS = 1;
/** How long each span is, in seconds. */
const SPAN = 25;
/** Spans beside the flood, between one alone before and one after: in the last, the site has had its share of a minute. */
const FLOODED_SPANS = 3;
/** What the others may have to wait, beside what they wait alone. */
const BEARABLE = 1.5;

const FLOODED = 1;

interface Times {
  readonly sessions: number[];
  readonly logins: number[];
}

/** @returns whether the others were served nearly as fast as alone */
export async function measureFlood(
  folder: string,
  ports: Pick<Deployment, "sitePort" | "simulatorPort">,
): Promise<boolean> {
  const { sitePort } = ports;
  const config = writeConfiguration(folder);
  const deployment = { ...(await makeDeployment(join(folder, "here"), ports)), config };
  const file = join(folder, "sites.json");
  const numbers = Array.from({ length: OTHERS + 1 }, (_, index) => FLOODED + index);
  writeFileSync(
    file,
    JSON.stringify(
      numbers.map((number) => ({
        SITE_URL: `http://${hostOf(number, sitePort)}`,
        VIPPS_CLIENT_ID: `client-of-site-${number}`,
        VIPPS_CLIENT_SECRET: `secret-of-site-${number}`,
        VIPPS_MSN: String(200_000 + number),
      })),
    ),
  );
  await site(deployment, ["add", "--file", file]);
  const running = await start(deployment);
  try {
    const others = numbers.filter((number) => number !== FLOODED).map((number) => hostOf(number, sitePort));
    const cookies = new Map<string, string>();
    for (const host of others) cookies.set(host, (await logInAt(sitePort, host)).cookie);
    const visit = () => visitOthers(sitePort, others, cookies);
    // What is slow only once is over before anything counts.
    await visit();
    const [alone, flooded]: [Times, Times] = [
      { sessions: [], logins: [] },
      { sessions: [], logins: [] },
    ];
    const answers = new Map<number, number>();
    append(alone, await visit());
    const flood = startFlood(sitePort, answers);
    for (let span = 0; span < FLOODED_SPANS; span += 1) append(flooded, await visit());
    await flood.stop();
    append(alone, await visit());
    const sent = [...answers.values()].reduce((sum, count) => sum + count, 0);
    const by = [...answers].toSorted().map(([status, count]) => `${count} answered ${status}`);
    console.log(
      `flood: ${FLOOD} visits a second for ${FLOODED_SPANS * SPAN} s, ${sent} requests (${by.join(", ")}), of which a site may finish ${SHARE} a minute; others: ${SESSIONS} session requests and ${LOGINS} login a second at ${OTHERS} sites`,
    );
    const parts = [
      ["session route", alone.sessions, flooded.sessions],
      ["logins", alone.logins, flooded.logins],
    ] as const;
    const factors = parts.map(([what, one, other]) => {
      const [before, beside] = [quantile(one, 0.95), quantile(other, 0.95)];
      const factor = beside / before;
      console.log(
        `others' ${what}: p95 ${before.toFixed(1)} ms alone (${one.length}), ${beside.toFixed(1)} ms beside the flood (${other.length}): ${factor.toFixed(2)} times; medians ${quantile(one, 0.5).toFixed(1)} and ${quantile(other, 0.5).toFixed(1)} ms`,
      );
      return factor;
    });
    return factors.every((factor) => factor <= BEARABLE);
  } finally {
    await running.stop();
  }
}

/** The project's configuration with the share of a site that fits what plays Cloudflare here. @returns its path */
function writeConfiguration(folder: string): string {
  const config = readConfig(ROOT);
  const { main, assets, ratelimits } = config.values;
  const ofEverySite = tablesIn(ratelimits).map((limit) =>
    limit.name === "LOGIN_SITE_LIMITER" ? { ...limit, simple: { limit: SHARE, period: 60 } } : limit,
  );
  const values = {
    ...config.values,
    main: join(ROOT, String(main)),
    assets: { ...tablesIn([assets])[0], directory: join(ROOT, "demo") },
    ratelimits: ofEverySite,
  };
  const path = join(folder, config.name);
  writeFileSync(path, withValues(config, values));
  return path;
}

function append(to: Times, { sessions, logins }: Times): void {
  to.sessions.push(...sessions);
  to.logins.push(...logins);
}

/** Asks the others at their pace, whether or not the answers keep up. @throws {Error} where one is not served */
async function visitOthers(
  port: number,
  hosts: readonly string[],
  cookies: ReadonlyMap<string, string>,
): Promise<Times> {
  const times: Times = { sessions: [], logins: [] };
  await Promise.all([
    atPace(SESSIONS, async (turn) => {
      const host = hosts[turn % hosts.length] ?? "";
      const since = performance.now();
      const { status, body } = await ask(port, host, "/auth/session", { cookie: cookies.get(host) ?? "" });
      times.sessions.push(performance.now() - since);
      if (status !== 200 || !body.includes('"authenticated":true'))
        throw new Error(`${host} answered ${status}`);
    }),
    atPace(LOGINS, async (turn) => {
      times.logins.push((await logInAt(port, hosts[turn % hosts.length] ?? "")).took);
    }),
  ]);
  return times;
}

/** Does something so often a second, for a span. */
async function atPace(perSecond: number, deed: (turn: number) => Promise<void>): Promise<void> {
  const begun = performance.now();
  const deeds: Promise<void>[] = [];
  for (let turn = 0; turn < perSecond * SPAN; turn += 1) {
    await pause(Math.max(0, begun + (turn * 1000) / perSecond - performance.now()));
    deeds.push(deed(turn));
  }
  await Promise.all(deeds);
}

/** Begins logins at the flooded site and ends each with an invented code, at its pace until it is stopped. */
function startFlood(port: number, answers: Map<number, number>): { stop(): Promise<void> } {
  let isOver = false;
  const host = hostOf(FLOODED, port);
  const count = (status: number) => answers.set(status, (answers.get(status) ?? 0) + 1);
  const visit = async () => {
    const begun = await ask(port, host, "/auth/login");
    count(begun.status);
    const state = URL.parse(begun.headers.location ?? "")?.searchParams.get("state");
    if (!state) return;
    const path = `/auth/callback?code=made-up&state=${encodeURIComponent(state)}`;
    count((await ask(port, host, path, { cookie: cookiesOf(begun) })).status);
  };
  const visits: Promise<unknown>[] = [];
  const work = (async () => {
    const begun = performance.now();
    for (let turn = 0; !isOver; turn += 1) {
      visits.push(visit().catch(() => count(0)));
      await pause(Math.max(0, begun + ((turn + 1) * 1000) / FLOOD - performance.now()));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await work;
      await Promise.all(visits);
    },
  };
}
