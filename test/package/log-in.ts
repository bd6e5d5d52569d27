// Starts a project, and somebody logs in to it in Chromium.
// Usage: node test/package/log-in.ts VISIT, which is JSON. Prints how long it took, in seconds.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { chromium, type Page } from "@playwright/test";
import { findChromium } from "../../cli/chromium.mjs";
import { freePorts } from "../node/free-ports.ts";
import { startServer } from "../node/program.ts";

/** A way of the site's own, and what it has to answer. */
export interface Seen {
  readonly path: string;
  readonly says: string;
}

export interface Visit {
  /** The project's folder. */
  readonly root: string;
  /** What starts it, such as `npm start --`. */
  readonly start: readonly string[];
  /** A page for everybody. */
  readonly open: Seen;
  /** A page that needs a login. */
  readonly members: Seen;
  /** What has to be as it was, the login in front or not. */
  readonly untouched?: readonly Seen[];
  /** What the login's own pages have to say in a browser of a language. */
  readonly words?: readonly (Seen & { readonly locale: string; readonly picture?: string })[];
  /** Cookies of an earlier visit, with which nobody has to log in; else where to keep those of this one. */
  readonly session: { readonly from: string } | { readonly to: string };
  /** Where the site and the simulator listen: a session is one of an address. Anywhere, if it is no matter. */
  readonly ports?: readonly [number, number];
}

/** Without any network but this machine's own, where the system can take it away. */
export function withoutNetwork(command: string, args: readonly string[]): readonly [string, string[]] {
  if (!canCutNetwork) return [command, [...args]];
  return ["unshare", ["-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', command, ...args]];
}

/** Whether programs here can be run without a network: on Linux, where a user may have a network of their own. */
export const canCutNetwork = spawnSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"]).status === 0;

async function visit({
  root,
  start,
  open,
  members,
  untouched = [],
  words = [],
  session,
  ports: wanted,
}: Visit): Promise<number> {
  const executablePath = await findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const [port, simulatorPort] = wanted ?? (await freePorts());
  const site = `http://localhost:${port}`;
  const [command = "", ...args] = start;
  const ports = ["--port", String(port), "--simulator-port", String(simulatorPort)];
  const begun = performance.now();
  process.chdir(root);
  const running = await startServer(command, [...args, ...ports], `${site}/auth/health`);
  try {
    const isKnown = "from" in session;
    const context = await browser.newContext(isKnown ? { storageState: session.from } : {});
    const page = await context.newPage();
    await see(page, site, open);
    await page.goto(`${site}${members.path}`);
    if (!isKnown) await logInAs(page, "Kari Nordmann");
    await page.waitForURL(`${site}${members.path}`);
    expectText(await page.content(), members);
    const took = (performance.now() - begun) / 1000;
    for (const seen of untouched)
      expectText(await (await context.request.get(`${site}${seen.path}`)).text(), seen);
    if (!isKnown) await context.storageState({ path: session.to });
    for (const { locale, picture, ...seen } of words) {
      const foreign = await browser.newContext({ locale, viewport: { width: 390, height: 640 } });
      const theirs = await foreign.newPage();
      await see(theirs, site, seen);
      if (picture !== undefined) writeFileSync(picture, await theirs.screenshot());
      await foreign.close();
    }
    return took;
  } finally {
    await running.end();
    await browser.close();
  }
}

async function see(page: Page, site: string, seen: Seen): Promise<void> {
  await page.goto(`${site}${seen.path}`);
  expectText(await page.content(), seen);
}

function expectText(text: string, { path, says }: Seen): void {
  if (!text.includes(says)) throw new Error(`${path} does not say "${says}" but ${text.slice(0, 300)}`);
}

/** From the simulator's first page back to the site. */
async function logInAs(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name }).click();
  const shown = await page.getByRole("status").innerText();
  const app = page.getByRole("region", { name: /^The app of/ });
  await app.getByRole("button", { name: shown, exact: true }).click();
  await page.getByRole("button", { name: "Share and continue" }).click();
}

if (import.meta.main) {
  // What was started ends when this process exits, as it does not by itself when it is told to end.
  process.once("SIGTERM", () => process.exit(143));
  const [visited = ""] = process.argv.slice(2);
  console.log((await visit(JSON.parse(visited) as Visit)).toFixed(1));
}
