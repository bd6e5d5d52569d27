import type { Design } from "../designs/design.ts";
import { assertLoggedIn } from "../running-design.ts";
import type { Server } from "../workerd/server.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type LoadResult, measureLoad } from "./measured-load.ts";
import type { Provider } from "./provider.ts";
import { warmUpSeconds } from "./repeated-request.ts";
import { newVisitor, type Visitor } from "./visitor.ts";

/** A login that stands at the provider and has been confirmed there: what is left is the callback. */
export interface ConfirmedLogin {
  readonly cookies: Map<string, string>;
  /** Path and query of the redirect back. */
  readonly back: string;
}

/**
 * Starts logins over and over, each in a browser without cookies.
 * @param start what a browser does from the click until it is sent to the provider
 * @throws Error at the first that is not sent there
 */
export async function repeatStart(
  server: Server,
  start: (visitor: Visitor) => Promise<unknown>,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  return withConnections(server, connections, async (open) => {
    const keepAll = (forSeconds: number, done: (milliseconds: number) => void) => {
      const until = performance.now() + forSeconds * 1000;
      return Promise.all(
        open.map(async (connection) => {
          do {
            const startedAt = performance.now();
            await start(newVisitor(connection));
            done(performance.now() - startedAt);
          } while (performance.now() < until);
        }),
      );
    };
    await keepAll(warmUpSeconds(seconds), () => undefined);
    return measureLoad(server, (done) => keepAll(seconds, done));
  });
}

/**
 * Whole logins of people who wait nowhere: all are started, confirmed at the provider, and finished. The clock stands
 * still while the generator plays the provider, which costs it more than a login costs the site.
 * @throws Error at the first that is not let in
 */
export async function wholeLogins(
  server: Server,
  design: Design,
  provider: Provider,
  persons: readonly number[],
  connections: number,
): Promise<{ readonly finish: LoadResult; readonly whole: LoadResult }> {
  const { login } = design;
  if (login === undefined) throw new Error(`${design.name} has no login`);
  const begun: { readonly person: number; readonly cookies: Map<string, string>; readonly url: string }[] =
    [];
  const start = await withConnections(server, connections, (open) =>
    measureLoad(server, (done) =>
      shareOut(persons, open, async (person, connection) => {
        const startedAt = performance.now();
        const visitor = newVisitor(connection);
        const url = await login.start(visitor);
        done(performance.now() - startedAt);
        begun.push({ person, cookies: visitor.cookies, url });
      }),
    ),
  );
  const confirmed: ConfirmedLogin[] = [];
  for (const { person, cookies, url } of begun)
    confirmed.push({ cookies, back: await provider.confirm(url, person) });
  const finish = await finishLogins(server, design, confirmed, connections);
  return { finish, whole: oneAfterTheOther(start, finish) };
}

/** What two halves that were measured by themselves come to together. */
export function oneAfterTheOther(first: LoadResult, second: LoadResult): LoadResult {
  const both = (of: (half: LoadResult) => number | undefined) => {
    const [one, other] = [of(first), of(second)];
    return one === undefined || other === undefined ? undefined : one + other;
  };
  const perSecond = 1 / (1 / first.perSecond + 1 / second.perSecond);
  const processorTime = both((half) => half.processorTime);
  return {
    perSecond,
    medianLatency: first.medianLatency + second.medianLatency,
    p99Latency: first.p99Latency + second.p99Latency,
    processorTime,
    busy: processorTime === undefined ? undefined : (processorTime * perSecond) / 1e6,
  };
}

/** Starts logins and confirms them at the provider, so that only the callbacks are left. */
export async function confirmLogins(
  server: Server,
  design: Design,
  provider: Provider,
  persons: readonly number[],
): Promise<readonly ConfirmedLogin[]> {
  const { login } = design;
  if (login === undefined) throw new Error(`${design.name} has no login`);
  const confirmed: ConfirmedLogin[] = [];
  await withConnections(server, 16, (open) =>
    shareOut(persons, open, async (person, connection) => {
      const visitor = newVisitor(connection);
      const back = await provider.confirm(await login.start(visitor), person);
      confirmed.push({ cookies: visitor.cookies, back });
    }),
  );
  return confirmed;
}

/**
 * Brings confirmed logins back to the site, each in its own browser, which is logged in after it.
 * @throws Error at the first that is not let in
 */
export async function finishLogins(
  server: Server,
  design: Design,
  logins: readonly ConfirmedLogin[],
  connections: number,
): Promise<LoadResult> {
  return withConnections(server, connections, (open) =>
    measureLoad(server, (done) =>
      shareOut(logins, open, async ({ cookies, back }, connection) => {
        const startedAt = performance.now();
        const { status, headers, body } = await newVisitor(connection, cookies).send({ path: back });
        done(performance.now() - startedAt);
        assertLoggedIn(design, status, headers.location, body);
      }),
    ),
  );
}

/** Lets each connection take the next of the things as soon as it is done with one. */
export async function shareOut<Thing>(
  things: readonly Thing[],
  connections: readonly Connection[],
  work: (thing: Thing, connection: Connection) => Promise<void>,
): Promise<void> {
  const rest = things.values();
  await Promise.all(
    connections.map(async (connection) => {
      for (const thing of rest) await work(thing, connection);
    }),
  );
}

/** Opens connections, and closes them whatever happens. */
export async function withConnections<Result>(
  server: Server,
  count: number,
  work: (connections: readonly Connection[]) => Promise<Result>,
): Promise<Result> {
  const open = Array.from({ length: count }, () => openConnection(server.port));
  try {
    return await work(open);
  } finally {
    await Promise.all(open.map((connection) => connection.close()));
  }
}
