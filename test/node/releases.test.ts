import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConnection } from "../../bench/load/connection.ts";
import { createProvider, type Provider } from "../../bench/load/provider.ts";
import { newVisitor, type Visitor } from "../../bench/load/visitor.ts";
import { buildServices } from "../../bench/running-design.ts";
import type { Server } from "../../bench/workerd/server.ts";
import { type Deployment, startDeployment } from "../releases/deployment.ts";
import { buildRelease, keptReleases, type Release, unpackRelease } from "../releases/release.ts";

/*
 * Every release that is kept, upgraded to the code as it is, put back, and upgraded again, on one storage: the Worker of
 * that time itself makes the accounts, sessions, cookies, seals and waiting logins that are read then.
 */

const HOME = "/members/";
const SESSION = "__Host-vipps-session";
const SAME_SITE = { origin: "https://site.example", "sec-fetch-site": "same-origin" };

let run: string;
let provider: Provider;
let head: Release;

beforeAll(async () => {
  run = mkdtempSync(join(tmpdir(), "releases-"));
  provider = await createProvider();
  head = await buildRelease(resolve("."), join(run, "head"));
});

afterAll(() => rmSync(run, { recursive: true, force: true }));

/** A deployment that is replaced by others, with browsers that stay. */
async function openStorage(name: string) {
  const folder = join(run, name);
  mkdirSync(folder, { recursive: true });
  await buildServices(folder);
  let server: Server | undefined;
  const connections: { close(): Promise<void> }[] = [];
  const jars: Map<string, string>[] = [];
  const end = async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await server?.stop();
  };
  return {
    end,
    async deploy(code: Omit<Deployment, "folder" | "provider">) {
      await end();
      server = await startDeployment({ ...code, folder, provider });
    },
    /** A browser, by a number under which it keeps its cookies over deployments. */
    browser(number: number): Visitor {
      const connection = openConnection(server?.port ?? 0);
      connections.push(connection);
      jars[number] ??= new Map();
      return newVisitor(connection, jars[number]);
    },
  };
}

/** Clicks 'log in' and confirms at the provider. @returns path and query of the way back */
async function goToProvider(visitor: Visitor, person: number): Promise<string> {
  const { status, headers } = await visitor.send({ path: `/auth/login?return_to=${HOME}` });
  expect(status).toBe(302);
  return provider.confirm(String(headers.location), person);
}

async function logIn(visitor: Visitor, person: number): Promise<string> {
  await expectHome(visitor, { path: await goToProvider(visitor, person) });
  return accountOf(visitor);
}

async function expectHome(visitor: Visitor, request: Parameters<Visitor["send"]>[0]): Promise<void> {
  const { status, headers, body } = await visitor.send(request);
  expect({ status, location: headers.location }, body.slice(0, 600)).toEqual({ status: 303, location: HOME });
}

const accountOf = ({ cookies }: Visitor): string => String(decodeJwt(cookies.get(SESSION) ?? "").sub);

/** Whether the store says that the session lives, and the registry that its account is there. */
async function expectAlive(visitor: Visitor, account: string): Promise<void> {
  const page = await visitor.send({ path: "/auth/me", headers: { accept: "text/html" } });
  expect(page.status, page.body.slice(0, 400)).toBe(200);
  expect(accountOf(visitor)).toBe(account);
  expect(page.body).toContain("Kari Nordmann");
}

/** Brings a code to a browser that did not begin the login. @returns the fields of its question */
async function askedElsewhere(visitor: Visitor, back: string): Promise<Readonly<Record<string, string>>> {
  const { status, body } = await visitor.send({ path: back, headers: { accept: "text/html" } });
  expect(status, body.slice(0, 400)).toBe(200);
  const inputs = [...body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = "", value = ""]) => [name, value]));
}

const yes = (fields: Readonly<Record<string, string>>) => ({
  path: "/auth/continue",
  method: "POST" as const,
  headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html", ...SAME_SITE },
  body: new URLSearchParams({ ...fields, answer: "yes", confirm: "yes", armed: "yes" }).toString(),
});

describe.each(keptReleases())("release %s", (name) => {
  it("is upgraded, put back and upgraded again: nobody is logged out, no login under way is lost", async () => {
    const old = unpackRelease(name, join(run, name, "code"));
    const storage = await openStorage(name);
    const accounts: string[] = [];
    let begun: { readonly number: number; readonly back: string } | undefined;
    let waiting: { readonly number: number; readonly fields: Readonly<Record<string, string>> } | undefined;
    try {
      let next = 0;
      for (const code of [old, head, old, head]) {
        // Migrations only add: the release put back finds those of its successor.
        const migrations = next === 0 ? old.migrations : head.migrations;
        await storage.deploy({ edge: code, migrations });
        for (const [number, account] of accounts.entries())
          if (account !== undefined) await expectAlive(storage.browser(number), account);
        if (begun !== undefined) {
          const visitor = storage.browser(begun.number);
          await expectHome(visitor, { path: begun.back });
          accounts[begun.number] = accountOf(visitor);
        }
        if (waiting !== undefined) {
          const visitor = storage.browser(waiting.number);
          await expectHome(visitor, yes(waiting.fields));
          accounts[waiting.number] = accountOf(visitor);
        }
        // Somebody who was here before finds the same account, in a browser of theirs.
        if (next > 0) expect(await logIn(storage.browser(next + 50), 0)).toBe(accounts[0]);
        accounts[next] = await logIn(storage.browser(next), next);
        begun = { number: next + 1, back: await goToProvider(storage.browser(next + 1), next + 1) };
        const elsewhere = await goToProvider(storage.browser(next + 40), next + 2);
        waiting = { number: next + 2, fields: await askedElsewhere(storage.browser(next + 2), elsewhere) };
        next += 3;
      }
      expect(new Set(accounts.filter((account) => account !== undefined)).size).toBe(10);
    } finally {
      await storage.end();
    }
  });

  it.each(["edge", "objects"] as const)(
    "beside the code as it is, while a deployment spreads: the %s is the old one",
    async (which) => {
      const old = unpackRelease(name, join(run, `${name}-${which}`, "code"));
      const storage = await openStorage(`${name}-${which}`);
      const code = which === "edge" ? { edge: old, objects: head } : { edge: head, objects: old };
      try {
        await storage.deploy({ ...code, migrations: head.migrations });
        const visitor = storage.browser(0);
        await expectAlive(visitor, await logIn(visitor, 1));
        const back = await goToProvider(storage.browser(1), 2);
        const elsewhere = storage.browser(2);
        await expectHome(elsewhere, yes(await askedElsewhere(elsewhere, back)));
        await expectAlive(elsewhere, accountOf(elsewhere));
        const list = await visitor.send({ path: "/auth/sessions", headers: { accept: "application/json" } });
        expect(JSON.parse(list.body).sessions).toHaveLength(1);
        const out = await visitor.send({ path: "/auth/logout", method: "POST", headers: SAME_SITE });
        expect(out.status).toBe(204);
      } finally {
        await storage.end();
      }
    },
  );
});
