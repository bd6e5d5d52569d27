import { decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { PROPER_BEHAVIOUR } from "../../simulator/behaviour.ts";
import { createSigningKeys } from "../../simulator/keys.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import {
  authorizeUrl,
  CLUB,
  json,
  logIn,
  ORIGIN,
  requestUserinfo,
  simulatorWith,
} from "./simulator-relying-party.ts";

const page = (simulator: Simulator) => simulator.fetch(new Request(`${ORIGIN}/simulator/control`));

/** What a browser would send if the form on the control page were submitted as it stands. */
async function formOf(simulator: Simulator): Promise<URLSearchParams> {
  const text = await (await page(simulator)).text();
  const form =
    /<form method="post" action="\/simulator\/control">\s*<fieldset>.*?<\/form>/s.exec(text)?.[0] ?? "";
  const fields = new URLSearchParams();
  for (const [tag] of form.matchAll(/<input[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
    if (attribute("type") === "checkbox" && !tag.includes(" checked")) continue;
    fields.append(attribute("name"), attribute("value"));
  }
  for (const [, name = "", options = ""] of form.matchAll(/<select[^>]*name="([^"]*)">(.*?)<\/select>/gs)) {
    fields.append(name, /value="([^"]*)" selected/.exec(options)?.[1] ?? "");
  }
  return fields;
}

const submit = (simulator: Simulator, form: URLSearchParams | Record<string, string>, origin = ORIGIN) =>
  simulator.fetch(
    new Request(`${ORIGIN}/simulator/control`, {
      method: "POST",
      headers: { Origin: origin },
      body: new URLSearchParams(form),
    }),
  );

const postJson = (simulator: Simulator, path: string, body: unknown) =>
  simulator.fetch(
    new Request(`${ORIGIN}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );

describe("the control page", () => {
  it("submitted untouched changes nothing, so the form holds every member", async () => {
    const simulator = simulatorWith();
    const changed = {
      seed: 42,
      partnerTokenLifetime: 60,
      advertiseIss: true,
      idTokenFault: "extraAud",
      returnError: 'no"such<code>',
      userFaults: { kari: ["noEmail", "emptyAddress"], everyone: ["unverifiedEmail"] },
      endpoints: {
        token: {
          answer: "error",
          times: 3,
          delay: 7,
          failureRate: 0.25,
          failures: ["hang"],
          errorStatus: 400,
        },
      },
    } as const;
    const behaviour = simulator.control.setBehaviour(structuredClone(changed) as never);
    const form = await formOf(simulator);
    expect(form.get("returnError")).toBe("no&quot;such&lt;code&gt;");
    form.set("returnError", changed.returnError);
    simulator.control.resetBehaviour();
    form.set("action", "behaviour");
    expect((await submit(simulator, form)).status).toBe(303);
    expect(simulator.control.behaviour).toEqual(behaviour);
  });

  it("saves a change and says so", async () => {
    const simulator = simulatorWith();
    const form = await formOf(simulator);
    form.set("action", "behaviour");
    form.set("endpoints.jwks.answer", "huge");
    form.set("junkKeys", "yes");
    const response = await submit(simulator, form);
    expect(response.headers.get("Location")).toBe("/simulator/control?done=behaviour");
    expect(simulator.control.behaviour).toMatchObject({
      junkKeys: true,
      endpoints: { jwks: { answer: "huge" } },
    });
    const after = await simulator.fetch(new Request(`${ORIGIN}/simulator/control?done=behaviour`));
    expect(await after.text()).toContain("Saved.");
    const reset = await submit(simulator, { action: "reset" });
    expect(reset.status).toBe(303);
    expect(simulator.control.behaviour).toEqual(PROPER_BEHAVIOUR);
  });

  it("refuses nonsense with a message, and an action that does not exist", async () => {
    const simulator = simulatorWith();
    const form = await formOf(simulator);
    form.set("action", "behaviour");
    form.set("endpoints.jwks.delay", "soon");
    const response = await submit(simulator, form);
    expect(response.status).toBe(422);
    expect(await response.text()).toContain("endpoints.jwks.delay");
    for (const action of ["", "constructor", "explode"]) {
      expect((await submit(simulator, { action })).status).toBe(422);
    }
    expect(simulator.control.behaviour).toEqual(PROPER_BEHAVIOUR);
  });

  it("takes no form from another site", async () => {
    const simulator = simulatorWith();
    simulator.control.setBehaviour({ junkKeys: true });
    expect((await submit(simulator, { action: "reset" }, "https://attacker.example")).status).toBe(403);
    expect(simulator.control.behaviour.junkKeys).toBe(true);
  });

  it("rotates keys, forgets consents, browsers and requests", async () => {
    const simulator = simulatorWith({ keys: createSigningKeys() });
    const jar = new Map<string, string>();
    const kid = async () => decodeProtectedHeader((await logIn(simulator, {}, { jar })).tokens.id_token).kid;
    const before = await kid();
    await submit(simulator, { action: "rotateKeys" });
    expect(await kid()).not.toBe(before);
    await submit(simulator, { action: "forgetConsents" });
    const back = await logInAsPerson(simulator.fetch, authorizeUrl(), { cancelAt: "consent" });
    expect(back.searchParams.get("error")).toBe("access_denied");
    await submit(simulator, { action: "clearJournal" });
    expect(simulator.control.journal.count()).toBe(0);
  });

  it("lists requests without their secrets", async () => {
    const simulator = simulatorWith();
    const { tokens } = await logIn(simulator);
    await requestUserinfo(simulator, tokens.access_token, { "Vipps-System-Name": "club" });
    const text = await (await page(simulator)).text();
    expect(text).toContain("vipps-system-name: club");
    expect(text).toMatch(/authorization: \(\d+ characters\)/);
    const { entries } = simulator.control.journal;
    const secrets = [
      tokens.access_token,
      CLUB.clientSecret,
      ...entries.flatMap(({ form }) => form.code ?? []),
    ];
    expect(secrets).toHaveLength(3);
    const state = await (await simulator.fetch(new Request(`${ORIGIN}/simulator/state`))).text();
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(state).not.toContain(secret);
    }
    expect(entries.at(-1)?.headers).toMatchObject({ authorization: `Bearer ${tokens.access_token}` });
  });
});

describe("the same in JSON", () => {
  it("shows the state", async () => {
    const simulator = simulatorWith();
    await logIn(simulator, {}, { remember: true });
    expect(await json(simulator.fetch(new Request(`${ORIGIN}/simulator/state`)))).toMatchObject({
      issuer: simulator.issuer,
      behaviour: PROPER_BEHAVIOUR,
      rememberedBrowsers: 1,
      consents: { "club-client kari": { scopes: ["openid", "name", "phoneNumber", "email"] } },
      requests: { authorize: 1, token: 1, userinfo: 0 },
    });
  });

  it("changes the behaviour", async () => {
    const simulator = simulatorWith();
    const response = await postJson(simulator, "/simulator/behaviour", { idTokenFault: "noExp" });
    expect(await json(response)).toEqual({ ...PROPER_BEHAVIOUR, idTokenFault: "noExp" });
    expect(simulator.control.behaviour.idTokenFault).toBe("noExp");
  });

  it.each([
    ["nonsense", { idTokenFault: "all" }, 400],
    ["no JSON", "{", 400],
    ["no object", "[]", 400],
    ["nothing", "null", 400],
  ])("refuses %s", async (_, body, status) => {
    const response = await postJson(simulatorWith(), "/simulator/behaviour", body);
    expect(response.status).toBe(status);
    expect(await json(response)).toEqual({ error: expect.stringMatching(/./) });
  });

  it("takes no other type, which a page elsewhere could send", async () => {
    const request = new Request(`${ORIGIN}/simulator/behaviour`, { method: "POST", body: "{}" });
    expect((await simulatorWith().fetch(request)).status).toBe(415);
  });

  it("performs actions", async () => {
    const simulator = simulatorWith({ keys: createSigningKeys() });
    await logIn(simulator);
    const before = await json(simulator.fetch(new Request(`${simulator.issuer}.well-known/jwks.json`)));
    const response = await postJson(simulator, "/simulator/actions", { action: "replaceKeys" });
    expect(response.status).toBe(200);
    const after = await json(simulator.fetch(new Request(`${simulator.issuer}.well-known/jwks.json`)));
    expect(after).not.toEqual(before);
    expect((await postJson(simulator, "/simulator/actions", { action: "toString" })).status).toBe(400);
    expect((await postJson(simulator, "/simulator/actions", null)).status).toBe(400);
  });
});
