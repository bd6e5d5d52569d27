import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installDependencies } from "../../cli/dependencies.mjs";
import { findProgram } from "../../cli/test-programs.mjs";
import { logInAsPerson } from "../../simulator/person.ts";
import { type RunningSimulator, startSimulator } from "../../simulator/server.ts";
import { freePorts } from "./free-ports.ts";
import { startHttpsServer } from "./https-server.ts";
import { describeWith } from "./needed-programs.ts";
import { type Program, startServer } from "./program.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

/** Keys as Vipps gives them out hold a `+` now and then, which some clients send raw and others encode. */
const KEYS = {
  VIPPS_CLIENT_ID: "client-of-a-club",
  VIPPS_CLIENT_SECRET: "s3cret+with/signs%2B=",
  VIPPS_MSN: "123456",
};

const PERSON = { name: "Kari Nordmann", email: "kari.nordmann@example.com" };

/** Walks through the simulator's pages and back to the relying party. */
async function finish(visitor: Visitor, toVipps: URL, simulator: RunningSimulator): Promise<Response> {
  const walked = new URL(toVipps.pathname + toVipps.search, simulator.url);
  const back = await logInAsPerson((request) => fetch(request), walked);
  expect(Object.fromEntries(back.searchParams)).not.toHaveProperty("error");
  return visitor.request(back.href);
}

describe("software of others logs in at the simulator", () => {
  let simulator: RunningSimulator;
  const programs: Program[] = [];

  beforeAll(async () => {
    await installDependencies(join(process.cwd(), "test/clients"), "clients");
  }, 180_000);
  afterAll(async () => {
    for (const program of programs) await program.end();
    await simulator?.close();
  });

  /** Starts a relying party of test/clients and a simulator that knows it. */
  async function start(
    file: string,
    callback: string,
    tokenAuth: "client_secret_basic" | "client_secret_post" = "client_secret_basic",
  ): Promise<Visitor> {
    const [port] = await freePorts();
    const url = `http://localhost:${port}`;
    await simulator?.close();
    const portal = { ...KEYS, VIPPS_TOKEN_AUTH: tokenAuth };
    simulator = await startSimulator({ port: 0, env: portal, redirectUris: [url + callback] });
    const env = {
      ISSUER: simulator.simulator.issuer,
      CLIENT_ID: KEYS.VIPPS_CLIENT_ID,
      CLIENT_SECRET: KEYS.VIPPS_CLIENT_SECRET,
      PORT: String(port),
    };
    programs.push(
      await startServer(process.execPath, [join("test/clients", file)], `http://127.0.0.1:${port}`, env),
    );
    return createVisitor(url);
  }

  const subject = () => simulator.simulator.control.subject({ user: "kari" });

  test("openid-client", async () => {
    const visitor = await start("openid-client.mjs", "/callback");
    const done = await finish(visitor, redirectOf(await visitor.request("/login")), simulator);
    expect(await done.json()).toMatchObject({
      ...PERSON,
      sub: await subject(),
      phone_number: "4799999901",
      ownTokenType: "bearer",
    });
  });

  test("Auth.js with its own provider for Vipps", async () => {
    const visitor = await start("auth-core.mjs", "/auth/callback/vipps");
    const { csrfToken } = (await (await visitor.request("/auth/csrf")).json()) as { csrfToken: string };
    const body = new URLSearchParams({ csrfToken, callbackUrl: "/" });
    const toVipps = redirectOf(await visitor.request("/auth/signin/vipps", { method: "POST", body }));
    expect(toVipps.searchParams.get("code_challenge_method")).toBe("S256");
    await finish(visitor, toVipps, simulator);
    const session = await visitor.request("/auth/session");
    expect(await session.json()).toMatchObject({ user: PERSON, sub: await subject() });
  });

  test("passport-openidconnect", async () => {
    const visitor = await start("passport.mjs", "/callback", "client_secret_post");
    const done = await finish(visitor, redirectOf(await visitor.request("/login")), simulator);
    expect(await done.json()).toEqual({
      sub: await subject(),
      name: PERSON.name,
      emails: [{ value: PERSON.email }],
    });
  });
});

describeWith(["apache"], "mod_auth_openidc logs in at the simulator behind TLS", () => {
  let folder: string;
  let tls: Server;
  let simulator: RunningSimulator;
  let apache: Program;
  let visitor: Visitor;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "apache-client-"));
    const [port] = await freePorts();
    const url = `http://localhost:${port}`;
    // What stands for a name of Vipps: a server that ends TLS and passes everything on.
    tls = await startHttpsServer(folder, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const answer = await fetch(new URL(request.url ?? "/", simulator.url), {
        method: request.method ?? "GET",
        headers: Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
          ["host", "connection", "content-length", "expect"].includes(name) ? [] : [[name, String(value)]],
        ),
        redirect: "manual",
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "text/plain",
      });
      if (answer.body === null) response.end();
      else Readable.fromWeb(answer.body as import("node:stream/web").ReadableStream).pipe(response);
    });
    const origin = `https://localhost:${(tls.address() as AddressInfo).port}`;
    simulator = await startSimulator({ port: 0, env: KEYS, origin, redirectUris: [`${url}/members/back`] });
    mkdirSync(join(folder, "site/members"), { recursive: true });
    writeFileSync(join(folder, "site/members/index.html"), "for members only");
    chmodSync(folder, 0o755);
    const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "headers", "auth_openidc"];
    const settings = [
      `Listen 127.0.0.1:${port}`,
      `ServerName ${url}`,
      "UseCanonicalName On",
      `PidFile ${folder}/pid`,
      `DefaultRuntimeDir ${folder}`,
      "ErrorLog /dev/null",
      ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      `DocumentRoot ${folder}/site`,
      "DirectoryIndex index.html",
      `OIDCProviderMetadataURL ${origin}/access-management-1.0/access/.well-known/openid-configuration`,
      "OIDCSSLValidateServer Off",
      `OIDCClientID ${KEYS.VIPPS_CLIENT_ID}`,
      `OIDCClientSecret ${KEYS.VIPPS_CLIENT_SECRET}`,
      'OIDCScope "openid name phoneNumber email"',
      "OIDCPKCEMethod S256",
      "OIDCRedirectURI /members/back",
      "OIDCCryptoPassphrase of-the-test",
      "OIDCRemoteUserClaim sub",
      // The requests of this test are a script's by their Sec-Fetch-Mode.
      "OIDCUnAuthAction auth true",
      "<Location /members>",
      "AuthType openid-connect",
      "Require valid-user",
      'Header always set X-User "expr=%{REMOTE_USER}"',
      'Header always set X-Name "expr=%{req:OIDC_CLAIM_name}"',
      "</Location>",
    ];
    writeFileSync(join(folder, "apache.conf"), settings.join("\n"));
    const args = ["-f", join(folder, "apache.conf"), "-DFOREGROUND"];
    apache = await startServer(findProgram("apache") ?? "", args, url);
    visitor = createVisitor(url);
  }, 120_000);
  afterAll(async () => {
    await apache?.end();
    tls?.close();
    await simulator?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("by the name that the simulator is told to have", async () => {
    const toVipps = redirectOf(await visitor.request("/members/", { headers: { accept: "text/html" } }));
    expect(toVipps.protocol).toBe("https:");
    const done = await finish(visitor, toVipps, simulator);
    expect(redirectOf(done).pathname).toBe("/members/");
    const page = await visitor.request("/members/");
    expect([page.status, await page.text()]).toEqual([200, "for members only"]);
    expect(page.headers.get("x-user")).toBe(await simulator.simulator.control.subject({ user: "kari" }));
    expect(page.headers.get("x-name")).toBe("Kari Nordmann");
  });

  test("and no address but that one is in what it says of itself", async () => {
    const path = "/access-management-1.0/access/.well-known/openid-configuration";
    const text = await (await fetch(new URL(path, simulator.url))).text();
    expect(text).not.toContain("http://");
    expect(JSON.parse(text).issuer).toBe(simulator.simulator.issuer);
    expect(simulator.simulator.issuer).toMatch(/^https:\/\/localhost:\d+\/access-management-1\.0\/access\/$/);
  });
});
