import { createExecutionContext } from "cloudflare:test";
import fc from "fast-check";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { requireSession } from "../../src/hono.ts";
import { readPath } from "../../src/http/request-path.ts";
import { requirementsOf } from "../../src/rules/path-rules.ts";
import { readProtectedPaths } from "../../src/rules/protected-paths.ts";
import { ageClaims, lacking, readRequirement } from "../../src/rules/requirement.ts";
import { APP_CONFIRMATION } from "../../src/vipps/relying-party.ts";
import { HAND_WRITTEN, ORIGINS, spelling } from "../conformance/path-spellings.ts";
import { openBrowser, SESSION_COOKIE } from "./browser.ts";
import { seconds, stopClock, wait } from "./clock.ts";
import { accountPath, desk, ENGLISH, FROM_HERE, loggedIn, records, registry, TICKED } from "./desk.ts";
import { textOf } from "./page-form.ts";
import { keysOf, signedToken } from "./session-tokens.ts";
import { openSite, SITE, type TestSite } from "./site.ts";

/** The judgement that `vipps-login rules` prints. Programs of the command line are typed for Node. */
const [explainPath] = Object.values(
  import.meta.glob<
    (
      site: { origin: string; authPath: string; protectedPaths: readonly string[] },
      address: string,
    ) => { readonly access: string; readonly requires: readonly string[] }
  >("../../cli/path-rule.ts", { import: "explainPath", eager: true }),
);

const ORIGIN = "https://origin.example";
const CLAIMS = "name groups acr age_over_16 age_over_18";

/** A site before an origin that writes down what reaches it. */
function ruledSite(rules: string, vars: Partial<Cloudflare.Env> = {}) {
  const reached: string[] = [];
  const site = openSite({
    vars: {
      PROTECTED_PATHS: rules,
      SESSION_CLAIMS: CLAIMS,
      ORIGIN_URL: ORIGIN,
      ASSETS: undefined as never,
      ...vars,
    },
    origin: (request) => {
      reached.push(new URL(request.url).pathname);
      return new Response("from the origin");
    },
  });
  return { site, reached };
}

/** Somebody with a session, described by what rules ask about. */
interface Holder {
  readonly groups: readonly string[];
  /** Which ages are known to be reached. */
  readonly ages: Readonly<Record<number, boolean>>;
  /** Seconds since the login. */
  readonly loggedInFor: number;
  readonly inApp: boolean;
}

const tokenFor = (site: TestSite, { groups, ages, loggedInFor, inApp }: Holder) =>
  signedToken(keysOf(site)[0], {
    claims: {
      groups,
      auth_time: seconds() - loggedInFor,
      ...(inApp && { acr: APP_CONFIRMATION }),
      ...Object.fromEntries(Object.entries(ages).map(([years, is]) => [`age_over_${years}`, is])),
    },
  });

const HOLDERS: readonly Holder[] = [
  { groups: [], ages: {}, loggedInFor: 5000, inApp: false },
  { groups: ["board"], ages: { 16: true, 18: true }, loggedInFor: 10, inApp: true },
  { groups: ["board"], ages: {}, loggedInFor: 5000, inApp: false },
  { groups: ["trainers"], ages: { 16: true, 18: false }, loggedInFor: 10, inApp: false },
  { groups: ["board-game"], ages: { 16: true, 18: true }, loggedInFor: 5000, inApp: true },
  { groups: ["board", "trainers"], ages: { 16: false, 18: false }, loggedInFor: 10, inApp: false },
  { groups: [], ages: { 16: true, 18: true }, loggedInFor: 10, inApp: true },
];

const REQUIREMENTS = ["group:board", "group:board|trainers", "age:16", "age:18", "fresh:600", "acr"] as const;

/** What each requirement means, written without a look at the worker's own reading of it. */
const MEETS: Readonly<Record<(typeof REQUIREMENTS)[number], (holder: Holder) => boolean>> = {
  "group:board": ({ groups }) => groups.includes("board"),
  "group:board|trainers": ({ groups }) => groups.includes("board") || groups.includes("trainers"),
  "age:16": ({ ages }) => ages[16] === true,
  "age:18": ({ ages }) => ages[18] === true,
  "fresh:600": ({ loggedInFor }) => loggedInFor <= 600,
  acr: ({ inApp }) => inApp,
};

/** Patterns, and what of an origin's resources they cover, written likewise. */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  "/members/*": /^\/members(\.html?)?(\/|$)/,
  "/members/secret": /^\/members\/secret(\.html?)?(\/|$)/,
  "/members/files/*": /^\/members\/files(\.html?)?(\/|$)/,
  "/members/*.pdf": /^\/members\/.*\.pdf(\/|$)/,
};

type Rule = readonly [pattern: string, requires: readonly (typeof REQUIREMENTS)[number][]];

const anyRules: fc.Arbitrary<readonly Rule[]> = fc
  .tuple(
    ...Object.keys(PATTERNS).map((pattern) =>
      fc.option(fc.tuple(fc.constant(pattern), fc.subarray([...REQUIREMENTS], { maxLength: 2 })), {
        nil: undefined,
        freq: 4,
      }),
    ),
  )
  .map((rules) => rules.filter((rule) => rule !== undefined))
  .filter((rules) => rules.length > 0);

const written = (rules: readonly Rule[]): string =>
  rules.map(([pattern, requires]) => [pattern, ...requires].join(" ")).join("  ");

/** What an origin that reads the path in its own way would be asked to show, and who may see that. */
function mayReach(rules: readonly Rule[], path: string, holder: Holder | undefined): boolean {
  return Object.values(ORIGINS).every((understand) => {
    const resource = understand(path).toLowerCase();
    const bearing = rules.filter(([pattern]) => PATTERNS[pattern]?.test(resource));
    if (bearing.length === 0) return true;
    return (
      holder !== undefined && bearing.every(([, requires]) => requires.every((one) => MEETS[one](holder)))
    );
  });
}

/** An app whose every address requires the same. */
const honoApp = (requires: readonly string[]) =>
  new Hono<{ Bindings: Cloudflare.Env }>().all(
    "*",
    requireSession(requires.length === 0 ? undefined : requires.join(" ")),
    (c) => c.text("from the app"),
  );

const at = (target: string): string => (target.startsWith("/") ? SITE + target : target);

describe("rules for paths", () => {
  it("judged by the guard, the forward-auth route, the Hono middleware and the command line are one judgement, and no spelling of a path gets past them", {
    timeout: 300_000,
  }, async () => {
    if (explainPath === undefined) throw new Error("cli/path-rule.ts is gone");
    const counts = { rules: 0, people: HOLDERS.length + 1, paths: 0, requests: 0, shown: 0, refused: 0 };
    const sample = fc.sample(anyRules, { numRuns: 12, seed: 18 });
    for (const [round, rules] of sample.entries()) {
      const text = written(rules);
      const { site, reached } = ruledSite(text);
      const read = readProtectedPaths(text);
      if ("fault" in read) throw new Error(read.fault);
      const own = { origin: SITE, authPath: "/auth", protectedPaths: read.rules };
      const tokens = await Promise.all(HOLDERS.map((holder) => tokenFor(site, holder)));
      const spelled = [
        ...HAND_WRITTEN.filter((_, index) => index % 12 === round),
        ...fc.sample(spelling, { numRuns: 12, seed: round }),
      ].filter((path) => URL.canParse(at(path)));
      counts.rules += 1;
      counts.paths += spelled.length;
      for (const path of spelled) {
        const { access, requires } = explainPath(own, at(path));
        for (const [index, holder] of [undefined, ...HOLDERS].entries()) {
          const headers: Record<string, string> = { accept: "application/json" };
          if (holder !== undefined) headers.cookie = `${SESSION_COOKIE}=${tokens[index - 1]}`;
          reached.length = 0;
          const guard = await site.fetch(new Request(at(path), { headers, redirect: "manual" }));
          await guard.body?.cancel();
          counts.requests += 1;
          const said = `${text} | ${path} | ${JSON.stringify(holder)}`;
          if (access === "refused") expect(guard.status, said).toBe(400);
          else if (access === "open") expect(guard.status, said).toBe(200);
          else if (access === "session") {
            const query = requires.length === 0 ? "" : `?require=${encodeURIComponent(requires.join(" "))}`;
            const verify = await site.fetch(new Request(`${SITE}/auth/verify${query}`, { headers }));
            await verify.body?.cancel();
            const met = holder !== undefined && requires.every((one) => MEETS[one as "acr"](holder));
            const hono = await honoApp(requires).fetch(
              new Request(at(path), { headers, redirect: "manual" }),
              site.env,
              createExecutionContext(),
            );
            await hono.body?.cancel();
            expect([guard.status, verify.status, hono.status], said).toEqual(
              met ? [200, 204, 200] : holder === undefined ? [401, 401, 401] : [403, 403, 403],
            );
          }
          if (reached.length > 0) counts.shown += 1;
          else counts.refused += 1;
          for (const forwarded of reached) expect(mayReach(rules, forwarded, holder), said).toBe(true);
        }
      }
    }
    console.log(JSON.stringify(counts));
    expect(counts.requests).toBeGreaterThan(2_000);
    expect(counts.shown).toBeGreaterThan(200);
    expect(counts.refused).toBeGreaterThan(200);
  });

  it("that meet on one path hold all, and an exception opens for everybody", () => {
    const text = "/members/* /members/* fresh:600 /members/board/* group:board age:18 !/members/board/open/*";
    const read = readProtectedPaths(text);
    if ("fault" in read) throw new Error(read.fault);
    const required = (path: string) => {
      const known = readPath(path);
      return known && requirementsOf({ protectedPaths: read.rules }, known)?.map(({ kind }) => kind);
    };
    expect(required("/members/")).toEqual(["fresh"]);
    expect(required("/MEMBERS/board/minutes.pdf")).toEqual(["fresh", "group", "age"]);
    expect(required("/members/board/open/x")).toBeUndefined();
    expect(required("/members/board/OPEN/x")).toEqual(["fresh", "group", "age"]);
    expect(required("/about")).toBeUndefined();
  });

  it.each([
    ["group:board", "after the path"],
    ["!/open/* group:board", "exception"],
    ["/a group:", "may require"],
    ["/a group:two|", "may require"],
    ["/a age:x", "may require"],
    ["/a age:0", "may require"],
    ["/a fresh:", "may require"],
    ["/a fresh:10m", "may require"],
    ["/a acr:1", "may require"],
    ["/a Group:board", "may require"],
    ["/a group:board:x", "may require"],
    ["!/a", "exceptions only"],
  ])("are refused as %s", (text, fault) => {
    expect(readProtectedPaths(text)).toMatchObject({ fault: expect.stringContaining(fault) });
  });

  it("count years by the calendar, leap days too", () => {
    const on = (day: string, birthdate: string) =>
      ageClaims(["age_over_18", "name"], birthdate, Date.parse(day));
    expect(on("2026-11-28T23:59:59Z", "2008-11-29")).toEqual({ age_over_18: false });
    expect(on("2026-11-29T00:00:00Z", "2008-11-29")).toEqual({ age_over_18: true });
    expect(on("2026-02-28T12:00:00Z", "2008-02-29")).toEqual({ age_over_18: false });
    expect(on("2026-03-01T12:00:00Z", "2008-02-29")).toEqual({ age_over_18: true });
    expect(on("2026-03-01T12:00:00Z", "in the spring")).toEqual({});
  });

  it("take a login from the future for none that is fresh", () => {
    const fresh = [readRequirement("fresh:600")].filter((one) => one !== undefined);
    const lacks = (authTime: number) => lacking(fresh, { authTime, profile: {} }, 10_000).length;
    expect([9_400, 10_060].map(lacks)).toEqual([0, 0]);
    expect([9_399, 10_061].map(lacks)).toEqual([1, 1]);
  });
});

describe("who lacks something", () => {
  const RULES = "/board/* group:board /wine/* age:18 /bank/* fresh:600 /vault/* acr fresh:600";
  const boardOnly = { groups: [], ages: {}, loggedInFor: 5000, inApp: false };

  it.each([
    ["/board/", "group_required", ["group:board"], false],
    ["/wine/", "age_required", ["age:18"], true],
    ["/bank/", "fresh_login_required", ["fresh:600"], true],
    ["/vault/", "app_confirmation_required", ["acr", "fresh:600"], true],
  ])("at %s: a script gets 403 and %s", async (path, code, missing, canLogIn) => {
    const { site } = ruledSite(RULES);
    const cookie = `${SESSION_COOKIE}=${await tokenFor(site, boardOnly)}`;
    const answer = await site.fetch(
      new Request(SITE + path, { headers: { cookie, "sec-fetch-dest": "empty" } }),
    );
    expect(answer.status).toBe(403);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const problem = await answer.json<Record<string, unknown>>();
    expect(problem).toMatchObject({ code, missing });
    expect("login_url" in problem).toBe(canLogIn);
    expect(site.log).toMatchObject([{ event: "request_failed", level: "info", code }]);
  });

  it("gets a page that says what is missing and how to get it, in each language", async () => {
    const { site } = ruledSite(`${RULES} /club/* group:board|trainers fresh:600`, { SITE_URL: SITE });
    const cookie = `${SESSION_COOKIE}=${await tokenFor(site, boardOnly)}`;
    const page = async (path: string, language: string) => {
      const headers = { cookie, accept: "text/html", "accept-language": language, ...FROM_HERE };
      const answer = await site.fetch(new Request(SITE + path, { headers }));
      expect(answer.status).toBe(403);
      return answer.text();
    };
    expect(textOf(await page("/club/x?y=1", "nb"))).toMatch(
      /Denne siden er ikke for alle .*board eller trainers.* innen 5 minutter/s,
    );
    expect(textOf(await page("/bank/", "en"))).toMatch(/at most 10 minutes old/);
    expect(await page("/bank/a?b=c", "da")).toContain('href="/auth/login?return_to=%2Fbank%2Fa%3Fb%3Dc"');
    expect(textOf(await page("/wine/", "sv"))).toMatch(/fyllt 18 år/);
    expect(textOf(await page("/vault/", "fi"))).toMatch(/Vahvista MobilePay-sovelluksessa/);
    // What no login can mend offers none.
    expect(await page("/club/x", "en")).not.toContain("/auth/login");
    for (const language of ["nb", "da", "sv", "fi", "en"])
      for (const path of ["/board/", "/wine/", "/bank/", "/vault/", "/club/"])
        expect(textOf(await page(path, language))).not.toMatch(/[{}]|undefined/);
  });

  it("is sent to Vipps with what the page asks for, and comes back to it", async () => {
    const { site, reached } = ruledSite("/wine/* age:18 /vault/* acr", { SESSION_CLAIMS: "name" });
    const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
    const unaware = await browser.startLogin("/");
    expect(unaware.searchParams.get("scope")).not.toContain("birthDate");
    await browser.logIn({ user: "kari" });
    expect((await browser.get("/wine/list")).status).toBe(403);
    const callback = await browser.logIn({ user: "kari", returnTo: "/wine/list" });
    expect(callback.headers.get("location")).toBe("/wine/list");
    expect((await browser.get("/wine/list")).status).toBe(200);
    expect(reached).toEqual(["/wine/list"]);
    // The date itself goes no further: not into the token, and not into the registry.
    const { user } = await browser.session();
    expect(user).toEqual({ sub: user?.sub, name: "Kari Nordmann", age_over_18: true });
    expect((await registry().get(user?.sub ?? ""))?.account.profile).not.toHaveProperty("birthdate");
  });

  it("is asked at once for what the page needs when there is no session yet", async () => {
    const { site } = ruledSite("/wine/* age:18 /vault/* acr");
    const browser = openBrowser(site, FROM_HERE);
    const sentAway = await browser.get("/wine/list");
    const authorize = await browser.get(sentAway.headers.get("location") ?? "");
    expect(new URL(authorize.headers.get("location") ?? "").searchParams.get("scope")).toBe(
      "openid name phoneNumber email birthDate",
    );
    const vault = new URL((await browser.startLogin("/vault/")).href).searchParams;
    expect([vault.get("acr_values"), vault.get("scope")]).toEqual([
      APP_CONFIRMATION,
      "openid name phoneNumber email",
    ]);
  });

  it("confirms in the app, and a token without that confirmation is refused", async () => {
    const paid = openSite({
      vars: { PROTECTED_PATHS: "/vault/* acr" },
      salesUnit: { inAppConfirmation: true },
    });
    const browser = openBrowser(paid, FROM_HERE);
    const callback = await browser.logIn({ returnTo: "/vault/" });
    expect(callback.headers.get("location")).toBe("/vault/");
    expect((await browser.session()).user).toMatchObject({ acr: APP_CONFIRMATION });
    paid.simulator.control.setBehaviour({ idTokenFault: "noAcr" });
    const other = openBrowser(paid, FROM_HERE);
    expect((await other.logIn({ returnTo: "/vault/" })).status).toBe(502);
    expect((await other.session()).authenticated).toBe(false);
  });

  it("has to authenticate anew for a page that wants a fresh login, though the provider remembers", async () => {
    stopClock();
    const { site } = ruledSite("/bank/* fresh:600");
    const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
    await browser.logIn({ user: "kari" });
    expect((await browser.get("/bank/")).status).toBe(200);
    wait(601);
    expect((await browser.get("/bank/")).status).toBe(403);
    const authorize = await browser.startLogin("/bank/");
    expect(authorize.searchParams.get("prompt")).toBe("login");
    await browser.get((await browser.atProvider(authorize, { user: "kari" })).href);
    expect((await browser.get("/bank/")).status).toBe(200);
    // Who lacks nothing is not sent to Vipps again.
    expect((await browser.get("/auth/login?return_to=/bank/")).headers.get("location")).toBe("/bank/");
  });
});

describe("/auth/verify?require=", () => {
  it.each([
    ["group:board", 204],
    ["group%3Aboard+fresh:600", 204],
    ["group:trainers", 403],
    ["group:board&require=group:trainers", 403],
    ["group:board&require=", 400],
    ["", 400],
    ["group", 400],
    ["grop:board", 400],
    // Judged by a claim that no token here has.
    ["age:21", 400],
  ])("%s answers %i", async (query, status) => {
    const { site } = ruledSite("/members/*");
    const holder = { groups: ["board"], ages: {}, loggedInFor: 1, inApp: false };
    const cookie = `${SESSION_COOKIE}=${await tokenFor(site, holder)}`;
    const answer = await site.fetch(
      new Request(`${SITE}/auth/verify?require=${query}`, { headers: { cookie } }),
    );
    expect(answer.status).toBe(status);
    if (status === 204) expect(answer.headers.get("remote-groups")).toBe("board");
    // A stranger learns no more than that there is a login, and a rule that is mistyped lets nobody through.
    const stranger = await site.fetch(new Request(`${SITE}/auth/verify?require=${query}`));
    expect(stranger.status).toBe(status === 400 ? 400 : 401);
  });

  it.each(["Require=group:board", "require[]=group:board", "requires=group:board", "group=board", "x"])(
    "lets nobody through who asks with a parameter that it does not know: %s",
    async (query) => {
      const { site } = ruledSite("/members/*");
      const holder = { groups: [], ages: {}, loggedInFor: 1, inApp: false };
      const cookie = `${SESSION_COOKIE}=${await tokenFor(site, holder)}`;
      for (const headers of [{ cookie }, {}]) {
        const answer = await site.fetch(new Request(`${SITE}/auth/verify?${query}`, { headers }));
        expect(answer.status).toBe(400);
        expect(await answer.json()).toMatchObject({ code: "rule_unknown" });
      }
    },
  );

  it("sends people to a page that says what is missing, and lets them on from there", async () => {
    const { site } = ruledSite("/members/*", { SESSION_CLAIMS: "name groups age_over_18" });
    const browser = openBrowser(site, { ...ENGLISH, ...FROM_HERE });
    const require = encodeURIComponent("age:18");
    const headers = { "x-forwarded-uri": "/wine/?a=1", "x-forwarded-method": "GET" };
    const stranger = await browser.get(`/auth/verify?require=${require}&login=redirect`, headers);
    const login = new URL(stranger.headers.get("location") ?? "");
    expect(login.pathname + login.search).toBe(`/auth/login?return_to=%2Fwine%2F%3Fa%3D1&require=age%3A18`);
    await browser.logIn();
    const sent = await browser.get(`/auth/verify?require=${require}&login=redirect`, headers);
    expect(sent.status).toBe(302);
    const page = await browser.get(sent.headers.get("location") ?? "");
    expect(page.status).toBe(403);
    const [, href = ""] = /class="button primary" href="([^"]+)"/.exec(await page.text()) ?? [];
    const authorize = await browser.get(href.replaceAll("&amp;", "&"));
    const back = await browser.atProvider(new URL(authorize.headers.get("location") ?? ""));
    expect((await browser.get(back.href)).headers.get("location")).toBe("/wine/?a=1");
    expect((await browser.get(`/auth/verify?require=${require}`)).status).toBe(204);
    const done = await browser.get(sent.headers.get("location") ?? "");
    expect([done.status, done.headers.get("location")]).toEqual([302, "/wine/?a=1"]);
  });
});

describe("groups", () => {
  const RULES = { PROTECTED_PATHS: "/members/* /board/* group:board" };

  it("are in token, assertion, session and header, and change within SESSION_FRESH when staff change them", async () => {
    const { site, staff } = await desk(RULES);
    const { browser, id } = await loggedIn(site, "sofie");
    expect((await browser.get("/board/")).status).toBe(403);
    expect((await browser.session()).user).toMatchObject({ groups: [] });
    stopClock();
    const page = await (await staff.get(accountPath(id))).text();
    expect(page).toContain('value="board" autocomplete="off"');
    const [, basis = ""] = /action="[^"]+\/groups".*?name="basis" value="(\d+)"/s.exec(page) ?? [];
    const change = (form: Record<string, string>) =>
      staff.post(`${accountPath(id)}/groups`, { basis, ...form });
    expect((await change({ group: "board" })).status).toBe(400);
    expect(await registry().groupsOf(id)).toEqual([]);
    expect((await change({ group: "board", new: "Web & more", ...TICKED })).status).toBe(400);
    const done = await change({ group: "board", new: "Web redaktører", ...TICKED });
    expect(done.headers.get("location")).toBe(`${accountPath(id)}?notice=groupsChanged`);
    expect((await readAudit(records(), id)).find(({ action }) => action === "groups_changed")).toMatchObject({
      details: { groups: ["+board", "+web-redaktører"] },
    });

    wait(301);
    expect((await browser.get("/board/")).status).not.toBe(403);
    expect((await browser.session()).user).toMatchObject({ groups: ["board", "web-redaktører"] });
    const verified = await browser.get("/auth/verify?require=group:board");
    expect(verified.headers.get("remote-groups")).toBe("board,web-redakt%C3%B8rer");
    const [, claims = ""] = (verified.headers.get("session-assertion") ?? "").split(".");
    expect(
      new TextDecoder().decode(
        Uint8Array.from(atob(claims.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
          letter.charCodeAt(0),
        ),
      ),
    ).toContain('"groups":["board","web-redaktører"]');

    await registry().setGroups(id, []);
    wait(301);
    // Nor does looking ahead, which renews no session, see more than a look.
    for (const ahead of [{ "sec-purpose": "prefetch" }, { purpose: "prefetch" }])
      expect((await browser.get("/board/", ahead)).status).not.toBe(200);
    expect((await browser.request("/board/", { method: "HEAD" })).status).toBe(403);
    expect((await browser.get("/board/")).status).toBe(403);
    expect((await browser.get("/auth/verify")).headers.has("remote-groups")).toBe(false);
  });

  it("of staff are seen on the console and given by nobody there", async () => {
    const { site, staff, staffId } = await desk({ ...RULES, SUPPORT_STAFF: "+4799999901 group:desk" });
    const { browser, id } = await loggedIn(site, "sofie");
    await registry().setGroups(staffId, ["desk"]);
    expect((await browser.get("/auth/support")).status).toBe(404);
    const basis = String((await registry().get(id))?.account.updatedAt);
    const spelled = ["desk", "DESK", " desk", "ｄｅｓｋ"];
    for (const form of [{ new: "desk" }, ...spelled.map((group) => ({ group }))])
      await staff.post(`${accountPath(id)}/groups`, { basis, ...form, ...TICKED });
    expect(await registry().groupsOf(id)).toEqual([]);
    await registry().setGroups(id, ["desk"]);
    expect((await browser.get("/auth/support")).status).toBe(200);
    // Nor does a form that leaves it out take it away.
    const now = String((await registry().get(id))?.account.updatedAt);
    await staff.post(`${accountPath(id)}/groups`, { basis: now, group: "board", ...TICKED });
    expect(await registry().groupsOf(id)).toEqual(["board", "desk"]);
    // Nor one with so many others that there is no room for it.
    const later = String((await registry().get(id))?.account.updatedAt);
    const many = new URLSearchParams({ basis: later, ...TICKED });
    for (const number of Array.from({ length: 20 }).keys()) many.append("group", `a${number}`);
    const refused = await staff.post(`${accountPath(id)}/groups`, many);
    expect([refused.status, await registry().groupsOf(id)]).toEqual([400, ["board", "desk"]]);
  });

  it("come with the account that a login finds or is linked to", async () => {
    const site = openSite({ vars: { ...RULES } });
    const first = await loggedIn(site, "sofie");
    await registry().setGroups(first.id, ["board"]);
    const again = await loggedIn(site, "sofie");
    expect((await again.browser.session()).user).toMatchObject({ sub: first.id, groups: ["board"] });
    const { sub = "" } = (await registry().get(first.id))?.identities[0] ?? {};
    await registry().unlink(first.id, "123456", sub);
    const linked = await loggedIn(site, "sofie");
    expect((await linked.browser.session()).user).toMatchObject({ sub: first.id, groups: ["board"] });
  });

  it("cost a login and a checked request nothing, and a renewal one look beside the session store", async () => {
    const site = openSite({ vars: RULES });
    await openBrowser(site, FROM_HERE).logIn();
    const browser = openBrowser(site, FROM_HERE);
    stopClock();
    const callback = await browser.atProvider(await browser.startLogin());
    site.resetCounts();
    await browser.get(callback.href);
    expect(site.counts).toMatchObject({ databaseCalls: [5, 1], kvReads: 0 });
    site.resetCounts();
    for (const path of ["/members/", "/board/", "/auth/verify?require=group:board"]) await browser.get(path);
    expect(site.counts).toMatchObject({ databaseCalls: [], durableObjectCalls: [], kvReads: 0 });
    wait(301);
    await browser.get("/board/");
    // Whether the account is still there, as for every site, and its groups.
    expect(site.counts).toMatchObject({ databaseCalls: [1, 1], durableObjectCalls: ["sessions.renew"] });
  });
});
