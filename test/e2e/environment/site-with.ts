import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { get as getOverTls } from "node:https";
import { fileURLToPath } from "node:url";
import { test } from "@playwright/test";
import { nextFreePort } from "../../../cli/ports.ts";

/** A worker of its own, beside the one that the other tests share. */
export interface OwnSite {
  readonly origin: string;
  /** Ends it; resolves when it is gone. */
  readonly stop: () => Promise<void>;
}

/** Milliseconds that a start may take on a busy machine. A hook has a minute, whatever its tests are given. */
const PATIENCE = 180_000;

/** Milliseconds between two questions whether it is there, and until one of them is given up. */
const ASK_EVERY = 100;
const ANSWER_WITHIN = 5_000;

/** Whether the worker is there and well. A certificate that it made itself will do. */
function isThere(origin: string): Promise<boolean> {
  const ask = origin.startsWith("https:") ? getOverTls : get;
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, timeout: ANSWER_WITHIN };
    const asked = ask(`${origin}/auth/health`, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy()).on("error", () => resolve(false));
  });
}

/**
 * Starts the worker with settings that differ from the usual ones, and a simulator beside it, in a hook or a test.
 * @param settings by name.
 * @param from ports are looked for from here on; two sites at once need ranges apart.
 * @param state folder of its storage, for a site that shall find what an earlier one kept; else it begins empty.
 * @param protocol https with a certificate that it makes itself.
 * @throws Error with its output when it ends before it answers.
 */
export async function startSiteWith(
  settings: Readonly<Record<string, string>>,
  from: number,
  state?: string,
  protocol: "http" | "https" = "http",
): Promise<OwnSite> {
  test.setTimeout(Math.max(test.info().timeout, PATIENCE));
  const sitePort = await nextFreePort(from, []);
  const simulatorPort = await nextFreePort(from, [sitePort ?? 0]);
  if (sitePort === undefined || simulatorPort === undefined)
    throw new Error(`no port is free from ${from} on`);
  const program = fileURLToPath(new URL("serve.ts", import.meta.url));
  const origin = `${protocol}://localhost:${sitePort}`;
  const lines = Object.entries({ ...settings, ...(protocol === "https" && { SITE_URL: origin }) }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const child = spawn(process.execPath, [program, String(sitePort), String(simulatorPort), ...lines], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(state !== undefined && { E2E_STATE: state }) },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "close");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  while (child.exitCode === null) {
    if (await isThere(origin)) return { origin, stop };
    await new Promise((wake) => setTimeout(wake, ASK_EVERY));
  }
  throw new Error(`the worker ended before it answered: ${output}`);
}
