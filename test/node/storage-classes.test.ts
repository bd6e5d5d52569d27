import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newKeySet } from "../../cli/session-key-set.ts";
import { type FaultClass, type Store, storageFault } from "../../src/storage-fault.ts";
import { CLASS_MESSAGES } from "../conformance/class-messages.ts";
import { runCommand } from "./command-under-test.ts";

const CLASSES = Object.keys(CLASS_MESSAGES) as FaultClass[];

/** The stores of `/auth/health`, and what the doctor calls them. */
const STORES = {
  kv: "VIPPS_METADATA",
  login_attempts: "LOGIN_ATTEMPTS",
  user_sessions: "USER_SESSIONS",
  accounts_db: "ACCOUNTS_DB",
} as const satisfies Partial<Record<Store, string>>;

let server: Server;
let folder: string;
let origin: string;
/** What `/auth/health` answers. */
let dependencies: Readonly<Record<string, unknown>> = {};

beforeAll(async () => {
  server = createServer((request, response) => {
    const isHealth = request.url === "/auth/health";
    const body = isHealth ? { ok: false, dependencies } : { authenticated: false };
    response.writeHead(isHealth ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  folder = mkdtempSync(join(tmpdir(), "storage-classes-"));
  const settings = {
    SITE_URL: origin,
    VIPPS_CLIENT_ID: "6b1f3c1e-91c4-4d5a-a2f6-6f7f1d1f0b55",
    VIPPS_CLIENT_SECRET: randomBytes(24).toString("base64url"),
    VIPPS_MSN: "123456",
    SESSION_KEYS: JSON.stringify(newKeySet()),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, "settings"), lines.join(""), { mode: 0o600 });
});

afterAll(async () => {
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true, force: true });
});

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly what: string;
  readonly todo?: string;
}

async function healthFinding(): Promise<Finding> {
  const args = ["--settings", join(folder, "settings"), "--url", origin, "--only", "site-health", "--json"];
  const { stdout, stderr } = await runCommand(["doctor", ...args]);
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  const found = findings.find(({ id }) => id === "site-health");
  if (found === undefined) throw new Error(`the doctor says nothing of the health: ${stdout} ${stderr}`);
  return found;
}

const causeOf = (store: Store, kind: FaultClass): string =>
  kind === "timed_out"
    ? "no answer in 5000 ms"
    : storageFault(store, new Error(CLASS_MESSAGES[kind] ?? "")).cause;

/** What docs/operations.md says of each class: what happened, and what to do. */
function rowsOfOperations(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync("docs/operations.md", "utf8");
  const section = text.slice(text.indexOf("\n## Why a store fails"));
  const table = section.slice(0, section.indexOf("\n## ", 2));
  const rows = [...table.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)];
  return new Map(rows.map(([, kind = "", rest = ""]) => [kind, rest.split("|").map((cell) => cell.trim())]));
}

describe("R40 a storage failure, by its class", () => {
  const told: string[] = [];

  it.each(CLASSES)("%s: the doctor says what to do, whichever store it is", async (kind) => {
    for (const [store, name] of Object.entries(STORES)) {
      const cause = causeOf(store as Store, kind);
      dependencies = { [store]: { ok: false, class: kind, cause }, vipps_metadata: { ok: true } };
      const { severity, what, todo } = await healthFinding();
      expect(severity).toBe("error");
      expect(what).toContain(`${name} (${kind}: ${cause})`);
      expect(todo).toMatch(/\w.{20}/);
      told.push(`${kind} ${store}`);
    }
  });

  it("has a row of its own in docs/operations.md, which says what happened and what to do", () => {
    const rows = rowsOfOperations();
    expect([...rows.keys()].toSorted()).toEqual(CLASSES.toSorted());
    for (const [kind, cells] of rows) {
      expect(cells, kind).toHaveLength(3);
      for (const cell of cells) expect(cell, kind).not.toBe("");
    }
    expect(new Set([...rows.values()].map(([happened]) => happened)).size).toBe(CLASSES.length);
    console.log(
      `${CLASSES.length} classes, ${told.length} findings of the doctor (${Object.keys(STORES).length} stores), ${rows.size} rows in operations.md`,
    );
  });
});
