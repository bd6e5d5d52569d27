import { describe, expect, it, vi } from "vitest";
import { type RecordedAudit, readAudit } from "../../src/accounts/audit-log.ts";
import { recordConsents } from "../../src/accounts/consents.ts";
import { linkRequests } from "../../src/accounts/link-requests.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { accountPath, desk, ENGLISH, FROM_HERE, loggedIn, records, registry, subOf, TICKED } from "./desk.ts";
import { hostedSite, openSites } from "./many-sites.ts";
import { textOf } from "./page-form.ts";
import { openSite, SITE } from "./site.ts";

const CONSENTS = JSON.stringify([{ id: "newsletter", text: "Send me the newsletter" }]);
const STAFF = { SUPPORT_STAFF: "+4799999901" };

/** Somebody who is logged in begins once more, and cancels. */
async function cancelledLogin(browser: Browser): Promise<Response> {
  const begun = await browser.get("/auth/login?prompt=login");
  const authorizeUrl = new URL(begun.headers.get("location") ?? "");
  return browser.get((await browser.atProvider(authorizeUrl, { user: "sofie", cancelAt: "app" })).href);
}

const search = (staff: Browser, query: string) => staff.post("/auth/support/search", { query });
const pageOf = async (staff: Browser, path: string) => (await staff.get(path)).text();
const deeds = async (id: string): Promise<readonly RecordedAudit[]> =>
  (await readAudit(records(), id)).filter(({ action }) => action !== "viewed");
const basisOf = (page: string) => /name="basis" value="(\d+)"/.exec(page)?.[1] ?? "";
const updatedAt = async (id: string) => String((await registry().get(id))?.account.updatedAt);

/** Every address of the console, with a form that would do something. */
const routes = (id: string, sub: string): readonly (readonly [string, string, Record<string, string>?])[] => [
  ["GET", "/auth/support"],
  ["GET", "/auth/support/"],
  ["GET", "/auth/support?day=2026-01-01"],
  ["GET", "/auth/support/log"],
  ["GET", accountPath(id)],
  ["GET", `${accountPath(id)}/erase`],
  ["GET", "/auth/support/requests/K7QF-3M2P"],
  ["POST", "/auth/support/search", { query: "Sofie" }],
  ["POST", `${accountPath(id)}/sessions`, { session: "all" }],
  ["POST", `${accountPath(id)}/unlink`, { msn: "123456", sub }],
  ["POST", `${accountPath(id)}/correct`, { name: "Changed", phone: "", email: "", memberNumber: "" }],
  ["POST", `${accountPath(id)}/groups`, { new: "board", confirm: "yes" }],
  ["POST", `${accountPath(id)}/link`, { reference: "K7QF-3M2P" }],
  ["POST", `${accountPath(id)}/erase`, { confirm: "yes" }],
  ["POST", "/auth/support/requests/K7QF-3M2P/link", { account: id }],
];

/** An answer without what differs from one answer to the next. */
async function essence(response: Response): Promise<unknown> {
  const nonce =
    /nonce-([\w-]+)/.exec(response.headers.get("content-security-policy") ?? "")?.[1] ?? "no nonce";
  const plain = (text: string) =>
    text.replaceAll(nonce, "NONCE").replace(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/g, "REFERENCE");
  return {
    status: response.status,
    headers: [...response.headers].map(([name, value]) => `${name}: ${plain(value)}`),
    body: plain(await response.text()),
  };
}

describe("the console, to everybody but staff,", () => {
  /** Asks everything in every way, and compares with an address that does not exist. */
  async function expectNothing(visitor: Browser, id: string): Promise<void> {
    const sub = await subOf(id);
    for (const [usual, path, form] of routes(id, sub)) {
      for (const method of new Set([usual, "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])) {
        const body = method === "POST" ? new URLSearchParams(form ?? {}) : null;
        for (const origin of [SITE, "https://evil.example"]) {
          const init = { method, body, headers: { origin } };
          const [asked, unknown] = await Promise.all(
            [path, "/auth/nothing-here"].map(async (address) =>
              essence(await visitor.request(address, { ...init })),
            ),
          );
          expect(asked, `${method} ${path}`).toEqual(unknown);
        }
      }
    }
  }

  it("is not there, whoever asks what and how", { timeout: 120_000 }, async () => {
    const { site } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const before = await registry().get(sofie.id);
    const lines = await readAudit(records(), undefined);
    await expectNothing(openBrowser(site, ENGLISH), sofie.id);
    await expectNothing(sofie.browser, sofie.id);
    expect(await registry().get(sofie.id)).toEqual(before);
    expect((await sofie.browser.session()).authenticated).toBe(true);
    expect(await readAudit(records(), undefined)).toEqual(lines);
    // Nor does the log tell one from the other.
    const failed = site.log.filter(({ event }) => event === "request_failed");
    expect(new Set(failed.map(({ code, stage, reason }) => `${code} ${stage} ${reason}`))).toEqual(
      new Set(["not_found site undefined"]),
    );
  });

  it("is not there for scripts either", async () => {
    const { browser, id } = await loggedIn(openSite({ vars: STAFF }), "sofie");
    const json = { accept: "application/json" };
    const [asked, unknown] = await Promise.all(
      [accountPath(id), "/auth/nothing-here"].map(async (path) => essence(await browser.get(path, json))),
    );
    expect(asked).toEqual(unknown);
  });

  it("is not there where nobody is named, or somebody else is", async () => {
    for (const SUPPORT_STAFF of ["", "+4799999906", "acc_somebodyelse00000000"]) {
      const { browser } = await loggedIn(openSite({ vars: { SUPPORT_STAFF } }), "kari");
      expect((await browser.get("/auth/support")).status).toBe(404);
    }
  });

  it("is not there once the session has ended elsewhere, though its token is fresh", async () => {
    const { site, staff, staffId } = await desk();
    expect((await staff.get("/auth/support")).status).toBe(200);
    await site.env.USER_SESSIONS.getByName(staffId).endAll();
    const response = await staff.get("/auth/support");
    expect(response.status).toBe(404);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("is not there for a phone number that nobody has verified", async () => {
    const { staff, staffId } = await desk();
    await accountsDatabase()
      .prepare("UPDATE accounts SET phone_verified = 0 WHERE id = ?")
      .bind(staffId)
      .run();
    expect((await staff.get("/auth/support")).status).toBe(404);
  });

  it("answers that storage fails, to whoever holds a session, while it cannot be found out who asks", async () => {
    const { site, staff, staffId } = await desk();
    await accountsDatabase().exec("ALTER TABLE identities RENAME TO gone");
    expect((await openBrowser(site, ENGLISH).get("/auth/support")).status).toBe(404);
    for (const path of ["/auth/support", "/auth/support/log", accountPath(staffId)])
      expect((await staff.get(path)).status).toBe(503);
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "staff_not_checked", code: "storage_unavailable" }),
    );
  });
});

describe("the console, to the deployment's own people,", () => {
  const AGENCY = { AGENCY_STAFF: "+4799999901" };

  it("is open at every site, and the site's audit log says who they were", async () => {
    const hosted = await hostedSite("kunde.example", 3, { SUPPORT_STAFF: "+4799999902" });
    const site = await openSites([hosted], { vars: AGENCY });
    const kari = openBrowser(site, { ...ENGLISH, ...FROM_HERE }, hosted.origin);
    await kari.logIn({ user: "kari" });
    expect((await kari.get("/auth/support")).status).toBe(200);
    await search(kari, "Sofie");
    const [line] = await readAudit({ database: accountsDatabase(), site: hosted.host }, undefined);
    expect(line).toMatchObject({ action: "searched", details: { by: "agency" } });
    expect(await pageOf(kari, "/auth/support/log")).toContain("The agency");
    // The customer's own people are nobody elsewhere.
    const other = await hostedSite("annen.example", 4);
    const sites = await openSites([hosted, other], { vars: AGENCY });
    const sofie = openBrowser(sites, { ...ENGLISH, ...FROM_HERE }, other.origin);
    await sofie.logIn({ user: "sofie" });
    expect((await sofie.get("/auth/support")).status).toBe(404);
  });

  it("searches all sites at once, but those that are none of the agency's, and each site's log says so", async () => {
    const [here, other] = [await hostedSite("kunde.example", 3), await hostedSite("annen.example", 4)];
    const foreign = await hostedSite("fremmed.example", 5, {
      PROVIDER_ENDPOINTS: "https://apitest.vipps.no",
    });
    const site = await openSites([here, other, foreign], { vars: AGENCY });
    const database = accountsDatabase();
    // As `site add` notes them, one of them renamed.
    await database.batch(
      [here, other, foreign].map(({ host }) =>
        database.prepare("INSERT INTO site_versions (host, version, raised_at) VALUES (?, 1, 1)").bind(host),
      ),
    );
    const visitor = (origin: string) => openBrowser(site, { ...ENGLISH, ...FROM_HERE }, origin);
    for (const { origin } of [other, foreign]) await visitor(origin).logIn({ user: "sofie" });
    await visitor(SITE).logIn({ user: "sofie" });
    const cancelled = await cancelledLogin(visitor(other.origin));
    const reference = /<code>([\w-]{9})<\/code>/.exec(await cancelled.text())?.[1] ?? "";
    const kari = visitor(here.origin);
    await kari.logIn({ user: "kari" });
    expect(await pageOf(kari, "/auth/support")).toContain('name="everywhere"');

    const everywhere = (query: string) => kari.post("/auth/support/search", { query, everywhere: "yes" });
    const phone = textOf(await (await everywhere("+47 999 99 906")).text());
    for (const host of ["annen.example", "site.example"]) expect(phone).toContain(host);
    for (const hidden of ["fremmed.example", "kunde.example,"]) expect(phone).not.toContain(hidden);
    const byReference = await (await everywhere(reference)).text();
    expect(byReference).toContain(`${reference}, annen.example`);
    expect(byReference).toContain("https://annen.example/auth/login?return_to=%2Fauth%2Fsupport");
    expect(await (await everywhere("Sofie")).text()).toContain("Nothing fits");

    const logOf = (partition: string) => readAudit({ database, site: partition }, undefined);
    expect(await logOf(other.host)).toMatchObject([
      { action: "searched", details: { by: "agency", from: "kunde.example" }, accountId: undefined },
      { action: "searched", details: { by: "agency", from: "kunde.example" }, accountId: expect.any(String) },
    ]);
    expect(await logOf("default")).toHaveLength(1);
    expect(await logOf(foreign.host)).toEqual([]);
    expect((await logOf(here.host))[0]).toMatchObject({ details: { by: "agency", where: "everywhere" } });

    // A customer's own staff have neither the box nor what it does.
    const customers = await openSites(
      [{ ...here, values: { ...here.values, SUPPORT_STAFF: "+4799999906" } }, other],
      { vars: AGENCY },
    );
    const clerk = openBrowser(customers, { ...ENGLISH, ...FROM_HERE }, here.origin);
    await clerk.logIn({ user: "sofie" });
    expect((await clerk.get("/auth/support")).status).toBe(200);
    expect(await pageOf(clerk, "/auth/support")).not.toContain("everywhere");
    const own = await clerk.post("/auth/support/search", { query: "+47 999 99 906", everywhere: "yes" });
    expect(await own.text()).not.toContain("annen.example");
  });

  it("opens to nobody by what a site says of an account: only by what Vipps said at this login", async () => {
    const hosted = await hostedSite("kunde.example", 3);
    const site = await openSites([hosted], { vars: AGENCY });
    const [sofie, kari] = ["sofie", "kari"].map(() =>
      openBrowser(site, { ...ENGLISH, ...FROM_HERE }, hosted.origin),
    ) as [Browser, Browser];
    await sofie.logIn({ user: "sofie" });
    await kari.logIn({ user: "kari" });
    const [id, agent] = [(await sofie.session()).user?.sub ?? "", (await kari.session()).user?.sub ?? ""];
    const database = accountsDatabase();
    // Staff, the member list or a registry say that it is her number; they link her to the account of the agency's.
    await database
      .prepare("UPDATE accounts SET phone = '4799999901', phone_verified = 1 WHERE id = ?")
      .bind(id)
      .run();
    expect((await sofie.get("/auth/support")).status).toBe(404);
    await database.prepare("UPDATE identities SET account_id = ? WHERE account_id = ?").bind(agent, id).run();
    const again = openBrowser(site, { ...ENGLISH, ...FROM_HERE }, hosted.origin);
    await again.logIn({ user: "sofie" });
    expect((await again.session()).user?.sub).toBe(agent);
    expect((await again.get("/auth/support")).status).toBe(404);
    expect((await kari.get("/auth/support")).status).toBe(200);
  });

  it("opens to nobody whom another provider vouches for", async () => {
    const elsewhere = await hostedSite("kunde.example", 3, {
      PROVIDER_ENDPOINTS: "https://apitest.vipps.no",
    });
    const site = await openSites([elsewhere], { vars: AGENCY });
    const kari = openBrowser(site, { ...ENGLISH, ...FROM_HERE }, elsewhere.origin);
    await kari.logIn({ user: "kari" });
    expect(await kari.session()).toMatchObject({ authenticated: true });
    expect((await kari.get("/auth/support")).status).toBe(404);
  });
});

describe("the console, to staff,", () => {
  it("opens for an account id and for a sub as well", async () => {
    const plain = await loggedIn(openSite(), "kari");
    for (const SUPPORT_STAFF of [plain.id, `+4799999999, ${await subOf(plain.id)}`]) {
      const { browser } = await loggedIn(openSite({ vars: { SUPPORT_STAFF } }), "kari");
      expect((await browser.get("/auth/support")).status).toBe(200);
    }
  });

  it("is kept by no cache and in five languages", async () => {
    const { staff } = await desk();
    const titles = {
      nb: "Kundeservice",
      da: "Kundeservice",
      fi: "Asiakaspalvelu",
      sv: "Kundtjänst",
      en: "Customer service",
    };
    for (const [language, title] of Object.entries(titles)) {
      const response = await staff.get("/auth/support", { "accept-language": language });
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(await response.text()).toContain(`<h1>${title}</h1>`);
    }
  });

  it("refuses what another website sends in staff's name", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const before = await registry().get(sofie.id);
    for (const [method, path, form] of routes(sofie.id, await subOf(sofie.id))) {
      if (method !== "POST") continue;
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "null", "sec-fetch-site": "cross-site" },
      ]) {
        expect((await staff.post(path, form, headers)).status, path).toBe(403);
      }
    }
    expect(await registry().get(sofie.id)).toEqual(before);
    expect((await sofie.browser.session()).authenticated).toBe(true);
    expect(await deeds(sofie.id)).toEqual([]);
  });

  it("answers what is missing in a form, and what is not there", async () => {
    const { staff, staffId } = await desk();
    expect((await staff.post(`${accountPath(staffId)}/sessions`)).status).toBe(400);
    expect((await staff.post(`${accountPath(staffId)}/unlink`, { msn: "123456" })).status).toBe(400);
    expect((await staff.post("/auth/support/requests/K7QF-3M2P/link")).status).toBe(400);
    expect((await staff.post("/auth/support/search", { query: "  " })).headers.get("location")).toBe(
      "/auth/support",
    );
    for (const path of [accountPath("acc_nobody"), `${accountPath("acc_nobody")}/erase`])
      expect((await staff.get(path)).headers.get("location")).toBe("/auth/support?notice=noAccount");
    expect((await staff.get("/auth/support/requests/K7QF-3M2P")).headers.get("location")).toBe(
      "/auth/support?notice=noRequest",
    );
    expect((await staff.get("/auth/support/nothing")).status).toBe(404);
    expect(await pageOf(staff, "/auth/support?notice=%3Cb%3E")).not.toContain('class="note"');
  });
});

describe("the search", () => {
  it("finds a person by each thing that is known of them, and writes down that it was asked", async () => {
    const { site, staff, staffId } = await desk();
    const sofie = await loggedIn(site, "sofie");
    await registry().correct(sofie.id, { memberNumber: "M-1007" });
    const queries = {
      "+47 999 99 906": ["phone", "memberNumber"],
      "0047 99999906": ["phone", "memberNumber"],
      "\u202a+47\u00a0999 99 906\u202c": ["phone", "memberNumber"],
      "4799999906": ["phone", "memberNumber"],
      "99 99 99 06": ["phone", "memberNumber", "reference"],
      "Sofie.Dahl@example.com": ["email"],
      "dahl sof": ["memberNumber", "name"],
      "M-1007": ["memberNumber", "name"],
      [sofie.id]: ["accountId", "memberNumber"],
      [await subOf(sofie.id)]: ["accountId", "memberNumber"],
    };
    for (const [query, by] of Object.entries(queries)) {
      const response = await search(staff, query);
      expect(response.status, query).toBe(303);
      expect(response.headers.get("location"), query).toBe(accountPath(sofie.id));
      const [line] = await readAudit(records(), undefined, 1);
      expect(line).toMatchObject({ action: "searched", actor: staffId, actorRole: "staff", details: { by } });
    }
  });

  it("lists several, and says when nothing fits", async () => {
    const { site, staff } = await desk();
    const [per, ingrid] = [await loggedIn(site, "per"), await loggedIn(site, "sofie")];
    await registry().correct(ingrid.id, { name: "Ingrid Haugen" });
    const page = await (await search(staff, "haugen")).text();
    expect(page).toContain(accountPath(per.id));
    expect(page).toContain(accountPath(ingrid.id));
    expect(await (await search(staff, "nobody at all")).text()).toContain("Nothing fits.");
    const hostile = await (await search(staff, '<script>alert("x")</script>')).text();
    expect(hostile).not.toContain("<script>");
  });

  it.each([
    ["en", "The customer read: “", "You may already be registered", "”"],
    ["nb", "Kunden leste: «", "Du er kanskje allerede registrert", "»"],
    ["da", "Kunden læste: »", "Du er måske allerede registreret", "«"],
    ["sv", "Kunden läste: ”", "Du är kanske redan registrerad", "”"],
    ["fi", "Asiakas luki: ”", "Olet ehkä jo rekisteröitynyt", "”"],
  ])("says in %s of whoever was asked for a proof what they read", async (language, before, title, after) => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    await registry().unlink(sofie.id, "123456", await subOf(sofie.id));
    await registry().correct(sofie.id, { name: "Bjarne Olsen" });
    const headers = { "accept-language": language };
    const asked = await (await openBrowser(site, headers).logIn({ user: "sofie" })).text();
    expect(textOf(asked)).toContain(title);
    const reference = /<code>([\w-]{9})<\/code>/.exec(asked)?.[1] ?? "";
    const found = await staff.post("/auth/support/search", { query: reference }, headers);
    expect(textOf(await found.text())).toContain(before + title + after);
  });

  it("finds what happened by the reference of an error page, however it is read out", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const failed = await cancelledLogin(sofie.browser);
    const reference = /<code>([\w-]{9})<\/code>/.exec(await failed.text())?.[1] ?? "";
    expect(reference).not.toBe("");
    for (const spoken of [reference, reference.toLowerCase().replace("-", " ")]) {
      const shown = textOf(await (await search(staff, spoken)).text());
      expect(shown).toContain("Not logged in. The customer read: “You cancelled the login”");
      expect(shown).toContain("Nothing is wrong: the login was cancelled.");
      expect(shown).toContain("access_denied");
      expect(shown).toContain("we did not know yet who it was");
    }
  });

  it("never puts anything personal into an address or the log", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const locations: (string | null)[] = [];
    for (const query of ["+4799999906", "sofie.dahl@example.com", "Sofie Dahl"])
      locations.push((await search(staff, query)).headers.get("location"));
    const page = await pageOf(staff, accountPath(sofie.id));
    const links = Array.from(page.matchAll(/(?:href|action)="([^"]+)"/g), ([, link = ""]) => link);
    expect(`${links} ${locations} ${JSON.stringify(site.log)}`).not.toMatch(/sofie|dahl|99999906/i);
  });
});

describe("the page of an account", () => {
  it("shows everything there is to know, and each look is written down", async () => {
    const { site, staff, staffId } = await desk({
      TERMS_URL: "/terms.html",
      TERMS_VERSION: "2026-11",
      CONSENTS,
    });
    const sofie = await loggedIn(site, "sofie");
    await cancelledLogin(sofie.browser);
    const shown = textOf(await pageOf(staff, accountPath(sofie.id)));
    for (const text of [
      "Sofie Dahl",
      "+47 999 99 906 (verified)",
      "sofie.dahl@example.com (verified)",
      sofie.id,
      "Came with the account",
      await subOf(sofie.id),
      "Version 2026-11, accepted",
      "Send me the newsletter: Yes",
      "Log out everywhere",
      "Logged in",
      "The customer read: “You cancelled the login”",
      "In the same browser, before we knew who it was",
      "Tell the customer: Nothing is wrong",
      "Looked",
    ]) {
      expect(shown).toContain(text);
    }
    expect(await readAudit(records(), sofie.id)).toMatchObject([
      { action: "viewed", actor: staffId, actorRole: "staff" },
    ]);
    expect(textOf(await pageOf(staff, accountPath(sofie.id)))).toContain("Looked ×2");
  });

  it("says of an answer that it was given at Vipps, and that the access has been removed there since", async () => {
    const { staff, staffId: id } = await desk();
    const answer = { granted: true, required: false, wording: "Words", language: "en" };
    await recordConsents(records(), id, [{ ...answer, consent: "vipps:given" }], "vipps");
    await recordConsents(records(), id, [{ ...answer, consent: "vipps:taken", granted: false }], "webhook");
    const page = await pageOf(staff, accountPath(id));
    expect(page).toMatch(/<strong>yes<\/strong>\s*<p class="meta">[^<]+ · Vipps MobilePay<\/p>/i);
    expect(page).toMatch(
      /<strong>no<\/strong>\s*<p class="meta">[^<]+ · Consent withdrawn at Vipps MobilePay<\/p>/i,
    );
  });

  it("is not shown when the look cannot be written down", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    await accountsDatabase().exec("ALTER TABLE audit_log RENAME TO gone");
    const response = await staff.get(accountPath(sofie.id));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("Sofie");
    expect(
      (await staff.post(`${accountPath(sofie.id)}/sessions`, { session: "all", ...TICKED })).status,
    ).toBe(503);
    expect((await sofie.browser.session()).authenticated).toBe(true);
  });

  it("ends one session", async () => {
    const { site, staff, staffId } = await desk();
    const [phone, laptop] = [await loggedIn(site, "sofie"), await loggedIn(site, "sofie")];
    const response = await staff.post(`${accountPath(phone.id)}/sessions`, { session: phone.sid, ...TICKED });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe(`${accountPath(phone.id)}?notice=sessionEnded`);
    expect((await phone.browser.session()).authenticated).toBe(false);
    expect((await laptop.browser.session()).authenticated).toBe(true);
    expect(await deeds(phone.id)).toMatchObject([
      { action: "sessions_ended", actor: staffId, details: { session: phone.sid } },
    ]);
    const page = await pageOf(staff, `${accountPath(phone.id)}?notice=sessionEnded`);
    expect(page).toContain("The session has ended.");
    expect(page).not.toContain(`value="${phone.sid}"`);
  });

  it("ends all sessions", async () => {
    const { site, staff } = await desk();
    const [phone, laptop] = [await loggedIn(site, "sofie"), await loggedIn(site, "sofie")];
    await staff.post(`${accountPath(phone.id)}/sessions`, { session: "all", ...TICKED });
    expect((await phone.browser.session()).authenticated).toBe(false);
    expect((await laptop.browser.session()).authenticated).toBe(false);
    expect((await staff.get("/auth/support")).status).toBe(200);
    expect(await deeds(phone.id)).toMatchObject([{ action: "sessions_ended", details: { session: "all" } }]);
  });

  it("sends staff who ended their own session to the site", async () => {
    const { staff, staffId } = await desk();
    const response = await staff.post(`${accountPath(staffId)}/sessions`, { session: "all", ...TICKED });
    expect(response.headers.get("location")).toBe("/");
  });

  it("unlinks a Vipps user, who is logged out and recognised anew", async () => {
    const { site, staff } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const sub = await subOf(sofie.id);
    const unlink = () => staff.post(`${accountPath(sofie.id)}/unlink`, { msn: "123456", sub, ...TICKED });
    expect((await unlink()).headers.get("location")).toBe(`${accountPath(sofie.id)}?notice=unlinked`);
    expect((await registry().get(sofie.id))?.identities).toEqual([]);
    expect((await sofie.browser.session()).authenticated).toBe(false);
    expect((await unlink()).headers.get("location")).toBe(`${accountPath(sofie.id)}?notice=notUnlinked`);
    expect(await deeds(sofie.id)).toMatchObject([{ action: "unlinked", details: { msn: "123456", sub } }]);
    expect((await loggedIn(site, "sofie")).id).toBe(sofie.id);
  });
});

describe("a correction", () => {
  const asKept = {
    name: "Sofie Dahl",
    phone: "+4799999906",
    email: "sofie.dahl@example.com",
    memberNumber: "",
  };

  it("changes what was changed and says which fields, not what they hold", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    const basis = basisOf(await pageOf(staff, accountPath(id)));
    const response = await staff.post(`${accountPath(id)}/correct`, {
      ...asKept,
      ...TICKED,
      basis,
      name: "  Sofie  Dahl Berg ",
      phone: "\u202a0047 999 99 955\u202c",
      memberNumber: "1007",
    });
    expect(response.headers.get("location")).toBe(`${accountPath(id)}?notice=corrected`);
    expect((await registry().get(id))?.account).toMatchObject({
      name: "Sofie Dahl Berg",
      phone: "4799999955",
      phoneVerified: true,
      email: "sofie.dahl@example.com",
      memberNumber: "1007",
    });
    expect(await deeds(id)).toMatchObject([
      { action: "corrected", details: { fields: ["name", "phone", "memberNumber"] } },
    ]);
    expect(textOf(await pageOf(staff, accountPath(id)))).toContain("Corrected : Name, Phone, Member number");
  });

  it("leaves a name alone that was not touched, with what nobody sees of it", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    // Persian has letters that do not join; and Vipps may say two spaces.
    const name = "Ali\u200creza  Sofie";
    await registry().correct(id, { name });
    const basis = basisOf(await pageOf(staff, accountPath(id)));
    const form = { ...asKept, ...TICKED, basis, name };
    const same = await staff.post(`${accountPath(id)}/correct`, form);
    expect(same.headers.get("location")).toBe(`${accountPath(id)}?notice=unchanged`);
    await staff.post(`${accountPath(id)}/correct`, { ...form, phone: "+4799999955" });
    expect((await registry().get(id))?.account).toMatchObject({ name, phone: "4799999955" });
    expect(await deeds(id)).toMatchObject([{ action: "corrected", details: { fields: ["phone"] } }]);
  });

  it("removes what is left empty, and writes nothing when nothing differs", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    const correct = async (fields: Record<string, string>) =>
      staff.post(`${accountPath(id)}/correct`, {
        ...asKept,
        ...TICKED,
        basis: await updatedAt(id),
        ...fields,
      });
    expect((await correct({})).headers.get("location")).toBe(`${accountPath(id)}?notice=unchanged`);
    expect(await deeds(id)).toEqual([]);
    await correct({ email: "" });
    expect((await registry().get(id))?.account).toMatchObject({ email: undefined, name: "Sofie Dahl" });
  });

  it("is refused with what was typed when a field cannot be taken over", async () => {
    const { site, staff, staffId } = await desk();
    const { id } = await loggedIn(site, "sofie");
    await registry().correct(staffId, { memberNumber: "1" });
    for (const [field, value, said] of [
      ["phone", "999 99 906", "country code"],
      ["phone", "call me", "country code"],
      ["phone", "+47 999 99 901", "belongs to customer service"],
      ["email", "sofie at example", "not an email address"],
      ["memberNumber", "1", "Another account has this member number"],
    ] as const) {
      const response = await staff.post(`${accountPath(id)}/correct`, {
        ...asKept,
        basis: await updatedAt(id),
        name: "Typed <b>",
        [field]: value,
      });
      expect(response.status, value).toBe(400);
      const page = await response.text();
      expect(page).toContain(said);
      expect(page).toContain("Typed &lt;b&gt;");
      expect(page).toContain('aria-invalid="true"');
    }
    expect((await registry().get(id))?.account.name).toBe("Sofie Dahl");
    expect(await deeds(id)).toEqual([]);
  });

  it("is refused when the account has changed since it was looked at", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    const basis = String(Number(await updatedAt(id)) - 60);
    const response = await staff.post(`${accountPath(id)}/correct`, { ...asKept, basis, name: "Late" });
    expect(response.headers.get("location")).toBe(`${accountPath(id)}?notice=changedMeanwhile`);
    expect((await registry().get(id))?.account.name).toBe("Sofie Dahl");
  });

  it("undoes no other that is made at the same moment, and neither do groups", async () => {
    const { site, staff } = await desk();
    const { id } = await loggedIn(site, "sofie");
    const together = async (posts: readonly (readonly [string, Record<string, string>])[]) => {
      await accountsDatabase().prepare("UPDATE accounts SET updated_at = 1 WHERE id = ?").bind(id).run();
      const answers = posts.map(([deed, fields]) =>
        staff.post(`${accountPath(id)}/${deed}`, { ...fields, ...TICKED, basis: "1" }),
      );
      const notices = (await Promise.all(answers)).map(({ headers }) => headers.get("location"));
      return notices.map((location) => location?.replace(`${accountPath(id)}?notice=`, "")).sort();
    };
    const corrections = ["Sofie Dahl Berg", "Sofie Berg"].map(
      (name) => ["correct", { ...asKept, name }] as const,
    );
    expect(await together(corrections)).toEqual(["changedMeanwhile", "corrected"]);
    const groups = ["board", "trainers"].map((name) => ["groups", { new: name }] as const);
    expect(await together(groups)).toEqual(["changedMeanwhile", "groupsChanged"]);
    expect((await registry().get(id))?.account.groups).toHaveLength(1);
  });
});

describe("erasing", () => {
  it("asks first, needs the tick, and leaves one line", async () => {
    const { site, staff, staffId } = await desk();
    const sofie = await loggedIn(site, "sofie");
    const erase = `${accountPath(sofie.id)}/erase`;
    const asked = textOf(await pageOf(staff, erase));
    expect(asked).toContain("Erase Sofie Dahl?");
    expect(asked).toContain("accepted terms and consents");
    const unticked = await staff.post(erase);
    expect(unticked.status).toBe(400);
    expect(textOf(await unticked.text())).toContain("Tick the box first.");
    expect(await registry().get(sofie.id)).toBeDefined();

    const response = await staff.post(erase, { confirm: "yes" });
    expect(response.headers.get("location")).toBe("/auth/support?notice=erased");
    expect(await registry().get(sofie.id)).toBeUndefined();
    expect((await sofie.browser.session()).authenticated).toBe(false);
    expect(await readAudit(records(), sofie.id)).toMatchObject([
      { action: "erased", actor: staffId, actorRole: "staff" },
    ]);
    expect((await staff.post(erase, { confirm: "yes" })).headers.get("location")).toBe(
      "/auth/support?notice=noAccount",
    );
    expect(textOf(await pageOf(staff, "/auth/support/log"))).toContain("Erased");
  });
});

describe("somebody who waits to be linked", () => {
  it("is shown beside the accounts it may be, and gets in once linked", async () => {
    const { site, staff, staffId } = await desk();
    const old = await loggedIn(site, "sofie");
    // The member is known under another name, and not by this Vipps user.
    await registry().unlink(old.id, "123456", await subOf(old.id));
    await registry().correct(old.id, { name: "Bjarne Olsen" });
    const doubtful = await openBrowser(site, ENGLISH).logIn({ user: "sofie" });
    expect(await doubtful.text()).toContain("You may already be registered");
    const [waiting] = await linkRequests(records(), old.id);
    const reference = waiting?.reference ?? "";

    expect(textOf(await pageOf(staff, "/auth/support"))).toContain("Waiting to be linked Sofie Dahl");
    expect(await pageOf(staff, accountPath(old.id))).toContain(`/auth/support/requests/${reference}`);
    expect(await (await search(staff, reference.toLowerCase())).text()).toContain(
      `/auth/support/requests/${reference}`,
    );
    const page = textOf(await pageOf(staff, `/auth/support/requests/${reference}`));
    expect(page).toContain("An account has the same phone or email, but another name.");
    expect(page).toContain("Bjarne Olsen");

    const response = await staff.post(`/auth/support/requests/${reference}/link`, {
      account: old.id,
      ...TICKED,
    });
    expect(response.headers.get("location")).toBe(`${accountPath(old.id)}?notice=linked`);
    expect((await registry().get(old.id))?.identities).toMatchObject([{ linkedBy: "staff" }]);
    expect(await deeds(old.id)).toMatchObject([
      { action: "linked", actor: staffId, details: { msn: "123456", reference } },
    ]);
    expect((await loggedIn(site, "sofie")).id).toBe(old.id);
    const again = await staff.post(`/auth/support/requests/${reference}/link`, {
      account: old.id,
      ...TICKED,
    });
    expect(again.headers.get("location")).toBe("/auth/support?notice=noRequest");
  });

  it("is found from an account by the reference alone, where no account fits", async () => {
    const { site, staff, staffId } = await desk();
    const closed = openSite({ vars: { ...STAFF, REGISTRATION: "closed" } });
    expect((await openBrowser(closed, ENGLISH).logIn({ user: "sofie" })).status).toBe(403);
    const [waiting] = await linkRequests(records(), undefined);
    const reference = waiting?.reference ?? "";
    expect(site.env.ACCOUNTS_DB).toBeDefined();
    const found = await staff.post(`${accountPath(staffId)}/link`, {
      reference: ` ${reference.toLowerCase()} `,
    });
    expect(found.status).toBe(200);
    expect(await found.text()).toContain(`name="account" value="${staffId}"`);
    // No link can say for staff whose account it shall be.
    expect(await pageOf(staff, `/auth/support/requests/${reference}?account=${staffId}`)).not.toContain(
      staffId,
    );
    const none = await staff.post(`${accountPath(staffId)}/link`, { reference: "K7QF-3M2P" });
    expect(none.headers.get("location")).toBe(`${accountPath(staffId)}?notice=noRequest`);
  });
});

describe("the figures", () => {
  it("count a day hour by hour, in the reader's time, with the reasons", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    // Half past midnight in Oslo.
    vi.setSystemTime(Date.parse("2026-06-01T22:30:00Z"));
    const { site, staff } = await desk();
    await loggedIn(site, "sofie");
    const stranger = openBrowser(site, ENGLISH);
    await stranger.logIn({ user: "per", cancelAt: "app" });
    await stranger.logIn({ user: "per", wrongNumber: true });
    const page = await pageOf(staff, "/auth/support");
    const shown = textOf(page);
    expect(shown).toMatch(/Logins on Tuesday,? 2 June 2026/);
    expect(page).toContain('aria-label="Logged in: 2, Cancelled: 1, Failed: 1"');
    expect(shown).toContain("00 2 1 1 01 0 0 0");
    expect(shown).toContain("The numbers did not match 1");
    expect(page).not.toContain("Day after");

    const before = await pageOf(staff, "/auth/support?day=2026-06-01");
    expect(before).toContain("No logins on this day.");
    expect(before).toContain("/auth/support?day=2026-06-02");
    for (const day of ["2026-02-30", "yesterday", "2999-01-01"])
      expect(textOf(await pageOf(staff, `/auth/support?day=${day}`))).toContain("2 June 2026");
  });

  it("have as many hours as the day", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.parse("2026-11-22T12:00:00Z"));
    const { staff } = await desk();
    for (const [day, hours] of [
      ["2026-03-29", 23],
      ["2026-06-01", 24],
      ["2026-10-25", 25],
    ] as const) {
      const begin = {
        "2026-03-29": "2026-03-28T23:00Z",
        "2026-06-01": "2026-05-31T22:00Z",
        "2026-10-25": "2026-10-24T22:00Z",
      }[day];
      const first = Date.parse(begin) / 1000;
      const last = first + (hours - 1) * 3600;
      for (const hour of [first - 3600, first, last, last + 3600])
        await accountsDatabase()
          .prepare("INSERT INTO login_figures VALUES ('default', ?, 'logged_in', 1)")
          .bind(hour)
          .run();
      const page = await pageOf(staff, `/auth/support?day=${day}`);
      expect(page.match(/<th scope="row">/g), day).toHaveLength(hours);
      expect(page, day).toContain("Logged in: 2,");
    }
  });
});

describe("a site without a registry", () => {
  it("has its people by their sub: sessions and logins, no data", async () => {
    const plain = await loggedIn(openSite({ vars: { ACCOUNTS: "none" } }), "kari");
    const site = openSite({ vars: { ACCOUNTS: "none", SUPPORT_STAFF: plain.id } });
    const { browser: staff } = await loggedIn(site, "kari");
    const sofie = await loggedIn(site, "sofie");
    expect((await search(staff, sofie.id)).headers.get("location")).toBe(accountPath(sofie.id));
    const page = await pageOf(staff, accountPath(sofie.id));
    expect(page).toContain(`value="${sofie.sid}"`);
    expect(page).not.toContain("/correct");
    await staff.post(`${accountPath(sofie.id)}/sessions`, { session: sofie.sid, ...TICKED });
    expect((await sofie.browser.session()).authenticated).toBe(false);
  });
});

describe("the export of consents", () => {
  const VARS = { VIPPS_SCOPE: "openid name phoneNumber email customFlow" };

  it("hands everybody's out as a file, and is in the audit log", async () => {
    const { site, staff, staffId } = await desk(VARS);
    const { browser } = await loggedIn(site, "aino");
    await browser.post("/auth/me/consents");
    expect(await pageOf(staff, "/auth/support")).toContain('action="/auth/support/consents"');
    const csv = await staff.post("/auth/support/consents", { format: "csv" });
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(csv.headers.get("content-disposition")).toBe('attachment; filename="site.example-consents.csv"');
    expect(csv.headers.get("cache-control")).toBe("no-store");
    expect((await csv.text()).split("\r\n")).toHaveLength(6);
    const json = await staff.post("/auth/support/consents", { format: "json", history: "yes" });
    const rows = await json.json<Record<string, unknown>[]>();
    expect(rows).toHaveLength(5);
    expect(rows).toContainEqual(
      expect.objectContaining({
        name: "Aino Mäkelä",
        consent: "vipps:membership-terms",
        granted: false,
        required: true,
        source: "my_page",
        wording: "I accept the terms of membership",
      }),
    );
    const deeds = (await readAudit(records(), undefined, 4)).toReversed();
    const deed = { action: "exported", actor: staffId, actorRole: "staff" };
    // A line before the first row is read, and one with the size.
    expect(deeds).toMatchObject([
      { ...deed, details: { consents: "current", format: "csv" } },
      { ...deed, details: { consents: "current", format: "csv", rows: 4 } },
      { ...deed, details: { consents: "history", format: "json" } },
      { ...deed, details: { consents: "history", format: "json", rows: 5 } },
    ]);
    expect(await pageOf(staff, accountPath(staffId))).toContain("· Vipps MobilePay");
    expect(textOf(await pageOf(staff, "/auth/support/log"))).toContain("Consents, As of now, csv, rows: 4");
    const members = await pageOf(staff, "/auth/support/members");
    expect(members).toContain(">Yes: I accept the terms of membership</option>");
    expect(members).not.toMatch(/>Yes: vipps:/);
  });

  it("breaks off where storage fails on the way, so that half of it is not taken for the whole", async () => {
    const { staff, site } = await desk(VARS);
    await accountsDatabase().prepare("ALTER TABLE consents RENAME TO gone").run();
    const response = await staff.post("/auth/support/consents", { format: "csv" });
    await expect(response.text()).rejects.toThrow("storage_unavailable");
    expect((await openBrowser(site).post("/auth/support/consents")).status).toBe(404);
  });
});
