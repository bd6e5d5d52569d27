import { expect, it } from "vitest";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { textOf } from "../worker/page-form.ts";
import { openSite } from "../worker/site.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";

const ATTEMPTS = 60;
const SEED = Number(process.env.SEED ?? 20_261_122);

it(`${ATTEMPTS} logins at a provider that fails one answer in five all end in a session or on a clear page`, {
  timeout: 120_000,
}, async () => {
  stopTime();
  const site = openSite();
  const endpoint = {
    failureRate: 0.2,
    failures: ["down", "hang", "stall", "html", "truncated", "huge", "redirect", "error"],
  } as const;
  const faulty = { ...endpoint, failures: [...endpoint.failures] };
  site.simulator.control.setBehaviour({
    seed: SEED,
    idTokenClaims: "emailOnly",
    endpoints: { discovery: faulty, jwks: faulty, token: faulty, userinfo: faulty },
  });
  const outcomes: Record<string, number> = {};
  let slowest = 0;
  let sessions = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const browser = openBrowser(site);
    const ask = async (path: string) => {
      const { value } = await inFakeTime(browser.get(path));
      slowest = Math.max(slowest, site.answerTimes.at(-1) ?? 0);
      return value;
    };
    const start = await ask("/auth/login");
    const authorizeUrl = start.headers.get("location");
    site.resetCounts();
    const end =
      authorizeUrl === null
        ? start
        : await ask((await inFakeTime(browser.atProvider(new URL(authorizeUrl)))).value.href);
    const hasCookie = browser.cookies.has(SESSION_COOKIE);
    const recorded = site.counts.durableObjectCalls.filter((call) => call === "sessions.record").length;
    // A session in the store and a cookie in the browser, or neither.
    expect(recorded).toBe(hasCookie ? 1 : 0);
    expect(end.status === 303).toBe(hasCookie);
    expect((await inFakeTime(browser.session())).value.authenticated).toBe(hasCookie);
    if (hasCookie) sessions += 1;
    else {
      expect(end.status).toBe(502);
      expect(textOf(await end.text())).toMatch(/Reference [0-9A-Z]{4}-[0-9A-Z]{4}/);
    }
    const code = hasCookie
      ? "session"
      : String(site.log.findLast(({ event }) => event === "request_failed")?.code);
    outcomes[code] = (outcomes[code] ?? 0) + 1;
  }
  process.stdout.write(
    `  ${ATTEMPTS} logins, seed ${SEED}: ${JSON.stringify(outcomes)}, slowest answer ${slowest} ms\n`,
  );
  expect(slowest).toBeLessThan(10_000);
  expect(sessions).toBeGreaterThan(ATTEMPTS / 4);
  expect(sessions).toBeLessThan(ATTEMPTS);
});
