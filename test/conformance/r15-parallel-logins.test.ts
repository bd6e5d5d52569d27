import { describe, expect, it } from "vitest";
import { BROWSER_COOKIE, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { formOf } from "../worker/page-form.ts";
import { openSite } from "../worker/site.ts";

describe("R15 parallel logins in one browser", () => {
  for (const tabs of [2, 5, 10]) {
    it(`finishes ${tabs} of them, each where its tab wanted to go, with two cookies in all`, async () => {
      const browser = openBrowser(openSite());
      const urls = [];
      for (let tab = 0; tab < tabs; tab += 1) urls.push(await browser.startLogin(`/tab/${tab}`));
      expect([...browser.cookies.keys()]).toEqual([BROWSER_COOKIE]);
      const callbacks = [];
      for (const url of urls) callbacks.push(await browser.atProvider(url));
      const finished = await Promise.all(callbacks.reverse().map((callback) => browser.get(callback.href)));
      expect(finished.map(({ status }) => status)).toEqual(finished.map(() => 303));
      expect(finished.map(({ headers }) => headers.get("location"))).toEqual(
        Array.from({ length: tabs }, (_, index) => `/tab/${tabs - 1 - index}`),
      );
      expect([...browser.cookies.keys()].sort()).toEqual([BROWSER_COOKIE, SESSION_COOKIE]);
      expect((await browser.session()).authenticated).toBe(true);
    });
  }

  it("keeps cookies few and small however many logins are begun and left", async () => {
    const browser = openBrowser(openSite());
    for (let login = 0; login < 30; login += 1) await browser.startLogin(`/${"x".repeat(500)}${login}`);
    expect(browser.cookies.size).toBe(1);
    const size = Array.from(browser.cookies, ([name, value]) => name.length + value.length + 2);
    expect(size.reduce((sum, each) => sum + each)).toBeLessThan(100);
  });

  it("gets tabs through that were opened all at once, before there was a browser cookie", async () => {
    const browser = openBrowser(openSite());
    const urls = await Promise.all(Array.from({ length: 10 }, (_, tab) => browser.startLogin(`/tab/${tab}`)));
    let questions = 0;
    for (const [tab, url] of urls.entries()) {
      let response = await browser.get((await browser.atProvider(url)).href);
      if (response.status === 200) {
        questions += 1;
        const { action, fields } = formOf(await response.text());
        response = await browser.post(action, { ...fields, answer: "yes" });
      }
      expect(response.headers.get("location")).toBe(`/tab/${tab}`);
    }
    // Ten cookies were handed out and one survived: nine logins look foreign, yet at most the first one asks.
    expect(questions).toBeLessThanOrEqual(1);
  });
});
