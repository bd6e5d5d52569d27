import { createExecutionContext, evictDurableObject, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { expect } from "vitest";
import { logInAsPerson } from "../../../simulator/person.ts";
import { handleRequest } from "../../../src/app.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "../../worker/browser.ts";
import { forgetLogins, restartLoginObjects } from "../../worker/login-objects.ts";
import { type AppStart, type NativeApp, openApp } from "../../worker/native-app.ts";
import { formOf, textOf } from "../../worker/page-form.ts";
import { CALLBACK, LOGIN_OBJECTS, objectsLivingIn, openSite, type TestSite } from "../../worker/site.ts";
import {
  type Answer,
  type ModelAttempt,
  type ModelSession,
  type ModelToken,
  PLACES,
  type Place,
  POLICIES,
  type Policy,
  USERS,
  type User,
} from "./model.ts";

const APP_REDIRECT_URI = "no.fjordbyen.app:/login";

/** As much of the name as a question may show. */
const BRIEF: Readonly<Record<User, string>> = { kari: "Kari N.", mette: "Mette-Marie Ø.", aino: "Aino M." };

/** How often each kind of answer was given to a callback or a question, over all histories. */
export const answers = new Map<string, number>();

/** The real thing behind one attempt of the model. */
interface RealAttempt {
  readonly state: string;
  readonly authorizeUrl: string;
  readonly appSecret: string | undefined;
  /** The parameters that Vipps sent the browser or the app back with. */
  returned: URLSearchParams | undefined;
  /** The first browser whose callback with this attempt's own code was not refused. */
  broughtBy: Browser | undefined;
  /** The form of the question, for each browser that was shown it. */
  readonly forms: Map<Browser, Readonly<Record<string, string>>>;
  /** Ids of the sessions it made. */
  readonly made: string[];
}

/** The worker in workerd, with real Durable Objects, in two isolates and under three policies. */
export interface Workers {
  readonly site: TestSite;
  readonly subjects: Readonly<Record<User, string>>;
  fetch(policy: Policy, place: Place, request: Request): Promise<Response>;
}

export async function openWorkers(): Promise<Workers> {
  const site = openSite({ salesUnit: { redirectUris: [CALLBACK, APP_REDIRECT_URI] } });
  // What an isolate remembers hangs on its environment object, so two objects are two isolates.
  const environments = new Map(
    POLICIES.flatMap((policy) =>
      PLACES.map((place) => {
        const vars = { CROSS_BROWSER: policy, ACCOUNTS: "none", APP_REDIRECT_URIS: APP_REDIRECT_URI };
        const environment = objectsLivingIn({ ...site.env, ...vars, LOGIN_ATTEMPTS: LOGIN_OBJECTS });
        return [`${policy} ${place}`, environment] as const;
      }),
    ),
  );
  const subjects = await Promise.all(
    USERS.map(async (user) => [user, await site.simulator.control.subject({ user })] as const),
  );
  return {
    site,
    subjects: Object.fromEntries(subjects) as Record<User, string>,
    async fetch(policy, place, request) {
      const environment = environments.get(`${policy} ${place}`);
      if (environment === undefined) throw new Error("no such worker");
      const ctx = createExecutionContext();
      const response = await handleRequest(request, environment, ctx);
      await waitOnExecutionContext(ctx);
      return response;
    },
  };
}

/** The real thing behind one model. */
export interface World {
  readonly workers: Workers;
  readonly browsers: readonly Browser[];
  readonly app: NativeApp;
  /** Where the next request goes. */
  place: Place;
  readonly attempts: Map<ModelAttempt, RealAttempt>;
  /** Session ids by the model's sessions. */
  readonly sids: Map<ModelSession, string>;
  /** Every session token that was ever handed out. */
  readonly tokens: { readonly text: string; readonly model: ModelToken }[];
}

/** Begins with objects that keep nothing of any login. */
export async function openWorld(workers: Workers, policy: Policy, browsers: number): Promise<World> {
  await forgetLogins();
  const world: World = {
    workers,
    browsers: Array.from({ length: browsers }, () => openBrowser(reach())),
    app: openApp(reach()),
    place: "here",
    attempts: new Map(),
    sids: new Map(),
    tokens: [],
  };
  function reach(): TestSite {
    return { ...workers.site, fetch: (request) => workers.fetch(policy, world.place, request) };
  }
  return world;
}

export function newAttempt(authorizeUrl: string, start?: AppStart): RealAttempt {
  return {
    state: new URL(authorizeUrl).searchParams.get("state") ?? "",
    authorizeUrl,
    appSecret: start?.app_secret,
    returned: undefined,
    broughtBy: undefined,
    forms: new Map(),
    made: [],
  };
}

/** The person goes through the pages at Vipps. */
export async function visitProvider(
  world: World,
  attempt: RealAttempt,
  user: User,
  cancels: boolean,
): Promise<void> {
  const choices = cancels ? ({ user, cancelAt: "app" } as const) : { user };
  const back = await logInAsPerson(world.workers.site.simulator.fetch, attempt.authorizeUrl, choices);
  attempt.returned = back.searchParams;
}

/** Where a browser gets to from a login: one that brought no cookie of ours shows on its way whether it keeps any. */
async function pageAfter(browser: Browser, response: Response, isNew: boolean): Promise<string | null> {
  const location = response.headers.get("location");
  if (!isNew || !location?.startsWith("/auth/login?")) return location;
  const shown = await browser.get(location);
  expect(shown.status).toBe(302);
  return shown.headers.get("location");
}

/** Compares what came back with what the model says, and holds it to what must never happen, whatever the model says. */
export async function expectAnswer(
  world: World,
  browser: Browser,
  attempt: { readonly model: ModelAttempt; readonly real: RealAttempt },
  expected: Answer,
  response: Response,
): Promise<void> {
  const { model, real } = attempt;
  const cookie = response.headers.getSetCookie().find((line) => line.startsWith(`${SESSION_COOKIE}=ey`));
  const text = cookie?.slice(SESSION_COOKIE.length + 1, cookie.indexOf(";"));
  const claims = text === undefined ? undefined : decodeJwt(text);
  const sid = String(claims?.sid);
  const isNew = claims !== undefined && ![...world.sids.values()].includes(sid);
  if (isNew) {
    real.made.push(sid);
    expect(real.made.length, "sessions of one attempt").toBe(1);
    expect(real.broughtBy, "the browser that brought the code").toBe(browser);
    const { returned } = model;
    expect(returned, "somebody logged in at Vipps").toMatchObject({ user: expect.any(String) });
    if (returned !== undefined && returned !== "cancelled")
      expect(claims.sub, "whose session it is").toBe(world.workers.subjects[returned.user]);
  }
  const kind = expected.is === "refused" ? expected.status : expected.is;
  const name = expected.is === "home" && expected.made !== undefined ? "session" : String(kind);
  answers.set(name, (answers.get(name) ?? 0) + 1);
  switch (expected.is) {
    case "home":
      expect(response.status).toBe(303);
      expect(await pageAfter(browser, response, isNew)).toBe(expected.returnTo);
      expect(isNew, "a new session").toBe(expected.made !== undefined);
      if (expected.made !== undefined) world.sids.set(expected.made, sid);
      break;
    case "question": {
      expect(response.status).toBe(200);
      expect(cookie).toBeUndefined();
      const page = await response.text();
      expect(textOf(page)).toContain(`${BRIEF[expected.user]} is about to be logged in`);
      if (expected.replaces === undefined) expect(textOf(page)).not.toContain("logged in here now");
      else expect(textOf(page)).toContain(`${BRIEF[expected.replaces]} is logged in here now`);
      real.forms.set(browser, formOf(page).fields);
      break;
    }
    case "tooLate":
      expect(response.status).toBe(409);
      expect(textOf(await response.text())).toContain("You are logged in already");
      expect(isNew, "a new session").toBe(false);
      break;
    case "refused":
      expect(response.status).toBe(expected.status);
      expect(cookie).toBeUndefined();
      expect(response.headers.get("location")).toBeNull();
  }
}

/** Keeps the token a browser holds, so that it can be tried again when it should long be dead. */
export function keepToken(world: World, browser: Browser, model: ModelToken | undefined): void {
  const text = browser.cookies.get(SESSION_COOKIE);
  if (text !== undefined && model !== undefined && world.tokens.at(-1)?.text !== text)
    world.tokens.push({ text, model });
}

/** Makes the objects of logins and of a user load from storage anew, as after a crash of their machine. */
export async function restartObjects(world: World, user: User): Promise<void> {
  await restartLoginObjects();
  const sessions = env.USER_SESSIONS.getByName(world.workers.subjects[user]);
  await sessions.ping();
  await evictDurableObject(sessions);
}
