import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { startWorker, type WorkerProcess } from "../../cli/worker-process.ts";
import { freePorts } from "./free-ports.ts";
import { makeLocalState } from "./local-state.ts";
import { ACCOUNT, type OtherProvider, startOtherProvider, walkThrough } from "./other-provider.ts";
import { createVisitor, redirectOf } from "./visitor.ts";

/** The worker as it stands, in workerd, and a provider that others wrote, each behind a port of its own. */
describe.each([
  { claimsAtUserinfoOnly: false, tokenAuth: "client_secret_basic" },
  { claimsAtUserinfoOnly: true, tokenAuth: "client_secret_post" },
] as const)("against oidc-provider with %o", ({ claimsAtUserinfoOnly, tokenAuth }) => {
  let folder: string;
  let site: string;
  let provider: OtherProvider;
  let worker: WorkerProcess;
  const printed: string[] = [];

  beforeAll(async () => {
    // It warns of what a test may do: serve over http, keep everything in memory, show its own pages.
    vi.spyOn(console, "info").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    folder = mkdtempSync(join(tmpdir(), "oidc-provider-"));
    const [port] = await freePorts();
    site = `http://localhost:${port}`;
    provider = await startOtherProvider({
      redirectUri: `${site}/auth/callback`,
      claimsAtUserinfoOnly,
      tokenAuth,
    });
    const settings = {
      SITE_URL: site,
      VIPPS_ISSUER: provider.issuer,
      VIPPS_CLIENT_ID: provider.clientId,
      VIPPS_CLIENT_SECRET: provider.clientSecret,
      VIPPS_MSN: "123456",
      VIPPS_TOKEN_AUTH: tokenAuth,
      SESSION_KEYS: freshSessionKeys(),
      SESSION_CLAIMS: "name email phone_number",
    };
    const settingsFile = join(folder, "settings");
    writeFileSync(
      settingsFile,
      Object.entries(settings)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(""),
    );
    await makeLocalState(join(folder, "state"));
    worker = startWorker({
      root: process.cwd(),
      port,
      state: join(folder, "state"),
      settingsFile,
      overrides: {},
      quiet: false,
      onOutput: (line) => line.kind !== "noise" && printed.push(line.text),
    });
    await vi.waitFor(() => fetch(`${site}/auth/session`), { timeout: 90_000, interval: 100 });
  });

  afterAll(async () => {
    await worker?.stop();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
    vi.restoreAllMocks();
  });

  test("a login ends with a session that holds what the provider knows", async () => {
    const visitor = createVisitor(site);
    const authorize = redirectOf(await visitor.request("/auth/login?return_to=/members/"));
    const callback = await walkThrough(authorize, "log in");
    expect(callback.origin + callback.pathname).toBe(`${site}/auth/callback`);
    provider.requests.length = 0;
    const done = await visitor.request(callback.href);

    expect(redirectOf(done).href).toBe(`${site}/members/`);
    expect(await visitor.session()).toMatchObject({
      authenticated: true,
      user: {
        sub: expect.any(String),
        name: ACCOUNT.name,
        email: ACCOUNT.email,
        phone_number: ACCOUNT.phone_number,
      },
    });
    const backChannel = provider.requests.filter((request) => !request.includes("/jwks"));
    expect(backChannel).toEqual(claimsAtUserinfoOnly ? ["POST /token", "GET /me"] : ["POST /token"]);
  });

  test("the session's token is one that an origin verifies with the public keys alone", async () => {
    const visitor = createVisitor(site);
    const authorize = redirectOf(await visitor.request("/auth/login"));
    const done = await visitor.request((await walkThrough(authorize, "log in")).href);
    const [, token = ""] = /__Host-vipps-session=([^;]+)/.exec(done.headers.getSetCookie().join("\n")) ?? [];
    const keys = createRemoteJWKSet(new URL(`${site}/auth/.well-known/jwks.json`));
    const { payload } = await jwtVerify(token, keys, {
      issuer: `${site}/auth`,
      audience: site,
      typ: "session+jwt",
      algorithms: ["ES256"],
      requiredClaims: ["sub", "sid", "iat", "exp", "auth_time"],
    });
    const session = await visitor.session();
    expect(session).toMatchObject({ authenticated: true, user: { sub: payload.sub } });
    expect(payload.name).toBe(ACCOUNT.name);
  });

  test("the same person is the same account, in whichever browser", async () => {
    const accounts = await Promise.all(
      [createVisitor(site), createVisitor(site)].map(async (visitor) => {
        const authorize = redirectOf(await visitor.request("/auth/login"));
        await visitor.request((await walkThrough(authorize, "log in")).href);
        const session = await visitor.session();
        return session.authenticated ? session.user.sub : undefined;
      }),
    );
    expect(accounts).toEqual([expect.any(String), accounts[0]]);
  });

  test("a login that is given up there ends with a page that says so, and one line in the log", async () => {
    const visitor = createVisitor(site);
    const authorize = redirectOf(await visitor.request("/auth/login"));
    printed.length = 0;
    const answer = await visitor.request((await walkThrough(authorize, "cancel")).href);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("You cancelled the login");
    expect(await visitor.session()).toEqual({ authenticated: false });
    await vi.waitFor(
      () => expect(printed.filter((line) => line.startsWith("login_cancelled"))).toHaveLength(1),
      { timeout: 20_000 },
    );
  });

  test("a code that comes a second time is not accepted", async () => {
    const visitor = createVisitor(site);
    const authorize = redirectOf(await visitor.request("/auth/login"));
    const callback = await walkThrough(authorize, "log in");
    const stranger = createVisitor(site);
    expect(redirectOf(await visitor.request(callback.href)).pathname).toBe("/");
    const answer = await stranger.request(callback.href);
    expect(answer.status).toBe(400);
    expect(await stranger.session()).toEqual({ authenticated: false });
  });
});
