import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createAccounts } from "../../examples/registry-server/accounts.ts";
import { createProofPage, hashPassword } from "../../examples/registry-server/proof-page.ts";
import { createRegistry } from "../../examples/registry-server/registry.ts";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { ENGLISH, FROM_HERE } from "./desk.ts";
import { formOf } from "./page-form.ts";
import { openSite, SITE } from "./site.ts";

const SECRET = "a secret of more than thirty-two characters";
const CLUB = "https://club.example";

type Accounts = Parameters<typeof createAccounts>[0];

/** The worker, and the example registry as the site's own, with these accounts. */
function openRemoteSite(list: Accounts, vars: Partial<Cloudflare.Env> = {}) {
  const accounts = createAccounts(list, () => undefined);
  const registry = createRegistry(accounts, SECRET);
  const proofPage = createProofPage(accounts, {
    secret: SECRET,
    worker: `${SITE}/auth`,
    url: `${CLUB}/connect`,
  });
  const club = (request: Request) =>
    new URL(request.url).pathname === "/connect" ? proofPage(request) : registry(request);
  const site = openSite({
    origin: club,
    vars: {
      ACCOUNTS: "remote",
      REGISTRY_URL: `${CLUB}/registry/`,
      REGISTRY_SECRET: SECRET,
      REGISTRY_PROOF_URL: `${CLUB}/connect`,
      ...vars,
    },
  });
  return { site, club };
}

const subOf = async (browser: Browser) => (await browser.session()).user?.sub;

async function henrik(): Promise<Accounts[number]> {
  return {
    id: "member-1001",
    name: "Henrik Lund",
    phone: "4799999921",
    phone_verified: true,
    member_number: "1001",
    password: await hashPassword("correct horse"),
  };
}

describe("the site's own registry", () => {
  it("makes the account of a new person and knows them again, one request before the answer", async () => {
    const list: Accounts = [];
    const { site } = openRemoteSite(list);
    const first = openBrowser(site);
    expect((await first.logIn()).status).toBe(303);
    expect(list).toMatchObject([{ id: await subOf(first), name: "Kari Nordmann" }]);

    const second = openBrowser(site);
    const callback = await second.atProvider(await second.startLogin());
    site.resetCounts();
    expect((await second.get(callback.href)).status).toBe(303);
    expect(site.counts.fetches.slice(1)).toEqual(["/registry/find", "/registry/update"]);
    expect(await subOf(second)).toBe(await subOf(first));
    expect(list).toHaveLength(1);
  });

  it("makes one account of many logins at once", async () => {
    const list: Accounts = [];
    const { site } = openRemoteSite(list);
    const browsers = Array.from({ length: 4 }, () => openBrowser(site));
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.atProvider(await browser.startLogin())),
    );
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index]?.href ?? "")),
    );
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303]);
    expect(list).toHaveLength(1);
  });

  it("that is down costs nobody more than a page that says so", async () => {
    const site = openSite({
      origin: () => new Response("down", { status: 502 }),
      vars: { ACCOUNTS: "remote", REGISTRY_URL: `${CLUB}/registry`, REGISTRY_SECRET: SECRET },
    });
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(503);
    expect((await browser.session()).authenticated).toBe(false);
    expect(site.log).toContainEqual(
      expect.objectContaining({ code: "storage_unavailable", reason: "registry: answered with 502" }),
    );
    expect(JSON.stringify(site.log)).not.toMatch(/Kari|4799999901|example\.com/);
  });

  it.each([
    ['{"error":"database is down"}', "find", 503],
    ["{}", "find", 503],
    ['{"account":{"id":"member-1"},"candidates":[]}', "update", 303],
    ['{"account":null}', "create", 303],
    ['{"candidates":[]}', "create", 303],
  ])("that answers %s is asked %s last, and the login answered with %i", async (answer, last, status) => {
    const asked: string[] = [];
    const origin = (request: Request) => {
      const operation = new URL(request.url).pathname.split("/").at(-1) ?? "";
      asked.push(operation);
      if (operation === "create") return Response.json({ id: "member-2" }, { status: 201 });
      return operation === "find" ? new Response(answer) : new Response(null, { status: 204 });
    };
    const vars = { ACCOUNTS: "remote", REGISTRY_URL: `${CLUB}/registry`, REGISTRY_SECRET: SECRET };
    expect((await openBrowser(openSite({ origin, vars })).logIn()).status).toBe(status);
    expect(asked.at(-1)).toBe(last);
  });
});

describe("an old account of the site", () => {
  /** Logs Espen in, who has Henrik's old number, and presses 'log in the old way'. */
  async function atClub(known: Partial<Accounts[number]> = {}) {
    const { site, club } = openRemoteSite([{ ...(await henrik()), ...known }]);
    const browser = openBrowser(site);
    const page = await (await browser.logIn({ user: "espen", returnTo: "/members/" })).text();
    expect(page).not.toContain('name="fact"');
    const response = await browser.post("/auth/continue", { ...formOf(page).fields, answer: "site" });
    expect(response.status).toBe(303);
    const ticketUrl = new URL(response.headers.get("location") ?? "");
    const form = await (await club(new Request(ticketUrl))).text();
    const ticket = /name="ticket" value="([^"]+)"/.exec(form)?.[1] ?? "";
    const logInAtClub = (password: string) =>
      club(
        new Request(`${CLUB}/connect`, {
          method: "POST",
          body: new URLSearchParams({ ticket, member_number: "1001", password }),
        }),
      );
    return { site, browser, ticketUrl, logInAtClub };
  }

  it("is proven by logging in the old way, and linked for good", async () => {
    const { site, browser, ticketUrl, logInAtClub } = await atClub();
    expect(ticketUrl.origin + ticketUrl.pathname).toBe(`${CLUB}/connect`);
    expect(ticketUrl.href).not.toMatch(/4799999921|Espen|example\.com/);
    expect((await logInAtClub("wrong")).status).toBe(403);
    const back = (await logInAtClub("correct horse")).headers.get("location") ?? "";
    expect(back).toMatch(`${SITE}/auth/proof?answer=`);
    const response = await browser.get(back);
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/members/");
    expect(await subOf(browser)).toBe("member-1001");
    expect(await readAudit({ database: accountsDatabase(), site: "default" }, "member-1001")).toMatchObject([
      { action: "linked", actorRole: "self" },
    ]);
    const again = openBrowser(site);
    await again.logIn({ user: "espen" });
    expect(await subOf(again)).toBe("member-1001");
    expect((await browser.get(back)).status).toBe(303);
  });

  it("is proven by an answer that has its number as one", async () => {
    const { browser, logInAtClub } = await atClub({ id: "1001" });
    const back = new URL((await logInAtClub("correct horse")).headers.get("location") ?? "");
    const answer = back.searchParams.get("answer") ?? "";
    // The library's types know that a subject is a text.
    const claims = { ...decodeJwt(answer), sub: 1001 } as unknown as JWTPayload;
    const numbered = new SignJWT(claims).setProtectedHeader({
      ...decodeProtectedHeader(answer),
      alg: "HS256",
    });
    back.searchParams.set("answer", await numbered.sign(new TextEncoder().encode(SECRET)));
    expect((await browser.get(back.href)).status).toBe(303);
    expect(await subOf(browser)).toBe("1001");
  });

  it("is nobody else's: an answer given for another browser's login is worth nothing", async () => {
    const { site, browser, logInAtClub } = await atClub();
    const back = (await logInAtClub("correct horse")).headers.get("location") ?? "";
    const victim = openBrowser(site);
    expect((await victim.get(back)).status).toBe(400);
    expect((await victim.session()).authenticated).toBe(false);
    expect((await browser.get(back)).status).toBe(303);
  });

  it("is not proven in a browser that has logged out meanwhile, which is told so", async () => {
    const { site, browser, logInAtClub } = await atClub();
    const back = (await logInAtClub("correct horse")).headers.get("location") ?? "";
    await browser.post("/auth/logout");
    expect((await browser.get(back)).status).toBe(400);
    expect(site.log.at(-1)).toMatchObject({ code: "logged_out_meanwhile" });
    expect((await browser.session()).authenticated).toBe(false);
  });

  it("is not proven by an answer that is forged, changed, of another kind or too late", async () => {
    const { browser, ticketUrl, logInAtClub } = await atClub();
    const back = new URL((await logInAtClub("correct horse")).headers.get("location") ?? "");
    const answer = back.searchParams.get("answer") ?? "";
    const [head, claims = "", signature] = answer.split(".");
    const changed = btoa(atob(claims).replace("member-1001", "member-1002")).replaceAll("=", "");
    const none = btoa(JSON.stringify({ alg: "none", typ: "account-proof-answer+jwt" }));
    for (const forged of [
      "",
      "junk",
      `${head}.${changed}.${signature}`,
      `${none}.${claims}.`,
      ticketUrl.searchParams.get("ticket") ?? "",
    ]) {
      const response = await browser.get(`/auth/proof?answer=${encodeURIComponent(forged)}`);
      expect(response.status).toBe(400);
    }
    expect((await browser.session()).authenticated).toBe(false);
    expect((await browser.get(back.href)).status).toBe(303);
  });

  it("has no proof page of the worker's where the site names none", async () => {
    const { site } = openRemoteSite([await henrik()], { REGISTRY_PROOF_URL: "" });
    const browser = openBrowser(site);
    const page = await (await browser.logIn({ user: "espen" })).text();
    expect(page).toContain("You may already be registered");
    expect(page).not.toContain('value="site"');
    expect((await browser.get("/auth/proof?answer=x")).status).toBe(404);
    const pressed = await browser.post("/auth/continue", { ...formOf(page).fields, answer: "site" });
    expect(pressed.status).toBe(400);
  });

  it("shows nobody another person, nor makes staff of them, where it mixes people up", async () => {
    const { site, answer } = openAnsweringSite({ SUPPORT_STAFF: "+4799999902" });
    const browser = openBrowser(site);
    await browser.logIn();
    answer.account = { id: "member-2", name: "Mette Ordrup", phone: "4799999902", phone_verified: true };
    const page = await browser.get("/auth/me");
    expect(page.status).toBe(503);
    expect(await page.text()).not.toContain("Mette");
    expect((await browser.get("/auth/support")).status).toBe(503);
    answer.account = { ...answer.account, id: "member-1" };
    expect((await browser.get("/auth/support")).status).toBe(200);
  });

  it("says nothing of when an account was made where it doesn't tell", async () => {
    const { site, answer } = openAnsweringSite({ SUPPORT_STAFF: "+4799999901" });
    const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
    await browser.logIn();
    const shown = async () => [
      await (await browser.get("/auth/me")).text(),
      await (await browser.get("/auth/support/accounts/member-1")).text(),
    ];
    for (const page of await shown()) {
      expect(page).toContain("Kari Nordmann");
      expect(page).not.toMatch(/1970|Account created/);
    }
    answer.account = { ...answer.account, created_at: 0 };
    for (const page of await shown()) expect(page).toContain("1 Jan 1970");
  });
});

/** A registry that finds everybody to be one member, and says of each what `answer` has. */
function openAnsweringSite(vars: Partial<Cloudflare.Env>) {
  const account: Record<string, unknown> = {
    ...{ id: "member-1", name: "Kari Nordmann", phone: "4799999901", phone_verified: true },
  };
  const answer = { account };
  const site = openSite({
    origin: (request) =>
      Response.json(
        request.url.endsWith("/get")
          ? { account: answer.account, identities: [] }
          : { account: { id: "member-1" } },
      ),
    vars: { ACCOUNTS: "remote", REGISTRY_URL: `${CLUB}/registry/`, REGISTRY_SECRET: SECRET, ...vars },
  });
  return { site, answer };
}
