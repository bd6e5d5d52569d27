import { describe, expect, it } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { openSite, SITE } from "../worker/site.ts";
import { logInAt } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";

/** Where a login that asked for this return URL ends. */
async function endOf(wanted: string, vars = {}): Promise<string | null> {
  const { provider, browser } = openHostileSite({ vars });
  const start = await browser.get(`/auth/login?return_to=${encodeURIComponent(wanted)}`);
  const callback = provider.authorize(new URL(start.headers.get("location") ?? ""));
  return (await browser.get(callback.href)).headers.get("location");
}

/** Steps of a login and what only forms and scripts ask for, in spellings that some reader takes for them. */
const LOGIN_STEPS = [
  "/auth/%6cogin?prompt=login",
  "/%61uth/login",
  "/auth/%6C%6F%67%69%6E",
  "/auth/LOGIN",
  "/AUTH/Login",
  "/auth/login/",
  "/auth//login",
  "/auth/login//",
  "/auth/./login",
  "/x/../auth/login",
  "/auth/login;x=1",
  "/auth;x/login",
  "/auth%2flogin",
  "/auth/%256cogin",
  "/auth/%25256cogin",
  "/auth/login%3fprompt=login",
  "/auth/login%23",
  "/auth/\uff4cogin",
  "/auth/login.%20/",
  "https://site.example/auth/%6cogin",
  "/auth/proof?answer=x",
  "/auth/app/start",
  "/auth/app/finish",
  "/auth/me/erase",
  "/auth/me/consents",
  "/auth/sessions/end",
  "/auth/sessions/1",
  "/auth/support/search",
  "/auth/support/accounts/acc_1/link",
  "/auth/support/accounts/acc_1/unlink",
  "/auth/support/requests/K7QF-3M2P/link",
  "/auth/webhooks/consent/secret",
  "/auth/session",
  "/auth/verify",
  "/auth/health",
  "/auth/vipps-login.js",
  "/auth/.well-known/jwks.json",
  "/auth/nothing",
  "/auth/login%",
];

const ATTACKS = [
  "//attacker.example",
  "///attacker.example",
  "////attacker.example/%2f..",
  "/\\attacker.example",
  "\\\\attacker.example",
  "\\/attacker.example",
  "/\\/attacker.example",
  "/path\\..\\..\\attacker.example",
  "/\t/attacker.example",
  "\t//attacker.example",
  "/\n/attacker.example",
  "/\r\n/attacker.example",
  "/\u0000/attacker.example",
  "/\u007f/attacker.example",
  " //attacker.example",
  "/%2fattacker.example",
  "/%2Fattacker.example",
  "/%5cattacker.example",
  "/%09/attacker.example",
  "/%0a/attacker.example",
  "/%0d%0aLocation:%20https://attacker.example",
  "/%252fattacker.example",
  "/%25252fattacker.example",
  "/%255cattacker.example",
  "/.//attacker.example",
  "/..//attacker.example",
  "/x/..//attacker.example",
  "/%2e//attacker.example",
  "/%2e%2e//attacker.example",
  "/@attacker.example",
  "/%40attacker.example",
  "@attacker.example",
  "https://attacker.example",
  "https://attacker.example/",
  "HTTPS://ATTACKER.EXAMPLE/",
  "https:attacker.example",
  "https:/attacker.example",
  "https:\\\\attacker.example",
  "http://site.example/",
  "https://site.example.attacker.example/",
  "https://site.example@attacker.example/",
  "https://user:secret@site.example/members/",
  "https://site.example:8443/",
  "https://site.exampleattacker.example/",
  "https://attacker-site.example/",
  "https://site.example%2eattacker.example/",
  "https://site.example%00.attacker.example/",
  "https://site。example.attacker.example/",
  "https://site.example//attacker.example",
  "https://site.example/\\attacker.example",
  "https://sıte.example/",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\tscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "blob:https://site.example/1",
  "file:///etc/passwd",
  "about:blank",
  "intent://scan/#Intent;scheme=x;end",
  "vipps://",
  "members/",
  "?next=/",
  "#top",
  "/auth/login?return_to=/auth/login",
  "/auth/callback?code=x&state=y",
  "/auth/continue",
  "/auth/logout",
  ...LOGIN_STEPS,
  `/${"a".repeat(2_001)}`,
  `https://site.example/${"a".repeat(100_000)}`,
];

describe("R16 a return URL that leaves the site ends at /", () => {
  it.each(ATTACKS.map((wanted) => [wanted.slice(0, 80), wanted]))("%j", async (_short, wanted) => {
    expect(await endOf(wanted)).toBe("/");
  });

  it("for somebody who is logged in already, where nothing stands between, too", async () => {
    const { provider, browser } = openHostileSite();
    await logInAt(provider, browser);
    for (const wanted of ATTACKS) {
      const response = await browser.get(`/auth/login?return_to=${encodeURIComponent(wanted)}`);
      expect([wanted, response.status, response.headers.get("location")]).toEqual([wanted, 302, "/"]);
    }
  });

  it("sent raw, as a browser would not, too", async () => {
    const { provider, browser } = openHostileSite();
    await logInAt(provider, browser);
    for (const query of [
      "return_to=//attacker.example",
      "return_to=/%5Cattacker.example",
      "return_to=%2F%2Fattacker.example",
      "return_to=/%09/attacker.example",
      "return_to=%",
      "return_to=%zz",
      "return_to=%E0%A4%A",
      "return_to=%ff",
      "return_to",
      "return_to=",
      "return_to=//attacker.example&return_to=/members/",
      "RETURN_TO=//attacker.example",
      "next=//attacker.example&redirect=//attacker.example&returnTo=//attacker.example",
    ]) {
      const response = await browser.get(`/auth/login?${query}`);
      expect([query, response.headers.get("location")]).toEqual([query, "/"]);
    }
  });

  it("after logging out, too", async () => {
    for (const wanted of ATTACKS.slice(0, 40)) {
      const browser = openBrowser(openSite());
      const response = await browser.post("/auth/logout", { return_to: wanted });
      expect([wanted, response.headers.get("location")]).toEqual([wanted, "/"]);
    }
  });
});

describe("R16 a return URL that stays", () => {
  it.each([
    ["/", "/"],
    ["/members/", "/members/"],
    ["/members/?page=2&q=a%20b#top", "/members/?page=2&q=a%20b#top"],
    ["/søk?q=æ", "/s%C3%B8k?q=%C3%A6"],
    ["/a%2Fb", "/a%2Fb"],
    ["/100%25", "/100%25"],
    ["/?next=//other.example", "/?next=//other.example"],
    ["/a/../b", "/b"],
    [`${SITE}/members/`, "/members/"],
    [`${SITE}:443/members/`, "/members/"],
    ["https://SITE.example/members/", "/members/"],
    ["/authors", "/authors"],
    ["/auth/me", "/auth/me"],
    ["/auth/me/?saved=yes#erase", "/auth/me/?saved=yes#erase"],
    ["/auth/sessions", "/auth/sessions"],
    ["/auth/support", "/auth/support"],
    ["/auth/support/accounts/acc_1", "/auth/support/accounts/acc_1"],
    ["/login", "/login"],
    ["/authors/login", "/authors/login"],
    ["/x/auth/login", "/x/auth/login"],
  ])("%s leads to %s", async (wanted, end) => {
    expect(await endOf(wanted)).toBe(end);
  });

  const vars = { RETURN_TO_ORIGINS: "https://shop.example https://app.example:8443" };
  it.each([
    ["https://shop.example/cart?x=1", "https://shop.example/cart?x=1"],
    ["https://app.example:8443/", "https://app.example:8443/"],
  ])("%s is on an allowed origin", async (wanted, end) => {
    expect(await endOf(wanted, vars)).toBe(end);
  });

  it.each([
    "http://shop.example/",
    "https://shop.example:444/",
    "https://app.example/",
    "https://www.shop.example/",
    "https://shop.example.attacker.example/",
    "https://shop.example@attacker.example/",
    "https://user:secret@shop.example/cart",
    "https://shop.example//attacker.example",
    "//shop.example/",
    "blob:https://shop.example/1",
    "https://shop.example/auth/login?prompt=login",
    "https://shop.example/auth/%6cogin",
    "https://app.example:8443/auth/callback?code=x&state=y",
    "null",
  ])("%s is not", async (wanted) => {
    expect(await endOf(wanted, vars)).toBe("/");
  });
});

describe("R16 a return URL that is longer than is kept", () => {
  const end = async (path: string) => {
    const site = openSite();
    const response = await openBrowser(site).get(path, { accept: "text/html" });
    const location = new URL(response.headers.get("location") ?? "", SITE);
    return { returnTo: location.searchParams.get("return_to"), log: site.log };
  };

  it("is shortened where the worker itself sends somebody to the login: without its query", async () => {
    const { returnTo, log } = await end(`/members/list?filter=${"a".repeat(3_000)}`);
    expect(returnTo).toBe("/members/list");
    expect(log).toMatchObject([{ event: "return_url_shortened" }]);
  });

  it("is the nearest folder above a page whose path alone is too long", async () => {
    expect((await end(`/members/a/${"b".repeat(3_000)}`)).returnTo).toBe("/members/a/");
    expect((await end(`/members/${"a/".repeat(2_000)}`)).returnTo).toBe(`/members/${"a/".repeat(995)}`);
  });

  it("is left alone where it is short enough", async () => {
    const { returnTo, log } = await end("/members/list?page=2");
    expect([returnTo, log]).toEqual(["/members/list?page=2", []]);
  });

  it("is shortened for a proxy, too", async () => {
    const response = await openBrowser(openSite()).get("/auth/verify", {
      "x-forwarded-uri": `/wiki/page?filter=${"a".repeat(3_000)}`,
      "x-forwarded-host": "site.example",
    });
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.searchParams.get("return_to")).toBe("/wiki/page");
  });
});
