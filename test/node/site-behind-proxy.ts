import { connect } from "node:net";
import { expect } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import { type ApplicationsBehindProxy, startApplications } from "./applications-behind-proxy.ts";
import { sendForged, type Variables, variablesOf } from "./forged-identity.ts";
import { rawRequest } from "./raw-request.ts";
import { type RunningSite, runSite } from "./running-site.ts";
import { redirectOf, type Visitor } from "./visitor.ts";

/** Applications behind a proxy, and the worker that the proxy asks. */
export interface SiteBehindProxy extends ApplicationsBehindProxy {
  readonly worker: RunningSite;
  /** Logs a visitor in, beginning at an address of the login. @returns the answer of the callback */
  readonly logIn: (visitor: Visitor, toLogin?: URL) => Promise<Response>;
}

export async function startSiteBehindProxy(vars: Readonly<Record<string, string>>): Promise<SiteBehindProxy> {
  const applications = await startApplications();
  const { url } = applications;
  const worker = await runSite({ siteUrl: url.origin, vars });
  return {
    ...applications,
    worker,
    logIn: async (visitor, toLogin = new URL("/auth/login", url)) => {
      const toVipps = redirectOf(await visitor.request(toLogin.href));
      const back = await logInAsPerson((request) => fetch(request), toVipps);
      expect(back.origin).toBe(url.origin);
      return visitor.request(back.href);
    },
    close: async () => {
      await worker.close();
      await applications.close();
    },
  };
}

/**
 * Sends every forged spelling to one application, on its path for members and on its path for everybody.
 * @param paths of the application, for members and for everybody
 * @param member what it has to see of the member
 * @param stranger what it has to see where everybody may come
 */
export async function expectNothingForged(
  application: string,
  { url }: SiteBehindProxy,
  visitor: Visitor,
  paths: readonly [members: string, open: string],
  member: Variables,
  stranger: Variables = {},
): Promise<void> {
  const [members, open] = paths;
  const cookie = [`Cookie: ${visitor.cookies()}`];
  const outcomes = [
    await sendForged(new URL(members, url), cookie, member),
    await sendForged(new URL(open, url), cookie, stranger),
  ];
  for (const [index, { sent, refused, reached }] of outcomes.entries()) {
    const where = `${application}${index === 0 ? "" : ", path for everybody"}`;
    console.info(
      `${reached.length} of ${sent} spellings of forged identity reach the application (${where}; ${refused} refused by the proxy)`,
    );
    expect(sent).toBeGreaterThanOrEqual(200);
    // Most are taken and made harmless, so that the test can't pass by refusing everything.
    expect(refused).toBeLessThan(sent / 2);
    expect(reached.slice(0, 5)).toEqual([]);
  }
}

/** Headers by which applications and their servers are told of another path than the proxy decides by. */
const OTHER_PATHS = [
  ...["Script-Name", "SCRIPT_NAME", "X-Script-Name", "X_Script_Name", "X-Forwarded-Prefix"],
  ...["X_Forwarded_Prefix", "X-Original-URL", "X_ORIGINAL_URL", "X-Rewrite-URL", "X_Rewrite_Url"],
];

/**
 * Checks that a path for everybody is no way to another one.
 * @param open a path for everybody, at which an application tells its variables whatever follows.
 * @param own what the application sees of that path.
 */
export async function expectOwnPath({ url }: SiteBehindProxy, open: string, own: string): Promise<void> {
  for (const name of OTHER_PATHS) {
    for (const value of [own.slice(0, own.lastIndexOf("/")), "/forged"]) {
      const { text } = await rawRequest(url, open, [`${name}: ${value}`]);
      const { PATH_INFO: path, ...seen } = variablesOf(text);
      expect(
        [path, Object.keys(seen).filter((variable) => seen[variable] === value)],
        `${name}: ${value}`,
      ).toEqual([own, []]);
    }
  }
}

/** Opens a websocket with the application by hand. @returns what came back, the echo of `hello` included. */
export function talkOverWebsocket(url: URL, path: string, cookie: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => {
      const head = [`GET ${path} HTTP/1.1`, `Host: ${url.host}`, "Upgrade: websocket", "Connection: Upgrade"];
      const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
      socket.write([...head, key, "Sec-WebSocket-Version: 13", `Cookie: ${cookie}`, "", ""].join("\r\n"));
    });
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      if (text === "" && /^HTTP\/1\.1 101 /.test(String(chunk))) socket.write("hello");
      text += chunk;
      if (text.endsWith("hello") || !text.startsWith("HTTP/1.1 101 ")) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

/** The first event of a stream that stays open. */
export async function firstEvent(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}
