import { expect } from "vitest";
import { type FailureCode, failures } from "../../src/failure.ts";
import { type Browser, SESSION_COOKIE } from "../worker/browser.ts";
import type { TestSite } from "../worker/site.ts";

const REFERENCE = /<code>([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})<\/code>/;

/** What a refusal must look like from outside, and what else it must leave alone. */
export interface ExpectedRefusal {
  readonly site: TestSite;
  readonly browser: Browser;
  readonly code: FailureCode;
  /** Texts that must turn up neither on the page nor in the log. */
  readonly secrets?: Iterable<string>;
}

/**
 * A page with the status of its code and a reference that one log line shares, nobody logged in by cookie or in
 * the session store, and nothing secret anywhere.
 */
export async function expectRefusal(
  response: Response,
  { site, browser, code, secrets = [] }: ExpectedRefusal,
): Promise<void> {
  const page = await response.text();
  const logged = site.log.filter(({ event }) => event === "request_failed" || event === "login_cancelled");
  expect({ code: logged.at(-1)?.code, status: response.status }).toEqual({
    code,
    status: failures()[code].status,
  });
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const reference = REFERENCE.exec(page)?.[1];
  expect(reference).toBeDefined();
  expect(site.log.filter((line) => line.reference === reference)).toHaveLength(1);
  await expectNobody(response, site, browser);
  const shown = page + JSON.stringify(site.log);
  for (const secret of secrets) if (secret !== "") expect(shown).not.toContain(secret);
}

/** Nobody is logged in: not by a cookie, not in the session store. */
export async function expectNobody(response: Response, site: TestSite, browser: Browser): Promise<void> {
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.getSetCookie().filter((line) => line.startsWith(SESSION_COOKIE))).toEqual([]);
  const calls = (name: string) => site.counts.durableObjectCalls.filter((call) => call === name).length;
  // One that was recorded for an answer which nobody received has been ended again.
  expect(calls("sessions.record")).toBe(calls("sessions.end"));
  expect((await browser.session()).authenticated).toBe(false);
}
