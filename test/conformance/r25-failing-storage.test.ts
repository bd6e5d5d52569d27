import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { beginIsolate } from "../../src/isolate-state.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { keptOfLogins, restartLoginObjects } from "../worker/login-objects.ts";
import { namesInKv } from "../worker/metadata-copies.ts";
import { formOf } from "../worker/page-form.ts";
import { LOGIN_OBJECTS } from "../worker/site.ts";
import { withFailing } from "./failing-storage.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { logInAt } from "./hostile-provider.ts";
import { type HostileSite, openHostileSite } from "./hostile-site.ts";
import { expectRefusal } from "./refusal.ts";

const FAULTS = ["rejects", "hangs"] as const;

/** Gets an answer in false time and says how long it took; work behind the answer not counted. */
async function ask({ site, browser }: Pick<HostileSite, "site" | "browser">, path: string) {
  const { value } = await inFakeTime(browser.get(path));
  return { value, elapsed: site.answerTimes.at(-1) };
}

describe("R25 KV down", () => {
  it.each([
    ["get", "rejects"],
    ["get", "throws"],
    ["get", "hangs"],
    ["put", "rejects"],
    ["put", "throws"],
    ["put", "hangs"],
  ] as const)(
    "%s %s: the provider is asked instead, and a login ends in a session",
    async (method, fault) => {
      stopTime();
      const kv = withFailing(env.VIPPS_METADATA, method, fault);
      const hostile = openHostileSite({ vars: { VIPPS_METADATA: kv } });
      const { value: response, elapsed } = await inFakeTime(hostile.logIn());
      expect(response.status).toBe(303);
      expect(elapsed).toBeLessThan(5_000);
      expect(kv.failures.count).toBeGreaterThan(0);
      expect(hostile.provider.count("discovery")).toBe(1);
    },
  );

  it("with Vipps down as well: a page within ten seconds; what is in memory goes on serving", async () => {
    stopTime();
    const hostile = openHostileSite({
      vars: { VIPPS_METADATA: withFailing(env.VIPPS_METADATA, "get", "hangs") },
    });
    hostile.provider.answers.discovery = () => new Promise<Response>(() => undefined);
    const { value: response, elapsed } = await ask(hostile, "/auth/login");
    expect(elapsed).toBeLessThan(10_000);
    await expectRefusal(response, { ...hostile, code: "metadata_unavailable" });
    delete hostile.provider.answers.discovery;
    await inFakeTime(hostile.logIn());
    hostile.provider.answers.discovery = () => new Response("down", { status: 503 });
    const { value: second } = await inFakeTime(logInAt(hostile.provider, openBrowser(hostile.site)));
    expect(second.status).toBe(303);
  });
});

describe("R25 the login's Durable Object down", () => {
  it.each(FAULTS)("when a login begins (%s): nobody notices, because nothing is asked", async (fault) => {
    const attempts = withFailing(LOGIN_OBJECTS, "keepReturnUrl", fault);
    const hostile = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
    const callback = hostile.provider.authorize(await hostile.browser.startLogin("/members/"));
    expect((await hostile.browser.get(callback.href)).headers.get("location")).toBe("/members/");
    expect(attempts.failures.count).toBe(0);
  });

  it.each(FAULTS)(
    "when a login with a very long return URL begins (%s): a 503 page, nobody is sent to Vipps",
    async (fault) => {
      stopTime();
      const attempts = withFailing(LOGIN_OBJECTS, "keepReturnUrl", fault);
      const hostile = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
      const path = `/auth/login?return_to=/${"q".repeat(500)}`;
      const { value: response, elapsed } = await ask(hostile, path);
      expect(elapsed).toBeLessThan(10_000);
      await expectRefusal(response, { ...hostile, code: "storage_unavailable" });
    },
  );

  it.each(FAULTS)("when the code comes back (%s): a 503 page and no token request", async (fault) => {
    stopTime();
    const attempts = withFailing(LOGIN_OBJECTS, "finish", fault);
    const hostile = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
    const { value: url } = await inFakeTime(hostile.browser.startLogin());
    const callback = hostile.provider.authorize(url);
    const { value: response, elapsed } = await ask(hostile, callback.href);
    expect(elapsed).toBeLessThan(10_000);
    await expectRefusal(response, { ...hostile, code: "storage_unavailable" });
    expect(hostile.provider.count("token")).toBe(0);
    expect(attempts.failures.count).toBe(1);
    // Nothing was used up: the same callback, loaded again, ends the login.
    attempts.failures.on = false;
    const { value: again } = await inFakeTime(hostile.browser.get(callback.href));
    expect(again.status).toBe(303);
  });

  it("for a moment, as after a deployment: the call is made once more, and nobody notices", async () => {
    const attempts = withFailing(LOGIN_OBJECTS, "finish", "passes");
    const { provider, browser, logIn } = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
    expect((await logIn()).status).toBe(303);
    expect(attempts.failures.count).toBe(1);
    expect(provider.count("token")).toBe(1);
    expect((await browser.session()).authenticated).toBe(true);
  });

  it("with the work done and the answer lost: it is found again, and done once", async () => {
    const attempts = withFailing(LOGIN_OBJECTS, "finish", "losesAnswer");
    const { provider, browser, logIn } = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
    expect((await logIn()).status).toBe(303);
    expect(attempts.failures.count).toBe(1);
    expect(provider.count("token")).toBe(1);
    expect((await browser.session()).authenticated).toBe(true);
  });

  it.each(["losesAnswerForGood", "losesMemoryForGood"] as const)(
    "with the answer lost for good (%s): the session that nobody received is ended",
    async (fault) => {
      const attempts = withFailing(LOGIN_OBJECTS, "finish", fault);
      const { provider, site, browser } = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
      const callback = provider.authorize(await browser.startLogin());
      await expectRefusal(await browser.get(callback.href), { site, browser, code: "storage_unavailable" });
      expect(site.counts.durableObjectCalls).toEqual([
        "attempt.finish",
        "sessions.record",
        "attempt.abandon",
        "sessions.end",
      ]);
    },
  );

  it("restarted between click and return: the login goes on", async () => {
    const { provider, browser } = openHostileSite();
    const callback = provider.authorize(await browser.startLogin("/members/"));
    await restartLoginObjects();
    expect((await browser.get(callback.href)).headers.get("location")).toBe("/members/");
  });

  it("restarted after its use: used stays used, and no secret was kept", async () => {
    const { provider, site, browser } = openHostileSite();
    const callback = provider.authorize(await browser.startLogin());
    provider.answers.token = () => new Response("down", { status: 503 });
    expect((await browser.get(callback.href)).status).toBe(502);
    await restartLoginObjects();
    delete provider.answers.token;
    await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_used" });
    expect(provider.count("token")).toBe(1);
    const kept = JSON.stringify(await keptOfLogins());
    expect(kept).toContain("used_logins");
    for (const secret of provider.secrets) if (secret !== "") expect(kept).not.toContain(secret);
  });
});

describe("R25 the login's Durable Object killed after it has used a login up, and before its answer", () => {
  it.each([
    ["whether Vipps has said whose login it is", undefined, 1],
    ["or has not", () => new Response("down", { status: 503 }), 0],
  ] as const)("%s: nothing is half made, and the person can log in again", async (_what, token, accounts) => {
    const attempts = withFailing(LOGIN_OBJECTS, "finish", "losesMemory");
    const hostile = openHostileSite({ vars: { LOGIN_ATTEMPTS: attempts } });
    const { provider, site, browser } = hostile;
    const callback = provider.authorize(await browser.startLogin("/members/"));
    if (token !== undefined) provider.answers.token = token;
    const { secrets } = provider;
    await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_used", secrets });
    expect(attempts.failures.count).toBe(1);
    expect(await keptOfLogins()).toMatchObject([{ table: "used_logins", declined: 0, held: 0 }]);
    expect(await accountCount()).toBe(accounts);
    // The session that was recorded for an answer that never came has been ended again.
    expect(site.counts.durableObjectCalls).toEqual([
      "attempt.finish",
      ...(accounts === 1 ? ["sessions.record"] : []),
      "attempt.finish",
      ...(accounts === 1 ? ["sessions.end"] : []),
    ]);
    delete provider.answers.token;

    // Used is used, in the object's next life too: the code has been sent, and is not sent again.
    await expectRefusal(await browser.get(callback.href), { site, browser, code: "state_used", secrets });
    expect(provider.count("token")).toBe(1);

    expect((await logInAt(provider, browser)).status).toBe(303);
    expect((await browser.session()).authenticated).toBe(true);
    expect(await accountCount()).toBe(1);
  });

  const accountCount = () => accountsDatabase().prepare("SELECT count(*) AS n FROM accounts").first("n");
});

describe("R25 one object with more to do at Vipps than it may wait for", () => {
  it("twelve logins whose code is never answered hold up none of twelve others", async () => {
    const hostile = openHostileSite({ vars: { LOGIN_SHARDS: "1", ACCOUNTS: "none" } });
    const { provider, site } = hostile;
    const hanging = new Set<string>();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    provider.answers.token = async (_request, proper) => {
      const code = provider.requests.at(-1)?.form.get("code") ?? "";
      if (hanging.has(code)) await released;
      return proper();
    };
    const returning = async () => {
      const browser = openBrowser(site);
      const callback = provider.authorize(await browser.startLogin("/members/"));
      return { browser, callback };
    };
    const slow = await Promise.all(Array.from({ length: 12 }, returning));
    const good = await Promise.all(Array.from({ length: 12 }, returning));
    for (const { callback } of slow) hanging.add(callback.searchParams.get("code") ?? "");

    let finished = 0;
    const held = slow.map(async ({ browser, callback }) => {
      const response = await browser.get(callback.href);
      finished += 1;
      return response;
    });
    await vi.waitFor(() => expect(provider.count("token")).toBe(12), 5_000);
    const answers = await Promise.all(good.map(({ browser, callback }) => browser.get(callback.href)));
    expect(answers.map((answer) => answer.headers.get("location"))).toEqual(good.map(() => "/members/"));
    expect(finished, "logins whose code was not answered").toBe(0);

    // One of those that go on outside of the object waits in it for the answer to a question all the same.
    const [starter, finisher] = [openBrowser(site), openBrowser(site)];
    const brought = provider.authorize(await starter.startLogin("/members/"));
    const page = await (await finisher.get(brought.href)).text();
    expect(site.counts.durableObjectCalls).toContain("attempt.hold");
    const { action, fields } = formOf(page);
    expect((await finisher.post(action, { ...fields, answer: "yes" })).headers.get("location")).toBe(
      "/members/",
    );

    release();
    for (const response of await Promise.all(held)) expect(response.status).toBe(303);
    const codes = provider.requests.flatMap(({ endpoint, form }) =>
      endpoint === "token" ? [form.get("code")] : [],
    );
    expect(codes).toHaveLength(25);
    expect(new Set(codes).size, "each code is sent once").toBe(25);
    expect(site.counts.durableObjectCalls.filter((call) => call === "sessions.record")).toHaveLength(25);
  });
});

describe("R25 the session store down", () => {
  it.each(FAULTS)(
    "when a session begins (%s): a 503 page, no cookie, and no session once it is back",
    async (fault) => {
      const sessions = withFailing(env.USER_SESSIONS, "record", fault);
      const hostile = openHostileSite({ vars: { USER_SESSIONS: sessions } });
      const callback = hostile.provider.authorize(await hostile.browser.startLogin());
      stopTime();
      const { value: response, elapsed } = await ask(hostile, callback.href);
      expect(elapsed).toBeLessThan(10_000);
      expect(response.status).toBe(503);
      expect(response.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
      expect(hostile.site.log.at(-1)).toMatchObject({ code: "storage_unavailable", stage: "session" });
      expect(await hostile.browser.session()).toEqual({ authenticated: false });
    },
  );

  it("that records a session too late to say so is told that nobody holds it", async () => {
    const ended: string[] = [];
    const hostile = openHostileSite({
      vars: {
        USER_SESSIONS: new Proxy(withFailing(env.USER_SESSIONS, "record", "rejects"), {
          get(target, name) {
            const member = Reflect.get(target, name);
            if (name !== "getByName") return member;
            return (account: string) =>
              new Proxy(member.call(target, account), {
                get: (stub, method) =>
                  method === "end" ? async (sid: string) => ended.push(sid) : Reflect.get(stub, method),
              });
          },
        }),
      },
    });
    expect((await hostile.logIn()).status).toBe(503);
    expect(ended).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it.each(FAULTS)(
    "when a stale session is used (%s): 503 for scripts, and the cookie is kept",
    async (fault) => {
      const sessions = withFailing(env.USER_SESSIONS, "renew", fault);
      sessions.failures.on = false;
      const { browser, logIn } = openHostileSite({ vars: { USER_SESSIONS: sessions } });
      await logIn();
      sessions.failures.on = true;
      stopTime();
      vi.setSystemTime(Date.now() + 301_000);
      const { value: response, elapsed } = await inFakeTime(browser.get("/auth/session"));
      expect(elapsed).toBeLessThan(10_000);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: "storage_unavailable", status: 503 });
      expect(response.headers.getSetCookie()).toEqual([]);
    },
  );

  it.each(FAULTS)("when somebody logs out (%s): this browser is logged out all the same", async (fault) => {
    const sessions = withFailing(env.USER_SESSIONS, "end", fault);
    sessions.failures.on = false;
    const { site, browser, logIn } = openHostileSite({ vars: { USER_SESSIONS: sessions } });
    await logIn();
    sessions.failures.on = true;
    stopTime();
    const { value: response } = await inFakeTime(browser.post("/auth/logout"));
    expect(site.answerTimes.at(-1)).toBeLessThan(10_000);
    expect(response.status).toBe(303);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    expect(site.log.some(({ event }) => event === "logout_not_recorded")).toBe(true);
  });
});

describe("R25 D1 down", () => {
  it.each([
    ["batch", "rejects"],
    ["batch", "hangs"],
  ] as const)("%s %s: a 503 page, no session, and the next login works", async (method, fault) => {
    if (env.ACCOUNTS_DB === undefined) throw new Error("no database is bound");
    const database = withFailing(env.ACCOUNTS_DB, method, fault);
    const hostile = openHostileSite({ vars: { ACCOUNTS_DB: database } });
    const { provider, browser } = hostile;
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    const { value: response, elapsed } = await ask(hostile, callback.href);
    expect(elapsed).toBeLessThan(10_000);
    await expectRefusal(response, { ...hostile, code: "storage_unavailable", secrets: provider.secrets });
    database.failures.on = false;
    expect((await inFakeTime(logInAt(provider, browser))).value.status).toBe(303);
  });
});

describe("R25 Vipps down", () => {
  it("a login begins with what is known, and ends on a page that says so, in time", async () => {
    const { provider, site, browser } = openHostileSite();
    const never = () => new Promise<Response>(() => undefined);
    await browser.startLogin();
    Object.assign(provider.answers, { discovery: never, jwks: never, token: never, userinfo: never });
    stopTime();
    const { value: url } = await inFakeTime(browser.startLogin());
    const { value: response, elapsed } = await inFakeTime(browser.get(provider.authorize(url).href));
    expect(elapsed).toBeLessThan(10_000);
    await expectRefusal(response, { site, browser, code: "token_unavailable" });
  });

  it("everybody who is logged in stays so, and the health check says what is down", async () => {
    const { provider, browser, logIn } = openHostileSite();
    await logIn();
    beginIsolate();
    const down = () => new Response("down", { status: 503 });
    Object.assign(provider.answers, { discovery: down, jwks: down, token: down });
    const [copy = "", ...others] = await namesInKv(env.VIPPS_METADATA);
    expect(others).toEqual([]);
    await env.VIPPS_METADATA.delete(copy);
    expect((await browser.session()).authenticated).toBe(true);
    const health = await browser.get("/auth/health");
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({
      ok: false,
      dependencies: { vipps_metadata: { ok: false }, kv: { ok: true }, login_attempts: { ok: true } },
    });
  });
});

describe("R25 everything slow at once", () => {
  it("adds up to no more than ten seconds: the visitor has a page, and no half-made session", async () => {
    const slow = <Binding extends object>(binding: Binding, methods: readonly string[]): Binding =>
      new Proxy(binding, {
        get(target, name) {
          const member = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return (...args: unknown[]) => {
            const result = Reflect.apply(member, target, args);
            if (name === "get" || name === "getByName") return slow(result, methods);
            if (!methods.includes(String(name))) return result;
            return new Promise((resolve) => setTimeout(resolve, 4_900)).then(() => result);
          };
        },
      });
    const hostile = openHostileSite({
      vars: {
        LOGIN_ATTEMPTS: slow(LOGIN_OBJECTS, ["finish"]),
        USER_SESSIONS: slow(env.USER_SESSIONS, ["record"]),
      },
    });
    hostile.provider.answers.token = async (_request, proper) => {
      await new Promise((resolve) => setTimeout(resolve, 4_900));
      return proper();
    };
    const callback = hostile.provider.authorize(await hostile.browser.startLogin());
    stopTime();
    const { value: response, elapsed } = await ask(hostile, callback.href);
    expect(elapsed).toBeLessThan(10_000);
    expect(await response.text()).toContain("We could not finish that just now");
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
    expect(hostile.site.log.map(({ event }) => event)).not.toContain("login_finished");
    expect(hostile.site.counts.durableObjectCalls.slice(-3)).toEqual([
      "sessions.record",
      "attempt.abandon",
      "sessions.end",
    ]);
  });
});
