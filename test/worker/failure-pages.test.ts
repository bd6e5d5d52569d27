import { describe, expect, it } from "vitest";
import { Failure, type FailureCode, failures } from "../../src/failure.ts";
import { answerFailure } from "../../src/failure-answer.ts";
import { messageIn } from "../../src/pages/language.ts";
import { readSettings } from "../../src/settings.ts";
import { textOf } from "./page-form.ts";
import { openSite, SITE } from "./site.ts";

const LANGUAGES = ["nb", "da", "fi", "sv", "en"] as const;
/** All but the one that tells nobody anything: see sites.test.ts. */
const CODES = (Object.keys(failures()) as FailureCode[]).filter((code) => code !== "host_unknown");

/** The statuses that the public contract promises by what went wrong. */
const PROMISED: Readonly<Partial<Record<FailureCode, number>>> = {
  access_denied: 403,
  state_missing: 400,
  state_invalid: 400,
  state_expired: 400,
  state_used: 400,
  server_error: 502,
  metadata_unavailable: 502,
  token_unavailable: 502,
  token_malformed: 502,
  id_token_invalid: 502,
  userinfo_invalid: 502,
  storage_unavailable: 503,
  rate_limited: 429,
};

async function answer(code: FailureCode, headers: Record<string, string>) {
  const site = openSite();
  const read = readSettings(site.env, SITE);
  if ("faults" in read) throw new Error(read.faults.join());
  const missing = [{ code, rule: "group:board", values: ["board"], seconds: 600 }];
  const failure = new Failure(code, { stage: "callback", reason: "a reason of ours", missing });
  const request = new Request(`${SITE}/auth/callback`, { headers });
  const response = await answerFailure(failure, request, read.settings);
  return { response, log: site.log };
}

describe.each(LANGUAGES)("every failure in %s", (language) => {
  it("has a page with a title, what happened, what to do, a way on and a reference of its own", async () => {
    for (const code of CODES) {
      const { response, log } = await answer(code, { "accept-language": language, accept: "text/html" });
      const page = await response.text();
      expect([code, response.status]).toEqual([code, failures()[code].status]);
      expect(page).toContain(`<html lang="${language}"`);
      const { title, happened, next } = messageIn(language, failures()[code].message);
      const shown = textOf(page);
      for (const text of [title, happened, next]) {
        // The words around the places that are filled in.
        for (const words of text.split(/\{\w+\}/)) expect(shown).toContain(words.replace(/\s+/g, " ").trim());
      }
      expect(shown).not.toMatch(/\{\w+\}|undefined|a reason of ours/);
      expect(page.match(/<h1>/g)).toHaveLength(1);
      expect(page).toMatch(/<a class="button/);
      expect(page).not.toMatch(/<script|<img|https?:\/\/(?!site\.example)/);
      expect(response.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'nonce-/,
      );
      const reference = /<code>([^<]+)<\/code>/.exec(page)?.[1];
      expect(log).toHaveLength(1);
      expect(log[0]).toMatchObject({ code, reference, stage: "callback", level: failures()[code].level });
    }
  });
});

describe("every failure for a script", () => {
  it("is problem+json with the code, the status and the reference of its one log line", async () => {
    for (const code of CODES) {
      const { response, log } = await answer(code, { accept: "application/json", "accept-language": "nb" });
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const problem = await response.json<Record<string, unknown>>();
      expect(problem).toMatchObject({ type: "about:blank", status: failures()[code].status, code });
      expect(problem.title).toEqual(expect.stringMatching(/\S/));
      expect(log).toHaveLength(1);
      expect(log[0]).toMatchObject({ code, reference: problem.reference });
    }
  });

  it("has the status the contract promises, and a cancelled login is no error in the log", () => {
    for (const [code, status] of Object.entries(PROMISED)) {
      expect([code, failures()[code as FailureCode].status]).toEqual([code, status]);
    }
    expect(failures().access_denied.level).toBe("info");
  });

  it("that nobody foresaw says where it was thrown and nothing of what it said", async () => {
    const site = openSite();
    const thrown = new Error("4799999901\n    kari.nordmann@example.com secret");
    const response = await answerFailure(thrown, new Request(`${SITE}/auth/callback`), undefined);
    expect(response.status).toBe(500);
    const all = (await response.text()) + JSON.stringify(site.log);
    expect(all).not.toMatch(/4799999901|kari\.nordmann|secret/);
    expect(site.log[0]).toMatchObject({
      code: "internal_error",
      at: expect.stringContaining("failure-pages"),
    });
  });
});
