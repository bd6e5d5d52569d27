import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { useRegistry } from "../../src/accounts/site-accounts.ts";
import { getSession, requireSession, vippsLoginRoutes } from "../../src/hono.ts";
import { type VippsLoginEnv, type VippsLoginOptions, vippsLogin } from "../../src/index.ts";
import { useTexts } from "../../src/pages/own-texts.ts";
import { openBrowser } from "./browser.ts";
import { openSite, type TestSite } from "./site.ts";

afterEach(() => {
  useTexts({});
  useRegistry(undefined);
});

interface WorkerLike {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Response | Promise<Response>;
}

/** A site whose requests another Worker answers. */
function answeredBy(site: TestSite, worker: WorkerLike): TestSite {
  return {
    ...site,
    async fetch(request) {
      const ctx = createExecutionContext();
      const response = await worker.fetch(request, site.env, ctx);
      await waitOnExecutionContext(ctx);
      return response;
    },
  };
}

const open = (options: VippsLoginOptions, vars: Partial<Cloudflare.Env> = {}) =>
  openBrowser(answeredBy(openSite({ vars }), vippsLogin(options)));

describe("a project's own words", () => {
  it("take the place of ours, and leave the others", async () => {
    const browser = open({ texts: { nb: { backToSite: "Hjem til {site}" } } });
    const page = await (await browser.get("/auth/nowhere", { "accept-language": "nb" })).text();
    expect(page).toContain("Hjem til");
    expect(page).toContain('<html lang="nb"');
    expect(await (await browser.get("/auth/nowhere", { "accept-language": "da" })).text()).not.toContain(
      "Hjem",
    );
  });

  it("may be a language more, in which English stands where something is missing", async () => {
    const browser = open({ texts: { de: { messages: { notFound: { title: "Hier ist nichts" } } } } });
    const page = await (await browser.get("/auth/nowhere", { "accept-language": "de-CH,de;q=0.9" })).text();
    expect(page).toContain('<html lang="de"');
    expect(page).toContain("<h1>Hier ist nichts</h1>");
    expect(page).toContain("Back to");
  });

  it("may be the site's language, which without them is a fault that says so", async () => {
    const vars = { SITE_LANGUAGE: "de" };
    const refused = await open({}, vars).get("/auth/session", { accept: "application/json" });
    expect(await refused.json()).toMatchObject({
      errors: ["SITE_LANGUAGE is de, a language without texts here"],
    });
    const page = await open({ texts: { de: { logIn: "Anmelden" } } }, vars).get("/auth/nowhere");
    expect(await page.text()).toContain('<html lang="de"');
  });
});

describe("what a project has behind the login", () => {
  const behind: VippsLoginOptions["behind"] = (request, env, _ctx, session) =>
    Response.json({ path: new URL(request.url).pathname, kv: env.VIPPS_METADATA !== undefined, session });

  it("is told who is logged in, and is asked only behind the rules", async () => {
    const browser = open({ behind }, { PROTECTED_PATHS: "/members/*" });
    expect(await (await browser.get("/")).json()).toEqual({ path: "/", kv: true });
    expect((await browser.get("/members/")).status).toBe(302);
    await browser.logIn();
    const members = await browser.get("/members/a//b");
    expect(members.headers.get("cache-control")).toBe("private, no-store");
    expect(await members.json()).toEqual({
      path: "/members/a/b",
      kv: true,
      session: {
        sub: expect.stringMatching(/^acc_/),
        id: expect.any(String),
        authTime: expect.any(Number),
        claims: { name: expect.any(String) },
      },
    });
  });

  it("is told by no visitor who they are, in whatever spelling, and gets all else that they sent", async () => {
    const forged = ["Remote-User", "REMOTE_NAME", "x-remote-email", "Session_Assertion", "X-Forwarded-User"];
    const echo: VippsLoginOptions["behind"] = async (request) =>
      Response.json({ headers: Object.fromEntries(request.headers), body: await request.text() });
    const browser = open({ behind: echo }, { PROTECTED_PATHS: "/members/*" });
    await browser.logIn();
    const claimed = Object.fromEntries(forged.map((name) => [name, "acc_VICTIM"]));
    for (const path of ["/", "/a//b", "/members/"]) {
      const answer = await browser.request(path, {
        method: "POST",
        headers: { ...claimed, "content-type": "text/plain", "x-wanted": "kept" },
        body: "said",
      });
      const { headers, body } = await answer.json<{ headers: Record<string, string>; body: string }>();
      expect(Object.values(headers)).not.toContain("acc_VICTIM");
      expect(headers).toMatchObject({ "content-type": "text/plain", "x-wanted": "kept" });
      expect(body).toBe("said");
    }
  });
});

describe("a registry of a project's own", () => {
  it("is asked where ACCOUNTS is own, and is missed where there is none", async () => {
    const vars = { ACCOUNTS: "own" };
    const asked: string[] = [];
    const registry = new Proxy({} as never, {
      get: (_target, name) => (person: { sub: string }) => {
        asked.push(String(name));
        const known = { id: `club-${person.sub}`, acceptedTerms: undefined, isCurrent: true, isNew: false };
        return Promise.resolve({ known, candidates: [] });
      },
    });
    const browser = open({ registry: () => registry }, vars);
    await browser.logIn();
    const session = await (await browser.get("/auth/session")).json<{ user: { sub: string } }>();
    expect(session.user.sub).toMatch(/^club-/);
    expect(asked).toContain("findOrCreate");
    useRegistry(undefined);
    const without = await open({}, vars).logIn();
    expect(without.status).toBe(500);
    expect(await without.text()).toContain("ACCOUNTS=own needs a registry");
  });
});

describe("a Hono app of somebody else's", () => {
  const app = new Hono<{ Bindings: VippsLoginEnv; Variables: { seen: string } }>();
  app.route("/", vippsLoginRoutes());
  app.use("/members/*", requireSession());
  app.get("/members/*", async (c) =>
    c.json(
      { path: c.req.path, env: Object.keys(c.env).includes("VIPPS_MSN"), who: await getSession(c) },
      200,
      {
        "cache-control": "public, max-age=60",
      },
    ),
  );
  app.get("/hello", async (c) => c.text(`hello ${(await getSession(c))?.claims.name ?? "stranger"}`));
  app.get("/broken", () => {
    throw new Error("theirs");
  });
  app.onError((error, c) => c.text(`own handler: ${error.message}`, 500));

  const openApp = (vars: Partial<Cloudflare.Env> = {}) =>
    openBrowser(answeredBy(openSite({ vars }), app as unknown as WorkerLike));

  it("keeps its routes, its errors and its 404", async () => {
    const browser = openApp();
    expect(await (await browser.get("/hello")).text()).toBe("hello stranger");
    expect(await (await browser.get("/broken")).text()).toBe("own handler: theirs");
    expect(await (await browser.get("/nowhere")).text()).toBe("404 Not Found");
  });

  it("gets the login, and sends who is not logged in there and back", async () => {
    const browser = openApp();
    const asked = await browser.get("/members/list?page=2");
    expect(asked.status).toBe(302);
    expect(asked.headers.get("location")).toBe("/auth/login?return_to=%2Fmembers%2Flist%3Fpage%3D2");
    const script = await browser.get("/members/list", {
      "sec-fetch-mode": "cors",
      accept: "application/json",
    });
    expect(script.status).toBe(401);
    expect(script.headers.get("content-type")).toBe("application/problem+json");
    await browser.logIn();
    const members = await browser.get("/members/list");
    expect(members.headers.get("cache-control")).toBe("private, no-store");
    expect(await members.json()).toMatchObject({
      path: "/members/list",
      env: true,
      who: { claims: { name: expect.any(String) } },
    });
    expect(await (await browser.get("/hello")).text()).toMatch(/^hello (?!stranger)/);
  });

  it("has the login where AUTH_PATH says", async () => {
    const browser = openApp({ AUTH_PATH: "/login" });
    expect(await (await browser.get("/login/session")).json()).toEqual({ authenticated: false });
    expect((await browser.get("/auth/session")).status).toBe(404);
  });

  it("goes on where the settings of the login are wrong, and says so where a session is needed", async () => {
    const browser = openApp({ VIPPS_MSN: "" });
    expect(await (await browser.get("/hello")).text()).toBe("hello stranger");
    const members = await browser.get("/members/");
    expect(members.status).toBe(500);
    expect(await members.text()).toContain("VIPPS_MSN is missing");
  });
});
