import { readFileSync } from "node:fs";
import { decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { logInAsPerson, type PersonChoices } from "../../simulator/person.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import {
  authorizeUrl,
  CLUB,
  codeFor,
  createClock,
  json,
  logIn,
  ORIGIN,
  requestToken,
  requestUserinfo,
  simulatorWith,
  VERIFIER,
} from "./simulator-relying-party.ts";

/** The rows of the table in docs/simulator.md: what is asked, and the answer it names. */
const [, table = ""] =
  /## Facts, and where they are from\n(.*?)\n## /s.exec(readFileSync("docs/simulator.md", "utf8")) ?? [];
const rows = [...table.matchAll(/^\| (.+?) \| `([^`]+)` \| (.+?) \|$/gm)].map(
  ([, what = "", answer = "", source = ""]) => ({
    what: what.replaceAll("`", ""),
    answer,
    source,
  }),
);

const simulator = simulatorWith();

/** A value of JSON as the table writes it. */
const written = (value: unknown): string =>
  (Array.isArray(value) ? value.join(" ") : String(value)).replace(ORIGIN, "HOST");

async function discovery(): Promise<Response> {
  return simulator.fetch(new Request(`${simulator.issuer}.well-known/openid-configuration`));
}

/** What comes back from an authorize request: an error's code, or `code`. */
async function returned(changes: Record<string, string>, choices?: PersonChoices): Promise<string> {
  const back = await logInAsPerson(simulator.fetch, authorizeUrl(changes), choices);
  return back.searchParams.get("error") ?? (back.searchParams.has("code") ? "code" : "neither");
}

type Changes = Parameters<typeof requestToken>[2];

/** Status of a token request, with the code of its error. */
async function exchanged(changes: Changes, times = 1, from: Simulator = simulator): Promise<string> {
  const code = await codeFor(from);
  let answer = "";
  for (let time = 0; time < times; time += 1) {
    const response = await requestToken(from, code, changes);
    const { error } = await json(response);
    answer = [response.status, error].filter(Boolean).join(" ");
  }
  return answer;
}

const OWN_TOKEN: Changes = {
  form: { grant_type: "client_credentials", code: undefined, redirect_uri: undefined },
};

async function ownToken(): Promise<Record<string, unknown>> {
  return json(requestToken(simulator, "", OWN_TOKEN));
}

const members = (object: Record<string, unknown>): string => Object.keys(object).sort().join(" ");

async function userinfo(method: string, suffix: string): Promise<string> {
  const { tokens } = await logIn(simulator);
  const headers = { Authorization: `Bearer ${tokens.access_token}` };
  const url = `${ORIGIN}/vipps-userinfo-api/userinfo${suffix}`;
  const response = await simulator.fetch(new Request(url, { method, headers }));
  const { name } = await json(response);
  return name === "Kari Nordmann" ? String(response.status) : `${response.status} without a name`;
}

/** How each answer is got; those of discovery by the name of the member. */
const ASK: Readonly<Record<string, () => Promise<string>>> = {
  "discovery: Cache-Control": async () => (await discovery()).headers.get("Cache-Control") ?? "",
  "authorize: a state of 7 characters": () => returned({ state: "1234567" }),
  "authorize: openid name customFlow, not listed": () => returned({ scope: "openid name customFlow" }),
  "authorize: openid name api_version_2": () => returned({ scope: "openid name api_version_2" }),
  "authorize: openid profile": () => returned({ scope: "openid profile" }),
  "authorize: openid nin outside the plan": () => returned({ scope: "openid nin" }),
  "authorize: no code_challenge_method": async () => {
    // The verifier itself is the challenge.
    const code = await codeFor(simulator, { code_challenge: VERIFIER });
    const { status } = await requestToken(simulator, code, { form: { code_verifier: VERIFIER } });
    return status === 200 ? "plain" : String(status);
  },
  "authorize: the person cancels": () => returned({}, { cancelAt: "landing" }),
  "authorize: the person picks a wrong number": () => returned({}, { wrongNumber: true }),
  "authorize: scope of the answer": async () =>
    (await logInAsPerson(simulator.fetch, authorizeUrl())).searchParams.get("scope") ?? "",
  "token: members": async () => members({ ...(await logIn(simulator)).tokens }),
  "token: token_type": async () => (await logIn(simulator)).tokens.token_type,
  "token: expires_in": async () => String((await logIn(simulator)).tokens.expires_in),
  "token: Basic, both halves form-encoded": () => exchanged({}),
  "token: Basic, raw, a + in the secret": () => {
    expect(CLUB.clientSecret).toContain("+");
    const raw = `Basic ${btoa(`${CLUB.clientId}:${CLUB.clientSecret}`)}`;
    return exchanged({ headers: { Authorization: raw } });
  },
  "token: a wrong secret": () =>
    exchanged({ headers: { Authorization: `Basic ${btoa(`${CLUB.clientId}:wrong`)}` } }),
  "token: the secret in the form, set up for Basic": () =>
    exchanged({
      headers: { Authorization: undefined },
      form: { client_id: CLUB.clientId, client_secret: CLUB.clientSecret },
    }),
  "token: a code used twice": () => exchanged({}, 2),
  "token: another redirect_uri": () =>
    exchanged({ form: { redirect_uri: "https://club.example/auth/callback/" } }),
  "token: another grant": () => exchanged({ form: { grant_type: "password" } }),
  "token: client_credentials": async () => members(await ownToken()),
  "ID token: alg": async () => decodeProtectedHeader((await logIn(simulator)).tokens.id_token).alg ?? "",
  "ID token: kid begins with": async () => {
    const { kid = "" } = decodeProtectedHeader((await logIn(simulator)).tokens.id_token);
    return /^[a-z]+:(?=[0-9a-f]{8}-)/.exec(kid)?.[0] ?? kid;
  },
  "ID token: lifetime in seconds": async () => {
    const { claims } = await logIn(simulator);
    return String((claims.exp ?? 0) - (claims.iat ?? 0));
  },
  "ID token: aud": async () => {
    const { claims } = await logIn(simulator);
    return JSON.stringify(claims.aud).replace(`"${CLUB.clientId}"`, "client_id");
  },
  "userinfo: GET": () => userinfo("GET", ""),
  "userinfo: POST": () => userinfo("POST", ""),
  "userinfo: GET with a slash at the end": () => userinfo("GET", "/"),
  "userinfo: POST with a slash at the end": () => userinfo("POST", "/"),
  "userinfo: with Ocp-Apim-Subscription-Key": async () => {
    const { tokens } = await logIn(simulator);
    const { status } = await requestUserinfo(simulator, tokens.access_token, {
      "Ocp-Apim-Subscription-Key": "k",
    });
    return String(status);
  },
  "userinfo: after 10 minutes": async () => {
    const clock = createClock();
    const timed = simulatorWith({ now: clock.now });
    const { tokens } = await logIn(timed);
    clock.advance(10 * 60_000 - 1);
    expect((await requestUserinfo(timed, tokens.access_token)).status).toBe(200);
    clock.advance(1);
    return String((await requestUserinfo(timed, tokens.access_token)).status);
  },
  "userinfo: with a token of client_credentials": async () =>
    String((await requestUserinfo(simulator, String((await ownToken()).access_token))).status),
  "userinfo: no address": async () => {
    const { tokens } = await logIn(simulator, { scope: "openid address" }, { user: "sofie" });
    const { address } = await json(requestUserinfo(simulator, tokens.access_token));
    const values = Object.values(address as Record<string, unknown>);
    return values.length > 0 && values.every((value) => value === "")
      ? "object of empty texts"
      : String(address);
  },
  "userinfo: consents of customFlow": async () => {
    const fresh = simulatorWith();
    const { tokens } = await logIn(fresh, { scope: "openid customFlow" });
    return members(await json(requestUserinfo(fresh, tokens.access_token)))
      .split(" ")
      .filter((name) => !["sub", "sid"].includes(name))
      .join(" ");
  },
  "backchannel: any request": async () => {
    const url = `${ORIGIN}/vipps-login-ciba/api/backchannel/authentication`;
    const response = await simulator.fetch(new Request(url, { method: "POST" }));
    return `${response.status} ${(await json(response)).error}`;
  },
};

test.each(rows)("$what: $answer", async ({ what, answer, source }) => {
  const member = /^discovery: ([a-z_]+)$/.exec(what)?.[1];
  const actual = member === undefined ? await ASK[what]?.() : written((await json(discovery()))[member]);
  expect(actual).toBe(answer);
  expect(source).toMatch(/^(?:\[.+\]\(https:\/\/|RFC |OpenID |CIBA |our choice)/);
});

test("the table leaves nothing out: every member of discovery and every question has its row", async () => {
  const asked = new Set(rows.map(({ what }) => what));
  const listed = Object.keys(await json(discovery())).map((member) => `discovery: ${member}`);
  expect([...listed, ...Object.keys(ASK)].filter((what) => !asked.has(what))).toEqual([]);
  expect(asked.size).toBe(rows.length);
});
