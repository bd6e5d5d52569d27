import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handleRequest } from "../../src/app.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { SITE, type TestSite } from "../worker/site.ts";
import {
  encodedAs,
  hostileAcceptLanguage,
  hostileCallbackQuery,
  hostileCookies,
  hostileHeader,
  hostileReturnUrl,
  hostileText,
} from "./generated-requests.ts";
import { openHostileSite } from "./hostile-site.ts";

/** The same inputs on every machine; another number tries others: `SEED=7 npx vitest run generated-input`. */
const SEED = Number(process.env.SEED ?? 20_261_122);

const CALLBACKS = 6_000;
const RETURN_URLS = 4_000;

interface Tally {
  readonly statuses: Record<number, number>;
  asked: number;
}

/** The answer, when the work behind it is done too. */
async function answerTo(request: Request, env: Cloudflare.Env): Promise<Response> {
  const context = createExecutionContext();
  const response = await handleRequest(request, env, context);
  await waitOnExecutionContext(context);
  return response;
}

/** Sends a request and holds the answer to what must be true of every answer there is. */
async function ask(site: TestSite, tally: Tally, request: Request): Promise<Response> {
  const response = await answerTo(request, site.env);
  tally.asked += 1;
  tally.statuses[response.status] = (tally.statuses[response.status] ?? 0) + 1;
  if (response.status === 500) throw new Error(`500 for ${request.method} ${request.url}`);
  for (const line of response.headers.getSetCookie()) {
    if (line.startsWith(`${SESSION_COOKIE}=`) && !line.startsWith(`${SESSION_COOKIE}=;`)) {
      throw new Error(`a session for ${request.url}`);
    }
  }
  return response;
}

function expectAtHome(location: string | null): void {
  if (location === null) return;
  // As every browser and server there is would read it.
  const url = new URL(location, SITE);
  const isHome = url.origin === SITE && location.startsWith("/") && !/^\/[/\\]/.test(location);
  if (!isHome || !/^[!-~]+$/.test(location)) throw new Error(`leads to ${JSON.stringify(location)}`);
}

const print = (what: string, { asked, statuses }: Tally, accepted: number) =>
  process.stdout.write(
    `  ${what}: ${asked} sent, ${accepted} accepted, statuses ${JSON.stringify(statuses)}, seed ${SEED}\n`,
  );

const newTally = (): Tally => ({ statuses: {}, asked: 0 });

describe("generated input", { timeout: 120_000 }, () => {
  it(`${CALLBACKS} hostile callbacks: none is accepted, none is a 500, no token request`, async () => {
    const { provider, site, browser } = openHostileSite();
    // A browser with a login under way, so that its cookie is one that some login waits for.
    await browser.startLogin();
    const known = [...browser.cookies].map((pair) => pair.join("=")).join("; ");
    const tally = newTally();
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(hostileCallbackQuery, fc.boolean(), async (query, isKnown) => {
        const headers = isKnown ? { cookie: known } : {};
        const request = new Request(`${SITE}/auth/callback?${query}`, { headers });
        const response = await ask(site, tally, request);
        if (response.status < 400) accepted += 1;
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.headers.get("location")).toBeNull();
      }),
      { numRuns: CALLBACKS, seed: SEED },
    );
    print("callbacks", tally, accepted);
    expect([accepted, tally.asked, tally.statuses[500] ?? 0]).toEqual([0, CALLBACKS, 0]);
    expect(provider.count("token") + provider.count("userinfo")).toBe(0);
    expect((await browser.session()).authenticated).toBe(false);
  });

  it(`${RETURN_URLS} hostile return URLs: none leads away, none is a 500`, async () => {
    const { site, browser, logIn } = openHostileSite();
    await logIn();
    const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ");
    const tally = newTally();
    let home = 0;
    await fc.assert(
      fc.asyncProperty(
        hostileReturnUrl,
        fc.constantFrom("proper", "raw", "twice"),
        async (wanted, encoding) => {
          const url = `${SITE}/auth/login?return_to=${encodedAs(encoding, wanted)}`;
          const response = await ask(site, tally, new Request(url, { headers: { cookie } }));
          expect(response.status).toBe(302);
          const location = response.headers.get("location");
          expectAtHome(location);
          if (location === "/") home += 1;
        },
      ),
      { numRuns: RETURN_URLS, seed: SEED },
    );
    print(`return URLs (${home} ended at /)`, tally, 0);
    expect(tally).toEqual({ asked: RETURN_URLS, statuses: { 302: RETURN_URLS } });
  });

  it("2,000 requests with hostile headers and cookies: nobody is logged in, none is a 500", async () => {
    const { site } = openHostileSite();
    const tally = newTally();
    const routes = fc.constantFrom(
      "/auth/session",
      "/auth/callback",
      "/auth/nothing",
      "/auth/sessions",
      "/auth/me",
      "/auth/login?return_to=/x",
    );
    const headers = fc.record(
      {
        cookie: hostileCookies,
        "accept-language": hostileAcceptLanguage,
        accept: hostileHeader,
        authorization: hostileHeader.map((text) => `Bearer ${text}`),
        origin: hostileHeader,
        "user-agent": hostileHeader,
        "sec-purpose": fc.constant("prefetch"),
        "x-forwarded-host": hostileHeader,
      },
      { requiredKeys: ["cookie", "sec-purpose"] },
    );
    await fc.assert(
      fc.asyncProperty(routes, headers, async (path, values) => {
        const response = await ask(site, tally, new Request(SITE + path, { headers: values }));
        if (path === "/auth/session") expect(await response.json()).toEqual({ authenticated: false });
        if (response.status >= 300) expectAtHome(response.headers.get("location"));
      }),
      { numRuns: 2_000, seed: SEED },
    );
    print("headers and cookies", tally, 0);
    expect(tally.asked).toBe(2_000);
  });

  it("1,000 hostile forms: none is a yes, none is a 500", async () => {
    const { provider, site } = openHostileSite();
    const tally = newTally();
    const forms = fc.dictionary(
      fc.constantFrom("attempt", "answer", "return_to", "step", "consent", "terms", "x"),
      fc.oneof(hostileText, fc.constantFrom("yes", "no", "f".repeat(64))),
      { maxKeys: 6 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/auth/continue", "/auth/logout"), forms, async (path, form) => {
        const headers = { origin: SITE, "sec-fetch-site": "same-origin" };
        const body = new URLSearchParams(
          Object.entries(form).map(([name, value]) => [name, value.toWellFormed()]),
        );
        const response = await ask(site, tally, new Request(SITE + path, { method: "POST", headers, body }));
        expectAtHome(response.headers.get("location"));
      }),
      { numRuns: 1_000, seed: SEED },
    );
    print("forms", tally, 0);
    expect(provider.requests).toEqual([]);
  });

  it("500 hostile settings: one page that names what is wrong, or a worker that works; never a half", async () => {
    const { site } = openHostileSite();
    const tally = newTally();
    const names = [
      "SITE_URL",
      "AUTH_PATH",
      "VIPPS_ENVIRONMENT",
      "VIPPS_ISSUER",
      "VIPPS_CLIENT_ID",
      "VIPPS_MSN",
      "VIPPS_SCOPE",
      "VIPPS_MARKET",
      "CROSS_BROWSER",
      "RETURN_TO_ORIGINS",
      "SESSION_KEYS",
      "SESSION_TTL",
      "SESSION_IDLE",
      "SESSION_FRESH",
      "SESSION_CLAIMS",
      "SESSION_COOKIE_DOMAIN",
      "PROTECTED_PATHS",
      "ORIGIN_URL",
      "ACCOUNTS",
      "REGISTRATION",
      "TERMS_URL",
    ] as const;
    let working = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...names), hostileText, { minKeys: 1, maxKeys: 3 }),
        async (vars) => {
          const env = { ...site.env, ...vars };
          const request = new Request(`${SITE}/auth/health`, { headers: { accept: "application/json" } });
          const response = await answerTo(request, env);
          tally.asked += 1;
          tally.statuses[response.status] = (tally.statuses[response.status] ?? 0) + 1;
          if (response.status !== 500) {
            working += 1;
            return;
          }
          const problem = await response.json<{ code: string; errors: readonly string[] }>();
          expect(problem.code).toBe("settings_invalid");
          for (const fault of problem.errors) expect(fault).toMatch(/^[A-Z_]+ \w/);
          expect(
            problem.errors.some((fault) => Object.keys(vars).some((name) => fault.startsWith(name))),
          ).toBe(true);
        },
      ),
      { numRuns: 500, seed: SEED },
    );
    print(`settings (${working} were fine)`, tally, 0);
  });

  it("keeps the login working after all of it", async () => {
    const { site, logIn } = openHostileSite();
    expect((await logIn()).status).toBe(303);
    expect((await openBrowser(site).session()).authenticated).toBe(false);
  });
});
