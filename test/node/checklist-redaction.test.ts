import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../cli/checklist/redaction.ts";
import { htmlReport } from "../../cli/checklist/report/html.ts";
import { markdownReport } from "../../cli/checklist/report/markdown.ts";
import { makeReport } from "../../cli/checklist/report/report.ts";
import { judgeRows, ROW_IDS } from "../../cli/checklist/rows.ts";
import type { Exchange } from "../../cli/checklist/traffic.ts";
import type { Seen } from "../../cli/checklist/walk.ts";
import { exchange, seenInOrder } from "./checklist-seen.ts";

/** What a provider draws at random: letters, digits, `-` and `_`, never all lower-case letters. */
const secret = fc
  .stringMatching(/^[A-Za-z0-9_-]{11,60}$/)
  .map((text) => `${text}Q7`)
  .filter((text) => !text.startsWith("-"));

const phone = fc
  .tuple(fc.constantFrom("47", "45", "358", "46"), fc.stringMatching(/^[2-9]\d{7}$/))
  .map(([country, number]) => country + number);

/** Names as people have them, quotation marks and all. */
const name = fc
  .tuple(fc.constantFrom("Åse-Marie", "D'Arcy", 'Per "Pelle"', "Đặng & Sønn", "María José"), secret)
  .map(([given, family]) => `${given} ${family}`);

const told = fc.record({
  code: secret,
  state: secret,
  nonce: secret,
  verifier: secret,
  accessToken: secret,
  clientSecret: secret,
  cookie: secret,
  subject: fc.uuid(),
  phone,
  email: fc.emailAddress().map((address) => `q7x.${address}`),
  name,
  unheardOf: secret,
});

type Told = typeof told extends fc.Arbitrary<infer Value> ? Value : never;

const base64url = (text: string) => Buffer.from(text).toString("base64url");

/** Everything that is secret or personal in every place where a provider or browser may put it. */
function trafficWith(t: Told): readonly Exchange[] {
  const claims = {
    sub: t.subject,
    name: t.name,
    email: t.email,
    phone_number: t.phone,
    nonce: t.nonce,
    address: { formatted: `${t.name}\n${t.phone}` },
    new_claim_of_tomorrow: [t.unheardOf],
  };
  const idToken = [{ alg: "RS256", kid: "public:1" }, claims].map((part) => base64url(JSON.stringify(part)));
  const issuer = "https://apitest.vipps.no/access-management-1.0/access/";
  const callback = `https://club.example/auth/callback?code=${t.code}&state=${t.state}&scope=openid`;
  return [
    exchange({
      url: `${issuer}oauth2/token`,
      method: "POST",
      requestHeaders: {
        authorization: `Basic ${Buffer.from(`club:${t.clientSecret}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
        "x-new-header": t.unheardOf,
      },
      requestBody: new URLSearchParams({
        grant_type: "authorization_code",
        code: t.code,
        code_verifier: t.verifier,
        client_secret: t.clientSecret,
        login_hint: `urn:msisdn:${t.phone}`,
      }).toString(),
      responseBody: JSON.stringify({
        token_type: "bearer",
        access_token: t.accessToken,
        id_token: `${idToken.join(".")}.${base64url(t.unheardOf)}`,
      }),
    }),
    exchange({
      url: "https://apitest.vipps.no/vipps-userinfo-api/userinfo",
      requestHeaders: { authorization: `Bearer ${t.accessToken}` },
      responseBody: JSON.stringify({ ...claims, phone_number: Number(t.phone) }),
    }),
    exchange({
      url: `${issuer}oauth2/auth?response_type=code&state=${t.state}&nonce=${t.nonce}&new=${t.unheardOf}`,
      from: "browser",
      requestHeaders: {
        cookie: `remembered=${t.cookie}`,
        referer: `https://club.example/?q=${encodeURIComponent(t.email)}`,
      },
      status: 302,
      responseHeaders: {
        location: callback,
        "set-cookie": `a=${t.cookie}; Path=/; HttpOnly\nb=${t.unheardOf}`,
      },
      responseBody: undefined,
    }),
    exchange({
      url: `${callback}#${t.accessToken}`,
      from: "browser",
      to: "site",
      responseHeaders: { "content-type": "text/html" },
      responseBody: `<p>${t.name} ${t.phone} ${t.email}</p>`,
    }),
    exchange({
      url: `https://club.example/auth/login?return_to=/&error=${encodeURIComponent(t.email)}`,
      from: "browser",
      to: "site",
      responseHeaders: { "content-type": "application/problem+json" },
      responseBody: JSON.stringify({ detail: t.name, error: t.phone, code: t.email }),
    }),
  ];
}

/** A run whose exchanges and words all hold what nobody may see. */
function seenWith(t: Told): Seen {
  const seen = seenInOrder();
  const traffic = trafficWith(t);
  const words = `${t.code} ${encodeURIComponent(t.state)} ${t.name} +${t.phone} ${t.email} ${t.clientSecret} ${Buffer.from(t.verifier).toString("base64")}`;
  const [first] = seen.errors ?? [];
  return {
    ...seen,
    exchanges: [...traffic, ...seen.exchanges],
    secrets: { VIPPS_CLIENT_SECRET: t.clientSecret },
    errors:
      first === undefined
        ? []
        : [
            {
              ...first,
              cause: words,
              heading: words,
              status: 200,
              line: { level: "warn", event: "request_failed", code: words, reason: t.name },
            },
          ],
    otherBrowser: {
      status: 400,
      heading: words,
      asked: false,
      authenticatedThere: false,
      authenticatedWhereItBegan: false,
    },
    login: {
      authorize: traffic[2],
      callback: traffic[3],
      topLevel: true,
      authenticatedBefore: false,
      authenticatedAfter: true,
      terms: undefined,
    },
    pictures: {
      otherBrowser: [{ file: "other-browser-phone.png", caption: words, device: "phone" }],
    },
    failed: { starts: `${t.state} ${t.email}` },
  };
}

describe("the report of a run", () => {
  it("holds no code, token, state, verifier, secret, name, phone number or email address, in any form", async () => {
    await fc.assert(
      fc.asyncProperty(told, async (t) => {
        const seen = seenWith(t);
        const redactor = createRedactor();
        redactor.conceal(t.clientSecret);
        const rows = judgeRows(seen, ROW_IDS, redactor);
        expect(rows.flatMap(({ evidence }) => evidence.exchanges).length).toBeGreaterThan(4);
        const report = makeReport({ runs: {}, rows }, { now: 0, maxAge: 30, own: seen.own, merchant: {} });
        const files = {
          "evidence.json": JSON.stringify(rows),
          "checklist-report.html": await htmlReport(report, () => "data:image/png;base64,"),
          "checklist-report.md": await markdownReport(report),
        };
        for (const [file, text] of Object.entries(files)) {
          for (const [what, value] of Object.entries(t)) {
            const spellings = [
              value,
              encodeURIComponent(value),
              JSON.stringify(value).slice(1, -1),
              base64url(value),
              Buffer.from(value).toString("base64"),
            ];
            const survived = spellings.filter((spelling) => text.includes(spelling));
            expect(survived, `${what} in ${file}`).toEqual([]);
          }
          expect(text).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("leaves a public value of the settings readable in words, where a form of the site sent it along", () => {
    const redactor = createRedactor();
    redactor.leaveOpen("demonstration");
    redactor.leaveOpen("the-client-secret-Q7");
    redactor.conceal("the-client-secret-Q7");
    redactor.learn(
      exchange({
        url: "https://club.example/auth/terms",
        method: "POST",
        requestHeaders: { "content-type": "application/x-www-form-urlencoded" },
        requestBody: "version=demonstration&other=of-this-login-Q7",
      }),
    );
    expect(redactor.sweep("(demonstration: TERMS_URL is not set)")).toBe(
      "(demonstration: TERMS_URL is not set)",
    );
    expect(redactor.sweep("of-this-login-Q7, the-client-secret-Q7")).toBe("▇▇▇, ▇▇▇");
  });

  it("still shows what a reviewer needs: constants, standard headers, names of claims, public keys", () => {
    const redactor = createRedactor();
    const [token] = trafficWith({
      code: "the-code-Q7",
      state: "the-state-Q7",
      nonce: "the-nonce-Q7",
      verifier: "the-verifier-Q7",
      accessToken: "the-access-token-Q7",
      clientSecret: "the-client-secret-Q7",
      cookie: "the-cookie-Q7",
      subject: "0b4d3a36-8c9f-4c3a-9d57-0f2b8d9a4f11",
      phone: "4799999901",
      email: "kari.nordmann@example.com",
      name: "Kari Nordmann",
      unheardOf: "of-tomorrow-Q7",
    });
    if (token === undefined) throw new Error("there is no token exchange");
    const { request, response } = redactor.show(token);
    expect(request).toMatch(
      /^POST https:\/\/apitest\.vipps\.no\/access-management-1\.0\/access\/oauth2\/token\n/,
    );
    expect(request).toContain("authorization: Basic (");
    expect(request).toContain("grant_type=authorization_code");
    expect(request).toContain("code=(11 characters)");
    expect(response).toMatch(/^200\n/);
    expect(JSON.parse(response.slice(response.indexOf("{")))).toMatchObject({
      token_type: "bearer",
      access_token: "(19 characters)",
      id_token: {
        header: { alg: "RS256", kid: "public:1" },
        payload: { name: "(13 characters)", email: "(25 characters)" },
      },
    });
    const keys = redactor.show(
      exchange({
        url: "https://apitest.vipps.no/access-management-1.0/access/.well-known/jwks.json",
        responseBody: JSON.stringify({ keys: [{ kty: "RSA", kid: "public:1", n: "0123456789", e: "AQAB" }] }),
      }),
    );
    expect(keys.request).toContain("vipps-system-plugin-name: vipps-login-worker");
    expect(JSON.parse(keys.response.slice(keys.response.indexOf("{")))).toEqual({
      keys: [{ kty: "RSA", kid: "public:1", e: "AQAB", n: "(10 characters)" }],
    });
  });

  it("shows nothing private of a key, should a provider publish it", () => {
    const { response } = createRedactor().show(
      exchange({
        url: "https://apitest.vipps.no/access-management-1.0/access/.well-known/jwks.json",
        responseBody: JSON.stringify({
          keys: [{ kty: "RSA", kid: "k", n: "n", e: "e", d: "private-exponent" }],
        }),
      }),
    );
    expect(response).not.toContain("private-exponent");
  });
});
