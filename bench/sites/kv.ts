// What ten thousand sites cost the commands at Cloudflare's KV and database, counted at a stand-in for its API.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { type Account, openAccount } from "../../test/node/cloudflare-api.ts";
import { runCommand } from "../../test/node/command-under-test.ts";
import { ROOT } from "./deployment.ts";

const ENVIRONMENT = "production";
const hostOf = (number: number): string => `www.site-${number}.example`;
const valuesOf = (number: number) => ({
  ...{ SITE_URL: `https://${hostOf(number)}`, VIPPS_KEYS: "partner", VIPPS_MSN: String(200_000 + number) },
});

/** @returns whether all came out as it should */
export async function measureStore(count: number, folder: string): Promise<boolean> {
  const account = await openAccount();
  account.kv.set(`vipps-login-worker-${ENVIRONMENT}-sites`, "kv-of-sites");
  const sqlite = new DatabaseSync(":memory:");
  for (const name of readdirSync(join(ROOT, "migrations")).toSorted())
    sqlite.exec(readFileSync(join(ROOT, "migrations", name), "utf8"));
  account.databases.set(`vipps-login-accounts-${ENVIRONMENT}`, { uuid: "a-database", sqlite });
  Object.assign(process.env, {
    CLOUDFLARE_API_BASE_URL: account.url,
    CLOUDFLARE_API_TOKEN: "a-token",
    CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
  });
  const settings = join(folder, "settings");
  const key = { kty: "oct", k: "A".repeat(43), kid: "any" };
  writeFileSync(settings, `SITES_KEYS='${JSON.stringify({ keys: [key] })}'\n`);
  const storage = await keepStorage({ root: ROOT, environment: ENVIRONMENT, persistTo: undefined });
  const place = ["--env", ENVIRONMENT, "--settings", settings];
  let isRight = true;
  const step = async (what: string, args: readonly string[], told: RegExp) => {
    account.calls.length = 0;
    const since = performance.now();
    const { code, stdout, stderr } = await runCommand(["site", ...args, ...place], { cwd: ROOT });
    const took = ((performance.now() - since) / 1000).toFixed(1);
    console.log(`${what}: ${counted(account)}; ${took} s`);
    if (code === 0 && told.test(stdout)) return;
    isRight = false;
    console.log(`NOT AS IT SHOULD BE: ${code}: ${stdout}${stderr}`.slice(0, 500));
  };

  const file = join(folder, "sites.json");
  const sites = Array.from({ length: count }, (_, index) => valuesOf(index + 1));
  writeFileSync(file, JSON.stringify({ sites }));
  const all = count.toLocaleString("en");
  await step(`add --file of ${all}`, ["add", "--file", file], new RegExp(`^${count} added`, "m"));
  await step("the same once more", ["add", "--file", file], new RegExp(`${count} unchanged`));
  const msn = ["--set", "VIPPS_MSN=999999", "--partner"];
  await step(`add of one beside ${all}`, ["add", "https://www.ny.example", ...msn], /1 added/);
  await step(
    "a change of one",
    ["add", "https://www.ny.example", "--update", "--set", "VIPPS_MARKET=DK"],
    /1 changed/,
  );
  await step("rename of one", ["rename", "www.ny.example", "www.nyere.example"], /Renamed/);
  await step("show of one", ["show", "www.nyere.example"], /VIPPS_MARKET +DK/);
  await step("list", ["list"], new RegExp(`^${count + 1} sites`, "m"));
  await storage.close();
  await account.close();
  return isRight;
}

/** What was asked of Cloudflare: calls to KV by what they do, and to the database. */
function counted({ calls }: Account): string {
  const kinds = Map.groupBy(calls, (call) => {
    if (call.includes("/d1/")) return "to the database";
    if (call.endsWith("/namespaces")) return "to find the namespace";
    if (call.endsWith("/keys")) return "lists (a thousand keys each)";
    if (call.endsWith("/bulk/get")) return "reads (a hundred values at most)";
    if (call.endsWith("/bulk/delete")) return "deletions";
    return call.endsWith("/bulk") ? "writes (a hundred values at most)" : "other";
  });
  return [...kinds].map(([kind, { length }]) => `${length} ${kind}`).join(", ");
}
