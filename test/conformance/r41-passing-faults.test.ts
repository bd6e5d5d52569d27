import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { beginIsolate } from "../../src/isolate-state.ts";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { stopClock, wait } from "../worker/clock.ts";
import { accountsDatabase } from "../worker/database.ts";
import { ENGLISH, FROM_HERE, TICKED } from "../worker/desk.ts";
import { forgetLogins, keptOfLogins } from "../worker/login-objects.ts";
import { hostedSite, openSites, siteStore } from "../worker/many-sites.ts";
import { formOf } from "../worker/page-form.ts";
import { LOGIN_OBJECTS, openSite, type TestSite } from "../worker/site.ts";
import { failingEachOnce, type Moment, withFailing } from "./failing-storage.ts";
import { openHostileSite } from "./hostile-site.ts";

const VARS = {
  TERMS_URL: "/terms.html",
  TERMS_VERSION: "1",
  CONSENTS: JSON.stringify([{ id: "newsletter", text: { nb: "Nyhetsbrev", en: "Newsletter" } }]),
  SUPPORT_STAFF: "+4799999901",
};

/** How many rows each table has, but for figures: when logins are counted, and into how many rows, depends on the time. */
async function rowCounts(): Promise<Record<string, number>> {
  const { results } = await accountsDatabase()
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
    .all<{ name: string }>();
  const counts: Record<string, number> = {};
  for (const { name } of results.filter(
    ({ name: table }) => !/^(sqlite|d1)_|^(login_figures|counted_logins)$/.test(table),
  ))
    counts[name] = (await accountsDatabase().prepare(`SELECT count(*) AS n FROM ${name}`).first("n")) ?? 0;
  return counts;
}

async function figures(): Promise<readonly unknown[]> {
  const { results } = await accountsDatabase()
    .prepare(
      `SELECT outcome, sum(count) AS count FROM (
         SELECT outcome, count FROM login_figures
         UNION ALL SELECT outcome, 1 FROM logins l WHERE uncounted = 1
           AND id >= coalesce((SELECT until FROM counted_logins c WHERE c.site = l.site), 0))
       GROUP BY outcome ORDER BY outcome`,
    )
    .all();
  return results;
}

/** Figures are kept by the hour: what is compared happens within one. */
function beginHour(): void {
  stopClock();
  vi.setSystemTime(Math.ceil(Date.now() / 3600_000) * 3600_000);
}

/** Everything that a person and one of the staff do, in order. */
async function everything(site: TestSite): Promise<{
  /** Each answer's. */
  readonly statuses: readonly string[];
  /** What there is before the person is erased, and what is told of them with them. */
  readonly rowsBefore: Readonly<Record<string, number>>;
}> {
  const statuses: string[] = [];
  const note = async (what: string, answer: Promise<Response>) => {
    const response = await answer;
    statuses.push(`${what} ${response.status}`);
    return response;
  };
  const logIn = async (browser: Browser, user: string) => {
    const page = await note(`${user} comes back`, browser.logIn({ user, returnTo: "/members/" }));
    if (page.status !== 200) return;
    const { fields } = formOf(await page.text());
    const given = { ...fields, answer: "accept", terms: "accepted", consent: "newsletter" };
    await note(`${user} accepts`, browser.post("/auth/continue", given));
  };
  const member = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
  await logIn(member, "sofie");
  const second = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
  await logIn(second, "sofie");
  wait(400);
  await note("renewal", member.get("/auth/session"));
  await note("her sessions", member.get("/auth/sessions", { accept: "application/json" }));
  const other = (await second.session()).session?.id ?? "";
  await note("ends another", member.request(`/auth/sessions/${other}`, SCRIPT));
  await note("her page", member.get("/auth/me"));
  await note("her consents", member.post("/auth/me/consents", { consent: "newsletter" }));
  await note("her data", member.get("/auth/me/download"));
  wait(1);
  const staff = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
  await logIn(staff, "kari");
  await note("console", staff.get("/auth/support"));
  const id = (await member.session()).user?.sub ?? "";
  await note("search", staff.post("/auth/support/search", { name: "sofie" }));
  await note("account", staff.get(`/auth/support/accounts/${id}`));
  await note(
    "correct",
    staff.post(`/auth/support/accounts/${id}/correct`, { ...TICKED, name: "Sofie Nilsen" }),
  );
  await note(
    "end sessions",
    staff.post(`/auth/support/accounts/${id}/sessions`, { ...TICKED, session: "all" }),
  );
  const third = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
  wait(1);
  await logIn(third, "sofie");
  const rowsBefore = await rowCounts();
  await note("erase", third.post("/auth/me/erase", TICKED));
  await note("log out", staff.post("/auth/logout", { return_to: "/" }));
  const cancelled = openBrowser(site);
  const cancels = await cancelled.atProvider(await cancelled.startLogin(), { cancelAt: "app" });
  await note("cancels", cancelled.get(cancels.href));
  return { statuses, rowsBefore };
}

const SCRIPT = {
  method: "DELETE",
  headers: { accept: "application/json", origin: "https://site.example", "sec-fetch-site": "same-origin" },
};

describe("R41 every call to storage fails once", () => {
  it.each<Moment>(["before", "after"])(
    "%s the work: nobody notices, and nothing is doubled or half made",
    async (moment) => {
      beginHour();
      const { statuses, rowsBefore } = await everything(openSite({ vars: VARS }));
      const undisturbed = { rows: await rowCounts(), figures: await figures(), logins: await keptOfLogins() };
      expect(statuses.filter((status) => /5\d\d$/.test(status))).toEqual([]);
      await forgetEverything();
      beginHour();

      const faulty = failingEachOnce({ ...env, LOGIN_ATTEMPTS: LOGIN_OBJECTS }, moment);
      const site = openSite({ vars: { ...VARS, ...faulty.env } });
      const done = await everything(site);
      const failures = site.log.filter(({ code }) => code === "storage_unavailable");
      expect(failures).toEqual([]);
      expect(done.statuses).toEqual(statuses);
      expect(rowsBefore.audit_log).toBeGreaterThan(2);
      expect(done.rowsBefore).toEqual(rowsBefore);
      expect(await rowCounts()).toEqual(undisturbed.rows);
      expect(await figures()).toEqual(undisturbed.figures);
      expect((await keptOfLogins()).length).toBe(undisturbed.logins.length);
      expect(faulty.failed.objects).toBeGreaterThan(20);
      expect(faulty.failed.database).toBeGreaterThan(20);
      expect(JSON.stringify(site.log)).not.toContain("secret-in-a-message");
      const repeated = site.log.filter(({ event }) => event === "storage_repeated").length;
      expect(repeated).toBe(faulty.failed.objects + faulty.failed.database);
    },
  );

  async function forgetEverything(): Promise<void> {
    // Figures come last: a login that goes uncounted is counted then.
    for (const table of [...Object.keys(await rowCounts()), "login_figures", "counted_logins"])
      await accountsDatabase().prepare(`DELETE FROM ${table}`).run();
    await forgetLogins();
  }
});

describe("R41 what may not help is not asked again", () => {
  it.each([
    ["overloaded", Object.assign(new Error("x"), { retryable: true, overloaded: true })],
    [
      "overloaded",
      Object.assign(new Error("Durable Object is overloaded. Requests queued for too long."), {
        retryable: true,
      }),
    ],
    [
      "missing_table",
      Object.assign(new Error("no such table: used_logins: SQLITE_ERROR"), { retryable: true }),
    ],
    ["quota", new Error("Exceeded allowed rows written in Durable Objects free tier.")],
    ["unknown", new Error("what is this")],
  ])("%s", async (kind, error) => {
    let calls = 0;
    const failing = new Proxy(LOGIN_OBJECTS, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (name !== "getByName") return member;
        return () => ({
          finish: () => {
            calls += 1;
            return Promise.reject(error);
          },
        });
      },
    });
    const { logIn, site } = openHostileSite({ vars: { LOGIN_ATTEMPTS: failing } });
    expect((await logIn()).status).toBe(503);
    expect(calls).toBe(1);
    expect(site.log.find(({ event }) => event === "request_failed")).toMatchObject({ class: kind });
  });
});

describe("F10 a store that fails where it is not needed", () => {
  it("one failing read of a site's document, in an isolate that knows none: it is read once more", async () => {
    const hosted = await hostedSite("bakery.example", 1);
    const documents = withFailing(siteStore(), "get", "losesAnswerForGood");
    const site = await openSites([hosted], { vars: { SITES: documents } });
    const response = await openBrowser(site, {}, hosted.origin).get("/auth/login");
    expect(response.status).toBe(302);
    expect(documents.failures.count).toBe(1);
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "storage_repeated", store: "sites", class: "unknown" }),
    );
  });

  it("a stale cookie and no session store: whoever wants to log in is a stranger", async () => {
    stopClock();
    const sessions = withFailing(env.USER_SESSIONS, "renew", "rejects");
    const { browser, logIn, site } = openHostileSite({ vars: { USER_SESSIONS: sessions } });
    await logIn();
    wait(400);
    beginIsolate();
    const response = await browser.get("/auth/login?return_to=/members/");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toContain("https://apitest.vipps.no/");
    expect(response.headers.getSetCookie().join()).not.toContain("__Host-vipps-session=;");
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "session_not_read", store: "user_sessions" }),
    );
    sessions.failures.on = false;
    expect((await browser.session()).authenticated).toBe(true);
  });
});
