import { describe, expect, it } from "vitest";
import { createAccounts } from "../../examples/registry-server/accounts.ts";
import { createRegistry } from "../../examples/registry-server/registry.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { registry } from "../worker/desk.ts";
import { EVENTS_SECRET, EVENTS_URL } from "../worker/event-receiver.ts";
import { formOf, textOf } from "../worker/page-form.ts";
import type { SiteOptions } from "../worker/site.ts";
import { logInAt } from "./hostile-provider.ts";
import { type HostileSite, openHostileSite } from "./hostile-site.ts";

/** An ID token that says no more than who it is. */
const THIN = {
  ...{ name: undefined, phone_number: undefined, phone_number_verified: undefined },
  ...{ email: undefined, email_verified: undefined },
};
const DOWN = () => new Response("down", { status: 503 });
const FAILURES = {
  "is down": DOWN,
  "refuses the access token": () => new Response(null, { status: 401 }),
  "answers with a page": () => new Response("<h1>soon</h1>", { headers: { "content-type": "text/html" } }),
} as const;

const all = async (query: string) => (await accountsDatabase().prepare(query).all()).results;

/** A site that somebody has logged in at before, whose ID token is thin from now on and userinfo down. */
async function openKnowing(options: SiteOptions = {}, failure: () => Response = DOWN): Promise<HostileSite> {
  const hostile = openHostileSite(options);
  const { provider } = hostile;
  expect((await hostile.logIn()).status).toBe(303);
  hostile.browser.cookies.delete(SESSION_COOKIE);
  provider.claims = { ...provider.claims, ...THIN };
  provider.answers.userinfo = failure;
  return hostile;
}

describe("R6 somebody who is known", () => {
  it.each(Object.entries(FAILURES))(
    "is let in with a thin ID token where userinfo %s, and all that is known of them stays",
    async (_how, failure) => {
      const told = {
        ...{ EVENTS_URL, EVENTS_SECRET },
        EVENTS_QUEUE: { sendBatch: async () => undefined } as unknown as Queue,
      };
      const { provider, site, logIn, browser } = await openKnowing(
        { vars: { VIPPS_SCOPE: "openid name phoneNumber email address", ...told } },
        failure,
      );
      const [{ id } = {}] = await all("SELECT id FROM accounts");
      await registry().correct(String(id), { name: "Kari N. Nordmann" });
      const before = [await all("SELECT * FROM accounts"), await all("SELECT * FROM identities")];
      expect((await logIn()).status).toBe(303);
      expect([await all("SELECT * FROM accounts"), await all("SELECT * FROM identities")]).toEqual(before);
      expect((await browser.session()).user).toEqual({ sub: id, name: "Kari Nordmann" });
      expect(site.log.filter(({ event }) => event === "userinfo_failed")).toHaveLength(1);
      // What staff corrected holds when Vipps says again what it has always said.
      delete provider.answers.userinfo;
      provider.claims = {};
      browser.cookies.delete(SESSION_COOKIE);
      expect((await logIn()).status).toBe(303);
      expect(await all("SELECT name FROM accounts")).toEqual([{ name: "Kari N. Nordmann" }]);
      expect(await all("SELECT type FROM events WHERE type = 'account.changed'")).toEqual([]);
    },
  );

  it("keeps what the ID token says, and no verification of what it does not say", async () => {
    const { provider, logIn, browser } = await openKnowing({
      vars: { SESSION_CLAIMS: "name email email_verified phone_number phone_number_verified" },
    });
    provider.claims = { ...THIN, phone_number_verified: false, email: "new@example.com" };
    expect((await logIn()).status).toBe(303);
    const { user } = await browser.session();
    expect(user).toMatchObject({ email: "new@example.com", name: "Kari Nordmann" });
    expect(user).toMatchObject({ phone_number: "4799999901", phone_number_verified: true });
    expect(user).not.toHaveProperty("email_verified");
  });

  it("is asked in another browser by name, and nobody unknown is asked there", async () => {
    const { provider, site, browser } = await openKnowing();
    const callback = provider.authorize(await browser.startLogin());
    const page = await openBrowser(site, { "accept-language": "en" }).get(callback.href);
    expect(textOf(await page.text())).toContain("Kari N.");
    provider.claims = { ...THIN, sub: crypto.randomUUID() };
    const other = provider.authorize(await browser.startLogin());
    expect((await openBrowser(site).get(other.href)).status).toBe(502);
  });

  it("stays out where they were not known, and nothing is kept", async () => {
    const { provider, site, logIn, browser } = openHostileSite();
    provider.claims = THIN;
    provider.answers.userinfo = DOWN;
    expect((await logIn()).status).toBe(502);
    expect((await browser.session()).authenticated).toBe(false);
    expect(await all("SELECT * FROM accounts")).toEqual([]);
    expect(site.log.filter(({ event }) => event === "userinfo_failed")).toEqual([]);
  });

  it("stays out where nobody is registered anywhere: there nobody is known", async () => {
    const { logIn } = await openKnowing({ vars: { ACCOUNTS: "none" } });
    expect((await logIn()).status).toBe(502);
  });

  it("makes no account who was known when the login came and is not when it is finished", async () => {
    const vars = { TERMS_URL: "/terms.html", TERMS_VERSION: "1" };
    const { provider, site, browser } = openHostileSite({ vars });
    const first = formOf(await (await logInAt(provider, browser)).text());
    await browser.post(first.action, { ...first.fields, answer: "accept", terms: "accepted" });
    await accountsDatabase().prepare("DELETE FROM terms_acceptances").run();
    provider.claims = THIN;
    provider.answers.userinfo = DOWN;
    const again = openBrowser(site);
    const { action, fields } = formOf(await (await logInAt(provider, again)).text());
    await accountsDatabase().prepare("DELETE FROM identities").run();
    const refused = await again.post(action, { ...fields, answer: "accept", terms: "accepted" });
    expect(refused.status).toBe(502);
    expect(await all("SELECT id FROM accounts")).toHaveLength(1);
    expect(await all("SELECT sub FROM identities")).toEqual([]);
  });

  it("in a registry of the site's own is let in too, and the registry is told nothing empty", async () => {
    const SECRET = "a secret of more than thirty-two characters";
    const list: Parameters<typeof createAccounts>[0] = [];
    const { site, logIn, browser } = await openKnowing({
      origin: createRegistry(
        createAccounts(list, () => undefined),
        SECRET,
      ),
      vars: { ACCOUNTS: "remote", REGISTRY_URL: "https://club.example/registry/", REGISTRY_SECRET: SECRET },
    });
    const before = structuredClone(list);
    expect(before).toHaveLength(1);
    site.resetCounts();
    expect((await logIn()).status).toBe(303);
    expect((await browser.session()).user?.sub).toBe(before[0]?.id);
    expect(site.counts.fetches.filter((path) => path.startsWith("/registry/"))).toEqual([
      "/registry/account-of-sub",
      "/registry/find",
    ]);
    expect(list).toEqual(before);
  });

  it("is not let in for a purpose without what it is for, though it was told at another login", async () => {
    for (const purpose of ["address", "address email", "email"]) {
      const { provider, browser } = await openKnowing({ vars: { PURPOSES: `delivery: ${purpose}` } });
      provider.claims = purpose === "address" ? THIN : { ...THIN, address: { street_address: "Solveien 1" } };
      const begun = await browser.get("/auth/login?return_to=/checkout&for=delivery");
      const callback = provider.authorize(new URL(begun.headers.get("location") ?? ""));
      expect((await browser.get(callback.href)).status, purpose).toBe(502);
      expect((await browser.session()).authenticated).toBe(false);
    }
  });

  it("does not get past an age by a birth date of another login", async () => {
    for (const scope of ["", " birthDate"]) {
      const hostile = openHostileSite({
        vars: { VIPPS_SCOPE: `openid name phoneNumber email${scope}`, PROTECTED_PATHS: "/bar/* age:18" },
      });
      const { provider, browser } = hostile;
      const enter = async () => {
        const begun = await browser.get("/auth/login?return_to=/bar/list");
        return browser.get(provider.authorize(new URL(begun.headers.get("location") ?? "")).href);
      };
      provider.claims = { birthdate: "1980-01-01" };
      expect((await enter()).status).toBe(303);
      expect((await browser.get("/bar/list")).status).not.toBe(403);
      browser.cookies.delete(SESSION_COOKIE);
      provider.claims = THIN;
      provider.answers.userinfo = DOWN;
      expect((await enter()).status).toBe(scope === "" ? 502 : 303);
      expect((await browser.get("/bar/list", { accept: "application/json" })).status).toBe(
        scope === "" ? 401 : 403,
      );
      delete provider.answers.userinfo;
    }
  });
});
