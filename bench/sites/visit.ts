import dns from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { logInAsPerson } from "../../simulator/person.ts";

/** Where a site of the benchmark is: names below localhost lead to this machine. */
export const hostOf = (number: number, port: number): string => `site-${number}.localhost:${port}`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Asks a host of this machine, whose address is given: Node would ask a resolver that may not know the name. */
export function ask(
  port: number,
  host: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, path, headers: { accept: "*/*", ...headers, host } });
    sent.once("error", reject).once("response", (response) => {
      let body = "";
      response
        .setEncoding("utf8")
        .on("data", (text: string) => {
          body += text;
        })
        .once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.end();
  });
}

export const cookiesOf = ({ headers }: Pick<Answer, "headers">): string =>
  (headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");

/** Somebody who has just logged in at a site. */
export interface LoggedIn {
  /** Their account there. */
  readonly account: string;
  readonly cookie: string;
  /** To which sales unit the login went. */
  readonly clientId: string;
  /** What the site took for it, without what the person did at Vipps; in milliseconds. */
  readonly took: number;
}

/**
 * A whole login at one site.
 * @throws {Error} with the site's answer where nobody is logged in after it
 */
export async function logInAt(port: number, host: string): Promise<LoggedIn> {
  let since = performance.now();
  const begun = await ask(port, host, "/auth/login?return_to=/members/");
  let took = performance.now() - since;
  if (begun.headers.location === undefined)
    throw new Error(`${host} answered ${begun.status}: ${begun.body}`);
  const authorize = new URL(begun.headers.location);
  const back = await logInAsPerson((request) => fetch(request), authorize);
  since = performance.now();
  const finished = await ask(port, host, back.pathname + back.search, { cookie: cookiesOf(begun) });
  took += performance.now() - since;
  const cookie = cookiesOf(finished);
  const session = JSON.parse((await ask(port, host, "/auth/session", { cookie })).body);
  if (session.user?.name !== "Kari Nordmann") throw new Error(`nobody is logged in at ${host}`);
  const { searchParams: asked } = authorize;
  return {
    account: session.user.sub,
    cookie,
    clientId: asked.get("client_id") ?? asked.get("msn") ?? "",
    took,
  };
}

/** Has this process find names below localhost on this machine, as browsers do. */
export function findLocalhosts(): void {
  const real = dns.lookup;
  const here = [{ address: "127.0.0.1", family: 4 }];
  type Told = (error: null, addresses: string | typeof here, family?: number) => void;
  const found = (name: string, options: { all?: boolean }, told: Told) => {
    if (!name.endsWith(".localhost")) return Reflect.apply(real, dns, [name, options, told]);
    if (options.all === true) told(null, here);
    else told(null, "127.0.0.1", 4);
  };
  Object.assign(dns, { lookup: found });
}
