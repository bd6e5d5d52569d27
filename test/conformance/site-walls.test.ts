import { env } from "cloudflare:workers";
import { afterAll, describe, expect, it, vi } from "vitest";
import { logInAsPerson } from "../../simulator/person.ts";
import type { DocumentMarks } from "../../src/sites/site-document.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { FROM_HERE } from "../worker/desk.ts";
import { type HostedSite, hostedSite, openSites, storeSite } from "../worker/many-sites.ts";
import { formOf } from "../worker/page-form.ts";
import { SITE, type TestSite } from "../worker/site.ts";

/** Settings under which every artefact there is can be made. Kari is at the desk of each site. */
const EVERYTHING = {
  PROTECTED_PATHS: "/members/*",
  APP_REDIRECT_URIS: "no.example.app://callback",
  SUPPORT_STAFF: "+4799999901",
  CONSENT_WEBHOOK_SECRET: "webhook-secret-of-this-site",
  SESSION_FRESH: "60",
};
const APP_REDIRECT_URI = EVERYTHING.APP_REDIRECT_URIS;

/** Two sites of one worker: artefacts are made at the first and presented to the second. */
interface Pair {
  readonly first: { readonly origin: string };
  readonly second: { readonly origin: string };
  readonly hosted: readonly HostedSite[];
  readonly vars: Partial<Cloudflare.Env>;
}

const vars = env as Cloudflare.Env;
const withApp = (site: HostedSite): HostedSite => ({
  ...site,
  salesUnit: { ...site.salesUnit, redirectUris: [...site.salesUnit.redirectUris, APP_REDIRECT_URI] },
});

/** Another site with the very same settings but for its address, as a copied file makes one. */
function copyOf(site: HostedSite, host: string): HostedSite {
  const origin = `https://${host}`;
  return { ...site, host, origin, values: { ...site.values, SITE_URL: origin } };
}

async function strangers(): Promise<Pair> {
  const first = withApp(await hostedSite("en.example", 1, EVERYTHING));
  const second = withApp(
    await hostedSite("to.example", 2, { ...EVERYTHING, CONSENT_WEBHOOK_SECRET: "another-webhook-secret" }),
  );
  return { first, second, hosted: [first, second], vars: {} };
}

async function copies(changes: Record<string, string> = {}): Promise<Pair> {
  const single = withApp(await hostedSite("en.example", 1, { ...EVERYTHING, ...changes }));
  const redirectUris = [...single.salesUnit.redirectUris, "https://to.example/auth/callback"];
  const first = { ...single, salesUnit: { ...single.salesUnit, redirectUris } };
  return { first, second: copyOf(first, "to.example"), hosted: [first], vars: {} };
}

/** A site in KV with the settings of the deployment's own, and the two in either order. */
async function besideOwn(order: "own first" | "own second"): Promise<Pair> {
  const site = await hostedSite("to.example", 1, EVERYTHING);
  const copied = {
    VIPPS_CLIENT_ID: vars.VIPPS_CLIENT_ID ?? "",
    VIPPS_CLIENT_SECRET: vars.VIPPS_CLIENT_SECRET ?? "",
    VIPPS_MSN: vars.VIPPS_MSN ?? "",
    SESSION_KEYS: vars.SESSION_KEYS ?? "",
  };
  const hosted = { ...site, values: { ...site.values, ...copied } };
  const own = { origin: SITE };
  const [first, second] = order === "own first" ? [own, hosted] : [hosted, own];
  return { first, second, hosted: [], vars: EVERYTHING };
}

/** A site that has moved away from a host, with its rows, and the next one there, with the same settings even. */
async function renamed(order: "renamed first" | "renamed second"): Promise<Pair> {
  const { first, second, hosted } = await copies();
  const [away, next] = order === "renamed first" ? [first, second] : [second, first];
  const { host } = next as HostedSite;
  const marked = new Map<object, DocumentMarks>([
    [away, { partition: host }],
    [next, { partition: `${host}~2` }],
  ]);
  const withMarks = <Site extends object>(site: Site) => ({ ...site, marks: marked.get(site) ?? {} });
  return { first: withMarks(first), second: withMarks(second), hosted: hosted.map(withMarks), vars: {} };
}

/** Everything a site hands out, made at the first of the two. */
interface Artefacts {
  readonly person: Browser;
  readonly account: string;
  readonly sid: string;
  readonly token: string;
  readonly assertion: string;
  readonly appToken: string;
  /** A login on its way: the person has confirmed at Vipps. */
  readonly onItsWay: { readonly browser: Browser; readonly callback: URL };
  /** A complete login that waits for an answer. */
  readonly waiting: { readonly browser: Browser; readonly fields: Readonly<Record<string, string>> };
  readonly app: { readonly secret: string; readonly parameters: Readonly<Record<string, string>> };
}

async function makeArtefacts(worker: TestSite, origin: string): Promise<Artefacts> {
  const person = openBrowser(worker, {}, origin);
  await person.logIn();
  const { user, session } = await person.session();
  const verified = await person.get("/auth/verify");
  const startApp = async () => {
    const response = await worker.fetch(
      new Request(`${origin}/auth/app/start`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      }),
    );
    const started = await response.json<{ authorize_url: string; app_secret: string }>();
    const back = await logInAsPerson(worker.simulator.fetch, started.authorize_url);
    return { secret: started.app_secret, parameters: Object.fromEntries(back.searchParams) };
  };
  const finished = await finishApp(worker, origin, await startApp());
  const { session: appSession } = await finished.json<{ session: { token: string } }>();

  const browser = openBrowser(worker, {}, origin);
  const callback = await browser.atProvider(await browser.startLogin("/members/"));
  const starter = openBrowser(worker, {}, origin);
  const other = openBrowser(worker, {}, origin);
  const brought = await other.get(String(await starter.atProvider(await starter.startLogin())));
  return {
    person,
    account: user?.sub ?? "",
    sid: session?.id ?? "",
    token: person.cookies.get(SESSION_COOKIE) ?? "",
    assertion: verified.headers.get("session-assertion") ?? "",
    appToken: appSession.token,
    onItsWay: { browser, callback },
    waiting: { browser: other, fields: formOf(await brought.text()).fields },
    app: await startApp(),
  };
}

function finishApp(worker: TestSite, origin: string, { secret, parameters }: Artefacts["app"]) {
  return worker.fetch(
    new Request(`${origin}/auth/app/finish`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...parameters, app_secret: secret }),
    }),
  );
}

/** One artefact of the first site on its way into the second. */
interface Presentation {
  readonly artefact: string;
  readonly how: string;
  readonly present: () => Promise<Response>;
  /** Whether the answer of the second site is what anybody without the artefact would get. */
  readonly refused: (response: Response) => boolean;
}

const is =
  (...statuses: number[]) =>
  ({ status }: Response) =>
    statuses.includes(status);

const leadsToLogin = (response: Response) =>
  response.status === 302 && /\/auth\/login(\?|$)/.test(response.headers.get("location") ?? "");

const POST = { method: "POST", headers: { "sec-fetch-site": "same-origin" } };

/** Where a session counts, and how somebody without one is answered there. */
const SESSION_ROUTES = (
  account: string,
  sid: string,
): readonly (readonly [string, string, Presentation["refused"]])[] => [
  ["GET", "/auth/session", is(200)],
  ["GET", "/auth/verify", is(401)],
  ["GET", "/auth/sessions", (response) => is(401)(response) || leadsToLogin(response)],
  ["GET", "/auth/me", (response) => is(401)(response) || leadsToLogin(response)],
  ["GET", "/auth/me/download", (response) => is(401)(response) || leadsToLogin(response)],
  ["GET", "/members/", (response) => is(401)(response) || leadsToLogin(response)],
  ["DELETE", "/auth/sessions", is(401)],
  ["DELETE", `/auth/sessions/${sid}`, is(401)],
  ["POST", "/auth/sessions/end", (response) => is(400, 401)(response) || leadsToLogin(response)],
  ["POST", "/auth/me/consents", (response) => is(401)(response) || leadsToLogin(response)],
  ["POST", "/auth/me/erase", (response) => is(401)(response) || leadsToLogin(response)],
  ["POST", "/auth/logout", is(204, 303)],
  ["GET", "/auth/support", is(404)],
  ["POST", "/auth/support/search", is(404)],
  ["GET", "/auth/support/log", is(404)],
  ["GET", `/auth/support/accounts/${account}`, is(404)],
  ["POST", `/auth/support/accounts/${account}/sessions`, is(404)],
  ["POST", `/auth/support/accounts/${account}/erase`, is(404)],
];

/** The ways in which a client carries a session token. */
const CARRIERS = (token: string): Readonly<Record<string, Record<string, string>>> => ({
  cookie: { cookie: `${SESSION_COOKIE}=${token}` },
  "cookie of subdomains": { cookie: `__Secure-vipps-session=${token}` },
  Bearer: { authorization: `Bearer ${token}` },
  "cookie and Bearer": { cookie: `${SESSION_COOKIE}=${token}`, authorization: `Bearer ${token}` },
});

function presentationsOf(worker: TestSite, second: string, made: Artefacts, own: Browser): Presentation[] {
  const at = (path: string, init: RequestInit = {}) =>
    worker.fetch(new Request(new URL(path, second), { ...init, redirect: "manual" }));
  const tokens = { "session token": made.token, "app token": made.appToken, assertion: made.assertion };
  const withTokens = Object.entries(tokens).flatMap(([artefact, token]) =>
    Object.entries(CARRIERS(token)).flatMap(([carrier, headers]) =>
      SESSION_ROUTES(made.account, made.sid).map(([method, path, refused]): Presentation => {
        const sameSite = { origin: second, "sec-fetch-site": "same-origin", accept: "text/html", ...headers };
        return {
          artefact,
          how: `${carrier}, ${method} ${path.replace(made.account, "ID").replace(made.sid, "SID")}`,
          present: () => at(path, { method, headers: sameSite }),
          refused,
        };
      }),
    ),
  );

  const cookiesOf = ({ cookies }: Browser) => ({
    cookie: Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; "),
  });
  const { browser, callback } = made.onItsWay;
  const state = callback.searchParams.get("state") ?? "";
  const callbacks = {
    "its code": callback.search,
    "an error": `?error=access_denied&state=${state}`,
    "a code of nobody": `?code=made-up&state=${state}`,
    "no code": `?state=${state}`,
  };
  const visitors = {
    "its own browser": cookiesOf(browser),
    "another browser": {},
    "a member": cookiesOf(own),
  };
  const states = Object.entries(callbacks).flatMap(([what, query]) =>
    Object.entries(visitors).map(
      ([who, headers]): Presentation => ({
        artefact: "state",
        how: `callback with ${what} in ${who}`,
        present: () => at(`/auth/callback${query}`, { headers: { accept: "text/html", ...headers } }),
        refused: is(400),
      }),
    ),
  );
  const codes: Presentation[] = [
    {
      artefact: "code",
      how: "callback of a login of its own",
      present: async () => {
        const victim = openBrowser(worker, {}, second);
        const begun = await victim.startLogin();
        const code = callback.searchParams.get("code") ?? "";
        return victim.get(`/auth/callback?code=${code}&state=${begun.searchParams.get("state")}`);
      },
      refused: is(502),
    },
  ];
  const answers = ["yes", "no"].flatMap((answer) =>
    Object.entries({ "its own browser": cookiesOf(made.waiting.browser), "another browser": {} }).map(
      ([who, headers]): Presentation => ({
        artefact: "login that waits",
        how: `answered ${answer} in ${who}`,
        present: () =>
          at("/auth/continue", {
            ...POST,
            headers: { ...POST.headers, origin: second, ...headers },
            body: new URLSearchParams({ ...made.waiting.fields, answer }),
          }),
        refused: is(400),
      }),
    ),
  );
  const apps: Presentation[] = [
    {
      artefact: "app login",
      how: "finished with its secret",
      present: () => finishApp(worker, second, made.app),
      refused: is(400),
    },
  ];
  return [
    ...withTokens,
    ...states,
    ...codes,
    ...answers,
    ...apps,
    ...presentedByMembers(worker, second, made, own),
  ];
}

/** What somebody who is logged in at the second site, at its desk even, can try with names of the first. */
function presentedByMembers(
  worker: TestSite,
  second: string,
  { account, sid, onItsWay }: Artefacts,
  own: Browser,
): Presentation[] {
  const desk = `/auth/support/accounts/${account}`;
  const here = { origin: second, "sec-fetch-site": "same-origin" };
  const foreign = new URL("/members/", onItsWay.callback).href;
  // Back with a word about it; ending the sessions of an account that is not there ends none.
  const noSuchAccount = (response: Response) =>
    is(400, 404)(response) ||
    /\?notice=(noAccount|notUnlinked|noRequest|sessionEnded)$/.test(response.headers.get("location") ?? "");
  const staysHere = (response: Response) =>
    new URL(response.headers.get("location") ?? "/", second).origin === second;
  return [
    {
      artefact: "session id",
      how: "ended by a member",
      present: () => own.request(`/auth/sessions/${sid}`, { method: "DELETE", headers: here }),
      refused: is(204, 404),
    },
    {
      artefact: "account id",
      how: "opened at the desk",
      present: () => own.get(desk, FROM_HERE),
      refused: noSuchAccount,
    },
    ...["sessions", "unlink", "correct", "link", "erase"].map(
      (deed): Presentation => ({
        artefact: "account id",
        how: `${deed} at the desk`,
        present: () =>
          own.post(`${desk}/${deed}`, {
            session: sid,
            confirm: "yes",
            msn: "200001",
            sub: account,
            reason: "asked",
          }),
        refused: noSuchAccount,
      }),
    ),
    {
      artefact: "return URL",
      how: "of a login while logged in",
      present: () => own.get(`/auth/login?return_to=${encodeURIComponent(foreign)}`),
      refused: staysHere,
    },
    {
      artefact: "return URL",
      how: "of a form that ends a session nobody has",
      present: () =>
        worker.fetch(
          new Request(`${second}/auth/logout?return_to=${encodeURIComponent(foreign)}`, {
            method: "POST",
            headers: here,
            redirect: "manual",
          }),
        ),
      refused: staysHere,
    },
  ];
}

/** What a member of the second site presents, logged in there. */
const MEMBERS: readonly string[] = ["session id", "account id", "return URL"];

const tally = new Map<string, number>();
let presented = 0;
let refusals = 0;

const PAIRS: readonly (readonly [string, () => Promise<Pair>])[] = [
  ["two strangers", strangers],
  ["two sites that share sales unit, session keys and all secrets by mistake", () => copies()],
  ["two such sites without a registry, where the account is the sub", () => copies({ ACCOUNTS: "none" })],
  ["the deployment's own site and a copy of it", () => besideOwn("own first")],
  ["a copy of the deployment's own site and that", () => besideOwn("own second")],
  ["a renamed site and the next one at its old host", () => renamed("renamed first")],
  ["the next one at an old host and the site that left it", () => renamed("renamed second")],
];

describe.each(PAIRS)("between %s", (_what, makePair) => {
  it("nothing that one hands out is worth anything at the other, and nothing of it is lost", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { first, second, hosted, vars: changes } = await makePair();
    const worker = await openSites(hosted, {
      vars: changes,
      salesUnit: {
        redirectUris: [`${SITE}/auth/callback`, "https://to.example/auth/callback", APP_REDIRECT_URI],
      },
      origin: () => new Response("the site itself"),
    });
    for (const site of [first, second]) if ("values" in site) await storeSite(site as HostedSite);
    const made = await makeArtefacts(worker, first.origin);
    const own = openBrowser(worker, {}, second.origin);
    await own.logIn();
    const desk = await made.person.get("/auth/support");
    const list = presentationsOf(worker, second.origin, made, own);

    for (const freshness of ["fresh", "stale"]) {
      for (const { artefact, how, present, refused } of list) {
        const response = await present();
        const text = await response.clone().text();
        const label = `${response.headers.get("location")} ${freshness} ${artefact}, ${how}: ${response.status} ${text.slice(0, 200)}`;
        presented += 1;
        expect(refused(response), label).toBe(true);
        // A member's own session may be renewed on the way.
        if (!MEMBERS.includes(artefact))
          expect(response.headers.getSetCookie().join(), label).not.toMatch(/vipps-session=ey/);
        expect(text, label).not.toContain("Nordmann");
        expect(text, label).not.toContain('"authenticated":true');
        expect(response.headers.has("remote-user"), label).toBe(false);
        refusals += 1;
        tally.set(artefact, (tally.get(artefact) ?? 0) + 1);
      }
      vi.setSystemTime(Date.now() + 61_000);
    }

    expect(await made.person.session()).toMatchObject({ authenticated: true, session: { id: made.sid } });
    expect((await made.person.get("/auth/support")).status).toBe(desk.status);
    const { browser, fields } = made.waiting;
    expect((await browser.post("/auth/continue", { ...fields, answer: "yes" })).status).toBe(303);
    expect(await own.session()).toMatchObject({ authenticated: true });
  });
});

/** A site that was removed, and what is added at its host afterwards: whoever has the host begins with nothing. */
const READDED: readonly (readonly [string, Record<string, string>, "as before" | "anew"])[] = [
  ["with keys and a sales unit of its own", {}, "anew"],
  ["from the very file that the removed one came from", {}, "as before"],
  ["from that file, without a registry, where the account is the sub", { ACCOUNTS: "none" }, "as before"],
];

describe.each(READDED)("a host that was removed and added again, %s,", (_what, changes, keys) => {
  it("takes nothing that the site before has handed out", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const settings = { ...EVERYTHING, ...changes, SESSION_FRESH: "600" };
    const before = withApp(await hostedSite("en.example", 1, settings));
    const after = keys === "anew" ? withApp(await hostedSite("en.example", 2, settings)) : before;
    const worker = await openSites([before], {
      salesUnits: after === before ? [] : [after.salesUnit],
      origin: () => new Response("the site itself"),
    });
    const made = await makeArtefacts(worker, before.origin);
    // As `site remove` and `site add` do it: the rows go, the host gets a key for its rows that nobody had.
    await storeSite({ host: before.host, values: {} }, undefined, Date.now() + 1, { isRemoved: true });
    vi.setSystemTime(Date.now() + 61_000);
    expect((await made.person.get("/auth/session")).status).toBe(404);
    await storeSite(after, undefined, Date.now(), { partition: `${after.host}~2` });
    vi.setSystemTime(Date.now() + 61_000);
    const own = openBrowser(worker, {}, after.origin);
    await own.logIn();
    for (const freshness of ["fresh", "stale"]) {
      for (const { artefact, how, present, refused } of presentationsOf(worker, after.origin, made, own)) {
        // There is but one origin to return to.
        if (artefact === "return URL") continue;
        const response = await present();
        const text = await response.clone().text();
        const label = `${freshness} ${artefact}, ${how}: ${response.status} ${text.slice(0, 200)}`;
        presented += 1;
        expect(refused(response), label).toBe(true);
        if (!MEMBERS.includes(artefact))
          expect(response.headers.getSetCookie().join(), label).not.toMatch(/vipps-session=ey/);
        expect(text, label).not.toContain("Nordmann");
        expect(text, label).not.toContain('"authenticated":true');
        expect(response.headers.has("remote-user"), label).toBe(false);
        refusals += 1;
        tally.set(artefact, (tally.get(artefact) ?? 0) + 1);
      }
      vi.setSystemTime(Date.now() + 601_000);
    }
    expect(await own.session()).toMatchObject({ authenticated: true });
  });
});

describe("another address of a site", () => {
  it("takes nothing that any site has handed out, and only leads to its own", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { first, second, hosted } = await strangers();
    const worker = await openSites(hosted, { origin: () => new Response("the site itself") });
    await storeSite({ host: "alias.example", values: { SITE_URL: second.origin } }, undefined, undefined, {
      aliasOf: new URL(second.origin).host,
    });
    const made = await makeArtefacts(worker, first.origin);
    const own = openBrowser(worker, {}, "https://alias.example");
    for (const { artefact, how, present } of presentationsOf(worker, "https://alias.example", made, own)) {
      // A whole login of its own begins where it is led to.
      if (artefact === "code") continue;
      const response = await present();
      const label = `${artefact}, ${how}: ${response.status}`;
      presented += 1;
      expect([response.status, new URL(response.headers.get("location") ?? "").origin], label).toEqual([
        308,
        second.origin,
      ]);
      expect(response.headers.getSetCookie(), label).toEqual([]);
      refusals += 1;
      tally.set(artefact, (tally.get(artefact) ?? 0) + 1);
    }
  });
});

describe("the webhook's address of one site", () => {
  it("is none of the other's", async () => {
    const { hosted, second } = await strangers();
    const worker = await openSites(hosted);
    const path = `/auth/webhooks/consent/${EVERYTHING.CONSENT_WEBHOOK_SECRET}`;
    const response = await worker.fetch(
      new Request(second.origin + path, {
        method: "POST",
        body: "x",
        headers: { "content-type": "text/plain" },
      }),
    );
    presented += 1;
    expect(response.status).toBe(404);
    refusals += 1;
    tally.set("webhook URL", 1);
  });
});

afterAll(() => {
  const byArtefact = Array.from(tally, ([artefact, count]) => `${artefact} ${count}`).join(", ");
  console.log(`site walls: ${presented} presentations, ${refusals} refused (${byArtefact})`);
});
