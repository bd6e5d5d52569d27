import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConnection } from "../../bench/load/connection.ts";
import { createProvider, type Provider, profileOf } from "../../bench/load/provider.ts";
import { SALES_UNIT } from "../../bench/load/sales-unit.ts";
import { newVisitor, type Visitor } from "../../bench/load/visitor.ts";
import { buildServices } from "../../bench/running-design.ts";
import type { Server } from "../../bench/workerd/server.ts";
import { newKeySet } from "../../cli/session-key-set.ts";
import { proofDigest } from "../../src/accounts/proof-digest.ts";
import { type Deployment, startDeployment } from "../releases/deployment.ts";
import {
  buildRelease,
  keptReleases,
  type Release,
  type SiteWriter,
  unpackRelease,
} from "../releases/release.ts";

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
    async deploy(code: Omit<Deployment, "folder" | "provider">): Promise<void> {
      await end();
      server = await startDeployment({ ...code, folder, provider });
    },
    /** A browser, by a number under which it keeps its cookies over deployments. @param host of a further site */
    browser(number: number, host?: string): Visitor {
      const connection = openConnection(server?.port ?? 0);
      connections.push(connection);
      jars[number] ??= new Map();
      const visitor = newVisitor(connection, jars[number]);
      if (host === undefined) return visitor;
      const send: Visitor["send"] = (sent) => visitor.send({ ...sent, headers: { ...sent.headers, host } });
      return { ...visitor, send };
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
  return hiddenFields(body);
}

function hiddenFields(page: string): Readonly<Record<string, string>> {
  const inputs = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = "", value = ""]) => [name, value]));
}

const yes = (fields: Readonly<Record<string, string>>) => ({
  path: "/auth/continue",
  method: "POST" as const,
  headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html", ...SAME_SITE },
  body: new URLSearchParams({ ...fields, answer: "yes", confirm: "yes", armed: "yes" }).toString(),
});

/** A further site of the same deployment. */
const FURTHER = "club.example";
const HOME_OF_APP = "https://app.example/back";
/** People whose phone number a member of another name has have numbers from here on. */
const MEMBERS = 700;
/** What only those members know. */
const FACT = "1234-A";

/** Settings of a deployment with everything that people are asked, and keys for further sites. */
async function varsOfMore() {
  return {
    TERMS_URL: "/terms.html",
    TERMS_VERSION: "1",
    APP_REDIRECT_URIS: HOME_OF_APP,
    SITES_KEYS: JSON.stringify({
      keys: [{ kty: "oct", k: randomBytes(32).toString("base64url"), kid: "master" }],
    }),
  };
}

/** The further site's document, as the release itself writes it. */
async function documentOf({ siteWriter }: Release, keys: string): Promise<Readonly<Record<string, string>>> {
  const { readMasterKeys, writeSiteDocument }: SiteWriter = await import(pathToFileURL(siteWriter).href);
  const values = {
    SITE_URL: `https://${FURTHER}`,
    VIPPS_ISSUER: provider.issuer,
    VIPPS_CLIENT_ID: SALES_UNIT.clientId,
    VIPPS_CLIENT_SECRET: SALES_UNIT.clientSecret,
    VIPPS_MSN: SALES_UNIT.msn,
    SESSION_KEYS: JSON.stringify(newKeySet()),
  };
  const document = await writeSiteDocument(readMasterKeys(keys) ?? {}, FURTHER, values, Date.now());
  return { [`site:${FURTHER}`]: JSON.stringify(document) };
}

/** Members of the site, from before there was this login: each has somebody's number, and another name. */
async function membersToProve(): Promise<string> {
  const rows = [0, 1, 2].map(async (member) => {
    const digest = await proofDigest("default", `key-${member}`, FACT);
    const phone = profileOf(MEMBERS + member).phone_number;
    return `('default', 'member-${member}', 'Ola Hansen', 'ola hansen', '${phone}', 1, '${digest}', 'key-${member}', 'import', 1, 1)`;
  });
  return `INSERT INTO accounts (site, id, name, search_name, phone, phone_verified, proof_digest, import_key, origin,
    created_at, updated_at) VALUES ${(await Promise.all(rows)).join(", ")}`;
}

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

  it("so are further sites, accepted terms, proofs and apps", async () => {
    const old = unpackRelease(name, join(run, `${name}-more`, "code"));
    const storage = await openStorage(`${name}-more`);
    const vars = await varsOfMore();
    const stored = { kv: await documentOf(old, vars.SITES_KEYS), sql: await membersToProve() };
    const everybody: { readonly account: string; readonly visitor: () => Visitor }[] = [];
    const apps: { readonly account: string; readonly token: string }[] = [];
    let waiting: (() => Promise<void>)[] = [];
    let number = 0;
    const stays = (visitor: () => Visitor) => everybody.push({ account: accountOf(visitor()), visitor });
    const post = (fields: Readonly<Record<string, string>>) => ({
      path: "/auth/continue",
      method: "POST" as const,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "text/html",
        ...SAME_SITE,
      },
      body: new URLSearchParams(fields).toString(),
    });
    const accepted = { answer: "accept", terms: "accepted" };

    /** Somebody new, who is asked to accept the terms by this release and answers whichever follows. */
    async function beginTerms(): Promise<void> {
      number += 1;
      const own = number;
      const visitor = () => storage.browser(own);
      const fields = await askedElsewhere(visitor(), await goToProvider(visitor(), own));
      expect(fields.question).toBe("terms");
      waiting.push(async () => {
        await expectHome(visitor(), post({ ...fields, ...accepted }));
        stays(visitor);
      });
    }

    /** Somebody whose number a member of another name has, and who proves by the next release who they are. */
    async function beginProof(member: number): Promise<void> {
      number += 1;
      const own = number;
      const visitor = () => storage.browser(own);
      const { attempt = "", question } = await askedElsewhere(
        visitor(),
        await goToProvider(visitor(), MEMBERS + member),
      );
      expect(question).toBe("proof");
      waiting.push(async () => {
        const proven = await visitor().send(post({ attempt, question: "proof", answer: "fact", fact: FACT }));
        expect(proven.status, proven.body.slice(0, 400)).toBe(200);
        const terms = hiddenFields(proven.body);
        expect(terms.question).toBe("terms");
        await expectHome(visitor(), post({ ...terms, ...accepted }));
        expect(accountOf(visitor())).toBe(`member-${member}`);
        stays(visitor);
      });
    }

    /** An app whose login this release begins; its person has accepted the terms in a browser. */
    async function beginApp(person: number): Promise<void> {
      const json = (path: string, body: object) => ({
        path,
        method: "POST" as const,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const start = await storage.browser(900 + number).send(json("/auth/app/start", {}));
      const begun = JSON.parse(start.body) as { authorize_url: string; app_secret: string };
      const back = new URL(await provider.confirm(begun.authorize_url, person), HOME_OF_APP);
      const { code, state } = Object.fromEntries(back.searchParams);
      waiting.push(async () => {
        const finish = json("/auth/app/finish", { app_secret: begun.app_secret, state, code });
        const { status, body } = await storage.browser(900).send(finish);
        expect(status, body).toBe(200);
        const { user, session } = JSON.parse(body) as { user: { sub: string }; session: { token: string } };
        apps.push({ account: user.sub, token: session.token });
      });
    }

    async function beginAtFurtherSite(): Promise<void> {
      number += 1;
      const own = number;
      const visitor = () => storage.browser(own, FURTHER);
      const back = await goToProvider(visitor(), own);
      waiting.push(async () => {
        await expectHome(visitor(), { path: back });
        stays(visitor);
      });
    }

    try {
      for (const [round, code] of [old, head, old, head].entries()) {
        const migrations = round === 0 ? old.migrations : head.migrations;
        await storage.deploy({ edge: code, migrations, vars, stored });
        for (const { account, visitor } of everybody) await expectAlive(visitor(), account);
        for (const { account, token } of apps) {
          const { body } = await storage.browser(901).send({
            path: "/auth/session",
            headers: { authorization: `Bearer ${token}`, accept: "application/json" },
          });
          expect(JSON.parse(body)).toMatchObject({ authenticated: true, user: { sub: account } });
        }
        for (const answer of waiting) await answer();
        waiting = [];
        // Who has accepted the terms is not asked again, and finds the same account, at either site.
        if (round === 2) {
          const [first] = everybody;
          expect(await logIn(storage.browser(800 + round), 1)).toBe(first?.account);
        }
        if (round === 3) break;
        await beginTerms();
        await beginProof(round);
        await beginAtFurtherSite();
        if (round > 0) await beginApp(1);
      }
      expect(everybody).toHaveLength(9);
      expect(apps).toHaveLength(2);
      expect(new Set(apps.map(({ account }) => account))).toEqual(new Set([everybody[0]?.account]));
      expect(new Set(everybody.map(({ account }) => account)).size).toBe(9);
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
