// R19: a session token that is not exactly ours, unchanged and of this purpose, is no session.

import { beforeEach, describe, expect, it } from "vitest";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { seconds, stopClock, wait } from "../worker/clock.ts";
import { keysOf, newKey, retired, signedToken, tokenOf } from "../worker/session-tokens.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

beforeEach(stopClock);

const authenticated = async (site: TestSite, token: string) => {
  const answers = [
    await openBrowser(site).get("/auth/session", { cookie: `${SESSION_COOKIE}=${token}` }),
    await openBrowser(site).get("/auth/session", { authorization: `Bearer ${token}` }),
  ];
  const seen = await Promise.all(
    answers.map(async (answer) => (await answer.json<{ authenticated: boolean }>()).authenticated),
  );
  expect(seen[0]).toBe(seen[1]);
  return seen[0];
};

describe("R19", () => {
  it("accepts what it signs itself", async () => {
    const site = openSite();
    expect(await authenticated(site, await signedToken(keysOf(site)[0]))).toBe(true);
  });

  it("notices every changed character, of a token it has seen and of one it has not", async () => {
    for (const seen of [true, false]) {
      const site = openSite();
      const token = await signedToken(keysOf(site)[0]);
      if (seen) expect(await authenticated(site, token)).toBe(true);
      for (let at = 0; at < token.length; at += 1) {
        const other = token[at] === "A" ? "B" : "A";
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        const response = await openBrowser(site).get("/auth/session", {
          cookie: `${SESSION_COOKIE}=${changed}`,
        });
        expect(await response.json(), `character ${at} as ${other}`).toEqual({ authenticated: false });
      }
    }
  });

  it("knows one spelling of a signature: the unused bits of its last character count", async () => {
    const site = openSite();
    const token = await signedToken(keysOf(site)[0]);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const accepted = [];
    for (const last of alphabet) {
      if (await authenticated(site, token.slice(0, -1) + last)) accepted.push(last);
    }
    expect(accepted).toEqual([token.at(-1)]);
  });

  it.each([
    ["another typ", { header: { typ: "JWT" } }],
    ["no typ", { header: { typ: undefined } }],
    ["the typ of an ID token's kin", { header: { typ: "at+jwt" } }],
    ["another issuer", { claims: { iss: "https://elsewhere.example/auth" } }],
    ["an issuer with one slash more", { claims: { iss: `${SITE}/auth/` } }],
    ["no issuer", { claims: { iss: undefined } }],
    ["another audience", { claims: { aud: "https://elsewhere.example" } }],
    ["no audience", { claims: { aud: undefined } }],
    ["an empty list of audiences", { claims: { aud: [] } }],
    ["no sub", { claims: { sub: undefined } }],
    ["a sub that is no text", { claims: { sub: 7 } }],
    ["no sid", { claims: { sid: undefined } }],
    ["no iat", { claims: { iat: undefined } }],
    ["no exp", { claims: { exp: undefined } }],
    ["an exp that is no number", { claims: { exp: "tomorrow" } }],
    ["no auth_time", { claims: { auth_time: undefined } }],
    ["a kid nobody knows", { header: { kid: "unknown" } }],
    ["no kid", { header: { kid: undefined } }],
  ])("refuses a token of ours with %s", async (_what, forgery) => {
    const site = openSite();
    expect(await authenticated(site, await signedToken(keysOf(site)[0], forgery))).toBe(false);
  });

  it("refuses a token of another key, also under the kid of ours", async () => {
    const site = openSite();
    const { kid } = keysOf(site)[0];
    expect(await authenticated(site, await signedToken(await newKey(kid)))).toBe(false);
    expect(await authenticated(site, await signedToken(await newKey("other")))).toBe(false);
  });

  it.each(["none", "HS256", "ES384", "RS256"])("refuses alg %s over the same signature", async (alg) => {
    const site = openSite();
    const [, payload, signature] = (await signedToken(keysOf(site)[0])).split(".");
    const header = { alg, kid: keysOf(site)[0].kid, typ: "session+jwt" };
    const encoded = btoa(JSON.stringify(header)).replaceAll("=", "");
    expect(await authenticated(site, [encoded, payload, signature].join("."))).toBe(false);
    expect(await authenticated(site, [encoded, payload, ""].join("."))).toBe(false);
  });

  it("takes an expired token of a session that the store does not know for nothing", async () => {
    const site = openSite();
    const claims = { iat: seconds() - 400, exp: seconds() - 100 };
    expect(await authenticated(site, await signedToken(keysOf(site)[0], { claims }))).toBe(false);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
  });

  it("refuses a token in the very second in which it expires", async () => {
    const site = openSite();
    const token = await signedToken(keysOf(site)[0]);
    wait(299);
    // Asked once only: behind this answer the store is asked, which does not know the session.
    const last = await openBrowser(site).get("/auth/session", { authorization: `Bearer ${token}` });
    expect(await last.json()).toMatchObject({ authenticated: true });
    wait(1);
    expect(await authenticated(site, token)).toBe(false);
  });
});

describe("R19 keys", () => {
  const DAY = 86_400;

  const siteWith = (...keys: readonly object[]) =>
    openSite({ vars: { SESSION_KEYS: JSON.stringify({ keys }), SESSION_IDLE: String(7 * DAY) } });

  it("keeps a session of the key before, and signs it anew with the key of now", async () => {
    const before = await newKey("before");
    const browser = openBrowser(siteWith(before));
    await browser.logIn();
    const token = tokenOf(browser);

    const after = openBrowser(siteWith(await newKey("after"), retired(before, seconds())));
    after.cookies.set(SESSION_COOKIE, token);
    expect((await after.session()).authenticated).toBe(true);
    wait(6 * DAY);
    expect((await after.session()).authenticated).toBe(true);
    const header = JSON.parse(atob(tokenOf(after).split(".")[0] ?? ""));
    expect(header.kid).toBe("after");
  });

  it("lets a retired key go when the last token signed by it is gone, without anybody's doing", async () => {
    const before = await newKey("before");
    const retiredAt = seconds();
    const site = siteWith(await newKey("after"), retired(before, retiredAt));
    const published = async () => {
      const response = await openBrowser(site).get("/auth/.well-known/jwks.json");
      return (await response.json<{ keys: { kid: string }[] }>()).keys.map(({ kid }) => kid);
    };
    expect(await published()).toEqual(["after", "before"]);
    wait(7 * DAY);
    expect(await published()).toEqual(["after", "before"]);
    wait(3600);
    expect(await published()).toEqual(["after"]);
    // Whoever finds the old key then can sign whatever he likes.
    const claims = { iat: seconds(), exp: seconds() + 300 };
    expect(await authenticated(site, await signedToken(before, { claims }))).toBe(false);
  });

  it("refuses what a retired key signed after it could have", async () => {
    const before = await newKey("before");
    const site = siteWith(await newKey("after"), retired(before, seconds()));
    wait(3600);
    expect(await authenticated(site, await signedToken(before))).toBe(true);
    wait(1);
    expect(await authenticated(site, await signedToken(before))).toBe(false);
  });

  it("publishes no private member, whatever SESSION_KEYS holds", async () => {
    const site = siteWith(
      { ...(await newKey("now")), note: "mine" },
      { ...(await newKey("before")), retired_at: seconds() },
      await newKey("long before"),
    );
    const response = await openBrowser(site).get("/auth/.well-known/jwks.json");
    expect(response.headers.get("content-type")).toBe("application/jwk-set+json");
    const { keys } = await response.json<{ keys: object[] }>();
    expect(keys.map((key) => Object.keys(key).sort())).toEqual(
      Array.from({ length: 3 }, () => ["alg", "crv", "kid", "kty", "use", "x", "y"]),
    );
  });
});
