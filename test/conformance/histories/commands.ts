import fc, { type AsyncCommand } from "fast-check";
import { expect, vi } from "vitest";
import type { SessionAnswer } from "../../worker/browser.ts";
import { keptOfLogins, runDueLoginAlarms } from "../../worker/login-objects.ts";
import * as expected from "./model.ts";
import { type Model, type ModelAttempt, type ModelBrowser, PLACES, USERS } from "./model.ts";
import { expectAnswer, keepToken, newAttempt, restartObjects, visitProvider, type World } from "./world.ts";

export const BROWSERS = 3;

/** How often each kind of command ran, over all histories. */
export const ran = new Map<string, number>();

type Step = AsyncCommand<Model, World>;

/** A command that runs where `pick` finds what it needs in the model. */
function command<Picked>(
  name: string,
  details: object,
  pick: (model: Model) => Picked | undefined,
  run: (model: Model, world: World, picked: Picked) => Promise<void>,
): Step {
  return {
    check: (model) => pick(model) !== undefined,
    async run(model, world) {
      const picked = pick(model);
      if (picked === undefined) return;
      ran.set(name, (ran.get(name) ?? 0) + 1);
      await run(model, world, picked);
    },
    toString: () => `${name} ${JSON.stringify(details)}`,
  };
}

const browserIndex = fc.nat({ max: BROWSERS - 1 });
const place = fc.constantFrom(...PLACES);
/** Mostly the latest: in old attempts nothing happens any more. */
const index = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 5 }));
/** As often as not the browser that has to do with the attempt. */
const anyBrowser = fc.option(browserIndex, { nil: undefined, freq: 2 });

/** The last of these, or one before it. */
const fromLast = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[items.length - 1 - (index % Math.max(items.length, 1))];

interface Cast {
  readonly browser: ModelBrowser;
  readonly attempt: ModelAttempt;
}

/** An attempt that Vipps has returned something for, those under way first, and a browser to bring it back. */
function bringer(model: Model, browser: number | undefined, attempt: number): Cast | undefined {
  const returned = model.attempts.filter((each) => each.returned !== undefined);
  const underWay = returned.filter((each) => expected.isUnderWay(model, each));
  const found = fromLast(underWay.length > 0 && attempt < 4 ? underWay : returned, attempt);
  return castOf(model, found, browser, found?.begunBy);
}

/** An attempt that waits for an answer, or any other, and a browser to give one. */
function answerer(model: Model, browser: number | undefined, attempt: number): Cast | undefined {
  const waiting = model.attempts.filter((each) => expected.isWaiting(model, each));
  const found = fromLast(waiting.length > 0 && attempt < 4 ? waiting : model.attempts, attempt);
  return castOf(model, found, browser, found?.state.is === "held" ? found.state.by : found?.begunBy);
}

function castOf(
  model: Model,
  attempt: ModelAttempt | undefined,
  browser: number | undefined,
  name: symbol | undefined,
): Cast | undefined {
  const found =
    browser === undefined
      ? model.browsers.find((each) => name !== undefined && each.name === name)
      : model.browsers[browser];
  return found === undefined || attempt === undefined ? undefined : { browser: found, attempt };
}

function real(model: Model, world: World, { browser, attempt }: Cast) {
  const realBrowser = world.browsers[model.browsers.indexOf(browser)];
  const realAttempt = world.attempts.get(attempt);
  if (realBrowser === undefined || realAttempt === undefined) throw new Error("the model ran ahead");
  return { browser: realBrowser, attempt: realAttempt };
}

const begin = fc
  .record({ browser: browserIndex, place, evenIfLoggedIn: fc.boolean() })
  .map(({ browser, place, evenIfLoggedIn }) =>
    command(
      "begin",
      { browser, place, evenIfLoggedIn },
      (model) => model.browsers[browser],
      async (model, world, modelBrowser) => {
        const returnTo = `/page/${model.attempts.length}`;
        const begun = expected.begin(model, modelBrowser, { returnTo, evenIfLoggedIn, place });
        const realBrowser = world.browsers[browser];
        world.place = place;
        const query = `return_to=${returnTo}${evenIfLoggedIn ? "&prompt=login" : ""}`;
        const response = await realBrowser?.get(`/auth/login?${query}`);
        expect(response?.status).toBe(302);
        const location = response?.headers.get("location") ?? "";
        if ("is" in begun) expect(location).toBe(returnTo);
        else world.attempts.set(begun, newAttempt(location));
      },
    ),
  );

const beginAndAnswer = fc
  .record({ browser: browserIndex, place, user: fc.constantFrom(...USERS) })
  .map(({ browser, place, user }) =>
    command(
      "begin and answer at Vipps",
      { browser, place, user },
      (model) => model.browsers[browser],
      async (model, world, modelBrowser) => {
        const returnTo = `/page/${model.attempts.length}`;
        const begun = expected.begin(model, modelBrowser, { returnTo, evenIfLoggedIn: true, place });
        if ("is" in begun) throw new Error("a login that is asked for begins");
        world.place = place;
        const response = await world.browsers[browser]?.get(`/auth/login?return_to=${returnTo}&prompt=login`);
        const realAttempt = newAttempt(response?.headers.get("location") ?? "");
        world.attempts.set(begun, realAttempt);
        await visitProvider(world, realAttempt, user, false);
        begun.returned = { user, at: model.now };
      },
    ),
  );

const beginInApp = fc.record({ place }).map(({ place }) =>
  command(
    "begin in the app",
    { place },
    (model) => model,
    async (model, world) => {
      world.place = place;
      const start = await world.app.start();
      const attempt = expected.addAttempt(model, "app", undefined, "");
      world.attempts.set(attempt, newAttempt(start.authorize_url, start));
    },
  ),
);

const answerAtProvider = fc
  .record({ attempt: index, user: fc.constantFrom(...USERS), cancels: fc.integer({ min: 0, max: 3 }) })
  .map(({ attempt, user, cancels }) =>
    command(
      "answer at Vipps",
      { attempt, user, cancels: cancels === 0 },
      (model) => {
        const unanswered = model.attempts.filter(({ returned }) => returned === undefined);
        return fromLast(unanswered, attempt);
      },
      async (model, world, modelAttempt) => {
        const realAttempt = world.attempts.get(modelAttempt);
        if (realAttempt === undefined) throw new Error("the model ran ahead");
        await visitProvider(world, realAttempt, user, cancels === 0);
        modelAttempt.returned = cancels === 0 ? "cancelled" : { user, at: model.now };
      },
    ),
  );

/** The address that brings `from`'s code back under `attempt`'s state: the right one where they are the same. */
function callbackPath(world: World, attempt: ModelAttempt, from: ModelAttempt): string {
  const parameters = new URLSearchParams(world.attempts.get(from)?.returned);
  parameters.set("state", world.attempts.get(attempt)?.state ?? "");
  return `/auth/callback?${parameters}`;
}

const callback = fc
  .record({
    browser: anyBrowser,
    attempt: index,
    from: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.nat({ max: 5 })),
    place,
  })
  .map(({ browser, attempt, from, place }) =>
    command(
      from === undefined ? "callback" : "callback with another login's code",
      { browser, attempt, from, place },
      (model) => {
        const cast = bringer(model, browser, attempt);
        const source = from === undefined ? cast?.attempt : fromLast(model.attempts, from);
        return cast === undefined || source?.returned === undefined ? undefined : { ...cast, source };
      },
      async (model, world, cast) => {
        const { browser: realBrowser, attempt: realAttempt } = real(model, world, cast);
        world.place = place;
        const response = await realBrowser.get(callbackPath(world, cast.attempt, cast.source));
        if (cast.source === cast.attempt && response.status < 400) realAttempt.broughtBy ??= realBrowser;
        const answer = expected.callback(model, cast.attempt, cast.source, cast.browser, place);
        const attempt = { model: cast.attempt, real: realAttempt };
        await expectAnswer(world, realBrowser, attempt, answer, response);
        keepToken(world, realBrowser, cast.browser.token);
      },
    ),
  );

const twoCallbacks = fc.record({ attempt: index }).map((picked) =>
  command(
    "two callbacks at once",
    picked,
    (model) => {
      const cast = bringer(model, undefined, picked.attempt);
      if (cast === undefined) return undefined;
      const { browser, attempt } = cast;
      const { returned } = attempt;
      const finishes =
        attempt.client === "web" &&
        expected.isUnderWay(model, attempt) &&
        attempt.begunBy === browser.name &&
        returned !== undefined &&
        returned !== "cancelled" &&
        model.now - returned.at < 120;
      return finishes && browser.token === undefined ? cast : undefined;
    },
    async (model, world, cast) => {
      const { browser, attempt } = real(model, world, cast);
      world.place = "here";
      const path = callbackPath(world, cast.attempt, cast.attempt);
      const responses = await Promise.all([browser.get(path), browser.get(path)]);
      const [first, second] = responses.sort((a, b) => a.status - b.status);
      attempt.broughtBy ??= browser;
      const answer = expected.callback(model, cast.attempt, cast.attempt, cast.browser, "here");
      if (first === undefined || second === undefined) throw new Error("two requests have two answers");
      await expectAnswer(world, browser, { model: cast.attempt, real: attempt }, answer, first);
      expect(second.status).toBe(400);
      expect(second.headers.getSetCookie()).toEqual([]);
      keepToken(world, browser, cast.browser.token);
    },
  ),
);

const answerQuestion = fc
  .record({ browser: anyBrowser, attempt: index, yes: fc.integer({ min: 0, max: 3 }), place })
  .map(({ browser, attempt, yes, place }) =>
    command(
      yes > 0 ? "say yes" : "say no",
      { browser, attempt, place },
      (model) => answerer(model, browser, attempt),
      async (model, world, cast) => {
        const { browser: realBrowser, attempt: realAttempt } = real(model, world, cast);
        const answer = expected.answer(model, cast.attempt, yes > 0, cast.browser, place);
        world.place = place;
        // A browser that was never asked sends the form of one that was.
        const form = realAttempt.forms.get(realBrowser) ?? { attempt: realAttempt.state, confirm: "yes" };
        const response = await realBrowser.post("/auth/continue", {
          ...form,
          answer: yes > 0 ? "yes" : "no",
        });
        const attempt = { model: cast.attempt, real: realAttempt };
        await expectAnswer(world, realBrowser, attempt, answer, response);
        keepToken(world, realBrowser, cast.browser.token);
      },
    ),
  );

const finishInApp = fc
  .record({ attempt: index, secretOf: index, place })
  .map(({ attempt, secretOf, place }) =>
    command(
      "finish in the app",
      { attempt, secretOf, place },
      (model) => {
        const ofApps = model.attempts.filter(({ client, returned }) => client === "app" && returned);
        const found = fromLast(attempt < 4 ? ofApps : model.attempts, attempt);
        const secret = secretOf === 0 ? found : fromLast(model.attempts, secretOf);
        return found?.returned === undefined || secret === undefined ? undefined : { found, secret };
      },
      async (model, world, { found, secret }) => {
        const realAttempt = world.attempts.get(found);
        const answer = expected.finishInApp(model, found, secret);
        world.place = place;
        const response = await world.app.post("/auth/app/finish", {
          ...Object.fromEntries(realAttempt?.returned ?? []),
          app_secret: world.attempts.get(secret)?.appSecret ?? "",
        });
        expect(response.status).toBe(answer.status);
        expect(response.headers.getSetCookie()).toEqual([]);
        if (answer.token === undefined) return;
        const { user, session } = await response.json<{
          user: { sub: string };
          session: { id: string; token: string };
        }>();
        expect(user.sub).toBe(world.workers.subjects[answer.token.session.user]);
        realAttempt?.made.push(session.id);
        expect(realAttempt?.made.length, "sessions of one attempt").toBe(1);
        world.sids.set(answer.token.session, session.id);
        world.tokens.push({ text: session.token, model: answer.token });
      },
    ),
  );

/** Whether `/auth/session` says what the model says. */
function expectSession(world: World, told: SessionAnswer, living: expected.ModelToken | undefined): void {
  expect(told.authenticated, "is logged in").toBe(living !== undefined);
  if (living === undefined) return;
  expect(told.user?.sub).toBe(world.workers.subjects[living.session.user]);
  expect(told.session?.id).toBe(world.sids.get(living.session));
}

const askWhoAmI = fc.record({ browser: browserIndex, place }).map(({ browser, place }) =>
  command(
    "ask who is logged in",
    { browser, place },
    (model) => model.browsers[browser],
    async (model, world, modelBrowser) => {
      const realBrowser = world.browsers[browser];
      if (realBrowser === undefined) throw new Error("the model ran ahead");
      const living = expected.ask(model, modelBrowser, place);
      world.place = place;
      expectSession(world, await realBrowser.session(), living);
      keepToken(world, realBrowser, living);
    },
  ),
);

const tryOldToken = fc.record({ token: fc.nat({ max: 20 }), place, bearer: fc.boolean() }).map((picked) =>
  command(
    "try a token that was handed out before",
    picked,
    (model) => model,
    async (model, world) => {
      const token = fromLast(world.tokens, picked.token);
      if (token === undefined) return;
      const living = expected.livingToken(model, token.model, picked.place);
      world.place = picked.place;
      const headers = picked.bearer
        ? { authorization: `Bearer ${token.text}` }
        : { cookie: `__Host-vipps-session=${token.text}` };
      const response = await world.app.get("/auth/session", undefined, headers);
      expectSession(world, await response.json(), living);
    },
  ),
);

const logOut = fc.record({ browser: browserIndex, place }).map(({ browser, place }) =>
  command(
    "log out",
    { browser, place },
    (model) => model.browsers[browser],
    async (_model, world, modelBrowser) => {
      expected.logOut(modelBrowser, place);
      world.place = place;
      const response = await world.browsers[browser]?.post("/auth/logout");
      expect(response?.status).toBe(303);
      expect([...(world.browsers[browser]?.cookies.values() ?? [])]).toEqual([
        expect.stringMatching(/^out-\d+$/),
      ]);
    },
  ),
);

const endOtherSessions = fc.record({ browser: browserIndex, place }).map(({ browser, place }) =>
  command(
    "end all other sessions",
    { browser, place },
    (model) => model.browsers[browser],
    async (model, world, modelBrowser) => {
      const status = expected.endOthers(model, modelBrowser, [...world.sids.keys()], place);
      world.place = place;
      const realBrowser = world.browsers[browser];
      const response = await realBrowser?.request("/auth/sessions", {
        method: "DELETE",
        headers: { origin: "https://site.example" },
      });
      expect(response?.status).toBe(status);
      if (realBrowser !== undefined) keepToken(world, realBrowser, modelBrowser.token);
    },
  ),
);

/** Around the ends of a code, of a fresh token and of an attempt; and the long ends, which leave little alive. */
const seconds = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 60, 119, 120, 240, 299, 300, 301) },
  { weight: 3, arbitrary: fc.constantFrom(540, 600, 601) },
  { weight: 2, arbitrary: fc.constantFrom(3600, 86_400, 4 * 86_400, 7 * 86_400 - 1, 7 * 86_400) },
);

const passTime = seconds.map((seconds) =>
  command(
    "let time pass",
    { seconds },
    (model) => model,
    async (model) => {
      model.now += seconds;
      vi.setSystemTime(model.now * 1000);
    },
  ),
);

const runAlarms = fc.constant(
  command(
    "run the alarms that are due",
    {},
    (model) => model,
    async (model) => {
      await runDueLoginAlarms();
      const kept = await keptOfLogins();
      for (const [table, { least, most }] of Object.entries(expected.rowsOf(model))) {
        const rows = kept.filter((row) => row.table === `${table}_logins`).length;
        expect(rows, `rows of ${table} logins`).toBeGreaterThanOrEqual(least);
        expect(rows, `rows of ${table} logins`).toBeLessThanOrEqual(most);
      }
    },
  ),
);

const restart = fc.record({ user: fc.constantFrom(...USERS) }).map((picked) =>
  command(
    "restart the objects",
    picked,
    (model) => model,
    async (_model, world) => restartObjects(world, picked.user),
  ),
);

/** Everything that can happen, the frequent things more often. */
export const commands = [
  ...[begin, answerAtProvider, answerAtProvider, beginAndAnswer, beginAndAnswer, beginAndAnswer],
  ...[callback, callback, callback, callback, callback, twoCallbacks],
  ...[answerQuestion, answerQuestion, answerQuestion, beginInApp, finishInApp],
  ...[askWhoAmI, askWhoAmI, tryOldToken, tryOldToken, endOtherSessions],
  ...[logOut, passTime, passTime, runAlarms, restart],
];
