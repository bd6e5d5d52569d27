import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import { type OwnSite, startSiteWith } from "../e2e/environment/site-with.ts";
import { redirectOf } from "./visitor.ts";

let site: OwnSite;
let originProcess: ChildProcess;
let origin: string;

beforeAll(async () => {
  site = await startSiteWith({ SESSION_FRESH: "6" }, 23_400);
  originProcess = spawn(process.execPath, ["examples/node-origin/origin.mjs"], {
    env: { ...process.env, JWKS_URL: `${site.origin}/auth/.well-known/jwks.json`, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(originProcess.stdout ?? originProcess, "data");
  origin = String(line).trim().replace("localhost", "127.0.0.1");
}, 120_000);

afterAll(async () => {
  originProcess?.kill();
  await site?.stop();
});

/** The cookies of a whole login, as a browser would send them. */
async function logIn(): Promise<string> {
  const start = await fetch(`${site.origin}/auth/login`, { redirect: "manual" });
  const cookies = start.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  const back = await logInAsPerson((request) => fetch(request), redirectOf(start));
  const done = await fetch(back, { redirect: "manual", headers: { cookie: cookies.join("; ") } });
  return done.headers
    .getSetCookie()
    .map((line) => line.split(";")[0] ?? "")
    .join("; ");
}

const ask = async (cookie: string) => {
  const response = await fetch(origin, { headers: { cookie } });
  return { status: response.status, body: await response.json() };
};

test("the Node example believes the worker's token by its public keys alone, while it is fresh", async () => {
  const cookie = await logIn();
  expect(await ask(cookie)).toEqual({
    status: 200,
    body: { account: expect.any(String), name: "Kari Nordmann" },
  });
  const refused = { status: 401, body: { error: "log in first" } };
  expect(await ask("")).toEqual(refused);
  const [name, token = ""] = cookie.split(/=(.*)/s);
  const changed = token.replace(/^(.{90})(.)/, (_all, head, one) => head + (one === "A" ? "B" : "A"));
  expect(await ask(`${name}=${changed}`)).toEqual(refused);
  await expect.poll(() => ask(cookie), { timeout: 30_000, interval: 250 }).toEqual(refused);
});
